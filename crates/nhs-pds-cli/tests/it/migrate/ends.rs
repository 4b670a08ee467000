//! A move that ends early.

use super::rows::{assert_equal, of_file, of_tenant};
use super::{add, assert_whole, head, migrate, path};
use crate::command::{nhs_pds, program};
use crate::postgres::support::{APPLICATION, Database, Sql};
use crate::running::until;
use rusqlite::Connection;
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// A file with many cases and a trail.
fn large(folder: &TempDir) -> String {
    let (file, out) = (path(folder, "large.sqlite"), folder.path().to_str().unwrap().to_owned());
    assert_eq!(nhs_pds(&["dev", "sample-data", "--cases", "1200", "--out", &out]).code, 0);
    let import = ["worker", "--db", &file, "--import", &path(folder, "caseload.csv")];
    let export = ["--export", &path(folder, "decisions.csv")];
    let imported = nhs_pds(&[&import[..], &export].concat());
    assert_eq!(imported.code, 0, "{imported:?}");
    file
}

/// A copy of a file that no program uses.
fn copied(folder: &TempDir, file: &str) -> String {
    let copy = path(folder, "copy.sqlite");
    let file = Connection::open(file).unwrap();
    file.execute("VACUUM INTO ?1", [&copy]).unwrap();
    copy
}

/// A value of all cases of a file.
fn of_cases(file: &str, value: &str) -> String {
    let file = Connection::open(file).unwrap();
    file.query_row(&format!("SELECT {value} FROM cases"), [], |row| row.get(0)).unwrap()
}

