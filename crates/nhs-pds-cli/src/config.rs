//! Options from the environment and from a configuration file.
//!
//! A value from there becomes an argument of its command, so that clap checks it like any other. The
//! order of precedence is: command line, environment, file. An option that excludes another one of
//! higher precedence is left out: with `once = true` in the file, `worker --interval 5m` runs every five
//! minutes.

use crate::console::{self, Failed, about};
use clap::{Arg, ArgAction, Command};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use toml::{Table, Value};

/// The options that the environment and the file may set. All others say what to do with one person or
/// one item: they must be on the command line.
const SETTINGS: [&str; 108] = [
    "ablation",
    "algorithmic-trace",
    "allowance",
    "anchors",
    "answer",
    "as",
    "attempts",
    "batch",
    "batch-folder",
    "behind-proxy",
    "burst",
    "caseload",
    "cases",
    "certificate",
    "certificate-key",
    "client-certificate",
    "client-id",
    "client-key",
    "csv",
    "db",
    "delay",
    "disputes",
    "empty-address-lines",
    "export",
    "faults",
    "fhir",
    "fhir-base",
    "files",
    "folder",
    "form",
    "full",
    "full-records",
    "history",
    "idle",
    "import",
    "in-flight",
    "internet",
    "interval",
    "jitter",
    "json",
    "jwks",
    "keep-files",
    "key",
    "key-id",
    "late",
    "lease",
    "listen",
    "listen-anywhere",
    "log",
    "lost-after",
    "mailbox",
    "max-bytes",
    "max-rows",
    "memory",
    "mesh",
    "mesh-client-certificate",
    "mesh-client-key",
    "mesh-password",
    "mesh-received",
    "mesh-roots",
    "mesh-settling",
    "mesh-shared-key",
    "methods",
    "minutes",
    "mix",
    "mode",
    "mutual-tls",
    "name",
    "no-advanced-trace",
    "no-superseding-payload",
    "ods-code",
    "once",
    "only",
    "out",
    "owner",
    "pages",
    "passes",
    "password-days",
    "patience",
    "people",
    "per-second",
    "quiet",
    "recipient",
    "refused",
    "register",
    "results",
    "reverify",
    "risk-limit",
    "role",
    "roots",
    "scope",
    "seed",
    "service",
    "services",
    "sqlite",
    "strict-soap-action",
    "surnames",
    "tenant",
    "theme",
    "then",
    "title",
    "token-url",
    "unanswerable",
    "wildcards-assessed",
    "with-mesh",
    "with-worker",
    "workflow",
    "writes",
];

/// The same for commands about tenants and their database. What is set for a worker on this machine must not become a
/// setting of a tenant.
const SETTINGS_OF_OPERATORS: [&str; 3] = ["as", "db", "json"];

/// The same for commands about users. The name and the role of a reviewer are not those of a user of the screens.
const SETTINGS_OF_USERS: [&str; 6] = ["anchors", "as", "db", "json", "ods-code", "tenant"];

/// Arguments with the options that were added to them.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) arguments: Vec<OsString>,
    /// Each option that was added, such as `--db`, and where it comes from.
    sources: Vec<(String, String)>,
}

impl Configured {
    /// Where the value of an option comes from, unless it was on the command line. `argument` is as clap
    /// names it: `--db <FILE>`.
    pub(crate) fn source(&self, argument: &str) -> Option<&str> {
        let option = argument.split_whitespace().next()?;
        self.sources.iter().find(|(name, _)| name == option).map(|(_, source)| source.as_str())
    }
}

/// The arguments for an option and where they come from, if the option is set there.
type Found = Option<(Vec<OsString>, String)>;
type Place<'a> = &'a dyn Fn(&Arg) -> Result<Found, Failed>;

/// A command on the command line: its names from the first on, and where its arguments begin.
struct Level<'a> {
    names: Vec<&'a str>,
    command: &'a Command,
    begin: usize,
}

