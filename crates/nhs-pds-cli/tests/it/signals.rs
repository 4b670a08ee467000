//! How a worker starts and stops under a service manager, and what it does while its database is away.
#![cfg(unix)]

use crate::command::{nhs_pds, root};
use crate::running::{Running, until};
use nhs_pds_simulator::{Caseload, Fault, Server, Simulator, When};
use rusqlite::Connection;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// What a service manager hears: its socket, the lines so far, and how many of them were looked at.
struct Manager(UnixDatagram, Vec<String>, usize);

impl Manager {
    fn new(path: &str) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(socket, Vec::new(), 0)
    }

    /// Hears lines up to this one. A message may have several.
    fn hear(&mut self, begin: &str) -> String {
        loop {
            let new = self.1.iter().enumerate().skip(self.2);
            if let Some((place, line)) = new.into_iter().find(|(_, line)| line.starts_with(begin)) {
                self.2 = place + 1;
                return line.clone();
            }
            let mut bytes = [0; 4_096];
            let length =
                self.0.recv(&mut bytes).unwrap_or_else(|_| panic!("no {begin}: {:?}", self.1));
            let message = str::from_utf8(bytes.get(..length).unwrap()).unwrap();
            self.1.extend(message.lines().map(str::to_owned));
        }
    }
}

#[test]
fn systemd_hears_of_each_step() {
    let folder = tempfile::tempdir().unwrap();
    let (db, socket) = (path(&folder, "cases.sqlite"), path(&folder, "notify"));
    let mut manager = Manager::new(&socket);
    let mut running = Running::start_with(&["--db", &db], |command| {
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "400000");
    });
    manager.hear("READY=1");
    assert!(fs::exists(&db).unwrap(), "the database is open");
    let status = manager.hear("STATUS=waiting for the next run at ");
    assert!(status.ends_with('Z'), "{status}");
    for _ in 0..5 {
        manager.hear("WATCHDOG=1");
    }
    running.signal("TERM");
    manager.hear("STOPPING=1");
    assert_eq!(running.ended().code(), Some(0), "{}", running.said());
    assert_eq!(manager.1.iter().filter(|line| *line == "READY=1").count(), 1);
}

#[test]
fn a_worker_without_a_watchdog_or_a_database_reports_neither() {
    let folder = tempfile::tempdir().unwrap();
    let socket = path(&folder, "notify");
    let mut manager = Manager::new(&socket);
    let db = path(&folder, "missing/cases.sqlite");
    let mut running = Running::start_with(&["--db", &db], |command| {
        command.env("NOTIFY_SOCKET", &socket);
    });
    assert_eq!(running.ended().code(), Some(2));
    manager.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut bytes = [0; 4_096];
    while let Ok(length) = manager.0.recv(&mut bytes) {
        manager.1.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
    }
    let said = manager.1.concat();
    assert!(!said.contains("READY=1") && !said.contains("WATCHDOG=1"), "{said}");
}

/// A service whose answers take a time, and a caseload for it.
async fn slow(folder: &TempDir, delay: Duration) -> (Server, Simulator, String) {
    let caseload = Caseload::from_seed(2026, 240);
    let simulator = Simulator::new(caseload.register().clone());
    simulator.add_fault(When::Always, Fault::Delay(delay));
    let server = Server::start(simulator.clone()).await.unwrap();
    let file = path(folder, "caseload.csv");
    caseload.write_csv(&mut fs::File::create(&file).unwrap()).unwrap();
    (server, simulator, file)
}

