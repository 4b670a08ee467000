//! A move from file to file that something disturbs. `crates/nhs-pds-cli/tests/it/migrate` has the moves to PostgreSQL.

use chrono::DateTime;
use nhs_pds::audit::Actor;
use nhs_pds::case::{Case, Change, RecordType};
use nhs_pds::process::store::transfer::{Error, ErrorKind, Progress, Step, Transfer, Transferred};
use nhs_pds::process::store::{Commit, Sqlite, Store};
use nhs_pds::trace::{Caller, LocalIdentity};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// More than two pages.
const CASES: usize = 2_100;

fn us() -> Actor {
    let us = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
    Actor::new(&Caller::System(us), "us")
}

fn adding(ids: std::ops::Range<usize>) -> Commit {
    ids.fold(Commit::new(&us(), DateTime::UNIX_EPOCH), |commit, id| {
        let mut case = Case::new(format!("{id:05}").parse().unwrap(), RecordType::AdultCase);
        case.surname = Some("Quentinsson".into());
        commit.save(Change::new(case), &[("decision", "imported")])
    })
}

/// Two files, of which one has cases.
struct Pair {
    folder: TempDir,
    from: Sqlite,
    to: Sqlite,
}

impl Pair {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = |name| Sqlite::open(folder.path().join(name)).unwrap();
        let (from, to) = (open("from"), open("to"));
        assert!(from.commit(adding(0..CASES)).await.unwrap().is_done());
        Self { from, to, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn execute(&self, name: &str, sql: &str) {
        Connection::open(self.file(name)).unwrap().execute_batch(sql).unwrap();
    }

    /// Moves, and once runs `sql` on the file `name` at the first page of `step`.
    async fn disturbed(
        &self,
        step: Step,
        name: &str,
        sql: &'static str,
    ) -> Result<Transferred, Error> {
        let (file, done) = (self.file(name), AtomicBool::new(false));
        let disturb = move |at: Progress| {
            if at.step == step && at.done > 0 && !done.swap(true, Ordering::Relaxed) {
                Connection::open(&file).unwrap().execute_batch(sql).unwrap();
            }
        };
        Transfer::new(self.from.clone(), self.to.clone()).with_progress(disturb).run(&us()).await
    }

    async fn moved(&self) -> Result<Transferred, Error> {
        Transfer::new(self.from.clone(), self.to.clone()).run(&us()).await
    }

    /// Whether the target has every case as the source has it, and a whole trail.
    async fn assert_equal(&self) {
        let (ours, theirs) =
            (self.from.cases().page(None, 9_999).await, self.to.cases().page(None, 9_999).await);
        assert!(ours.unwrap() == theirs.unwrap());
        assert!(self.to.audit().verify(&[]).await.unwrap().is_whole());
    }
}

fn kind(result: Result<Transferred, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn a_source_that_is_used_during_the_move_is_noticed_and_the_move_goes_on() {
    let pair = Pair::new().await;
    let claim = "UPDATE case_due SET owner = 'w', until = (unixepoch() + 50) * 1000000 WHERE case_id = '00007'";
    assert_eq!(kind(pair.disturbed(Step::Write, "from", claim).await), ErrorKind::Changed);
    assert_eq!(kind(pair.moved().await), ErrorKind::Busy);
    pair.execute("from", "UPDATE case_due SET owner = '', until = 0");
    assert!(pair.from.commit(adding(CASES..CASES + 3)).await.unwrap().is_done());
    let moved = pair.moved().await.unwrap();
    assert_eq!((moved.cases, moved.was_complete), (CASES as u64 + 3, false));
    pair.assert_equal().await;
}

/// The program that writes to the target is not one of this crate: these get an error.
#[tokio::test]
async fn a_target_that_is_changed_meanwhile_is_noticed_and_written_again() {
    let pair = Pair::new().await;
    let change = "UPDATE cases SET document = replace(document, 'Quentinsson', 'Other') WHERE case_id = '00007'";
    assert_eq!(kind(pair.disturbed(Step::Compare, "to", change).await), ErrorKind::Mismatch);
    pair.moved().await.unwrap();
    pair.assert_equal().await;
}

#[tokio::test]
async fn of_two_moves_to_one_target_the_first_ends() {
    let pair = Pair::new().await;
    let other = "UPDATE setting SET version = version + 1 WHERE name = 'moved_from'";
    let ended = pair.disturbed(Step::Write, "to", other).await;
    assert_eq!(kind(ended), ErrorKind::Superseded);
    pair.moved().await.unwrap();
    pair.assert_equal().await;
}

#[tokio::test]
async fn until_the_move_is_complete_no_program_changes_the_target() {
    let pair = Pair::new().await;
    let other = "UPDATE setting SET version = version + 1 WHERE name = 'moved_from'";
    assert_eq!(kind(pair.disturbed(Step::Compare, "to", other).await), ErrorKind::Superseded);
    // All cases are there.
    assert_eq!(pair.to.cases().page(None, 9_999).await.unwrap().len(), CASES);
    pair.to.commit(adding(CASES..CASES + 1)).await.unwrap_err();
    pair.to.audit().head().await.unwrap_err();
    assert!(!pair.to.audit().verify(&[]).await.unwrap().is_whole());
    // Nor is it a source.
    let onward = Transfer::new(pair.to.clone(), Sqlite::open_in_memory().unwrap());
    assert_eq!(kind(onward.run(&us()).await), ErrorKind::Incomplete);
    assert!(!pair.moved().await.unwrap().was_complete);
    pair.assert_equal().await;
    assert!(pair.moved().await.unwrap().was_complete);
    assert!(pair.to.commit(adding(CASES..CASES + 1)).await.unwrap().is_done());
    // The target is in use, and the source was not used: nothing is to be done.
    assert!(pair.moved().await.unwrap().was_complete);
}

#[tokio::test]
async fn the_error_and_the_progress_show_no_person() {
    let pair = Pair::new().await;
    pair.execute("from", "UPDATE cases SET document = 'Quentinsson' WHERE case_id = '00007'");
    let error = pair.moved().await.unwrap_err();
    assert_eq!(error.damaged(), ["case 00007"]);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("00007") && !shown.contains("Quentinsson"), "{shown}");
    assert_eq!(pair.to.cases().page(None, 9).await.unwrap().len(), 0);
    assert_eq!(pair.to.audit().head().await.unwrap().seq, 0);
}
