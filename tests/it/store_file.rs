//! The bytes of a store's files: nothing of an erased person; a damaged row stops no other row; reading
//! changes nothing.
#![expect(clippy::indexing_slicing, reason = "tests, whose panics are failures")]

use crate::support::kept::{
    DAMAGE, Kept, NUMBER, at, contains, damaged, id, imported, jo, person, readable, traceable,
    viewed,
};
use crate::support::one_question;
use nhs_pds::audit::{
    self, AuditLog, Entry, EventKind, Filter, SqliteLog, Subject, case_as_of, export, query,
};
use nhs_pds::case::{
    self, Alert, AlertKind, Case, CaseId, CaseStore, Lease, RecordType, ReviewReason, ReviewStep,
    SqliteStore, Unreadable,
};
use nhs_pds::clock::{FixedClock, SystemClock};
use nhs_pds::nhs_number::{NhsNumber, Synthetic};
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::review::{ActionOutcome, ItemFilter, ItemId, Resolution, ReviewQueue};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{CaseReport, ErrorKind, Process, Schedule, Settings, Worker, import};
use nhs_pds::report::report;
use nhs_pds::trace::{Caller, LocalIdentity, Outcome as Traced, ScriptedTracer};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

fn us() -> Caller {
    Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap())
}

// Erasure

const PEOPLE: usize = 3_000;

/// How often each person's family name is in `bytes`.
fn names(bytes: &[u8]) -> BTreeMap<usize, usize> {
    let mut found = BTreeMap::new();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'Q'
            && bytes[at..].starts_with(b"Quent")
            && let Some(digits) = bytes.get(at + 5..at + 10)
            && let Ok(n) = String::from_utf8_lossy(digits).parse()
        {
            *found.entry(n).or_default() += 1;
        }
    }
    found
}

/// A file whose rows have grown, so that pages were split and contain copies of moved rows.
async fn kept_people() -> (Kept, Vec<NhsNumber>) {
    let kept = Kept::new();
    let numbers: Vec<NhsNumber> = Synthetic::from_seed(11).take(2 * PEOPLE).collect();
    let order: Vec<usize> = (0..PEOPLE).map(|n| n * 7 % PEOPLE).collect();
    for chunk in order.chunks(300) {
        let cases: Vec<Case> = chunk.iter().map(|n| person(*n, numbers[PEOPLE + n])).collect();
        kept.store.insert_all(cases.clone()).await.unwrap();
        let entries = cases.into_iter().map(|mut case| {
            case.version = 1;
            Entry::new(EventKind::CaseChanged, at(0), &jo()).about(Subject::snapshot(&case))
        });
        kept.log.append(entries.collect()).await.unwrap();
    }
    for round in 0..3_usize {
        for chunk in order.chunks(300) {
            let (mut changes, mut entries) = (Vec::new(), Vec::new());
            for n in chunk.iter().filter(|n| (*n + round) % 2 == 0) {
                let mut case = kept.store.get(&id(&format!("RXX:{n:05}"))).await.unwrap().unwrap();
                // The number has changed.
                case.nhs_number = imported(numbers[*n]);
                case.open_item(ReviewReason::NoMatch, &case::Evidence::default(), at(1));
                let note = format!("Quent{n:05}son of {n:05} Larkspur Cottage. ").repeat(round + 2);
                let step = ReviewStep::new(at(1), "j.doe", "noted").with_note(note);
                case.review[0].history.push(step);
                changes.push(case::Change::new(case.clone()));
                case.version += 1;
                entries.push(
                    Entry::new(EventKind::CaseChanged, at(1), &jo())
                        .about(Subject::snapshot(&case)),
                );
            }
            kept.log.append(entries).await.unwrap();
            kept.store.save_all(changes).await.unwrap();
        }
    }
    let asked = (0..PEOPLE).step_by(3).map(|n| {
        let looked = Entry::new(EventKind::AuditQueried, at(2), &jo());
        looked.about(Subject::person(numbers[PEOPLE + n]))
    });
    kept.log.append(asked.collect()).await.unwrap();
    for chunk in order.chunks(500) {
        let alerts = chunk.iter().map(|n| {
            let mut alert = Alert::about(
                format!("RXX:{n:05}/1/duplicate"),
                AlertKind::Duplicate,
                at(2),
                &person(*n, numbers[*n]),
            );
            alert.others = vec![id(&format!("RXX:{:05}", (n + 1) % PEOPLE))];
            alert
        });
        kept.alerts.deliver(&alerts.collect::<Vec<_>>()).await.unwrap();
    }
    (kept, numbers)
}