/// Adds the options of the environment and of the configuration file to the arguments `given`, the first
/// of which is the program.
///
/// # Errors
///
/// When the file cannot be read or names an unknown command or option, or when a value has another type
/// than its option.
pub(crate) fn apply(
    root: &Command,
    given: Vec<OsString>,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Configured, Failed> {
    let mut root = root.clone();
    root.build();
    let levels = levels(&root, &given);
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    let path = value_of("config", &given).or_else(|| env("NHS_PDS_CONFIG"));
    let file = path.as_deref().map(Path::new).map(|path| read(path, &root)).transpose()?;

    let mut arguments = given;
    let mut sources = Vec::new();
    // From the innermost command outwards, so that places before it stay as they are.
    for level in levels.iter().skip(1).rev() {
        let mut present: Vec<&Arg> = options(level.command)
            .filter(|option| is_given(option, arguments.get(level.begin..).unwrap_or_default()))
            .collect();
        let mut added = Vec::new();
        let from_env = |option: &Arg| {
            let name = variable(option);
            let Some(value) = env(&name) else { return Ok(None) };
            let values = from_text(option, &name, value)?;
            Ok::<_, Failed>(Some((values, format!("the environment variable {name}"))))
        };
        let from_file = |option: &Arg| {
            let Some(file) = &file else { return Ok(None) };
            let Some(value) = file.value(&level.names, option) else { return Ok(None) };
            let values =
                from_toml(option, value).map_err(|why| file.fault(&level.names, option, &why))?;
            Ok(Some((values, format!("the configuration file {}", file.name))))
        };
        let places: [Place<'_>; 2] = [&from_env, &from_file];
        for place in places {
            let mut found = Vec::new();
            for option in options(level.command).filter(|option| is_setting(level, option)) {
                let excluded = present
                    .iter()
                    .any(|other| other == &option || excludes(level.command, option, other));
                if excluded {
                    continue;
                }
                if let Some((values, source)) = place(option)? {
                    added.extend(values);
                    sources.push((format!("--{}", long(option)), source));
                    found.push(option);
                }
            }
            present.extend(found);
        }
        arguments.splice(level.begin..level.begin, added);
    }
    Ok(Configured { arguments, sources })
}

/// The commands that are named in `given`, outermost first.
fn levels<'a>(root: &'a Command, given: &[OsString]) -> Vec<Level<'a>> {
    let mut levels = vec![Level { names: Vec::new(), command: root, begin: 1 }];
    let mut place = 1;
    while let Some(level) = levels.last() {
        let Some(place_of_name) = positional(level.command, given, place) else { break };
        let name = given.get(place_of_name).map(OsString::as_os_str).unwrap_or_default();
        let Some(command) = level.command.find_subcommand(name) else { break };
        let mut names = level.names.clone();
        names.push(command.get_name());
        place = place_of_name + 1;
        levels.push(Level { names, command, begin: place });
    }
    levels
}

/// The place of the first argument from `place` on that is no option of `command` and no value of one.
fn positional(command: &Command, given: &[OsString], mut place: usize) -> Option<usize> {
    loop {
        let text = given.get(place)?.to_string_lossy();
        let Some(option) = text.strip_prefix("--").filter(|option| !option.is_empty()) else {
            return (!text.starts_with('-')).then_some(place);
        };
        place += 1;
        if let Some(option) = options(command).find(|known| has_name(known, option)) {
            place += option.get_num_args().map_or(0, |range| range.min_values());
        }
    }
}

fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| argument.get_long().is_some())
}

fn long(option: &Arg) -> &str {
    option.get_long().unwrap_or_default()
}

fn has_name(option: &Arg, name: &str) -> bool {
    long(option) == name || option.get_all_aliases().is_some_and(|all| all.contains(&name))
}

/// Whether the option may be set outside the command line; one of an outer command is set there.
fn is_setting(level: &Level<'_>, option: &Arg) -> bool {
    let outer = option.is_global_set() && level.names.len() > 1;
    !outer && may_be_set(&level.names, option)
}

/// Whether the option is one of [`SETTINGS`]. The file `--history` is; the flag `--history` of `fhir search` is a
/// part of one question.
fn may_be_set(names: &[&str], option: &Arg) -> bool {
    let is_of_operators = matches!(names.first(), Some(&"database" | &"tenant"));
    if is_of_operators && !SETTINGS_OF_OPERATORS.contains(&long(option)) {
        return false;
    }
    if names.first() == Some(&"user") && !SETTINGS_OF_USERS.contains(&long(option)) {
        return false;
    }
    SETTINGS.contains(&long(option)) && !(long(option) == "history" && is_flag(option))
}

fn is_given(option: &Arg, arguments: &[OsString]) -> bool {
    let before = arguments.iter().map(|text| text.to_string_lossy());
    before.take_while(|text| text != "--").any(|text| {
        let name = text.strip_prefix("--").map(|text| text.split('=').next().unwrap_or_default());
        name.is_some_and(|name| has_name(option, name))
    })
}

/// The value of an option of the program itself, before or after the command.
fn value_of(name: &str, given: &[OsString]) -> Option<OsString> {
    let mut arguments = given.iter().skip(1).take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let Some(option) = text.strip_prefix("--") else { continue };
        match option.split_once('=') {
            Some((option, value)) if option == name => return Some(value.into()),
            None if option == name => return arguments.next().cloned(),
            _ => {}
        }
    }
    None
}

