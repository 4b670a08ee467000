//! `nhs-pds migrate`, between files and a real server.
#![cfg(unix)]

mod ends;
mod refusals;
mod rows;

use crate::command::{Done, nhs_pds};
use crate::postgres::support;
use nhs_pds::process::Schedule;
use rows::{Rows, assert_equal, head, of_file, of_tenant};
use rusqlite::Connection;
use std::path::Path;
use support::{Database, Sql};
use tempfile::TempDir;

const CASELOAD: &str = "examples/data/caseload.csv";

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// Adds paused tenants, each with an empty trail.
fn add(database: &Database, names: &[&str]) -> Sql {
    let superuser = Sql::connect(&database.superuser().parse().unwrap());
    let schedule = Schedule::every(std::time::Duration::from_secs(1_800)).unwrap();
    let schedule = serde_json::to_string(&schedule).unwrap();
    for name in names {
        superuser.execute(&format!(
            "INSERT INTO nhs_pds.tenant (name, organisation, state, weight, schedule, settings, version)
             VALUES ('{name}', 'RHM', 'paused', 1, '{schedule}', '{{}}', 1);
             INSERT INTO nhs_pds.audit_anchor (tenant, seq, hash)
             SELECT tenant, 0, decode(repeat('00', 32), 'hex') FROM nhs_pds.tenant WHERE name = '{name}'"
        ));
    }
    superuser
}

/// A file as a worker leaves it: cases of every kind, review items, alerts, and a policy.
fn worked(folder: &TempDir, name: &str) -> String {
    let file = path(folder, name);
    let done = nhs_pds(&["worker", "--db", &file, "--import", CASELOAD, "--once"]);
    assert_eq!(done.code, 0, "{done:?}");
    file
}

fn migrate(from: &str, to: &str, tenant: &str) -> Done {
    nhs_pds(&["migrate", "--from", from, "--to", to, "--tenant", tenant, "--as", "j.doe"])
}

/// The kinds of the last events, the newest first.
fn last_kinds(file: &str, count: usize) -> Vec<String> {
    let file = Connection::open(file).unwrap();
    let sql = format!("SELECT kind FROM audit_event ORDER BY seq DESC LIMIT {count}");
    let mut query = file.prepare(&sql).unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn assert_whole(place: &[&str]) {
    let verified = nhs_pds(&[&["audit"][..], place, &["verify"]].concat());
    assert!(verified.code == 0 && verified.out.starts_with("whole: "), "{verified:?}");
}

#[test]
fn everything_moves_there_and_back() {
    let Some(database) = Database::prepared() else { return };
    let superuser = add(&database, &["leeds", "york"]);
    let (folder, address) = (tempfile::tempdir().unwrap(), database.application());
    let file = worked(&folder, "cases.sqlite");
    let (before, end) = (of_file(&file, u64::MAX >> 1), head(&file));
    for table in ["cases", "case_item", "alert", "audit_subject_number", "setting"] {
        assert!(!before[table].is_empty(), "nothing in {table}");
    }

    let moved = migrate(&file, &address, "leeds");
    assert_eq!(moved.code, 0, "{moved:?}");
    assert!(moved.out.starts_with("moved: 240 cases, "), "{}", moved.out);
    assert!(moved.out.contains("tenant resume leeds"), "{}", moved.out);
    assert!(!moved.out.contains("s3cret"));
    assert_equal(&before, &of_tenant(&database, "leeds", end), "there");
    // The other tenant has nothing, and the file keeps everything.
    assert!(of_tenant(&database, "york", end).values().all(Vec::is_empty));
    assert_eq!(last_kinds(&file, 2), ["process_controlled", "cases_exported"]);
    assert_equal(
        &before.clone().into_iter().filter(|(table, _)| *table != "setting").collect::<Rows>(),
        &of_file(&file, end),
        "the source",
    );
    // The trail goes on from the source's, with the record of the move.
    let place = ["--db", &address, "--tenant", "leeds"];
    assert_whole(&place);
    let recorded = nhs_pds(
        &[&["audit"][..], &place, &["query", "--kind", "configuration_changed", "--json"]].concat(),
    );
    let recorded = recorded.json_lines();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0]["seq"], end + 1);
    assert_eq!(recorded[0]["actor"]["name"], "j.doe");
    let details = recorded[0]["details"].to_string();
    assert!(details.contains("moved_from") && details.contains("sha256"), "{details}");

    // Again: nothing is written.
    let again = migrate(&file, &address, "leeds");
    assert!(again.code == 0 && again.out.starts_with("moved already: 240 cases, "), "{again:?}");
    assert_eq!(last_kinds(&file, 2), ["process_controlled", "cases_exported"]);

    // Back into a new file.
    let back = path(&folder, "back.sqlite");
    let moved = migrate(&address, &back, "leeds");
    assert_eq!(moved.code, 0, "{moved:?}");
    assert!(!moved.out.contains("tenant resume"), "{}", moved.out);
    let (mut original, mut returned) = (before.clone(), of_file(&back, u64::MAX >> 1));
    // After them are the record of the move, the query, and the record of the move back.
    let events = returned.get_mut("audit_event").unwrap();
    assert_eq!(events.len() as u64, end + 3);
    events.truncate(usize::try_from(end).unwrap());
    original.get_mut("audit_event").unwrap().truncate(usize::try_from(end).unwrap());
    assert_equal(&original, &returned, "back");
    assert_whole(&["--db", &back]);
    // The file works: a user resumes nothing, because the source was not paused when it was copied.
    let worked = nhs_pds(&["worker", "--db", &back, "--once"]);
    assert_eq!(worked.code, 0, "{worked:?}");
    drop(superuser);
}