/// People with more copies in the file than their rows: `secure_delete` does not reach those copies.
fn with_copies(kept: &Kept) -> Vec<usize> {
    let sql = kept.sql();
    sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let mut rows = Vec::new();
    let mut query = sql.prepare("SELECT document FROM cases").unwrap();
    let documents = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    documents.for_each(|document| rows.extend(document.unwrap().into_bytes()));
    let (rows, file) = (names(&rows), names(&fs::read(&kept.file).unwrap()));
    file.into_iter().filter(|(n, count)| *count > rows[n]).map(|(n, _)| n).collect()
}

#[tokio::test]
async fn an_erased_person_of_3000_is_nowhere_in_the_files() {
    let (kept, numbers) = kept_people().await;
    let queue = kept.queue();
    let copied = with_copies(&kept);
    assert!(copied.len() >= 3, "pages were split");
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    // One of those with a former number, too.
    let sought = copied.iter().copied().find(|n| n % 3 == 0);
    let gone: Vec<usize> = copied.iter().copied().step_by(copied.len() / 3).chain(sought).collect();
    for n in &gone {
        let case = id(&format!("RXX:{n:05}"));
        let recorded = [numbers[*n], numbers[PEOPLE + n]];
        secrets.extend(recorded.iter().map(|number| number.digits().as_str().as_bytes().to_vec()));
        secrets.extend(recorded.iter().map(|number| number.to_string().into_bytes()));
        for text in ["Quent{}son", "Arab{}ella", "QX{} 9ZZ", "{} Larkspur"] {
            secrets.push(text.replace("{}", &format!("{n:05}")).into_bytes());
        }
        let sql = kept.sql();
        let keys = "SELECT key FROM audit_subject WHERE case_id = ?1 OR person = ?2";
        let mut keys = sql.prepare(keys).unwrap();
        let former = numbers[PEOPLE + n].digits().to_string();
        let keys = keys.query_map([case.as_str(), &former], |row| row.get(0)).unwrap();
        let keys: Vec<Vec<u8>> = keys.map(Result::unwrap).collect();
        assert_eq!(keys.len(), if n % 3 == 0 { 2 } else { 1 });
        secrets.extend(keys);
        queue_erases(&queue, &case, ActionOutcome::Done).await;
        kept.alerts.forget(&case).await.unwrap();
    }
    let bytes = kept.bytes();
    for secret in &secrets {
        let text = String::from_utf8_lossy(secret);
        assert!(!contains(&bytes, secret), "{text} is still in the files");
    }
    // All other people are there, and the trail is whole.
    let left = kept.store.page(None, usize::MAX).await.unwrap();
    assert_eq!(left.iter().filter(|case| case.surname.is_some()).count(), PEOPLE - distinct(&gone));
    assert!(kept.log.verify(&[]).await.unwrap().is_whole());
    let alerts = kept.alerts.page(0, usize::MAX).await.unwrap();
    assert_eq!(alerts.len(), PEOPLE - distinct(&gone));
    let named = |n: &usize| alerts.iter().any(|a| a.others.contains(&id(&format!("RXX:{n:05}"))));
    assert!(!gone.iter().any(named));
    queue_erases(&queue, &id(&format!("RXX:{:05}", gone[0])), ActionOutcome::AlreadyDone).await;
}

fn distinct(all: &[usize]) -> usize {
    all.iter().collect::<std::collections::BTreeSet<_>>().len()
}

async fn queue_erases(queue: &ReviewQueue, case: &CaseId, expected: ActionOutcome) {
    let outcome = queue.erase(case, "CO/2026/1", &jo()).await.unwrap();
    assert!(outcome == expected || outcome == ActionOutcome::AlreadyDone, "{outcome:?}");
}

