//! Events that are passed on: each arrives once and in order, whatever fails, and without personal data.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{
    About, Actor, AuditLog, Entry, Error, ErrorKind, Event, EventKind, EventSink, Filter,
    Forwarding, JsonLines, MemoryLog, SinkLog, SqliteLog, Subject,
};
use nhs_pds::case::{Case, CaseId, CaseStore, MemoryStore, RecordType};
use nhs_pds::clock::FixedClock;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::review::ReviewQueue;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{self};
use nhs_pds::trace::{Caller, LocalIdentity};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);

fn us() -> Actor {
    let identity = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
    Actor::new(&Caller::System(identity), "Get NHS Number")
}

fn second(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

fn about(kind: EventKind, case: &str) -> Entry {
    Entry::new(kind, second(0), &us()).about(Subject::new(id(case)).with_number(NUMBER))
}

fn viewed() -> Entry {
    about(EventKind::CaseViewed, "CASE-77")
}

/// What goes wrong at a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    /// Nothing is stored.
    Down,
    /// Everything is stored, and the acknowledgement is lost.
    Unacknowledged,
    /// No answer.
    Silent,
}

/// A destination that keeps events by number.
#[derive(Debug, Default)]
struct Destination {
    events: Mutex<BTreeMap<u64, Event>>,
    fault: Mutex<Fault>,
    calls: AtomicU32,
}

impl Destination {
    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn numbers(&self) -> Vec<u64> {
        self.events.lock().unwrap().keys().copied().collect()
    }

    async fn answer(&self, store: impl FnOnce(&mut BTreeMap<u64, Event>)) -> Result<(), Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let fault = *self.fault.lock().unwrap();
        if matches!(fault, Fault::None | Fault::Unacknowledged) {
            store(&mut self.events.lock().unwrap());
        }
        match fault {
            Fault::None => Ok(()),
            Fault::Silent => std::future::pending().await,
            Fault::Down | Fault::Unacknowledged => Err(Error::new(ErrorKind::Unavailable)),
        }
    }
}

#[async_trait]
impl EventSink for Destination {
    async fn last(&self) -> Result<u64, Error> {
        let mut last = 0;
        self.answer(|events| last = events.keys().next_back().copied().unwrap_or(0)).await?;
        Ok(last)
    }

    async fn send(&self, sent: &[Event]) -> Result<(), Error> {
        self.answer(|events| {
            for event in sent {
                let first = events.entry(event.seq).or_insert_with(|| event.clone());
                assert_eq!((first.kind, &first.details), (event.kind, &event.details));
            }
        })
        .await
    }
}

fn forwarding(sink: &Arc<Destination>, clock: &Arc<FixedClock>) -> Forwarding {
    let sink: Arc<dyn EventSink> = Arc::<Destination>::clone(sink);
    Forwarding::new(Arc::new(MemoryLog::new()), sink, Arc::<FixedClock>::clone(clock) as _)
}

#[tokio::test(start_paused = true)]
async fn a_failing_sink_stops_nothing_and_gets_every_event_later() {
    for fault in [Fault::Down, Fault::Unacknowledged, Fault::Silent] {
        let (sink, clock) = (Arc::default(), Arc::new(FixedClock::at(second(0))));
        let log = forwarding(&sink, &clock);
        log.append(vec![viewed()]).await.unwrap();
        assert_eq!((sink.numbers(), log.unsent()), (vec![1], 0));
        sink.set(fault);
        assert_eq!(log.append(vec![viewed(), viewed()]).await.unwrap(), 3);
        assert_eq!(log.unsent(), 2, "{fault:?}");
        // The sink is left alone for a time, so that it does not slow the appends.
        let calls = sink.calls.load(Ordering::Relaxed);
        log.append(vec![viewed()]).await.unwrap();
        assert_eq!(sink.calls.load(Ordering::Relaxed), calls);
        sink.set(Fault::None);
        clock.set(second(29));
        log.append(vec![viewed()]).await.unwrap();
        assert_eq!(log.unsent(), 4);
        clock.set(second(30));
        log.append(vec![viewed()]).await.unwrap();
        assert_eq!((sink.numbers(), log.unsent()), ((1..=6).collect(), 0), "{fault:?}");
        sink.set(Fault::Down);
        log.append(vec![viewed()]).await.unwrap();
        sink.set(Fault::None);
        assert_eq!(log.forward().await.unwrap(), 7, "an explicit call does not wait");
        assert_eq!(log.unsent(), 0);
        // After a failure and a clock that was set back.
        sink.set(Fault::Down);
        log.append(vec![viewed()]).await.unwrap();
        sink.set(Fault::None);
        clock.set(second(-1_000));
        log.append(vec![viewed()]).await.unwrap();
        assert_eq!(log.unsent(), 0);
    }
}