/// To read all cases at the end would take longer than a service manager waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_asked_to_stop_does_not_read_all_cases() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, _simulator, caseload) = slow(&folder, Duration::ZERO).await;
    let (db, export) = (path(&folder, "cases.sqlite"), path(&folder, "out.csv"));
    let imported = nhs_pds(&["worker", "--db", &db, "--import", &caseload, "--export", &export]);
    assert_eq!(imported.code, 0);
    let damage = "UPDATE cases SET document = '{' WHERE case_id = (SELECT min(case_id) FROM cases)";
    assert_eq!(Connection::open(&db).unwrap().execute(damage, []).unwrap(), 1);
    let mut running = Running::start(&["--db", &db]);
    running.hear("1 stored cases are damaged");
    running.signal("TERM");
    assert_eq!(running.ended().code(), Some(1), "{}", running.said());
    let said = running.said();
    assert_eq!(said.matches("stored cases are damaged").count(), 1, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_settles_open_questions_and_the_second_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    // Long beside the time that a busy machine needs for what is done meanwhile.
    let delay = Duration::from_secs(6);
    let (server, simulator, caseload) = slow(&folder, delay).await;
    let (db, service) = (path(&folder, "cases.sqlite"), server.url());
    let work = [
        "--db",
        &db,
        "--import",
        &caseload,
        "--service",
        &service,
        "--in-flight",
        "4",
        "--lease",
        "2s",
    ];
    for (signal, how) in [("TERM", &["--once"][..]), ("INT", &[])] {
        let before = simulator.request_count();
        let mut running = Running::start(&[&work[..], how].concat());
        until("four questions", || (simulator.request_count() >= before + 4).then_some(()));
        let began = Instant::now();
        running.signal(signal);
        running.hear("worker: stopping: it waits for the answers to open questions");
        let ended = running.ended();
        assert_eq!(ended.code(), Some(0), "{signal} {how:?}: {}", running.said());
        assert!(began.elapsed() > delay / 3, "it waited: {}", running.said());
        assert!(simulator.request_count() <= before + 4, "nothing more is sent");
        let results = ["found", "verified", "none", "not_found"];
        let export = path(&folder, "out.csv");
        assert_eq!(nhs_pds(&["worker", "--db", &db, "--export", &export]).code, 0);
        let rows = fs::read_to_string(&export).unwrap();
        let traced =
            rows.lines().filter(|row| results.iter().any(|word| row.contains(word))).count();
        assert!(traced > 0, "the answers were settled: {rows}");
    }
    // In the middle of questions again: now at once.
    let before = simulator.request_count();
    let mut running = Running::start(&[&work[..], &["--once"]].concat());
    until("four questions", || (simulator.request_count() >= before + 4).then_some(()));
    let began = Instant::now();
    running.signal("TERM");
    running.hear("a second signal ends it at once");
    running.signal("TERM");
    assert_eq!(running.ended().code(), Some(1), "{}", running.said());
    assert!(began.elapsed() < delay, "{}", running.said());
    assert!(running.said().contains("its cases are free when their leases expire"));
    // The leases of the worker that ended expire, and another worker traces its cases.
    let verified = nhs_pds(&["audit", "--db", &db, "verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    drop(server);
    let last = nhs_pds(&["worker", "--db", &db, "--once"]);
    assert_eq!(last.code, 0, "{last:?}");
    assert!(!last.out.contains("Still due"), "{last:?}");
}

#[test]
fn a_signal_during_the_import_ends_it_and_the_next_one_completes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (db, caseload) = (path(&folder, "cases.sqlite"), path(&folder, "caseload.csv"));
    // Enough cases that the import still runs when a busy machine has looked at it and stopped it.
    let all = Caseload::from_seed(1, 20_000);
    all.write_csv(&mut fs::File::create(&caseload).unwrap()).unwrap();
    let import = ["--db", &db, "--import", &caseload, "--listen", "127.0.0.1:0"];
    let mut running = Running::start(&import);
    let ready = running.get("/ready");
    assert_eq!(ready.status, 503, "{ready:?}");
    until("the import", || running.get("/ready").body.contains("importing").then_some(()));
    let sql = Connection::open(&db).unwrap();
    let count = "SELECT count(*) FROM cases";
    let count = || sql.query_row(count, [], |row| row.get::<_, u32>(0)).ok();
    until("a case", || count().filter(|count| *count > 0));
    running.signal("TERM");
    assert_eq!(running.ended().code(), Some(0), "{}", running.said());
    assert!(running.said().contains("stopped during the import"), "{}", running.said());
    let export = path(&folder, "out.csv");
    let work = ["worker", "--db", &db, "--import", &caseload, "--export", &export];
    let done = nhs_pds(&work);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!done.err.contains("imported 20000 new"), "some were imported before: {}", done.err);
    assert_eq!(fs::read_to_string(&export).unwrap().lines().count(), 20_001);
}