/// A number that a reviewer has rejected belongs to a different person, and its record is kept.
#[tokio::test]
async fn the_record_of_a_rejected_number_is_kept() {
    let kept = Kept::new();
    let mut case = person(1, NUMBER);
    let others: NhsNumber = Synthetic::from_seed(3).next().unwrap();
    case.rejected_numbers = vec![others];
    kept.store.insert_all(vec![case]).await.unwrap();
    let looked =
        |number| Entry::new(EventKind::AuditQueried, at(0), &jo()).about(Subject::person(number));
    kept.log.append(vec![looked(NUMBER), looked(others)]).await.unwrap();
    queue_erases(&kept.queue(), &id("RXX:00001"), ActionOutcome::Done).await;
    let found = kept.log.page(&Filter::new().with_number(others), 0, 9).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(kept.log.page(&Filter::new().with_number(NUMBER), 0, 9).await.unwrap().is_empty());
}

/// Merges case `absorbed` into case `survivor`, by an item that is opened for it.
async fn merge(kept: &Kept, survivor: &str, absorbed: &str) {
    let mut case = kept.store.get(&id(survivor)).await.unwrap().unwrap();
    let item = case.open_item(ReviewReason::Duplicate, &case::Evidence::default(), at(0)).unwrap();
    kept.store.save(&case).await.unwrap();
    let merge = Resolution::Merge { absorbed: id(absorbed) };
    let item = ItemId::new(id(survivor), item);
    assert_eq!(kept.queue().resolve(&item, &merge, &jo()).await.unwrap(), ActionOutcome::Done);
}

/// A number that was taken over has the person for whom it was confirmed.
#[tokio::test]
async fn the_person_of_a_number_taken_over_is_erased_too() {
    for has_names in [true, false] {
        let kept = Kept::new();
        let mut survivor = Case::new(id("1"), RecordType::AdultCase);
        survivor.surname = has_names.then(|| "Parry".to_owned());
        survivor.forename = has_names.then(|| "E".to_owned());
        survivor.former_surnames = vec!["Owen".into()];
        let mut gone = person(2, NUMBER);
        gone.id = id("2");
        gone.nhs_number = imported(NUMBER).map(|recorded| recorded.with_person(gone.identity()));
        gone.former_surnames = vec!["Owen".into(), "Form00002er".into()];
        gone.emails = vec!["mail00002@a.example".into()];
        let later = Case::new(id("3"), RecordType::AdultCase);
        kept.store.insert_all(vec![survivor, gone, later]).await.unwrap();
        merge(&kept, "1", "2").await;
        // The survivor's number is recorded again, to be restored when this merge is undone.
        merge(&kept, "1", "3").await;
        let survivor = kept.store.get(&id("1")).await.unwrap().unwrap();
        assert!(survivor.person_changed() && contains(&kept.bytes(), b"Quent00002son"));
        assert_eq!(survivor.former_surnames, ["Owen", "Form00002er"]);
        queue_erases(&kept.queue(), &id("2"), ActionOutcome::Done).await;
        let bytes = kept.bytes();
        for value in ["Quent00002son", "Arab00002ella", "Form00002er", "mail00002"] {
            assert!(!contains(&bytes, value.as_bytes()), "{has_names}: {value}");
        }
        let left = kept.store.get(&id("1")).await.unwrap().unwrap();
        assert_eq!(left.nhs_number.as_ref().map(|recorded| recorded.number), Some(NUMBER));
        assert!(left.usable_number().is_none(), "it stays in doubt");
        assert_eq!(left.former_surnames, ["Owen"], "its own");
    }
}

#[tokio::test]
async fn an_erasure_during_a_read_reports_what_remains_and_is_completed_later() {
    let kept = Kept::new();
    kept.store.insert_all(vec![person(1, NUMBER), person(2, NUMBER)]).await.unwrap();
    let reader = kept.sql();
    reader.execute_batch("BEGIN; SELECT count(*) FROM cases").unwrap();
    let queue = kept.queue();
    let error = queue.erase(&id("RXX:00001"), "CO/2026/1", &jo()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Residue);
    let said = error.to_string();
    assert!(
        said.contains("may still contain copies") && said.contains("erase the case again"),
        "{said}"
    );
    reader.execute_batch("COMMIT").unwrap();
    queue_erases(&queue, &id("RXX:00001"), ActionOutcome::Done).await;
    let bytes = kept.bytes();
    for value in ["Quent00001son", "Arab00001ella", "QX00001 9ZZ", "00001 Larkspur"] {
        assert!(!contains(&bytes, value.as_bytes()), "{value}");
    }
    assert!(contains(&bytes, b"Quent00002son"));
}

