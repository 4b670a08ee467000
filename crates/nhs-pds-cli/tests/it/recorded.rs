//! Compares the output that other programs read with recorded output.
//!
//! Each file of `tests/data/recorded` was recorded from the programs that became commands. Times, message
//! identifiers, ports and hashes are replaced before the comparison. `UPDATE_RECORDED=1` records again: do
//! so only when a change of the output is meant.

use crate::command::{root, run};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Text that differs from run to run: `d` is a digit, `h` a hexadecimal digit, all others themselves.
const VOLATILE: [(&str, &str); 5] = [
    ("hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh", "UUID"),
    ("dddd-dd-ddTdd:dd:dd", "TIME"),
    ("dddd-dd-dd dd:dd", "TIME"),
    ("127.0.0.1:ddddd", "ADDRESS"),
    ("127.0.0.1:dddd", "ADDRESS"),
];

fn is_meant(pattern: char, letter: char) -> bool {
    match pattern {
        'd' => letter.is_ascii_digit(),
        'h' => letter.is_ascii_hexdigit(),
        pattern => pattern == letter,
    }
}

/// The rest of `text` after `pattern`, if it begins with it.
fn after<'a>(text: &'a str, pattern: &str) -> Option<&'a str> {
    let mut letters = text.chars();
    pattern
        .chars()
        .all(|meant| letters.next().is_some_and(|c| is_meant(meant, c)))
        .then_some(letters.as_str())
}

fn without_fraction(text: &str) -> &str {
    let text = match text.strip_prefix('.') {
        Some(digits) => digits.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => text,
    };
    text.strip_prefix('Z').or_else(|| text.strip_prefix("+00:00")).unwrap_or(text)
}

/// The line without the number of an event: several cases are traced at once, so their events have no order
/// among them.
fn unnumbered(line: &str) -> String {
    match line.split_once('\t') {
        Some((number, rest)) if rest.starts_with("TIME\t") && number.parse::<u64>().is_ok() => {
            format!("EVENT\t{rest}")
        }
        _ => line.to_owned(),
    }
}

/// `text` with names in place of the values that differ from run to run.
fn settled(text: &str, folder: &Path) -> String {
    let text = text.replace(folder.to_str().unwrap(), "@").replace(root().to_str().unwrap(), "#");
    let mut settled = String::new();
    let mut rest = text.as_str();
    let hash = "h".repeat(64);
    'text: while let Some(letter) = rest.chars().next() {
        if let Some(end) = after(rest, &hash) {
            settled.push_str("HASH");
            rest = end;
            continue;
        }
        for (pattern, name) in VOLATILE {
            if let Some(end) = after(rest, pattern) {
                settled.push_str(name);
                rest = if pattern.contains('T') { without_fraction(end) } else { end };
                continue 'text;
            }
        }
        let is_first = !settled.ends_with(|c: char| c.is_ascii_digit());
        if is_first
            && let Some(end) = after(rest, "20dddddddddddd")
            && !end.starts_with(|c: char| c.is_ascii_digit())
        {
            settled.push_str("STAMP");
            rest = end;
            continue;
        }
        settled.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    let lines = settled.split('\n').map(|line| unnumbered(&of_any_machine(line)));
    let lines: Vec<String> = lines.collect();
    lines.join("\n")
}

/// A line of an audit query, without the machine's name and the row of the decision table.
fn of_any_machine(line: &str) -> String {
    let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
    if let [.., device, _, _, _, details] = fields.as_mut_slice()
        && line.matches('\t').count() == 12
    {
        "DEVICE".clone_into(device);
        let details_of_any = details.split(' ').map(|detail| match detail.split_once('=') {
            Some(("decision", _)) => "decision=ROW",
            _ => detail,
        });
        *details = details_of_any.collect::<Vec<_>>().join(" ");
    }
    fields.join("\t")
}

/// Two cases of one person, each with its type of record, in the caseload.
const PAIR: [&str; 2] = ["C000158,mental health,", "C000159,residential care,"];