#[tokio::test]
async fn a_restart_continues_after_the_last_acknowledged_event() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(SqliteLog::open(folder.path().join("audit.db")).unwrap());
    log.append((0..450).map(|_| viewed()).collect()).await.unwrap();
    let path = folder.path().join("events.jsonl");
    let clock = Arc::new(FixedClock::at(second(0)));
    for restart in 0..3 {
        let sink = Arc::new(JsonLines::new(&path));
        let log = Forwarding::new(
            Arc::<SqliteLog>::clone(&log),
            sink,
            Arc::<FixedClock>::clone(&clock) as _,
        );
        let last = log.append(vec![viewed()]).await.unwrap();
        assert_eq!(log.forward().await.unwrap(), last);
        assert_eq!(seqs(&path), (1..=451 + restart).collect::<Vec<u64>>());
    }
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn seqs(path: &Path) -> Vec<u64> {
    lines(path).iter().map(|line| line["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_greater_backlog_is_sent_by_several_appends() {
    let sink = Arc::<Destination>::default();
    let log = Arc::new(MemoryLog::new());
    log.append((0..2_500).map(|_| viewed()).collect()).await.unwrap();
    let forwarding = Forwarding::new(
        Arc::<MemoryLog>::clone(&log) as _,
        Arc::<Destination>::clone(&sink) as _,
        Arc::new(FixedClock::at(second(0))),
    );
    forwarding.append(vec![viewed()]).await.unwrap();
    assert_eq!((sink.numbers().len(), forwarding.unsent()), (2_000, 501));
    forwarding.append(vec![viewed()]).await.unwrap();
    assert_eq!((sink.numbers().len(), forwarding.unsent()), (2_502, 0));
}

/// The numbers after the end would be given to other events, and those would be taken for known.
#[tokio::test]
async fn a_sink_of_another_trail_gets_nothing() {
    let (sink, clock) = (Arc::<Destination>::default(), Arc::new(FixedClock::at(second(0))));
    let before = forwarding(&sink, &clock);
    before.append(vec![viewed(), viewed()]).await.unwrap();
    let restored = forwarding(&sink, &clock);
    restored.append(vec![viewed().with_detail("after", "the restoration")]).await.unwrap();
    assert_eq!(restored.unsent(), 1, "an operator is notified");
    let error = restored.forward().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(sink.numbers(), [1, 2]);
}

/// The lines of a call that was dropped may be written later, and their number is not used again.
#[tokio::test]
async fn a_dropped_append_does_not_lose_the_next_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    for round in 0..20 {
        let log = SinkLog::new(Arc::new(JsonLines::new(&path)));
        let dropped = log.append(vec![viewed().with_detail("dropped", round.to_string())]);
        let timeout = Duration::from_micros(round * 40);
        let _ = tokio::time::timeout(timeout, dropped).await;
        let number =
            log.append(vec![viewed().with_detail("kept", round.to_string())]).await.unwrap();
        let line = lines(&path).into_iter().find(|line| line["seq"] == number).unwrap();
        assert_eq!(line["details"][0][0], "kept");
    }
    let seqs = seqs(&path);
    assert!(seqs.is_sorted() && seqs.len() >= 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_at_once_are_forwarded_once_each() {
    let (sink, clock) = (Arc::default(), Arc::new(FixedClock::at(second(0))));
    let log = Arc::new(forwarding(&sink, &clock));
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { log.append(vec![viewed(), viewed()]).await.unwrap() })
        })
        .collect();
    for task in tasks {
        let last = task.await.unwrap();
        assert!(sink.numbers().contains(&last), "an append that returned is at the sink");
    }
    assert_eq!((sink.numbers(), log.unsent()), ((1..=80).collect(), 0));
}

