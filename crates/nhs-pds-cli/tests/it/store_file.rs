//! The commands over the files of a store: they list damaged rows, leave nothing of an erased person, and
//! `audit verify` changes nothing.
#![cfg(unix)]

#[path = "../../../../tests/it/support/kept.rs"]
mod kept;

use crate::command::program;
use kept::{Kept, NUMBER, at, contains, damaged, id, jo, person, readable, viewed};
use nhs_pds::audit::{self, AuditLog, Entry, EventKind, Filter, SqliteLog, Subject};
use nhs_pds::case::{self, Alert, AlertKind, Case, CaseStore, RecordType, ReviewReason};
use nhs_pds::process::alert::{AlertSink, SqliteAlerts};
use nhs_pds::process::review::{ItemFilter, ItemId, ItemPlace};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::SystemTime;
use tempfile::TempDir;

fn run(name: &str, db: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    said(program().args([name, "--db"]).arg(db).args(arguments).output().unwrap())
}

/// Exit code, standard output and standard error.
fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn the_review_command_leaves_nothing_of_an_erased_person() {
    let kept = Kept::new();
    kept.store.insert_all(vec![person(1, NUMBER), person(2, NUMBER)]).await.unwrap();
    let alerts = SqliteAlerts::open(&kept.file).unwrap();
    let alert = Alert::about("RXX:00001/1", AlertKind::Deceased, at(0), &person(1, NUMBER));
    alerts.deliver(&[alert]).await.unwrap();
    assert!(contains(&kept.bytes(), b"Quent00001son"));
    let erase = ["--as", "j.doe", "erase", "RXX:00001", "--court-order", "CO/2026/1"];
    for _ in 0..2 {
        let (code, _, told) = run("review", &kept.file, &erase);
        assert_eq!(code, Some(0), "{told}");
        let bytes = kept.bytes();
        for value in ["Quent00001son", "Arab00001ella", "QX00001 9ZZ", "00001 Larkspur"] {
            assert!(!contains(&bytes, value.as_bytes()), "{value}");
        }
        assert!(contains(&bytes, b"Quent00002son"));
    }
}

