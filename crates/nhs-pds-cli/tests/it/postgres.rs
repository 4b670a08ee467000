//! The commands over PostgreSQL.
#![cfg(unix)]

#[allow(dead_code, unused_imports, reason = "other tests use the rest")]
#[path = "../../../../tests/it/support/postgres/mod.rs"]
pub(crate) mod support;

use crate::command::{Done, nhs_pds, root};
use crate::running::Running;
use rusqlite::Connection;
use std::fs;
use support::{Database, OwnServer, Sql};
use tempfile::TempDir;

const CASELOAD: &str = "examples/data/caseload.csv";

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// Adds tenants to a database. Each queries the simulator.
fn add(database: &Database, names: &[&str]) {
    for name in names {
        let tenant = ["tenant", "add", name, "--db", &database.application()];
        let settings = ["--ods-code", "RHM", "--service", "smsp"];
        let done = nhs_pds(&[&tenant[..], &settings].concat());
        assert_eq!(done.code, 0, "{done:?}");
    }
}

/// The decisions without the identifiers of messages.
fn decisions(file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(file).unwrap();
    let is_id = |cell: &str| cell.len() == 36 && cell.matches('-').count() == 4;
    let cells = |row: &str| row.split(',').filter(|cell| !is_id(cell)).map(str::to_owned).collect();
    text.lines().map(cells).collect()
}

/// What a command printed, without the lines that are times.
fn untimed(text: &str) -> Vec<&str> {
    let is_time = |line: &&str| line.starts_with("  at ") || line.starts_with("  oldest ");
    text.lines().filter(|line| !is_time(line)).collect()
}

/// Makes each case due a day later in both stores. A case that the service did not answer is due again half a minute
/// after its trace, and the traces of the two stores were not at one time.
fn postpone(file: &str, database: &Database) {
    let later = "SET at = at + 86400000000";
    let sql = Connection::open(file).unwrap();
    assert!(sql.execute(&format!("UPDATE case_due {later}"), []).unwrap() > 0);
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    sql.execute(&format!("UPDATE nhs_pds.case_due {later}"));
}

/// The caseload without the second case of one person. Of two, the one that is stored first gets the number, so the second
/// comes with a later import.
fn without_second(folder: &TempDir) -> String {
    let first = path(folder, "first.csv");
    let caseload = fs::read_to_string(root().join(CASELOAD)).unwrap();
    let rows = caseload.split_inclusive('\n').filter(|row| !row.starts_with("C000159,"));
    fs::write(&first, rows.collect::<String>()).unwrap();
    first
}

#[test]
fn the_commands_do_the_same_in_a_file_and_in_postgresql() {
    let Some(database) = Database::prepared() else { return };
    add(&database, &["leeds", "york"]);
    let folder = tempfile::tempdir().unwrap();
    let (file, address) = (path(&folder, "cases.sqlite"), database.application());
    let places: [&[&str]; 2] = [&["--db", &file], &["--db", &address, "--tenant", "leeds"]];
    let run = |command: &str, more: &[&str]| -> [Done; 2] {
        places.map(|place| nhs_pds(&[&[command], place, more].concat()))
    };

    let exports = places.map(|place| path(&folder, &format!("decisions-{}", place.len())));
    let first = without_second(&folder);
    for (place, export) in places.iter().zip(&exports) {
        let work = ["worker", "--import", &first, "--once", "--export", export];
        let done = nhs_pds(&[&work[..], place].concat());
        assert_eq!(done.code, 0, "{place:?}: {}", done.err);
        assert!(done.err.contains("imported 239 new"), "{}", done.err);
    }
    let [ours, theirs] = exports.each_ref().map(|export| decisions(export));
    assert_eq!(ours.len(), 240);
    assert_eq!(ours, theirs);

    for (command, more) in [
        ("report", &[][..]),
        ("review", &["list"]),
        ("review", &["resolve", "C000126", "1", "acknowledge"]),
        ("review", &["resolve", "C000126", "1", "acknowledge"]),
        ("review", &["show", "NOBODY", "1"]),
        ("worker", &["--import", CASELOAD, "--export", &path(&folder, "again.csv")]),
        ("worker", &["--once"]),
    ] {
        if more.contains(&"--import") {
            postpone(&file, &database);
        }
        let [ours, theirs] = run(command, more);
        let result = |done: &Done| {
            let mut lines = untimed(&done.out);
            if more == ["list"] {
                // The two workers opened the items at times of their own.
                lines.sort();
            }
            (done.code, lines.join("\n"))
        };
        assert_eq!(result(&ours), result(&theirs), "{command} {more:?}");
    }
    for done in run("audit", &["verify"]) {
        assert!(done.code == 0 && done.out.starts_with("whole: "), "{done:?}");
    }
    let [ours, theirs] = run("audit", &["query", "--case", "C000126", "--json"]);
    let kinds = |done: &Done| -> Vec<String> {
        done.json_lines().iter().map(|event| event["kind"].to_string()).collect()
    };
    assert!(kinds(&ours).len() > 3);
    assert_eq!(kinds(&ours), kinds(&theirs));
    let [ours, theirs] = run("audit", &["export", "C000126"]);
    assert_eq!((ours.code, ours.out.lines().count()), (theirs.code, theirs.out.lines().count()));

    // The other tenant has none of it.
    let york = ["--db", &address, "--tenant", "york"];
    let report = nhs_pds(&[&["report", "--json"][..], &york].concat());
    assert!(report.code == 0 && report.json()["cases"]["all"] == 0, "{report:?}");
    assert_eq!(nhs_pds(&[&["review"][..], &york, &["list"]].concat()).out, "");
    let traced =
        nhs_pds(&[&["trace", "--results", &path(&folder, "r.csv"), CASELOAD][..], &york].concat());
    assert_eq!(traced.code, 0, "{traced:?}");
    assert!(traced.out.contains("tenant york"), "{traced:?}");
}