#[test]
fn two_tenants_of_one_database_stay_apart() {
    let Some(database) = Database::prepared() else { return };
    add(&database, &["leeds", "york"]);
    let (folder, address) = (tempfile::tempdir().unwrap(), database.application());
    let (first, second) = (worked(&folder, "a.sqlite"), worked(&folder, "b.sqlite"));
    let changed = nhs_pds(&["review", "--db", &second, "delete", "C000126"]);
    assert_eq!(changed.code, 0, "{changed:?}");
    let before = [&first, &second].map(|file| (of_file(file, u64::MAX >> 1), head(file)));
    for (file, tenant) in [(&first, "leeds"), (&second, "york")] {
        let moved = migrate(file, &address, tenant);
        assert_eq!(moved.code, 0, "{moved:?}");
    }
    for ((before, end), tenant) in before.iter().zip(["leeds", "york"]) {
        assert_equal(before, &of_tenant(&database, tenant, *end), tenant);
    }
}

#[test]
fn a_file_of_an_older_schema_is_brought_up_to_date_and_moves() {
    let Some(database) = Database::prepared() else { return };
    add(&database, &["leeds"]);
    let (folder, address) = (tempfile::tempdir().unwrap(), database.application());
    let file = path(&folder, "old.sqlite");
    let old = Connection::open(&file).unwrap();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let mut scripts: Vec<_> =
        std::fs::read_dir(migrations).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    for script in &scripts[..6] {
        old.execute_batch(&std::fs::read_to_string(script).unwrap()).unwrap();
    }
    old.execute_batch(
        r#"INSERT INTO cases (case_id, version, document) VALUES
           ('1', 7, '{"id":"1", "record_type":"review",  "version":7, "surname":"Quentinsson"}');
           INSERT INTO case_lease (case_id, owner, until) VALUES ('1', 'gone', 9000000000000000);
           PRAGMA user_version = 6"#,
    )
    .unwrap();
    drop(old);
    let moved = migrate(&file, &address, "leeds");
    assert_eq!(moved.code, 0, "{moved:?}");
    assert!(moved.out.starts_with("moved: 1 cases, 0 events and 0 alerts"), "{}", moved.out);
    let there = of_tenant(&database, "leeds", 0);
    // With its own spaces: the bytes of the document.
    let document = r#"{"id":"1", "record_type":"review",  "version":7, "surname":"Quentinsson"}"#;
    let hex: String = document.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(there["cases"], [["1", "7", "", &hex]]);
    assert_eq!(there["case_due"], [["1", "1", "0", "0"]]);
    assert_eq!(there["case_search"][0][3], "QUENTINSSON");
}