fn start(from: &str, to: &str) -> Child {
    let mut command = program();
    command.args(["migrate", "--from", from, "--to", to, "--tenant", "leeds"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Moves and kills, each time at another moment of the time that a move `takes`, until a move is complete before it is
/// killed. `look` sees what each killed move has left.
fn kill(from: &str, to: &str, takes: Duration, early: usize, mut look: impl FnMut()) -> usize {
    let (mut random, mut kills) = (7_u64, 0);
    let takes = u64::try_from(takes.as_millis()).unwrap();
    loop {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut process = start(from, to);
        // The `early` ones do not have the time for all of it. The later ones may be killed at the end of it.
        // A machine that has become slower completes one in the end.
        let most = if kills < early { takes / 2 } else { takes * 3 / 2 + 20 * kills as u64 };
        std::thread::sleep(Duration::from_millis((random >> 33) % most));
        if let Some(status) = process.try_wait().unwrap() {
            assert!(status.success(), "after {kills} kills: {status}");
            return kills;
        }
        process.kill().unwrap();
        process.wait().unwrap();
        kills += 1;
        assert!(kills < 500, "the move does not go on");
        look();
    }
}

#[test]
fn a_move_that_is_killed_at_any_moment_goes_on() {
    // When the machine becomes faster, a move is complete too early. Everything begins again, with another database and
    // another measurement.
    let early: Vec<String> =
        std::iter::repeat_with(there_and_back).take(3).map_while(Result::err).collect();
    assert!(early.len() < 3, "{early:?}");
}

/// Kills moves in both directions. An error says that a move was complete before enough were killed.
fn there_and_back() -> Result<(), String> {
    let Some(database) = Database::prepared() else { return Ok(()) };
    let superuser = add(&database, &["leeds", "york"]);
    let (folder, address) = (tempfile::tempdir().unwrap(), database.application());
    let file = large(&folder);
    let (before, end) = (of_file(&file, u64::MAX >> 1), head(&file));
    let place = ["--db", &address, "--tenant", "leeds"];
    let mut incomplete = 0;
    // An undisturbed move says how long a move takes.
    let began = Instant::now();
    assert_eq!(migrate(&copied(&folder, &file), &address, "york").code, 0);
    let takes = began.elapsed();
    let kills = kill(&file, &address, takes, 20, || {
        let state = superuser.rows(
            "SELECT convert_from(value, 'UTF8')::json ->> 'state', octet_length(hash)
             FROM nhs_pds.setting JOIN nhs_pds.audit_anchor USING (tenant)
             WHERE name = 'moved_from' AND tenant = (SELECT tenant FROM nhs_pds.tenant WHERE name = 'leeds')",
        );
        // Marked, and without an end of its trail: nothing that is recorded can be done.
        if state == [["moving", "0"]] {
            incomplete += 1;
            if incomplete == 2 {
                let verified = nhs_pds(&[&["audit"][..], &place, &["verify"]].concat());
                assert_eq!(verified.code, 1, "{verified:?}");
                let listed = nhs_pds(&[&["review"][..], &place, &["list"]].concat());
                assert!(listed.code == 2 && listed.out.is_empty(), "{listed:?}");
            }
        }
    });
    if kills < 20 || incomplete < 2 {
        return Err(format!("{kills} kills, {incomplete} of them left a part"));
    }
    assert_equal(&before, &of_tenant(&database, "leeds", end), "there");
    assert_whole(&place);
    let again = migrate(&file, &address, "leeds");
    assert!(again.code == 0 && again.out.starts_with("moved already"), "{again:?}");
    // One record in each trail, however often it was killed.
    for (place, kind) in
        [(&place[..], "configuration_changed"), (&["--db", &file], "cases_exported")]
    {
        let query = ["query", "--kind", kind, "--json"];
        let found = nhs_pds(&[&["audit"][..], place, &query].concat()).json_lines();
        let moves = found.iter().filter(|event| event["details"].to_string().contains("moved_"));
        assert_eq!(moves.count(), 1, "{kind}");
    }

    // And back.
    let back = path(&folder, "back.sqlite");
    kill(&address, &back, takes, 4, || {});
    let mut returned = of_file(&back, end);
    returned.get_mut("audit_event").unwrap().truncate(before.get("audit_event").unwrap().len());
    assert_equal(&before, &returned, "back");
    assert_whole(&["--db", &back]);
    Ok(())
}

#[test]
fn a_source_that_was_used_in_between_is_moved_as_it_is_then() {
    let Some(database) = Database::prepared() else { return };
    let superuser = add(&database, &["leeds", "york"]);
    let (folder, address) = (tempfile::tempdir().unwrap(), database.application());
    let file = large(&folder);
    // Killed when a part of the cases is there. Its second page waits for a transaction that has added the last case.
    let other = Sql::connect(&database.superuser().parse().unwrap());
    other.execute("BEGIN");
    other.execute(&format!(
        "INSERT INTO nhs_pds.cases (tenant, case_id, version, document)
         SELECT tenant, '{}', 1, '{{}}' FROM nhs_pds.tenant WHERE name = 'leeds'",
        of_cases(&file, "max(case_id)")
    ));
    let mut process = start(&file, &address);
    until("a page of cases", || {
        (superuser.first("SELECT count(*) > 0 FROM nhs_pds.cases") == "t").then_some(())
    });
    process.kill().unwrap();
    assert!(!process.wait().unwrap().success(), "the move was complete before it was killed");
    // The server does not notice at once that the program is gone.
    superuser.execute(&format!(
        "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity
         WHERE datname = current_database() AND usename = '{APPLICATION}'"
    ));
    other.execute("ROLLBACK");
    let first = of_cases(&file, "min(case_id)");
    let subject = "SELECT count(*) FROM nhs_pds.audit_subject WHERE case_id";
    assert_eq!(superuser.first(&format!("{subject} = '{first}'")), "1");
    let erased = nhs_pds(&["review", "--db", &file, "erase", &first, "--court-order", "order 7"]);
    assert_eq!(erased.code, 0, "{erased:?}");
    let (before, end) = (of_file(&file, u64::MAX >> 1), head(&file));
    let moved = migrate(&file, &address, "leeds");
    assert_eq!(moved.code, 0, "{moved:?}");
    assert_equal(&before, &of_tenant(&database, "leeds", end), "there");
    assert_eq!(superuser.first(&format!("{subject} = '{first}'")), "0", "the key is gone");
    assert_whole(&["--db", &address, "--tenant", "leeds"]);
}