// Damage

fn named(damaged: &[Unreadable]) -> String {
    damaged.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

const NAMES: &str = "RXX:00001 RXX:00002 RXX:00003 RXX:00004 RXX:00005 RXX:00007 row 10";

#[tokio::test]
async fn a_damaged_row_is_listed_and_other_rows_are_read() {
    let kept = damaged().await;
    assert_eq!(named(&kept.store.unreadable().await.unwrap()), NAMES);
    for limit in [1, 2, 99] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = kept.store.page(after.as_ref(), limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            seen.extend(page.into_iter().map(|case| case.id));
        }
        assert_eq!(seen, readable());
    }
    let error = kept.store.get(&id("RXX:00001")).await.unwrap_err();
    assert_eq!((error.kind(), error.case()), (case::ErrorKind::Corrupt, Some(&id("RXX:00001"))));
    // A number that can be read counts.
    assert_eq!(kept.store.holders(NUMBER).await.unwrap(), [id("RXX:00004")]);
    let mut rival = kept.store.get(&id("RXX:00000")).await.unwrap().unwrap();
    rival.nhs_number = imported(NUMBER);
    let error = kept.store.save_as_sole_holder(&rival).await.unwrap_err();
    assert_eq!(error.kind(), case::ErrorKind::NumberTaken);
    let quality = report(&*kept.store, at(9)).await.unwrap();
    assert_eq!((quality.cases.all, quality.cases.unreadable), (3, 7));
    assert!(quality.csv().contains("cases,unreadable,7\n"));
}

/// A worker whose service responds `answers` times that PDS knows no such person.
fn worker(kept: &Kept, answers: usize) -> Worker {
    let tracer = Arc::new(ScriptedTracer::new((0..answers).map(|_| Ok(Traced::None))));
    let store = Arc::<SqliteStore>::clone(&kept.store);
    let log = Arc::<SqliteLog>::clone(&kept.log);
    Worker::new(
        tracer,
        Arc::new(Joined::new(store, log, Arc::new(MemoryAlerts::default()))),
        Settings::new(us()).with_policy(one_question()),
    )
}

/// Collects the cases that were traced. Their order is not promised: answers are stored side by side.
fn asked_of(asked: &mut BTreeSet<CaseId>) -> impl FnMut(&CaseReport) {
    |case| {
        if case.result.is_some() {
            assert!(asked.insert(case.case_id.clone()), "{} was traced twice", case.case_id);
        }
    }
}

#[tokio::test]
async fn the_worker_skips_damaged_rows_and_counts_them() {
    let kept = damaged().await;
    let mut asked = BTreeSet::new();
    let run = worker(&kept, 3).run_once(&mut asked_of(&mut asked)).await.unwrap();
    assert_eq!((run.seen, run.unreadable, asked), (3, 7, readable().into()));
    let process = Process::new(worker(&kept, 0), Schedule::every(Duration::from_secs(60)).unwrap());
    let until_run = async {
        while process.status().last.is_none() {
            tokio::task::yield_now().await;
        }
    };
    process.run_until(until_run, &mut |_| ()).await.unwrap();
    let status = process.status();
    assert_eq!(status.last_error, None);
    assert_eq!(status.last.unwrap().unreadable, 7);
}

#[tokio::test]
async fn a_damaged_lease_does_not_count_and_is_replaced() {
    const LATEST: i64 = i64::MAX;
    for lease in [
        format!("owner = 'gone', until = {LATEST}"),
        format!("owner = '', until = {LATEST}"),
        "owner = CAST(x'ff' AS TEXT), until = 0".to_owned(),
    ] {
        let kept = Kept::new();
        let cases = vec![traceable(1), traceable(2)];
        import(&kept.joined(), &jo(), &FixedClock::at(at(0)), cases).await.unwrap();
        let damage = format!("UPDATE case_due SET {lease} WHERE case_id = 'RXX:00001'");
        kept.sql().execute_batch(&damage).unwrap();
        // It is replaced as a whole, so that it blocks the next worker.
        let terms = |owner: &str| Lease::new(owner, at(0), at(0) + Lease::LONGEST);
        let first = id("RXX:00001");
        assert_eq!(kept.store.claim(&first, &terms("a")).await.unwrap().cases.len(), 1, "{lease}");
        let claim = kept.store.claim(&first, &terms("b")).await.unwrap();
        assert_eq!(claim.blocked_until, Some(at(0) + Lease::LONGEST), "{lease}");
        kept.sql().execute_batch(&damage).unwrap();
        let mut asked = BTreeSet::new();
        worker(&kept, 2).run_once(&mut asked_of(&mut asked)).await.unwrap();
        assert_eq!(asked, [id("RXX:00001"), id("RXX:00002")].into(), "{lease}");
    }
}

