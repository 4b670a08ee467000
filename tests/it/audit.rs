//! Both logs meet the contract. Several processes share the SQLite file safely. A forgotten person is gone
//! from it.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{
    About, Actor, Anchor, AnchorSink, Anchored, AuditLog, Entry, Error, ErrorKind, Event,
    EventKind, FileAnchors, Filter, MemoryLog, SqliteLog, Subject, Verdict, case_as_of,
    conformance, export, query,
};
use nhs_pds::case::{Case, CaseId, NumberSource, RecordType, RecordedNumber};
use nhs_pds::clock::FixedClock;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{Caller, LocalIdentity};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
/// In a range that is not issued, and outside the range of test people, whose numbers `Debug` may show.
const HIDDEN: NhsNumber = NhsNumber::constant(5_990_000_014);

fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path).unwrap()
}

fn us() -> Actor {
    let identity = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
    Actor::new(&Caller::System(identity), "Get NHS Number")
}

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

fn entry(kind: EventKind) -> Entry {
    Entry::new(kind, minute(0), &us())
}

fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

fn viewed(text: &str) -> Entry {
    entry(EventKind::CaseViewed).about(Subject::new(id(text)))
}

async fn all(log: &dyn AuditLog) -> Vec<Event> {
    log.page(&Filter::new(), 0, usize::MAX).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_meets_the_contract() {
    conformance::check(async || Arc::new(MemoryLog::new()) as Arc<dyn AuditLog>).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sqlite_file_meets_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let files = AtomicU32::new(0);
    let new_log = async || {
        let file = format!("{}.db", files.fetch_add(1, Ordering::Relaxed));
        Arc::new(open(&folder.path().join(file))) as Arc<dyn AuditLog>
    };
    conformance::check(new_log).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory_meets_the_contract() {
    let new_log = async || Arc::new(SqliteLog::open_in_memory().unwrap()) as Arc<dyn AuditLog>;
    conformance::check(new_log).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anchored_log_meets_the_contract() {
    let new_log = async || Arc::new(anchored(&Arc::new(Sink::default()))) as Arc<dyn AuditLog>;
    conformance::check(new_log).await.unwrap();
}

/// Mistakes of a careless implementer.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    DropsDetails,
    AppendsOneByOne,
    PagesBeforeItFilters,
    ForgetsWithoutReason,
    IgnoresAnchors,
}

/// A correct log with a flaw in front.
#[derive(Debug)]
struct Flawed(MemoryLog, Flaw);

#[async_trait]
impl AuditLog for Flawed {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        match self.1 {
            Flaw::DropsDetails => {
                let bare = entries.iter().map(|_| entry(EventKind::SignedIn));
                self.0.append(bare.collect()).await
            }
            Flaw::AppendsOneByOne => {
                let mut last = self.0.head().await?.seq;
                for entry in entries {
                    last = self.0.append(vec![entry]).await?;
                    tokio::task::yield_now().await;
                }
                Ok(last)
            }
            _ => self.0.append(entries).await,
        }
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        if !matches!(self.1, Flaw::PagesBeforeItFilters) {
            return self.0.page(filter, after, limit).await;
        }
        let looked_at = self.0.page(&Filter::new(), after, limit).await?;
        let passing = self.0.page(filter, after, usize::MAX).await?;
        Ok(passing.into_iter().filter(|event| looked_at.contains(event)).collect())
    }

    async fn head(&self) -> Result<Anchor, Error> {
        self.0.head().await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        let anchors = if matches!(self.1, Flaw::IgnoresAnchors) { &[] } else { anchors };
        self.0.verify(anchors).await
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        match (self.1, self.0.forget(case).await) {
            (Flaw::ForgetsWithoutReason, Err(_)) => Ok(()),
            (_, done) => done,
        }
    }
}

#[tokio::test]
async fn the_suite_finds_flaws() {
    for (flaw, clause) in [
        (Flaw::DropsDetails, "events are returned as they were appended, in order"),
        (Flaw::AppendsOneByOne, "each of many appends returns the number of its last event"),
        (Flaw::PagesBeforeItFilters, "the limit counts the events that pass the filter"),
        (Flaw::ForgetsWithoutReason, "a key is not destroyed without a case_erased event"),
        (Flaw::IgnoresAnchors, "an anchor with another hash is reported"),
    ] {
        let new_log = async || Arc::new(Flawed(MemoryLog::new(), flaw)) as Arc<dyn AuditLog>;
        let breach = conformance::check(new_log).await.unwrap_err();
        assert_eq!(breach.clause(), clause, "{flaw:?}");
    }
}

#[test]
fn two_writers_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.db");
    drop(open(&file));
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let file = file.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                // A connection of its own, as in another process.
                let log = open(&file);
                for turn in 0..30 {
                    let entries = (0..3).map(|_| viewed(&format!("{}", (writer + turn) % 4)));
                    runtime.block_on(log.append(entries.collect())).unwrap();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let log = open(&file);
        let verdict = log.verify(&[log.head().await.unwrap()]).await.unwrap();
        assert!(matches!(verdict, Verdict::Whole { events: 270, .. }), "{verdict}");
        // Each person has one name, whichever writer recorded them first.
        let mut seen = 0;
        for case in 0..4 {
            let filter = Filter::new().with_case(id(&case.to_string()));
            seen += log.page(&filter, 0, 999).await.unwrap().len();
        }
        assert_eq!(seen, 270);
    });
}