/// Each claim of cases fails until the trigger is dropped.
const AWAY: &str =
    "CREATE TRIGGER away BEFORE UPDATE OF owner ON case_due BEGIN SELECT RAISE(ABORT, 'away'); END";

#[test]
fn a_single_run_waits_for_a_database_that_is_away_and_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let db = path(&folder, "cases.sqlite");
    let caseload = "examples/data/caseload.csv";
    let imported =
        nhs_pds(&["worker", "--db", &db, "--import", caseload, "--export", &path(&folder, "x")]);
    assert_eq!(imported.code, 0, "{imported:?}");
    let sql = Connection::open(&db).unwrap();
    sql.execute_batch(AWAY).unwrap();
    let began = Instant::now();
    let done = nhs_pds(&["worker", "--db", &db, "--once", "--patience", "2s"]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.err.contains("it tries again in 1s, and for 2 s at most"), "{}", done.err);
    assert!(began.elapsed() >= Duration::from_secs(2));
    let done = nhs_pds(&["worker", "--db", &db, "--once", "--patience", "0s"]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(!done.err.contains("it tries again"), "{}", done.err);

    let mut running = Running::start(&["--db", &db, "--once"]);
    running.hear("it tries again");
    sql.execute_batch("DROP TRIGGER away").unwrap();
    assert_eq!(running.ended().code(), Some(0), "{}", running.said());
    assert!(running.said().contains("the summary is that of the last attempt"));

    sql.execute_batch(AWAY).unwrap();
    sql.execute_batch("UPDATE case_due SET at = 0").unwrap();
    let mut running = Running::start(&["--db", &db, "--once"]);
    running.hear("it tries again");
    running.signal("TERM");
    assert_eq!(running.ended().code(), Some(0), "{}", running.said());
}

/// The unit file, as an operator installs it.
fn unit() -> String {
    fs::read_to_string(root().join("crates/nhs-pds-cli/systemd/nhs-pds-worker.service")).unwrap()
}

#[test]
fn the_unit_says_what_the_worker_needs() {
    let unit = unit();
    let value = |key: &str| {
        let lines: Vec<&str> =
            unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect();
        assert!(!lines.is_empty(), "{key}");
        lines.join("\n")
    };
    for (key, expected) in [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("Restart", "on-failure"),
        ("KillSignal", "SIGTERM"),
        ("DynamicUser", "yes"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("SuccessExitStatus", "1"),
        ("CapabilityBoundingSet", ""),
    ] {
        assert_eq!(value(key), expected, "{key}");
    }
    let seconds = |key: &str| value(key).trim_end_matches('s').parse::<u64>().unwrap();
    assert!(seconds("WatchdogSec") >= 30, "a busy machine is not a stuck worker");
    // A question takes one minute at most, and is sent with others that wait for the rate limit.
    assert!(seconds("TimeoutStopSec") > 60);
    // A unit whose credential is missing does not start: which there are, the deployment says.
    assert!(!unit.lines().any(|line| line.starts_with("LoadCredential=")));
    // The command in the unit is one that the program accepts.
    let start = value("ExecStart");
    let mut words = start.split_whitespace();
    assert!(words.next().unwrap().ends_with("/nhs-pds"));
    let config = words.collect::<Vec<_>>();
    assert_eq!(config, ["--config", "/etc/nhs-pds/nhs-pds.toml", "worker"]);
}

#[test]
fn systemd_accepts_the_unit() {
    assert_systemd_accepts("");
}

/// Asserts that systemd accepts the unit with the `settings` of a deployment.
#[expect(clippy::print_stderr, reason = "a test that is passed over says so")]
pub(crate) fn assert_systemd_accepts(settings: &str) {
    let folder = tempfile::tempdir().unwrap();
    // The path of the program on this machine, since systemd looks for it.
    let unit = unit().replace("/usr/bin/nhs-pds", env!("CARGO_BIN_EXE_nhs-pds"));
    let file = folder.path().join("nhs-pds-worker.service");
    // As systemd reads them: one after the other.
    fs::write(&file, format!("{unit}\n{settings}")).unwrap();
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output();
    let Ok(verified) = verified else {
        eprintln!("passed over: systemd-analyze is not installed here");
        return;
    };
    let said = String::from_utf8(verified.stderr).unwrap();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("nhs-pds-worker")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{said}");
}