#[test]
fn anchors_outside_the_database_are_written_for_each_append() {
    let Some(database) = Database::prepared() else { return };
    add(&database, &["leeds"]);
    let folder = tempfile::tempdir().unwrap();
    let (anchors, address) = (path(&folder, "anchors"), database.application());
    let place = ["--db", &address, "--tenant", "leeds"];
    let work = ["worker", "--import", CASELOAD, "--once", "--anchors", &anchors];
    let done = nhs_pds(&[&work[..], &place].concat());
    assert_eq!(done.code, 0, "{done:?}");
    assert!(fs::read_to_string(&anchors).unwrap().lines().count() > 100);
    let verify = ["verify", "--anchors", &anchors];
    let verified = nhs_pds(&[&["audit"][..], &place, &verify].concat());
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn a_database_that_cannot_be_used_ends_the_command_with_its_reason() {
    let Some(database) = Database::prepared() else { return };
    add(&database, &["leeds"]);
    let empty = Database::empty().unwrap();
    let (application, owner) = (database.application(), database.owner());
    for (address, tenant, says) in [
        (&application, "york", "there is no such tenant"),
        (&owner, "leeds", "the role may see the rows of all tenants"),
        (&database.superuser(), "leeds", "the role may see the rows of all tenants"),
        (&empty.application(), "leeds", "prepare the database"),
        (&"postgres://w@127.0.0.1:1/b".to_owned(), "leeds", "Connection refused"),
        (&"postgres://w@127.0.0.1:1/b?sslmode=prefer".to_owned(), "leeds", "sslmode"),
    ] {
        let done = nhs_pds(&["worker", "--db", address, "--tenant", tenant, "--once"]);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
        assert!(done.err.contains(says), "{says}: {}", done.err);
        assert!(done.err.contains("postgres://"), "{}", done.err);
    }
}

#[test]
fn a_worker_is_not_ready_while_the_server_is_down_and_comes_back() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    add(&database, &["leeds"]);
    let address = database.application();
    let work = ["--db", &address, "--tenant", "leeds", "--listen", "127.0.0.1:0"];
    let mut running = Running::start(&[&work[..], &["--import", CASELOAD]].concat());
    running.hear("looked at");
    running.get_until("/ready", 200);
    server.kill();
    let ready = running.get_until("/ready", 503);
    assert!(ready.body.starts_with("the database does not answer: "), "{ready:?}");
    assert_eq!(running.get("/health").status, 200);
    server.resume();
    running.get_until("/ready", 200);
    let owner = Sql::connect(&database.owner().parse().unwrap());
    owner.execute("UPDATE nhs_pds.schema_version SET version = version + 1");
    let ready = running.get_until("/ready", 503);
    assert!(ready.body.contains("prepare the database"), "{ready:?}");
    owner.execute("UPDATE nhs_pds.schema_version SET version = version - 1");
    running.get_until("/ready", 200);
    running.signal("TERM");
    assert_eq!(running.ended().code(), Some(0), "{}", running.said());
}

#[test]
fn an_erasure_needs_the_owner_of_the_tables() {
    let Some(database) = Database::prepared() else { return };
    add(&database, &["leeds"]);
    let folder = tempfile::tempdir().unwrap();
    let (address, owner) = (database.application(), database.owner());
    let place = ["--db", &address, "--tenant", "leeds"];
    let export = path(&folder, "out.csv");
    let work = ["worker", "--import", CASELOAD, "--export", &export];
    assert_eq!(nhs_pds(&[&work[..], &place].concat()).code, 0);
    let erase = ["erase", "C000126", "--court-order", "CO/2026/1"];
    let refused = nhs_pds(&[&["review"][..], &place, &erase].concat());
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("may still contain"), "{refused:?}");
    for _ in 0..2 {
        let erased = nhs_pds(&[&["review"][..], &place, &["--owner", &owner], &erase].concat());
        assert_eq!(erased.code, 0, "{erased:?}");
    }
    assert_eq!(nhs_pds(&[&["audit"][..], &place, &["verify"]].concat()).code, 0);
    let file = path(&folder, "cases.sqlite");
    let done = nhs_pds(&["review", "--db", &file, "--owner", &owner, "list"]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.err.contains("--owner is for PostgreSQL"), "{done:?}");
}