/// The text with one order of what follows in the rows of the pair. Which of them gets the number, and which is the
/// duplicate, depends on whose answer is stored first.
fn either_way(text: &str) -> String {
    let of_pair =
        |line: &str| PAIR.into_iter().find_map(|head| line.strip_prefix(head).map(str::to_owned));
    let mut ends: Vec<String> = text.lines().filter_map(of_pair).collect();
    for end in &mut ends {
        *end = end.replace("C000158", "OTHER").replace("C000159", "OTHER");
    }
    ends.sort_unstable();
    let mut ends = ends.into_iter();
    let line = |line: &str| match PAIR.into_iter().find(|head| line.starts_with(head)) {
        Some(head) => format!("{head}{}\n", ends.next().unwrap()),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn the_cases_of_a_pair_may_change_places_and_nothing_else_may() {
    let [one, other] = PAIR;
    let rows =
        |[first, second]: [&str; 2]| format!("head\n{one}{first}\n{other}{second}\nlast,1\n");
    let found = either_way(&rows(["found,with C000159", "duplicate,with C000158"]));
    assert_eq!(found, either_way(&rows(["duplicate,with C000159", "found,with C000158"])));
    assert_ne!(found, either_way(&rows(["found,with C000159", "found,with C000158"])));
    assert!(found.starts_with("head\n") && found.ends_with("last,1\n"), "{found}");
}

/// A temporary folder, in which the commands of one test work.
struct Recorded {
    folder: tempfile::TempDir,
}

impl Recorded {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Compares the exit code and standard output of a command; `@` in an argument is the folder.
    fn command(&self, name: &str, arguments: &[&str], input: &str) {
        let folder = self.folder.path().to_str().unwrap();
        let arguments: Vec<String> =
            arguments.iter().map(|argument| argument.replace('@', folder)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let done = run(&arguments, input, &BTreeMap::new());
        let mut lines: Vec<&str> = done.out.split_inclusive('\n').collect();
        if name == "review-list" {
            // The oldest first; a run opens several items at almost one time.
            lines.sort_unstable();
        }
        let printed = format!("exit {}\n{}", done.code, lines.concat());
        self.compare(&format!("{name}.txt"), &printed, &done.err);
    }

    /// Compares a file that a command has written.
    fn file(&self, name: &str) {
        self.compare(name, &fs::read_to_string(self.folder.path().join(name)).unwrap(), "");
    }

    fn compare(&self, name: &str, text: &str, warnings: &str) {
        let path: PathBuf =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded").join(name);
        let text = settled(text, self.folder.path());
        if std::env::var_os("UPDATE_RECORDED").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let recorded = fs::read_to_string(&path).unwrap();
        let (was, is) = (either_way(&recorded), either_way(&text));
        for (number, (was, is)) in was.lines().zip(is.lines()).enumerate() {
            assert_eq!(is, was, "{name}, line {}: {warnings}", number + 1);
        }
        assert_eq!(text.lines().count(), recorded.lines().count(), "{name}: {warnings}");
        assert_eq!(text.ends_with('\n'), recorded.ends_with('\n'), "{name}");
    }
}

#[test]
fn commands_without_a_store() {
    let at = Recorded::new();
    let lines = "943 476 5919\n9434765918\n999-000-0077\n\n x\t\u{1b}[2J\n";
    at.command("check", &["check"], lines);
    let keys = ["old=tests/data/fhir/client-a.pem", "new=tests/data/fhir/client-b.pem"];
    at.command("jwks", &["jwks", keys[0], keys[1]], "");
    at.command("jwks-example", &["jwks"], "");
    at.command("letter", &["letter", "--out", "@/letter.html"], "");
    at.file("letter.html");
    let refused = ["letter", "--out", "@/no.html", "--advisory", "superseded"];
    at.command("letter-refused", &refused, "");
    at.command("report-caseload", &["report"], "");
}

#[test]
fn wire() {
    let at = Recorded::new();
    let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
    let find = "wire encode getNHSNumber --date-of-birth 19840229 --family Smith --gender 2";
    at.command("wire-find", &words(find), "");
    let attended = "wire encode getPatientDetails --date-of-birth 198402 --family Sm* --gender 2 \
         --attended --local-id 1.2.3:4";
    at.command("wire-attended", &words(attended), "");
    let refused = "wire encode getNHSNumber --date-of-birth 198402 --family Smith --gender 2";
    at.command("wire-refused", &words(refused), "");
    at.command("wire-decode", &words("wire decode tests/data/smsp/details.xml"), "");
}

#[test]
fn fhir() {
    let at = Recorded::new();
    let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
    at.command("fhir-token", &words("fhir token"), "");
    at.command("fhir-retrieve", &words("fhir retrieve 9374659298"), "");
    let search = "fhir search --family Ow* --birthdate ge1986-01-01 --birthdate le1986-12-31 \
         --mode hcw --max 10";
    at.command("fhir-search", &words(search), "");
    let refused = "fhir search --family Owen --birthdate 1986-01-19 --max 2";
    at.command("fhir-refused", &words(refused), "");
}

#[test]
fn trace() {
    let at = Recorded::new();
    let first = ["trace", "examples/data/caseload.csv", "--results", "@/results.csv", "--db"];
    at.command("trace", &[&first[..], &["@/trace.sqlite"]].concat(), "");
    at.file("results.csv");
    // Cases that the service did not answer are due again half a minute after their trace.
    let sql = rusqlite::Connection::open(at.folder.path().join("trace.sqlite")).unwrap();
    assert!(sql.execute("UPDATE case_due SET at = at + 86400000000", []).unwrap() > 0);
    drop(sql);
    let again = ["trace", "--results", "@/again.csv", "--db", "@/trace.sqlite"];
    at.command("trace-again", &again, "");
}

#[test]
fn worker_review_audit_and_report() {
    let at = Recorded::new();
    let worker = [
        "worker",
        "--db",
        "@/cases.sqlite",
        "--import",
        "examples/data/caseload.csv",
        "--once",
        "--export",
        "@/decisions.csv",
        "--anchors",
        "@/anchors.txt",
    ];
    at.command("worker", &worker, "");
    at.file("decisions.csv");
    let refused = ["worker", "--db", "@/cases.sqlite", "--interval", "31m"];
    at.command("worker-refused", &refused, "");
    let review = ["review", "--db", "@/cases.sqlite", "--as", "jo"];
    for (name, arguments) in [
        ("review-list", &["list"][..]),
        ("review-note", &["note", "C000126", "1", "a note"]),
        ("review-show", &["show", "C000126", "1"]),
        ("review-resolve", &["resolve", "C000126", "1", "acknowledge"]),
        ("review-again", &["resolve", "C000126", "1", "acknowledge"]),
        ("review-missing", &["show", "NOBODY", "1"]),
        ("review-accept", &["resolve", "C000168", "1", "accept"]),
        ("review-accept-none", &["resolve", "C000001", "1", "accept"]),
        ("review-none-of-these", &["resolve", "C000171", "1", "none-of-these"]),
    ] {
        at.command(name, &[&review[..], arguments].concat(), "");
    }
    let audit = ["audit", "--db", "@/cases.sqlite"];
    for (name, arguments) in [
        ("audit-query", &["query", "--as", "jo", "--limit", "20"][..]),
        ("audit-case", &["query", "--as", "jo", "--case", "C000126"]),
        ("audit-export", &["export", "C000126", "--as", "jo", "--out", "@/export.jsonl"]),
    ] {
        at.command(name, &[&audit[..], arguments].concat(), "");
    }
    let report = ["report", "--db", "@/cases.sqlite", "--csv", "@/report.csv"];
    at.command("report", &report, "");
    at.file("report.csv");
}