#[tokio::test]
async fn a_sink_gets_no_personal_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let mut case = Case::new(id("CASE-77"), RecordType::AdultCase);
    case.surname = Some("Quentinsson".into());
    let subject = Subject::snapshot(&case).with_number(NUMBER).with_personal("k", "Arabella");
    let changed = Entry::new(EventKind::CaseChanged, second(1), &us())
        .with_message_id("m-1")
        .with_detail("code", "SMSP-0000\u{202e}")
        .about(subject);
    let memory = Arc::new(MemoryLog::new());
    let (sink, clock) = (Arc::new(JsonLines::new(&path)), Arc::new(FixedClock::at(second(0))));
    let log = Forwarding::new(Arc::<MemoryLog>::clone(&memory), sink, clock);
    log.append(vec![changed, viewed(), Entry::new(EventKind::SignedIn, second(2), &us())])
        .await
        .unwrap();
    memory.append(vec![about(EventKind::CaseErased, "CASE-77")]).await.unwrap();
    log.forget(&id("CASE-77")).await.unwrap();
    log.append(vec![viewed()]).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for value in ["Quentinsson", "Arabella", "CASE-77", "9434765919", "\u{202e}"] {
        assert!(!text.contains(value), "{value}");
    }
    let lines = lines(&path);
    let name = lines[0]["subject_name"].as_str().unwrap();
    assert_eq!(name.len(), 32);
    let expected = serde_json::json!({
        "seq": 1,
        "at": "1970-01-01T00:00:01Z",
        "kind": "case_changed",
        "actor": { "user_id": us().user_id(), "name": "Get NHS Number" },
        "message_id": "M-1",
        "details": [["code", "SMSP-0000\u{202e}"]],
        "about": "patient",
        "subject_name": name,
    });
    assert_eq!(lines[0], expected);
    let words = lines.iter().map(|line| line["about"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(words, ["patient", "patient", "no_patient", "forgotten", "patient"]);
    assert_eq!(lines[1]["subject_name"], name);
    assert_eq!(lines[2].get("subject_name"), None);
    assert_eq!(lines[3]["subject_name"], name, "the erasure leads to the earlier events");
    assert_ne!(lines[4]["subject_name"], name, "a forgotten case is another subject");
}

#[tokio::test]
async fn a_log_that_only_sends_numbers_its_events_and_reads_elsewhere() {
    let sink = Arc::<Destination>::default();
    let log = SinkLog::new(Arc::<Destination>::clone(&sink) as _);
    assert_eq!(log.append(Vec::new()).await.unwrap(), 0);
    assert_eq!(log.append(vec![viewed(), viewed()]).await.unwrap(), 2);
    for (fault, last) in [(Fault::Down, 3), (Fault::Unacknowledged, 5)] {
        sink.set(fault);
        let lost = viewed().with_detail("lost", "?");
        assert_eq!(log.append(vec![lost]).await.unwrap_err().kind(), ErrorKind::Unavailable);
        sink.set(Fault::None);
        // An event that arrived though its append failed keeps its number.
        assert_eq!(log.append(vec![viewed()]).await.unwrap(), last, "{fault:?}");
    }
    let restarted = SinkLog::new(Arc::<Destination>::clone(&sink) as _);
    assert_eq!(restarted.append(vec![viewed()]).await.unwrap(), 6);
    let subject =
        sink.events.lock().unwrap()[&6].about.subject().and_then(Subject::case_id).cloned();
    assert_eq!(subject, Some(id("CASE-77")), "no other copy of the content exists");
    let filter = Filter::new();
    let kinds = [
        log.page(&filter, 0, 9).await.unwrap_err().kind(),
        log.unreadable(&filter).await.unwrap_err().kind(),
        log.head().await.unwrap_err().kind(),
        log.verify(&[]).await.unwrap_err().kind(),
        log.forget(&id("CASE-77")).await.unwrap_err().kind(),
    ];
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::Elsewhere));
}

/// The case is erased, the event is sent, and the error says what remains to be done elsewhere.
#[tokio::test]
async fn an_erasure_with_a_sink_alone_is_completed_elsewhere() {
    let (sink, store) = (Arc::<Destination>::default(), Arc::new(MemoryStore::new()));
    let mut case = Case::new(id("CASE-77"), RecordType::AdultCase);
    case.surname = Some("Quentinsson".into());
    store.insert_all(vec![case]).await.unwrap();
    let audit = Arc::new(SinkLog::new(Arc::<Destination>::clone(&sink) as _));
    let alerts = Arc::new(MemoryAlerts::default());
    let joined = Joined::new(Arc::<MemoryStore>::clone(&store) as _, audit, alerts);
    let queue = ReviewQueue::new(Arc::new(joined));
    for _ in 0..2 {
        let error = queue.erase(&id("CASE-77"), "CO/2026/1", &us()).await.unwrap_err();
        assert_eq!(error.kind(), process::ErrorKind::AuditElsewhere);
        let left = store.get(&id("CASE-77")).await.unwrap().unwrap();
        assert_eq!((left.surname, left.deleted.is_some()), (None, true));
    }
    let events = sink.events.lock().unwrap();
    let kinds: Vec<EventKind> = events.values().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::CaseErased]);
    assert_eq!(events[&1].about.subject().and_then(Subject::case_id), Some(&id("CASE-77")));
}

#[tokio::test]
async fn a_damaged_file_of_lines_is_an_error_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    std::fs::write(&path, "{\"seq\":\"Quentinsson\"}\n").unwrap();
    let sink = JsonLines::new(&path);
    let error = sink.send(&[Event::new(1, &viewed())]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(!format!("{error:?}").contains("Quentinsson"));
    // A line that a crash left incomplete is removed.
    std::fs::write(&path, "{\"seq\":7}\n{\"seq\":8").unwrap();
    assert_eq!(sink.last().await.unwrap(), 7);
    sink.send(&[Event::new(7, &viewed()), Event::new(9, &viewed())]).await.unwrap();
    assert_eq!(seqs(&path), [7, 9]);
}

#[tokio::test]
async fn the_timeout_and_the_pause_are_the_callers() {
    let (sink, clock) = (Arc::default(), Arc::new(FixedClock::at(second(0))));
    let log = forwarding(&sink, &clock)
        .with_timeout(Duration::from_millis(1))
        .with_pause(Duration::from_secs(2));
    sink.set(Fault::Silent);
    log.append(vec![viewed()]).await.unwrap();
    sink.set(Fault::None);
    clock.set(second(2));
    log.append(vec![viewed()]).await.unwrap();
    assert_eq!(log.unsent(), 0);
    assert!(sink.events.lock().unwrap().values().all(|event| event.about == About::Withheld));
}