fn excludes(command: &Command, one: &Arg, other: &Arg) -> bool {
    let of = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    of(one, other) || of(other, one)
}

/// `NHS_PDS_PER_SECOND` for `--per-second`.
fn variable(option: &Arg) -> String {
    format!("NHS_PDS_{}", long(option).replace('-', "_").to_uppercase())
}

fn is_flag(option: &Arg) -> bool {
    !option.get_action().takes_values()
}

/// Whether the option takes several values.
fn is_list(option: &Arg) -> bool {
    let several = option.get_num_args().is_some_and(|range| range.max_values() > 1);
    several || matches!(option.get_action(), ArgAction::Append)
}

/// The arguments for a value from the environment. Several values have commas between them.
fn from_text(option: &Arg, name: &str, value: OsString) -> Result<Vec<OsString>, Failed> {
    if is_flag(option) {
        return match value.to_str() {
            Some("true") => Ok(flag(option, true)),
            Some("false") => Ok(flag(option, false)),
            _ => Err(format!("{name}: write true or false").into()),
        };
    }
    if !is_list(option) {
        return Ok(with(option, &[value]));
    }
    let text = value.to_str().ok_or_else(|| format!("{name}: the value is not UTF-8"))?;
    let values: Vec<OsString> = text.split(',').map(|value| value.trim().into()).collect();
    Ok(with(option, &values))
}

fn from_toml(option: &Arg, value: &Value) -> Result<Vec<OsString>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(OsString::from(text)),
        Value::Integer(number) => Ok(number.to_string().into()),
        _ => Err("write a text in quotation marks, or a whole number".to_owned()),
    };
    match value {
        Value::Boolean(on) if is_flag(option) => Ok(flag(option, *on)),
        _ if is_flag(option) => Err("write true or false".to_owned()),
        Value::Array(values) if is_list(option) => {
            let values: Vec<OsString> = values.iter().map(one).collect::<Result<_, _>>()?;
            Ok(with(option, &values))
        }
        value => Ok(with(option, &[one(value)?])),
    }
}

fn flag(option: &Arg, on: bool) -> Vec<OsString> {
    if on { vec![format!("--{}", long(option)).into()] } else { Vec::new() }
}

fn with(option: &Arg, values: &[OsString]) -> Vec<OsString> {
    let name = OsString::from(format!("--{}", long(option)));
    if option.get_num_args().is_some_and(|range| range.max_values() > 1) {
        return std::iter::once(name).chain(values.iter().cloned()).collect();
    }
    let joined = values.iter().map(|value| {
        let mut argument = name.clone();
        argument.push("=");
        argument.push(value);
        argument
    });
    joined.collect()
}

/// A configuration file.
struct File {
    name: String,
    table: Table,
}

/// Reads the file, and refuses one with a command or an option that there is not.
fn read(path: &Path, root: &Command) -> Result<File, Failed> {
    let text = console::read_text(path)?;
    let text = str::from_utf8(&text).map_err(|error| about(path, &error))?;
    let table = text.parse::<Table>().map_err(|error| {
        let line = error.span().map_or(1, |span| {
            1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
        });
        // `Display` of the error quotes the line, which may have a secret in it.
        format!("{}: line {line} is not TOML: {}", path.display(), error.message())
    })?;
    let file = File { name: path.display().to_string(), table };
    file.check(root, &file.table, &[])?;
    Ok(file)
}

impl File {
    fn check(&self, command: &Command, table: &Table, names: &[&str]) -> Result<(), Failed> {
        for (key, value) in table {
            let place = self.place(names, key);
            if let Value::Table(inner) = value {
                let Some(command) = command.find_subcommand(OsStr::new(key)) else {
                    return Err(format!("{place}: there is no such command").into());
                };
                let mut names = names.to_vec();
                names.push(command.get_name());
                self.check(command, inner, &names)?;
                continue;
            }
            // An option without a table is an option of the program itself, which has none to set.
            let option = options(command).find(|option| long(option) == key);
            let Some(option) = option.filter(|option| !option.is_global_set() || names.len() == 1)
            else {
                return Err(format!("{place}: there is no such option here").into());
            };
            if names.is_empty() || !may_be_set(names, option) {
                return Err(format!("{place}: give this option on the command line").into());
            }
            from_toml(option, value).map_err(|why| format!("{place}: {why}"))?;
        }
        Ok(())
    }