#[tokio::test]
async fn the_commands_list_damaged_rows_and_continue() {
    let kept = damaged().await;
    let decisions = kept.folder.path().join("decisions.csv");
    let (code, _, told) = run("worker", &kept.file, &["--export", decisions.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("7 stored cases are damaged") && told.contains("RXX:00003"), "{told}");
    let written = fs::read_to_string(decisions).unwrap();
    for case in readable() {
        assert!(written.contains(case.as_str()), "{case}");
    }
    let exported = Filter::new().with_kind(EventKind::CasesExported);
    assert_eq!(kept.log.page(&exported, 0, 9).await.unwrap().len(), 1);
    let (code, listed, told) = run("review", &kept.file, &["list"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(listed.lines().count(), 3);
    assert!(told.contains("RXX:00007, row 10"), "{told}");
    let (code, _, told) = run("review", &kept.file, &["show", "RXX:00003", "1"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("RXX:00003") && told.contains("a stored case is damaged"), "{told}");
    kept.sql().execute_batch("UPDATE audit_event SET kind = 'x' WHERE seq = 2").unwrap();
    let (code, listed, told) = run("audit", &kept.file, &["query"]);
    assert_eq!(code, Some(1));
    assert!(listed.lines().count() > 5 && !listed.contains("\n2\t"));
    assert!(told.contains("cannot be read, verify the trail: 2"), "{told}");
}

#[tokio::test]
async fn the_id_of_a_damaged_case_is_escaped_on_a_terminal() {
    let kept = Kept::new();
    let case = Case::new(id("RXX:\u{202e}gro\u{200b}1"), RecordType::AdultCase);
    kept.store.insert_all(vec![case]).await.unwrap();
    kept.sql().execute_batch("UPDATE cases SET version = 7").unwrap();
    let (code, _, told) = run("report", &kept.file, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(r"case RXX:\u{202e}gro\u{200b}1 is damaged"), "{told:?}");
}

#[tokio::test]
async fn a_report_keeps_its_figures_for_the_trends_of_the_screens() {
    let kept = Kept::new();
    kept.store.insert_all(vec![Case::new(id("RXX:1"), RecordType::AdultCase)]).await.unwrap();
    for counts in 1..=2 {
        let (code, _, told) = run("report", &kept.file, &[]);
        assert_eq!((code, told.as_str()), (Some(0), ""));
        assert_eq!(nhs_pds::report::history(&*kept.store).await.unwrap().len(), counts);
    }
    let last = nhs_pds::report::last(&*kept.store).await.unwrap().unwrap();
    assert_eq!(last.count("cases:in_use"), 1);
}

/// Names, bytes and times of the files in a folder; only the name of the index that connections share.
fn state(folder: &Path) -> Vec<(String, Vec<u8>, Option<SystemTime>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if name.ends_with("-shm") {
                return (name, Vec::new(), None);
            }
            let time = file.metadata().unwrap().modified().unwrap();
            (name, fs::read(file.path()).unwrap(), Some(time))
        })
        .collect();
    files.sort();
    files
}

/// The trail as other programs leave it: closed; open, with the last events in the write-ahead log; killed,
/// with the log and with or without its index.
async fn trails() -> Vec<(&'static str, TempDir, Option<SqliteLog>)> {
    let mut all = Vec::new();
    for how in ["closed", "open", "killed", "copied"] {
        let kept = Kept::new();
        let mut case = person(1, NUMBER);
        case.open_item(ReviewReason::NoMatch, &case::Evidence::default(), at(0));
        kept.store.insert_all(vec![case]).await.unwrap();
        kept.log.append((0..5).map(viewed).collect()).await.unwrap();
        let Kept { folder, file, store, log, alerts } = kept;
        drop((store, alerts));
        fs::remove_file(folder.path().join("alerts.db")).unwrap();
        let log = Arc::into_inner(log).unwrap();
        match how {
            "closed" => {
                drop(log);
                all.push((how, folder, None));
            }
            "open" => all.push((how, folder, Some(log))),
            _ => {
                let copy = tempfile::tempdir().unwrap();
                for end in ["", "-wal", "-shm"] {
                    let name = format!("cases.db{end}");
                    if how == "killed" || end != "-shm" {
                        fs::copy(file.with_file_name(&name), copy.path().join(&name)).unwrap();
                    }
                }
                all.push((how, copy, None));
            }
        }
    }
    all
}

#[tokio::test]
async fn verify_reads_and_changes_nothing() {
    for (how, folder, open) in trails().await {
        let file = folder.path().join("cases.db");
        let before = state(folder.path());
        let (code, told, wrong) = run("audit", &file, &["verify"]);
        assert_eq!(code, Some(0), "{how}: {wrong}");
        assert!(told.starts_with("whole: 5 events"), "{how}: {told}");
        let log = SqliteLog::open_read_only(&file).unwrap();
        assert_eq!(log.page(&Filter::new(), 0, 9).await.unwrap().len(), 5, "{how}");
        let error = log.append(vec![viewed(1)]).await.unwrap_err();
        assert_eq!(error.kind(), audit::ErrorKind::ReadOnly, "{how}");
        drop(log);
        assert!(state(folder.path()) == before, "{how}: something was changed");
        drop(open);
    }
}

/// Runs a program as a user whom permissions bind. `None` if that user may not run it, because only the
/// superuser may enter the folder of the build.
fn as_nobody(name: &str, db: &Path, arguments: &[&str]) -> Option<(Option<i32>, String, String)> {
    let mut command = program();
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        command.uid(65_534).gid(65_534);
    }
    match command.args([name, "--db"]).arg(db).args(arguments).output() {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => None,
        output => Some(said(output.unwrap())),
    }
}

fn permit(folder: &Path, files: u32, itself: u32) {
    for file in fs::read_dir(folder).unwrap() {
        let mode = fs::Permissions::from_mode(files);
        fs::set_permissions(file.unwrap().path(), mode).unwrap();
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(itself)).unwrap();
}

#[tokio::test]
async fn on_read_only_media_verify_works_and_audited_commands_return_an_error() {
    for (how, folder, open) in trails().await {
        let file = folder.path().join("cases.db");
        permit(folder.path(), 0o444, 0o555);
        let before = state(folder.path());
        let Some((code, told, wrong)) = as_nobody("audit", &file, &["verify"]) else {
            eprintln!("passed over: only the superuser may run the programs here");
            permit(folder.path(), 0o644, 0o755);
            return;
        };
        assert_eq!(code, Some(0), "{how}: {wrong}");
        assert!(told.starts_with("whole: 5 events"), "{how}: {told}");
        for (name, arguments) in [
            ("audit", &["query"][..]),
            ("audit", &["export", "RXX:00001"]),
            ("review", &["list"]),
            ("review", &["show", "RXX:00001", "1"]),
        ] {
            let (code, shown, wrong) = as_nobody(name, &file, arguments).unwrap();
            assert_eq!((code, shown.as_str()), (Some(2), ""), "{how} {arguments:?}");
            assert!(wrong.contains("read-only"), "{how} {arguments:?}: {wrong}");
        }
        assert!(state(folder.path()) == before, "{how}: something was changed");
        permit(folder.path(), 0o644, 0o755);
        drop(open);
    }
}

#[tokio::test]
async fn verify_without_a_trail_returns_an_error_and_creates_none() {
    let whole = {
        let kept = Kept::new();
        kept.log.append((0..50).map(viewed).collect()).await.unwrap();
        kept.sql().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        fs::read(&kept.file).unwrap()
    };
    let cases_only = include_str!("../../../../migrations/sqlite/0001_cases.sql");
    let half =
        format!("{cases_only}; CREATE TABLE audit_event (seq INTEGER); PRAGMA user_version = 5");
    for (what, content) in [
        ("empty", Err("")),
        ("foreign", Err("CREATE TABLE t (a); INSERT INTO t VALUES (1)")),
        ("cases without a trail", Err(cases_only)),
        ("some of the tables", Err(half.as_str())),
        ("text", Ok(b"case_id,record_type\n".repeat(100))),
        ("cut after the first page", Ok(whole[..4096].to_vec())),
        ("cut in the middle", Ok(whole[..whole.len() / 2].to_vec())),
        ("cut within the header", Ok(whole[..60].to_vec())),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.db");
        match content {
            Ok(bytes) => fs::write(&file, bytes).unwrap(),
            Err(sql) => {
                fs::write(&file, "").unwrap();
                Connection::open(&file).unwrap().execute_batch(sql).unwrap();
            }
        }
        let before = state(folder.path());
        for (name, arguments) in [
            ("audit", &["verify"][..]),
            ("audit", &["query"]),
            ("audit", &["export", "RXX:00001"]),
            ("review", &["list"]),
        ] {
            let (code, shown, wrong) = run(name, &file, arguments);
            assert_eq!((code, shown.as_str()), (Some(2), ""), "{what} {arguments:?}");
            assert!(wrong.contains("no audit trail here"), "{what} {arguments:?}: {wrong}");
        }
        let error = SqliteLog::open_read_only(&file).unwrap_err();
        assert_eq!(error.kind(), audit::ErrorKind::NoTrail, "{what}");
        assert!(state(folder.path()) == before, "{what}: something was changed");
    }
}

/// A trail of an earlier version is verified unchanged, and continues in the new format.
#[tokio::test]
async fn a_trail_of_the_first_format_is_verified_unchanged_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.db");
    let sql = Connection::open(&file).unwrap();
    sql.execute_batch(include_str!("../../../../tests/data/audit/trail-1.sql")).unwrap();
    sql.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
    drop(sql);
    let before = state(folder.path());
    let (code, told, wrong) = run("audit", &file, &["verify"]);
    assert_eq!(code, Some(0), "{wrong}");
    assert!(told.starts_with("whole: 4 events"), "{told}");
    assert!(state(folder.path()) == before, "nothing was brought up to date");
    let log = SqliteLog::open(&file).unwrap();
    let filter = Filter::new().with_case(id("CASE-77"));
    let old = log.page(&filter, 0, 9).await.unwrap();
    let subject = old[0].about.subject().unwrap();
    assert_eq!(subject.case().unwrap().surname.as_deref(), Some("Quentinsson"));
    let case = subject.case().unwrap().clone();
    let entry = Entry::new(EventKind::CaseViewed, at(0), &jo()).about(Subject::snapshot(&case));
    log.append(vec![entry]).await.unwrap();
    assert_eq!(log.page(&filter, 0, 9).await.unwrap().len(), 3);
    assert!(log.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn listing_review_items_is_audited() {
    let kept = Kept::new();
    let mut case = person(1, NUMBER);
    case.open_item(ReviewReason::NoMatch, &case::Evidence::default(), at(0));
    kept.store.insert_all(vec![case]).await.unwrap();
    let (code, listed, _) =
        run("review", &kept.file, &["--as", "j.doe", "list", "--reason", "none"]);
    assert_eq!((code, listed.lines().count()), (Some(0), 1));
    let listed = Filter::new().with_kind(EventKind::CasesListed);
    let events = kept.log.page(&listed, 0, 9).await.unwrap();
    assert!(events[0].actor.user_id().ends_with("j.doe"));
    let limit = ("limit".to_owned(), "100".to_owned());
    assert_eq!(events[0].details, [("reason".to_owned(), "none".to_owned()), limit]);
    // From the second page on, the case is named where it can be erased.
    let after = ItemPlace::new(at(0), ItemId::new(id("RXX:00001"), 1));
    let filter = ItemFilter::default();
    let page = kept.queue().list(&filter, Some(&after), 9, &jo()).await.unwrap();
    assert!(page.is_empty());
    let events = kept.log.page(&listed, 0, 9).await.unwrap();
    assert_eq!(events[1].about.subject().unwrap().case_id(), Some(&id("RXX:00001")));
    assert!(events[1].details.iter().all(|(_, value)| value != "RXX:00001"));
}

/// The worker stores anchors of its events, and so do the commands for people.
#[tokio::test]
async fn a_removed_tail_of_reviewers_events_is_found_by_the_anchors() {
    let kept = Kept::new();
    let mut case = person(1, NUMBER);
    case.open_item(ReviewReason::NoMatch, &case::Evidence::default(), at(0));
    kept.store.insert_all(vec![case]).await.unwrap();
    let anchors = kept.folder.path().join("anchors.txt");
    let anchors = anchors.to_str().unwrap();
    let verify = || run("audit", &kept.file, &["verify", "--anchors", anchors]);
    let acts: [(&str, &[&str]); 5] = [
        ("review", &["--anchors", anchors, "note", "RXX:00001", "1", "Seen."]),
        ("review", &["--anchors", anchors, "list"]),
        ("review", &["--anchors", anchors, "show", "RXX:00001", "1"]),
        ("audit", &["query", "--anchors", anchors]),
        ("audit", &["export", "RXX:00001", "--anchors", anchors]),
    ];
    for (name, act) in acts {
        let before = kept.log.head().await.unwrap();
        let (code, _, wrong) = run(name, &kept.file, act);
        assert_eq!(code, Some(0), "{act:?}: {wrong}");
        assert!(kept.log.head().await.unwrap().seq > before.seq, "{act:?}");
        assert_eq!(verify().0, Some(0), "{act:?}");
        // An attacker removes the events, and the trail's own anchor with them.
        let copy = kept.folder.path().join("before.db");
        let _ = fs::remove_file(&copy);
        kept.sql().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        let cut = Connection::open(&copy).unwrap();
        cut.execute("DELETE FROM audit_event WHERE seq > ?1", [before.seq as i64]).unwrap();
        cut.execute(
            "UPDATE audit_anchor SET seq = ?1, hash = ?2",
            rusqlite::params![before.seq as i64, before.hash],
        )
        .unwrap();
        drop(cut);
        assert_eq!(run("audit", &copy, &["verify"]).0, Some(0), "by itself it is a good trail");
        let (code, told, _) = run("audit", &copy, &["verify", "--anchors", anchors]);
        assert_eq!(code, Some(1), "{act:?}");
        assert!(told.contains("an anchor stored outside the trail does not match"), "{told}");
    }
    let nowhere = kept.folder.path().join("missing").join("anchors.txt");
    let nowhere = nowhere.to_str().unwrap();
    let (code, _, wrong) = run("review", &kept.file, &["--anchors", nowhere, "list"]);
    assert_eq!(code, Some(0), "what was done is done");
    assert!(wrong.contains("no anchor was written"), "{wrong}");
}