#[tokio::test]
async fn a_reopened_trail_continues_its_chain() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.db");
    let log = open(&file);
    log.append(vec![viewed("1"), viewed("2")]).await.unwrap();
    let head = log.head().await.unwrap();
    drop(log);
    let log = open(&file);
    assert_eq!(log.head().await.unwrap(), head);
    assert_eq!(log.append(vec![viewed("1")]).await.unwrap(), 3);
    assert!(log.verify(&[head]).await.unwrap().is_whole());
    let filter = Filter::new().with_case(id("1"));
    assert_eq!(log.page(&filter, 0, 9).await.unwrap().len(), 2);
}

/// A killed process leaves its files unchanged: the next process finds a copy of them.
#[tokio::test]
async fn acknowledged_events_survive_a_killed_process() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let log = open(&place("audit.db"));
    log.append((0..50).map(|case| viewed(&case.to_string())).collect()).await.unwrap();
    let head = log.head().await.unwrap();
    for end in ["", "-wal"] {
        std::fs::copy(place(&format!("audit.db{end}")), place(&format!("copy.db{end}"))).unwrap();
    }
    let found = open(&place("copy.db"));
    let verdict = found.verify(&[head]).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { events: 50, .. }), "{verdict}");
}

#[tokio::test]
async fn one_file_contains_cases_and_their_trail() {
    use nhs_pds::case::{CaseStore, SqliteStore};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("both.db");
    let (store, log) = (SqliteStore::open(&file).unwrap(), open(&file));
    store.insert_all(vec![Case::new(id("1"), RecordType::Review)]).await.unwrap();
    log.append(vec![viewed("1")]).await.unwrap();
    assert!(log.verify(&[]).await.unwrap().is_whole());
    assert!(store.get(&id("1")).await.unwrap().is_some());
}

fn quentinsson(case: &str, number: NhsNumber) -> Case {
    let mut case = Case::new(id(case), RecordType::AdultCase);
    case.surname = Some("Quentinsson".into());
    case.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
    case
}

/// The files of the trail with one character per byte, so that they can be searched.
fn files(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).map(char::from).collect()
}

#[tokio::test]
async fn a_forgotten_person_is_gone_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.db");
    let log = open(&file);
    let about = |kind, subject: &Subject| entry(kind).about(subject.clone());
    let numbers: Vec<NhsNumber> = nhs_pds::nhs_number::Synthetic::from_seed(7).take(600).collect();
    let name = |case: usize| format!("CASE-{case:04}");
    for batch in (0..600).collect::<Vec<usize>>().chunks(50) {
        let changed = batch.iter().map(|case| {
            let case = quentinsson(&name(case * 7 % 600), numbers[*case]);
            about(EventKind::CaseChanged, &Subject::snapshot(&case))
        });
        log.append(changed.collect()).await.unwrap();
    }
    assert!(
        !files(folder.path()).contains("Quentinsson"),
        "what is personal is never in the clear"
    );
    let sql = rusqlite::Connection::open(&file).unwrap();
    let mut secrets: Vec<String> = Vec::new();
    let gone: Vec<usize> = (0..600).step_by(9).collect();
    for case in &gone {
        let case_id = name(case * 7 % 600);
        let erased = [
            about(EventKind::CaseErased, &Subject::new(id(&case_id)).with_number(numbers[*case])),
            about(EventKind::CaseErased, &Subject::person(numbers[*case])),
        ];
        log.append(erased.to_vec()).await.unwrap();
        let keys = "SELECT key FROM audit_subject WHERE case_id = ?1 OR person = ?2";
        let digits = numbers[*case].digits().to_string();
        let keys: Vec<Vec<u8>> = sql
            .prepare_cached(keys)
            .unwrap()
            .query_map([&case_id, &digits], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(keys.len(), 2);
        log.forget(&id(&case_id)).await.unwrap();
        secrets.extend(keys.into_iter().map(|key| key.into_iter().map(char::from).collect()));
        secrets.extend([case_id, digits]);
    }
    let files = files(folder.path());
    assert!(files.contains(&name(7)) && files.contains(numbers[1].digits().as_str()));
    for secret in secrets {
        assert!(!files.contains(&secret), "{secret:?}");
    }
    let verdict = log.verify(&[]).await.unwrap();
    assert!(verdict.is_whole(), "{verdict}");
    let left = all(&log).await.iter().filter(|event| event.about != About::Forgotten).count();
    assert_eq!(left, 600 - gone.len());
    let filter = Filter::new().with_case(id(&name(7)));
    let kept = log.page(&filter, 0, 9).await.unwrap();
    let case = kept[0].about.subject().unwrap().case().unwrap();
    assert_eq!(case.surname.as_deref(), Some("Quentinsson"));
}

