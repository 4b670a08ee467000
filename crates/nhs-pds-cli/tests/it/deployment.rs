//! `docs/deployment.md`: its commands run in their order against a new server, and its alerts name metrics that exist.
#![cfg(unix)]

use crate::command::{nhs_pds, root};
use crate::postgres::support::OwnServer;
use crate::signals::assert_systemd_accepts;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use url::Url;

fn page() -> String {
    fs::read_to_string(root().join("docs/deployment.md")).unwrap()
}

/// The blocks of the page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}");
    let (mut found, mut lines) = (Vec::new(), page.lines());
    while let Some(line) = lines.next() {
        if line == begin {
            let inside = lines.by_ref().take_while(|line| *line != "```");
            found.push(inside.map(|line| format!("{line}\n")).collect());
        } else if line.starts_with("```") {
            lines.by_ref().take_while(|line| *line != "```").for_each(drop);
        }
    }
    found
}

/// A machine for the page: its folders and programs are in one folder, and its server is of this test alone.
struct Machine {
    folder: TempDir,
    server: Arc<OwnServer>,
    host: String,
    port: u16,
}

/// The folders that the page writes to.
const FOLDERS: [&str; 4] = ["/etc/nhs-pds", "/etc/systemd/system", "/srv/nhs-pds", "/var/backups"];

/// Stands for systemd: runs the command of the unit that the page installed.
const SYSTEMCTL: &str = r#"#!/bin/bash
stop() {
    [ -e ROOT/pid ] || return 0
    pid=$(cat ROOT/pid)
    kill "$pid" && tail --pid="$pid" -f /dev/null
    rm ROOT/pid
}
start() {
    line=$(sed -n 's/^ExecStart=//p' ROOT/etc/systemd/system/nhs-pds-worker.service)
    line=${line/\/usr\/bin\//}
    line=${line/\/etc\//ROOT\/etc\/}
    # shellcheck disable=SC2086
    $line > ROOT/worker.log 2>&1 &
    echo $! > ROOT/pid
}
case $1 in
    daemon-reload) ;;
    enable) start ;;
    restart) stop; start ;;
    stop) stop ;;
    *) echo "systemctl $1?" >&2; exit 1 ;;
esac
"#;