#[tokio::test]
async fn a_damaged_key_is_listed_and_its_case_is_traced_and_erased() {
    for damage in ["key = x'00'", "key = x''", "subject = x'00'"] {
        let kept = Kept::new();
        let cases = vec![traceable(1), traceable(2)];
        import(&kept.joined(), &jo(), &FixedClock::at(at(0)), cases).await.unwrap();
        kept.sql()
            .execute_batch(&format!(
                "UPDATE audit_subject SET {damage} WHERE case_id = 'RXX:00001'"
            ))
            .unwrap();
        let mut asked = BTreeSet::new();
        worker(&kept, 2).run_once(&mut asked_of(&mut asked)).await.unwrap();
        assert_eq!(asked, [id("RXX:00001"), id("RXX:00002")].into(), "{damage}");
        // New events are sealed with a new key and can be read; older events are listed.
        let about = Filter::new().with_case(id("RXX:00001"));
        assert!(!kept.log.page(&about, 0, 9).await.unwrap().is_empty(), "{damage}");
        let verdict = kept.log.verify(&[]).await.unwrap().to_string();
        assert!(verdict.starts_with("broken at event 1:"), "{damage}: {verdict}");
        queue_erases(&kept.queue(), &id("RXX:00001"), ActionOutcome::Done).await;
        assert!(kept.log.page(&about, 0, 9).await.unwrap().is_empty(), "{damage}");
        let keys = "SELECT count(*) FROM audit_subject WHERE case_id = 'RXX:00001'";
        let left: i64 = kept.sql().query_row(keys, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{damage}");
        assert!(!contains(&kept.bytes(), b"Quent00001son"), "{damage}");
    }
}

#[tokio::test]
async fn an_import_skips_damaged_rows_of_the_store() {
    let kept = damaged().await;
    let cases = [1, 6, 11].map(|n| person(n, Synthetic::from_seed(5).nth(n).unwrap()));
    let done = import(&kept.joined(), &jo(), &SystemClock, cases).await.unwrap();
    assert_eq!((done.new, done.updated, done.unreadable), (1, 1, 1));
    assert_eq!(named(&kept.store.unreadable().await.unwrap()), NAMES);
}

#[tokio::test]
async fn reviewers_skip_damaged_rows_and_erase_them() {
    let kept = damaged().await;
    let queue = kept.queue();
    let listed = queue.list(&ItemFilter::default(), None, 99, &jo()).await.unwrap();
    let listed: Vec<CaseId> = listed.into_iter().map(|item| item.id.case).collect();
    assert_eq!(listed, readable());
    assert_eq!(named(&queue.unreadable().await.unwrap()), NAMES);
    let item = ItemId::new(id("RXX:00000"), 1);
    assert_eq!(queue.note(&item, "Seen.", &jo()).await.unwrap(), ActionOutcome::Done);
    let error = queue.show(&ItemId::new(id("RXX:00003"), 1), &jo()).await.unwrap_err();
    assert_eq!((error.kind(), error.case()), (ErrorKind::CaseUnreadable, Some(&id("RXX:00003"))));
    assert_eq!(queue.delete(&id("RXX:00006"), &jo()).await.unwrap(), ActionOutcome::Done);
    // Another case, and then each damaged one that has a name.
    queue_erases(&queue, &id("RXX:00008"), ActionOutcome::Done).await;
    for (case, _) in DAMAGE.iter().filter(|(case, _)| *case != "RXX:00009") {
        assert_eq!(queue.erase(&id(case), "CO/2026/2", &jo()).await.unwrap(), ActionOutcome::Done);
        let blank = kept.store.get(&id(case)).await.unwrap().unwrap();
        assert!(blank.surname.is_none() && blank.deleted.is_some(), "{case}");
        let again = queue.erase(&id(case), "CO/2026/2", &jo()).await.unwrap();
        assert_eq!(again, ActionOutcome::AlreadyDone);
    }
    assert_eq!(named(&kept.store.unreadable().await.unwrap()), "row 10");
    let bytes = kept.bytes();
    assert!(!contains(&bytes, b"Quentinsson") && !contains(&bytes, b"Quent00002son"));
    assert!(contains(&bytes, b"Quent00000son"));
    assert!(kept.log.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn a_damaged_event_is_listed_and_the_others_are_read() {
    let kept = Kept::new();
    let mut case = person(1, NUMBER);
    case.version = 1;
    let event = |kind| Entry::new(kind, at(0), &jo()).about(Subject::snapshot(&case));
    let kinds = [EventKind::CaseViewed, EventKind::CaseChanged, EventKind::CaseViewed];
    for damage in [
        "kind = 'Quentinsson'",
        "details = CAST(x'ff' AS TEXT)",
        "sealed = x'00'",
        "at = 9223372036854775807",
    ] {
        kept.sql()
            .execute_batch("DELETE FROM audit_event; UPDATE audit_anchor SET seq = 0")
            .unwrap();
        kept.log.append(kinds.map(event).to_vec()).await.unwrap();
        let sql = format!("UPDATE audit_event SET {damage} WHERE seq = 2");
        kept.sql().execute_batch(&sql).unwrap();
        let all = Filter::new().with_case(case.id.clone());
        let read = query(&*kept.log, &jo(), at(1), &all, 0, 9).await.unwrap();
        assert_eq!(read.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 3], "{damage}");
        assert_eq!(kept.log.unreadable(&all).await.unwrap(), [2], "{damage}");
        let written = export(&*kept.log, &jo(), at(1), &case.id, std::io::sink()).await.unwrap();
        assert_eq!(written, 4, "{damage}");
    }
    let was = case_as_of(&*kept.log, &case.id, 1, at(9)).await.unwrap_err();
    assert_eq!(was.kind(), audit::ErrorKind::Corrupt, "the case at that time is unknown");
}

#[tokio::test]
async fn a_damaged_alert_is_listed_and_erased_with_its_case() {
    let kept = Kept::new();
    let alert = |n: usize| {
        let id = format!("RXX:{n:05}/1/duplicate");
        Alert::about(id, AlertKind::Duplicate, at(0), &person(n, NUMBER))
    };
    kept.alerts.deliver(&[alert(1), alert(2), alert(3)]).await.unwrap();
    let sql = Connection::open(kept.folder.path().join("alerts.db")).unwrap();
    sql.execute_batch("UPDATE alert SET document = substr(document, 1, 90) WHERE number < 3")
        .unwrap();
    let left = kept.alerts.page(0, 9).await.unwrap();
    assert_eq!(left.len(), 1);
    let damaged = kept.alerts.unreadable().await.unwrap();
    assert_eq!(damaged, ["RXX:00001/1/duplicate", "RXX:00002/1/duplicate"]);
    kept.alerts.forget(&id("RXX:00001")).await.unwrap();
    assert_eq!(kept.alerts.unreadable().await.unwrap(), ["RXX:00002/1/duplicate"]);
    kept.alerts.forget(&id("RXX:00003")).await.unwrap();
    assert!(kept.alerts.page(0, 9).await.unwrap().is_empty());
    assert_eq!(kept.alerts.unreadable().await.unwrap(), ["RXX:00002/1/duplicate"]);
}

// The trail

/// Events that are appended while another program reads the trail are found by the next reading.
#[tokio::test]
async fn a_trail_written_during_verification_is_not_reported_as_broken() {
    let kept = Kept::new();
    kept.log.append((0..5).map(viewed).collect()).await.unwrap();
    let reading = SqliteLog::open_read_only(&kept.file).unwrap();
    kept.log.append((0..5).map(viewed).collect()).await.unwrap();
    // The writer shares its index, so every reading is of one moment.
    let verdict = reading.verify(&[]).await.unwrap();
    assert!(verdict.to_string().starts_with("whole: 10 events"), "{verdict}");
    drop(reading);
    let Kept { folder, file, store, log, .. } = kept;
    drop((store, log));
    // No program has it open now, so it is read without locks.
    let reading = SqliteLog::open_read_only(&file).unwrap();
    let log = SqliteLog::open(&file).unwrap();
    log.append(vec![viewed(9)]).await.unwrap();
    let error = reading.verify(&[]).await.unwrap_err();
    assert_eq!(error.kind(), audit::ErrorKind::Unavailable);
    drop((reading, log, folder));
}

/// Several programs may append anchors to one file at a time.
#[test]
fn anchors_of_several_writers_are_whole_lines() {
    use nhs_pds::audit::{Anchor, AnchorSink, FileAnchors};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchors.txt");
    let writers: Vec<_> = (0..4_u8)
        .map(|writer| {
            let path = path.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let sink = FileAnchors::new(path);
                for seq in 0..40 {
                    let anchor = Anchor::new(seq, [writer; 32]);
                    runtime.block_on(sink.keep(&anchor, at(0))).unwrap();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(FileAnchors::read(&path).unwrap().len(), 160);
}

// Seals

fn sealed(file: &Path, seq: i64) -> Vec<u8> {
    let sql = "SELECT sealed FROM audit_event WHERE seq = ?1";
    Connection::open(file).unwrap().query_row(sql, [seq], |row| row.get(0)).unwrap()
}

/// Two copies of one file continue, each with an event of its own: number and key are the same.
#[tokio::test]
async fn a_restored_copy_that_continues_reveals_nothing() {
    let kept = Kept::new();
    kept.log.append(vec![viewed(1)]).await.unwrap();
    let copy = kept.folder.path().join("copy.db");
    kept.sql().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let subject = |fact: &str| {
        let long = format!("{fact} {}", "x".repeat(200));
        Subject::of(&person(1, NUMBER)).with_personal("fact", long)
    };
    let plain = |fact| serde_json::to_vec(&subject(fact)).unwrap();
    let entry = |fact| Entry::new(EventKind::CaseViewed, at(0), &jo()).about(subject(fact));
    let restored = SqliteLog::open(&copy).unwrap();
    assert_eq!(kept.log.append(vec![entry("Ash Grove")]).await.unwrap(), 2);
    assert_eq!(restored.append(vec![entry("Elm Close")]).await.unwrap(), 2);
    let (one, other) = (sealed(&kept.file, 2), sealed(&copy, 2));
    let xor = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a ^ b).collect::<Vec<u8>>();
    let revealed = xor(&plain("Ash Grove"), &plain("Elm Close"));
    for skip in [0, 8, 32] {
        let (one, other) = (&one[skip..], &other[skip..]);
        assert_ne!(xor(one, other)[..revealed.len()], revealed[..], "they share a key stream");
    }
    // The format, then the nonce: 24 bytes, never repeated.
    let nonce = |sealed: &[u8]| {
        assert_eq!(&sealed[..8], b"sealed 2");
        sealed[8..32].to_vec()
    };
    let mut nonces = vec![nonce(&one), nonce(&other)];
    let same = || entry("Ash Grove");
    kept.log.append((0..50).map(|_| same()).collect()).await.unwrap();
    restored.append((0..50).map(|_| same()).collect()).await.unwrap();
    for seq in 3..53 {
        nonces.extend([nonce(&sealed(&kept.file, seq)), nonce(&sealed(&copy, seq))]);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 102);
    for log in [&*kept.log, &restored] {
        assert!(log.verify(&[]).await.unwrap().is_whole());
    }
}

#[test]
fn the_changelog_names_the_version_of_the_schema() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cases.sqlite");
    drop(SqliteStore::open(&path).unwrap());
    let file = Connection::open(&path).unwrap();
    let version: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let changelog = include_str!("../../CHANGELOG.md");
    let unreleased = changelog.split("\n## [").nth(1).unwrap();
    let words: Vec<_> = unreleased.split_whitespace().collect();
    let sentence = "schema of SQLite files is version";
    let named: Vec<_> = words
        .windows(7)
        .filter(|words| words[..6].join(" ") == sentence)
        .map(|words| words[6].trim_end_matches(['.', ',', ';']))
        .collect();
    assert!(!named.is_empty());
    assert!(named.iter().all(|named| *named == version.to_string()), "{named:?}, not {version}");
}