#[tokio::test]
async fn queries_are_audited() {
    let log = MemoryLog::new();
    log.append(vec![viewed("1"), entry(EventKind::SignedIn), viewed("1")]).await.unwrap();
    let identity = LocalIdentity::new("RHM".parse().unwrap(), "auditor").unwrap();
    let auditor = Actor::new(&Caller::System(identity), "An Auditor");
    let filter = Filter::new()
        .with_case(id("1"))
        .with_number(HIDDEN)
        .with_user("u1")
        .with_from(minute(1))
        .with_sequence(1..=2);
    assert!(query(&log, &auditor, minute(5), &filter, 0, 7).await.unwrap().is_empty());
    let found = query(&log, &auditor, minute(6), &Filter::new(), 1, 9).await.unwrap();
    let seen: Vec<u64> = found.iter().map(|event| event.seq).collect();
    assert_eq!(seen, [2, 3, 4, 5], "without the question itself");
    for (event, subject) in found[2..].iter().zip([Subject::new(id("1")), Subject::person(HIDDEN)])
    {
        assert_eq!((event.kind, event.at), (EventKind::AuditQueried, minute(5)));
        assert_eq!(event.actor.user_id(), auditor.user_id());
        assert_eq!(event.about.subject(), Some(&subject));
        let details: Vec<String> =
            event.details.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            details.join(" "),
            "user=u1 number=sealed case=sealed from=1970-01-01T00:01:00Z sequence=1-2 after=0 limit=7"
        );
    }
    assert_eq!(all(&log).await.len(), 6);
}

#[tokio::test]
async fn everything_about_one_person_is_exported() {
    let log = SqliteLog::open_in_memory().unwrap();
    let subject = Subject::snapshot(&quentinsson("1", NUMBER)).with_personal("found", "yes");
    let changed = entry(EventKind::CaseChanged).with_message_id("m").with_detail("k", "v");
    log.append(vec![viewed("2"), changed.about(subject), entry(EventKind::SignedIn)])
        .await
        .unwrap();
    log.append((0..450).map(|_| viewed("1")).collect()).await.unwrap();
    let mut written = Vec::new();
    let count = export(&log, &us(), minute(9), &id("1"), &mut written).await.unwrap();
    assert_eq!(count, 452);
    let lines: Vec<serde_json::Value> = written
        .split_inclusive(|byte| *byte == b'\n')
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 452);
    assert_eq!(lines[0]["seq"], 2);
    assert_eq!(lines[0]["actor"]["name"], "Get NHS Number");
    assert_eq!(lines[0]["message_id"], "M");
    assert_eq!(lines[0]["details"][0][1], "v");
    assert_eq!(lines[0]["subject"]["numbers"][0], "9434765919");
    assert_eq!(lines[0]["subject"]["snapshot"]["surname"], "Quentinsson");
    assert_eq!(lines[451]["kind"], "audit_exported");
    assert_eq!(lines[451]["at"], "1970-01-01T00:09:00Z");
    let full = [0_u8; 10];
    let error = export(&log, &us(), minute(9), &id("1"), &mut { full }[..]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Write);
    assert_eq!(all(&log).await.len(), 455, "a failed export is audited too");
}

#[tokio::test]
async fn a_case_as_it_was() {
    let log = SqliteLog::open_in_memory().unwrap();
    let change = |version: u64, minutes, surname: &str| {
        let mut case = quentinsson("1", NUMBER);
        case.surname = Some(surname.to_owned());
        case.version = version;
        Entry::new(EventKind::CaseChanged, minute(minutes), &us()).about(Subject::snapshot(&case))
    };
    log.append(vec![change(1, 1, "One"), change(2, 2, "Lost"), viewed("1")]).await.unwrap();
    log.append(vec![change(2, 3, "Two"), change(3, 4, "Never")]).await.unwrap();
    for (current, at, expected) in [
        (2, 0, None),
        (2, 1, Some("One")),
        (2, 2, Some("One")),
        (2, 3, Some("Two")),
        (2, 9, Some("Two")),
        (3, 9, Some("Never")),
    ] {
        let case = case_as_of(&log, &id("1"), current, minute(at)).await.unwrap();
        let surname = case.and_then(|case| case.surname);
        assert_eq!(surname.as_deref(), expected, "{current} {at}");
    }
    assert!(case_as_of(&log, &id("2"), 1, minute(9)).await.unwrap().is_none());
}