/// Stands for curl where it is not installed: gets a page, and tries again for 30 seconds.
const CURL: &str = r#"#!/bin/bash
address=${!#}
address=${address#http://}
server=${address%%/*}
for _ in {1..60}; do
    if exec 3<> "/dev/tcp/${server%:*}/${server#*:}"; then
        printf 'GET /%s HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n' "${address#*/}" >&3
        answer=$(tr -d '\r' <&3)
        case $answer in
            'HTTP/1.1 200 '*) printf '%s\n' "${answer#*$'\n\n'}"; exit 0 ;;
        esac
    fi 2> /dev/null
    sleep 0.5
done
exit 22
"#;

/// Waits until no worker has a case of the restored database.
const UNTIL_FREE: &str = r#"
leased="SELECT count(*) FROM nhs_pds.case_due WHERE owner <> '' AND until > extract(epoch FROM now()) * 1000000"
for _ in {1..240}; do
    left=$(runuser -u postgres -- psql -X -q -t -A -c "$leased" nhs_pds_restore)
    [ "$left" = 0 ] && break
    sleep 0.5
done
[ "$left" = 0 ]
"#;

impl Machine {
    /// Nothing where there is no PostgreSQL.
    fn new() -> Option<Self> {
        let server = OwnServer::start()?;
        let address: Url = server.empty().superuser().as_str().parse().unwrap();
        // The folder of its socket, in the form of an address.
        let host = address.host_str().unwrap().to_owned();
        let folder = tempfile::tempdir().unwrap();
        let port = OwnServer::free_port();
        let machine = Self { folder, server, host, port };
        machine.install();
        Some(machine)
    }

    fn root(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn install(&self) {
        for path in ["bin", "etc/systemd/system", "srv", "var/backups"] {
            fs::create_dir_all(self.folder.path().join(path)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_nhs-pds"), self.folder.path().join("bin/nhs-pds")).unwrap();
        let runuser = format!(
            "#!/bin/sh\n[ \"$1 $2 $3\" = '-u postgres --' ] || exit 1\nshift 3\n\
             exec env PGHOST='{}' PGUSER=postgres \"$@\"\n",
            self.host.replace("%2F", "/")
        );
        self.program("runuser", &runuser);
        self.program("groupadd", "#!/bin/sh\n");
        if Command::new("curl").arg("--version").output().is_err() {
            self.program("curl", CURL);
        }
        self.program("systemctl", &SYSTEMCTL.replace("ROOT", self.root()));
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The text of the page for this machine.
    fn here(&self, text: &str) -> String {
        let mut text = text.replace("127.0.0.1:9464", &format!("127.0.0.1:{}", self.port));
        for folder in FOLDERS {
            text = text.replace(folder, &format!("{}{folder}", self.root()));
        }
        text = text.replace("@localhost/", &format!("@{}/", self.host));
        // Nothing of the machine that runs the test is written.
        for outside in ["/etc/", "/srv/", "/usr/", "/var/"] {
            for (place, _) in text.match_indices(outside) {
                assert!(text[..place].ends_with(self.root()), "{}", &text[place..]);
            }
        }
        assert!(!text.contains("localhost"));
        text
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let stopped = Command::new(self.folder.path().join("bin/systemctl")).arg("stop").status();
        // The server is stopped after the worker.
        let _ = (stopped, &self.server);
    }
}

#[test]
fn every_command_of_the_page_runs_in_its_order() {
    let Some(machine) = Machine::new() else { return };
    let blocks = blocks(&page(), "sh");
    assert!(blocks.len() >= 11, "only {} blocks", blocks.len());
    let mut script = String::from("set -euo pipefail\n");
    for (number, block) in blocks.iter().enumerate() {
        // A case that the worker had at the time of the backup is still its case in the restored database, until its
        // lease ends. Here that is a moment later.
        let wait = if block.contains("--from \"$RESTORED\"") { UNTIL_FREE } else { "" };
        let block = machine.here(block);
        writeln!(script, "echo '== block {number}' >&2\n{wait}{block}").unwrap();
    }
    let path = format!("{}/bin:{}", machine.root(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("PG") || name.starts_with("NHS_PDS_") || name.ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command.args(["-c", &script]).current_dir(root()).env("PATH", path).stdin(Stdio::null());
    let done = command.output().unwrap();
    let (out, err) =
        (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    let log = fs::read_to_string(machine.folder.path().join("worker.log")).unwrap_or_default();
    assert!(done.status.success(), "{out}\n{err}\n{log}");

    // The results that the page promises.
    assert_eq!(out.matches("whole: ").count(), 3, "{out}");
    assert_eq!(out.matches("moved: 240 cases").count(), 3, "{out}");
    for expected in
        ["york: added", "hull: paused", "hull: resumed", "leeds-2: resumed", "ready\n", "ok\n"]
    {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    assert!(log.contains("worker: hull: runs") && log.contains("worker: york: runs"), "{log}");
    let password = fs::read_to_string(machine.folder.path().join("etc/nhs-pds/pgpass")).unwrap();
    let password = password.lines().next().unwrap().rsplit(':').next().unwrap();
    assert!(password.len() >= 32 && !format!("{out}{err}{log}").contains(password));
    assert_only_root_reads(&machine.folder.path().join("etc/nhs-pds"));
}

/// The files of passwords.
fn assert_only_root_reads(folder: &Path) {
    for name in ["pgpass", "owner.pgpass"] {
        let mode = fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(!folder.join("both.pgpass").exists());
}

#[test]
fn systemd_accepts_the_settings_of_the_page() {
    let page = page();
    let (_, settings) = page.split_once("local.conf <<'CONF'\n").unwrap();
    let (settings, _) = settings.split_once("CONF\n").unwrap();
    assert_systemd_accepts(settings);
}

/// The words of `text` that begin with this.
fn words<'a>(text: &'a str, start: &str) -> BTreeSet<&'a str> {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    text.split(is_end).filter(|word| word.starts_with(start) && *word != start).collect()
}

#[test]
fn alerts_name_metrics_that_exist_and_say_what_to_do() {
    let page = page();
    let rules = blocks(&page, "yaml").join("");
    let sources = [
        "crates/nhs-pds-cli/src/port/metrics.rs",
        "src/resilience/telemetry.rs",
        "src/transport/metric.rs",
    ];
    let sources = sources.map(|path| fs::read_to_string(root().join(path)).unwrap()).join("");
    let known = words(&sources, "nhs_pds_");
    let named = words(&rules, "nhs_pds_");
    assert!(named.len() >= 8, "{named:?}");
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "no such metrics: {unknown:?}");

    let alerts = words(&rules, "NhsPds");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: BTreeSet<&str> = rows.filter(|name| name.starts_with("NhsPds")).collect();
    assert_eq!(alerts, rows, "each alert has a row, and each row an alert");
}

#[test]
fn commands_that_are_not_run_have_options_that_exist() {
    let (mut checked, page) = (0, page());
    for block in blocks(&page, "text") {
        for line in block.replace("\\\n", " ").lines().filter(|line| line.starts_with("nhs-pds ")) {
            let mut words = line.split_whitespace().skip(1);
            let [command, action] = [words.next().unwrap(), words.next().unwrap()];
            let help = nhs_pds(&[command, action, "--help"]);
            assert_eq!(help.code, 0, "{line}");
            for option in words.filter(|word| word.starts_with("--")) {
                checked += 1;
                assert!(help.out.contains(&format!("{option} ")), "{option}: {line}");
            }
        }
    }
    assert!(checked >= 10, "only {checked} options");
}

#[test]
fn every_link_within_the_page_has_its_heading() {
    let page = page();
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>()
    };
    let headings: BTreeSet<String> =
        page.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    let links: BTreeSet<&str> =
        page.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(links.len() >= 8, "{links:?}");
    for link in links {
        assert!(headings.contains(link), "#{link} is not in {headings:?}");
    }
}
