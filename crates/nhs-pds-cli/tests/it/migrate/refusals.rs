//! What is refused, and that nothing is written then.

use super::rows::{Rows, of_tenant};
use super::{CASELOAD, add, head, migrate, path, worked};
use crate::command::nhs_pds;
use crate::postgres::support::Database;
use rusqlite::Connection;

fn everything(database: &Database, tenant: &str) -> Rows {
    of_tenant(database, tenant, u64::MAX >> 1)
}

fn execute(file: &str, sql: &str) {
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_target_with_other_data_is_left_as_it_is() {
    let Some(database) = Database::prepared() else { return };
    let superuser = add(&database, &["leeds", "york"]);
    let (folder, address) = (tempfile::tempdir().unwrap(), database.application());
    let file = worked(&folder, "cases.sqlite");
    let refused = |tenant: &str, says: &str| {
        let before = (everything(&database, tenant), head(&file));
        let done = migrate(&file, &address, tenant);
        assert!(done.code != 0 && done.out.is_empty(), "{done:?}");
        assert!(done.err.contains(says), "{done:?}");
        assert!((everything(&database, tenant), head(&file)) == before, "{says}");
    };
    superuser.execute("UPDATE nhs_pds.tenant SET state = 'active'");
    refused("leeds", "the tenant is active: pause it");
    superuser.execute("UPDATE nhs_pds.tenant SET state = 'paused'");
    refused("paris", "there is no such tenant");

    let york = ["--db", &address, "--tenant", "york"];
    let import = ["worker", "--import", CASELOAD, "--export", &path(&folder, "x.csv")];
    superuser.execute("UPDATE nhs_pds.tenant SET state = 'active' WHERE name = 'york'");
    let taken_in = nhs_pds(&[&import[..], &york].concat());
    assert_eq!(taken_in.code, 0, "{taken_in:?}");
    superuser.execute("UPDATE nhs_pds.tenant SET state = 'paused'");
    refused("york", "choose an empty target");

    // Another trail.
    let other = worked(&folder, "other.sqlite");
    assert_eq!(migrate(&other, &address, "leeds").code, 0);
    refused("leeds", "was moved from another source");
}

#[test]
fn damage_is_named_before_anything_is_written() {
    let Some(database) = Database::prepared() else { return };
    add(&database, &["leeds"]);
    let (folder, address) = (tempfile::tempdir().unwrap(), database.application());
    let file = worked(&folder, "cases.sqlite");
    let refused = |damage: &str, repair: &str, code: i32, says: &[&str]| {
        execute(&file, damage);
        let done = migrate(&file, &address, "leeds");
        assert_eq!((done.code, done.out.as_str()), (code, ""), "{damage}: {done:?}");
        for words in says {
            assert!(done.err.contains(words), "{damage}: {done:?}");
        }
        assert!(!done.err.contains("Quentinsson"), "{done:?}");
        assert!(everything(&database, "leeds").values().all(Vec::is_empty), "{damage}");
        execute(&file, repair);
    };
    let keep = "CREATE TABLE kept AS SELECT";
    refused(
        &format!(
            "{keep} document FROM cases WHERE case_id = 'C000007';
            UPDATE cases SET document = 'Quentinsson' WHERE case_id = 'C000007'"
        ),
        "UPDATE cases SET document = (SELECT document FROM kept) WHERE case_id = 'C000007'; DROP TABLE kept",
        1,
        &["case C000007 is damaged", "restore them from a copy"],
    );
    refused(
        "UPDATE cases SET version = version + 1 WHERE case_id = 'C000008'",
        "UPDATE cases SET version = version - 1 WHERE case_id = 'C000008'",
        1,
        &["case C000008 is damaged"],
    );
    refused(
        &format!(
            "{keep} document FROM alert WHERE number = 1;
            UPDATE alert SET document = 'Quentinsson' WHERE number = 1"
        ),
        "UPDATE alert SET document = (SELECT document FROM kept) WHERE number = 1; DROP TABLE kept",
        1,
        &["alert C", " is damaged"],
    );
    refused(
        "UPDATE audit_event SET user_id = user_id || 'x' WHERE seq = 9",
        "UPDATE audit_event SET user_id = substr(user_id, 1, length(user_id) - 1) WHERE seq = 9",
        1,
        &["trail is broken", "event 9"],
    );
    let soon = "(unixepoch() + 30) * 1000000";
    refused(
        &format!("UPDATE case_due SET owner = 'w', until = {soon} WHERE case_id = 'C000007'"),
        "UPDATE case_due SET owner = '', until = 0 WHERE case_id = 'C000007'",
        2,
        &["stop the workers"],
    );
    // All is repaired.
    let moved = migrate(&file, &address, "leeds");
    assert_eq!(moved.code, 0, "{moved:?}");
    // Work that the target does not have is noticed.
    let deleted = nhs_pds(&["review", "--db", &file, "delete", "C000126"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    let again = migrate(&file, &address, "leeds");
    assert!(again.code == 1 && again.err.contains("the source was used after it"), "{again:?}");
}

#[test]
fn wrong_arguments_end_with_2_and_create_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, new) = (path(&folder, "missing"), path(&folder, "new"));
    std::fs::write(path(&folder, "text"), "not a database").unwrap();
    let nowhere = "postgres://w:s3cret@127.0.0.1:1/b";
    for (from, to, says) in [
        (missing.as_str(), new.as_str(), "give a file and an address of PostgreSQL"),
        (nowhere, nowhere, "give a file and an address of PostgreSQL"),
        (&missing, nowhere, "there is no such file"),
        (&path(&folder, "text"), nowhere, "text: "),
        (nowhere, &new, "postgres://w@127.0.0.1:1/b, tenant leeds: "),
    ] {
        let done = migrate(from, to, "leeds");
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
        assert!(done.err.contains(says) && !done.err.contains("s3cret"), "{done:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file is created");
}