/// A sink that fails while the test says so.
#[derive(Debug, Default)]
struct Sink(AtomicBool, Mutex<Vec<Anchor>>);

#[async_trait]
impl AnchorSink for Sink {
    async fn keep(&self, anchor: &Anchor, _: DateTime<Utc>) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable));
        }
        self.1.lock().unwrap().push(*anchor);
        Ok(())
    }
}

fn anchored(sink: &Arc<Sink>) -> Anchored {
    let sink: Arc<dyn AnchorSink> = Arc::<Sink>::clone(sink);
    Anchored::new(Arc::new(MemoryLog::new()), sink, Arc::new(FixedClock::at(minute(0))))
}

#[tokio::test]
async fn anchors_are_stored_at_intervals_and_a_failing_sink_stops_nothing() {
    let sink = Arc::new(Sink::default());
    let log = anchored(&sink).with_every(3.try_into().unwrap());
    let kept = || sink.1.lock().unwrap().iter().map(|anchor| anchor.seq).collect::<Vec<_>>();
    log.append(vec![viewed("1"), viewed("1")]).await.unwrap();
    assert_eq!((kept(), log.unanchored()), (vec![], 2));
    log.append(vec![viewed("1"), viewed("1")]).await.unwrap();
    assert_eq!((kept(), log.unanchored()), (vec![4], 0));
    sink.0.store(true, Ordering::Relaxed);
    assert_eq!(log.append((0..5).map(|_| viewed("1")).collect()).await.unwrap(), 9);
    assert_eq!((kept(), log.unanchored()), (vec![4], 5));
    sink.0.store(false, Ordering::Relaxed);
    log.append(vec![viewed("1")]).await.unwrap();
    assert_eq!((kept(), log.unanchored()), (vec![4, 10], 0));
    let anchors = sink.1.lock().unwrap().clone();
    assert!(log.verify(&anchors).await.unwrap().is_whole());
}

#[tokio::test]
async fn a_trail_matches_the_anchors_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anchors.txt");
    let log = Arc::new(MemoryLog::new());
    let sink = Arc::new(FileAnchors::new(&file));
    let anchored =
        Anchored::new(Arc::<MemoryLog>::clone(&log), sink, Arc::new(FixedClock::at(minute(0))));
    for _ in 0..3 {
        anchored.append(vec![viewed("1")]).await.unwrap();
    }
    let anchors = FileAnchors::read(&file).unwrap();
    assert_eq!(anchors.len(), 3);
    assert!(log.verify(&anchors).await.unwrap().is_whole());
    assert!(!MemoryLog::new().verify(&anchors).await.unwrap().is_whole());
}

#[tokio::test]
async fn debug_and_errors_show_no_person() {
    let subject = Subject::snapshot(&quentinsson("CASE77", HIDDEN)).with_personal("k", "Arabella");
    let actor = us().on_device("desk").authorised_by("boss");
    let entry = Entry::new(EventKind::CaseViewed, minute(0), &actor).about(subject.clone());
    let filter = Filter::new().with_number(HIDDEN).with_case(id("CASE77"));
    let log = SqliteLog::open_in_memory().unwrap();
    let memory = MemoryLog::new();
    for log in [&log as &dyn AuditLog, &memory] {
        log.append(vec![entry.clone()]).await.unwrap();
        query(log, &actor, minute(0), &filter, 0, 9).await.unwrap();
        let error = log.forget(&id("CASE77")).await.unwrap_err();
        let events = all(log).await;
        let verdict = log.verify(&[]).await.unwrap();
        let head = log.head().await.unwrap();
        let shown = format!(
            "{log:?} {entry:?} {actor:?} {subject:?} {filter:?} {events:?} {error:?} {error} {:?}
             {verdict:?} {head:?}",
            events[0].about
        )
        .to_uppercase();
        for value in ["599000", "599 000", "ARABELLA", "QUENTINSSON", "CASE77", "GET NHS"] {
            assert!(!shown.contains(value), "{value} in {shown}");
        }
    }
    assert_eq!(format!("{memory:?}"), "MemoryLog(3 events)");
}