    fn value(&self, names: &[&str], option: &Arg) -> Option<&Value> {
        let mut table = &self.table;
        for name in names {
            table = table.get(*name)?.as_table()?;
        }
        table.get(long(option))
    }

    fn fault(&self, names: &[&str], option: &Arg, why: &str) -> Failed {
        format!("{}: {why}", self.place(names, long(option))).into()
    }

    /// `nhs-pds.toml: [audit.verify] anchors`.
    fn place(&self, names: &[&str], key: &str) -> String {
        if names.is_empty() {
            return format!("{}: {key}", self.name);
        }
        format!("{}: [{}] {key}", self.name, names.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Write as _;

    /// The options that only the command line may set: they say what to do with one person, item or event.
    const ARGUMENTS_ONLY: [&str; 51] = [
        "address",
        "advisory",
        "after",
        "all",
        "assignee",
        "attended",
        "authorised-by",
        "authority",
        "birthdate",
        "case",
        "code",
        "config",
        "court-order",
        "date-of-birth",
        "date-of-death",
        "death-date",
        "despite-refusal",
        "email",
        "exact",
        "family",
        "file",
        "forename",
        "from",
        "full-name",
        "fuzzy",
        "gender",
        "given",
        "gp",
        "help",
        "is-one-person",
        "kind",
        "limit",
        "local-id",
        "max",
        "message-id",
        "nhs-number",
        "no-build",
        "password-stdin",
        "paused",
        "phone",
        "postcode",
        "reason",
        "state",
        "surname",
        "to",
        "unchecked",
        "user",
        "version",
        "weight",
        "without",
        "worker",
    ];

    fn all_options(command: &Command, found: &mut Vec<String>) {
        found.extend(options(command).map(|option| long(option).to_owned()));
        for command in command.get_subcommands() {
            all_options(command, found);
        }
    }

    #[test]
    fn every_option_is_a_setting_or_an_argument_only() {
        let mut root = crate::cli::command();
        root.build();
        let mut found = Vec::new();
        all_options(&root, &mut found);
        for option in &found {
            let option = option.as_str();
            let lists = [SETTINGS.contains(&option), ARGUMENTS_ONLY.contains(&option)];
            assert_eq!(lists.iter().filter(|is_there| **is_there).count(), 1, "--{option}");
        }
        for option in SETTINGS.iter().chain(&ARGUMENTS_ONLY) {
            assert!(found.iter().any(|there| there == option), "there is no --{option}");
        }
    }

    /// The arguments after the program, with these variables and this file.
    fn applied(given: &str, env: &[(&str, &str)], file: &str) -> Result<Vec<String>, String> {
        let mut made = tempfile::NamedTempFile::new().unwrap();
        made.write_all(file.as_bytes()).unwrap();
        let mut arguments = vec![OsString::from("nhs-pds")];
        if !file.is_empty() {
            arguments.push("--config".into());
            arguments.push(made.path().into());
        }
        let begin = arguments.len();
        arguments.extend(given.split_whitespace().map(OsString::from));
        let env: BTreeMap<&str, &str> = env.iter().copied().collect();
        let applied =
            apply(&crate::cli::command(), arguments, |name| env.get(name).map(OsString::from));
        let shown = |text: String| text.replace(made.path().to_str().unwrap(), "FILE");
        match applied {
            Ok(applied) => {
                let arguments = applied.arguments.into_iter().skip(begin);
                Ok(arguments.map(|argument| argument.into_string().unwrap()).collect())
            }
            Err(error) => Err(shown(error.to_string())),
        }
    }

    #[track_caller]
    fn expect(given: &str, env: &[(&str, &str)], file: &str, arguments: &str) {
        let expected: Vec<&str> = arguments.split_whitespace().collect();
        assert_eq!(applied(given, env, file).unwrap(), expected);
    }

    #[test]
    fn the_command_line_is_before_the_environment_and_this_before_the_file() {
        let file = "[worker]\ndb = 'file'\nattempts = 2\nlease = '1s'";
        let env = [("NHS_PDS_DB", "env"), ("NHS_PDS_ATTEMPTS", "3")];
        expect("worker --db arg", &env, file, "worker --attempts=3 --lease=1s --db arg");
        expect("worker --db=arg", &[], file, "worker --lease=1s --attempts=2 --db=arg");
        expect("worker", &[("NHS_PDS_DB", "")], file, "worker --db=file --lease=1s --attempts=2");
        expect("report", &env, file, "report --db=env");
    }

    #[test]
    fn an_option_that_excludes_one_of_higher_precedence_is_left_out() {
        let file = "[worker]\nonce = true";
        expect("worker --interval 5m", &[], file, "worker --interval 5m");
        expect("worker", &[("NHS_PDS_INTERVAL", "5m")], file, "worker --interval=5m");
        let env = [("NHS_PDS_ONCE", "true"), ("NHS_PDS_INTERVAL", "5m")];
        // clap refuses these two.
        expect("worker", &env, "", "worker --once --interval=5m");
        expect("report --caseload x", &[("NHS_PDS_DB", "y")], "", "report --caseload x");
    }

    #[test]
    fn options_go_to_the_command_that_has_them() {
        let file = "[audit]\ndb = 'd'\n[audit.query]\nanchors = 'q'\n[audit.verify]\njson = true";
        expect(
            "audit query --user audit",
            &[],
            file,
            "audit --db=d query --anchors=q --user audit",
        );
        expect("audit verify", &[], file, "audit --db=d verify --json");
        expect("audit --db verify verify", &[], file, "audit --db verify verify --json");
        let file = "[fhir]\nmode = 'hcw'";
        expect("fhir retrieve 1", &[], file, "fhir --mode=hcw retrieve 1");
        expect("fhir retrieve 1 --mode app", &[], file, "fhir retrieve 1 --mode app");
        expect("trace --smsp u", &[("NHS_PDS_SERVICE", "v")], "", "trace --smsp u");
        expect("check", &[("NHS_PDS_DB", "d")], "", "check");
    }

    #[test]
    fn lists_and_flags() {
        let file = "[worker]\nquiet = ['22:00', '06:00']\nonce = false";
        expect("worker", &[], file, "worker --quiet 22:00 06:00");
        expect("worker", &[("NHS_PDS_QUIET", "1:00, 2:00")], file, "worker --quiet 1:00 2:00");
        let file = "[simulator]\nanswer = ['1=A', '2=B']\nseed = 7";
        expect("simulator", &[], file, "simulator --seed=7 --answer=1=A --answer=2=B");
        let refused = applied("worker", &[("NHS_PDS_ONCE", "yes")], "").unwrap_err();
        assert_eq!(refused, "NHS_PDS_ONCE: write true or false");
    }

    #[test]
    fn a_person_is_never_configured() {
        let env =
            [("NHS_PDS_SURNAME", "Owen"), ("NHS_PDS_COURT_ORDER", "1"), ("NHS_PDS_CASE", "C")];
        let given = "review --db d resolve C1 1 correct";
        expect(given, &env, "", given);
        for option in ["family", "history"] {
            let file = format!("[fhir.search]\n{option} = 'Owen'");
            let refused = applied("check", &[], &file).unwrap_err();
            let why = "give this option on the command line";
            assert_eq!(refused, format!("FILE: [fhir.search] {option}: {why}"));
        }
    }

    #[test]
    fn a_setting_of_a_worker_does_not_become_one_of_a_tenant() {
        let env = [("NHS_PDS_DB", "d"), ("NHS_PDS_SERVICE", "smsp"), ("NHS_PDS_ROLE", "reviewer")];
        expect("tenant change leeds", &env, "", "tenant change --db=d leeds");
        expect("database prepare", &env, "", "database prepare --db=d");
        let file = "[tenant.add]\nservice = 'smsp'";
        let why = "FILE: [tenant.add] service: give this option on the command line";
        assert_eq!(applied("check", &[], file).unwrap_err(), why);
    }

    #[test]
    fn a_wrong_file_is_refused() {
        for (file, said) in [
            ("[wroker]\n", "FILE: wroker: there is no such command"),
            ("[worker]\nitnerval = '5m'", "FILE: [worker] itnerval: there is no such option here"),
            ("db = 'x'", "FILE: db: there is no such option here"),
            ("config = 'x'", "FILE: config: there is no such option here"),
            (
                "[fhir.search]\nmode = 'hcw'",
                "FILE: [fhir.search] mode: there is no such option here",
            ),
            ("[worker]\nonce = 1", "FILE: [worker] once: write true or false"),
            (
                "[worker]\ndb = true",
                "FILE: [worker] db: write a text in quotation marks, or a whole number",
            ),
            (
                "[worker]\ndb = ['a', 'b']",
                "FILE: [worker] db: write a text in quotation marks, or a whole number",
            ),
        ] {
            assert_eq!(applied("check", &[], file).unwrap_err(), said);
        }
        let refused = applied("check", &[], "[fhir]\nkey = secret text").unwrap_err();
        assert!(refused.starts_with("FILE: line 2 is not TOML: "), "{refused}");
        assert!(!refused.contains("secret text"), "{refused}");
    }
}
