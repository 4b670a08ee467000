//! The same caseload ends alike in memory, in an SQLite file and in PostgreSQL.

use super::Server;
use crate::support::service::us;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, Event, Filter, MemoryLog};
use nhs_pds::case::caseload;
use nhs_pds::case::{Alert, Case, MemoryStore};
use nhs_pds::clock::{Clock, FixedClock, SystemClock};
use nhs_pds::process::alert::{MemoryAlerts, SqliteAlerts};
use nhs_pds::process::store::{Joined, Postgres, Sqlite, Store};
use nhs_pds::process::{Settings, Worker, import};
use nhs_pds::smsp;
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds_simulator::{Caseload, Expected, Simulator};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use uuid::Uuid;

/// Reads the alerts that a store has delivered.
#[async_trait]
trait Inbox {
    async fn alerts(&self) -> Vec<Alert>;
}

#[async_trait]
impl Inbox for Arc<MemoryAlerts> {
    async fn alerts(&self) -> Vec<Alert> {
        self.delivered()
    }
}

#[async_trait]
impl Inbox for SqliteAlerts {
    async fn alerts(&self) -> Vec<Alert> {
        self.page(0, 10_000).await.unwrap()
    }
}

#[async_trait]
impl Inbox for Postgres {
    async fn alerts(&self) -> Vec<Alert> {
        self.inbox().page(0, 10_000).await.unwrap()
    }
}

/// What a run leaves, as JSON without message ids: which case is traced first is not promised.
struct End {
    cases: BTreeMap<String, Value>,
    /// The events about each case in their order, and those about none.
    events: BTreeMap<String, Vec<Value>>,
    alerts: BTreeMap<String, Value>,
    with_number: usize,
}

fn without_ids(value: &impl Serialize) -> Value {
    fn mask(value: &mut Value) {
        match value {
            Value::String(text) if Uuid::parse_str(text).is_ok() => *text = "an id".to_owned(),
            Value::Array(values) => values.iter_mut().for_each(mask),
            Value::Object(fields) => fields.values_mut().for_each(mask),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(value).unwrap();
    mask(&mut value);
    value
}

/// An event with its content. Its number and the name of its subject are the store's.
fn content(event: &Event) -> (String, Value) {
    let subject = event.about.subject();
    let about = subject.and_then(|subject| subject.case_id()).map(ToString::to_string);
    let parts = (
        (event.kind.as_str(), event.at, event.actor.user_id(), event.message_id.is_some()),
        &event.details,
        subject.map(|subject| (subject.case(), subject.numbers(), subject.personal())),
    );
    (about.unwrap_or_default(), without_ids(&parts))
}

/// Imports and traces the cases, now, in the next days and seven weeks later.
async fn run(
    (caseload, begin): (&Caseload, DateTime<Utc>),
    store: Arc<dyn Store>,
    inbox: impl Inbox,
) -> End {
    let clock = Arc::new(FixedClock::at(begin));
    let simulator = Simulator::new(caseload.register().clone()).with_clock(Arc::clone(&clock) as _);
    let name = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    let config = smsp::Config::new("https://smsp.example/smsp".parse().unwrap(), name.clone());
    let client = smsp::Client::new(config, Arc::new(simulator)).with_clock(Arc::clone(&clock) as _);
    let settings = Settings::new(Caller::System(name))
        .with_clock(Arc::clone(&clock) as _)
        // One after the other, so that each run sends the same in the same order.
        .with_in_flight(NonZeroUsize::MIN);
    let worker = Worker::new(Arc::new(client), Arc::clone(&store), settings);
    let mut csv = Vec::new();
    caseload.write_csv(&mut csv).unwrap();
    let read = caseload::read(csv.as_slice()).unwrap();
    assert!(read.refused.is_empty());
    let is_second = |case: &Case| {
        let both = caseload.cases().iter().filter(|sample| sample.expected == Expected::Duplicate);
        both.skip(1).step_by(2).any(|second| second.id == case.id.as_str())
    };
    // Of two cases of one person, the first that is stored gets the number: the second case is imported when the first
    // has an answer.
    let (second, first): (Vec<Case>, _) = read.cases.into_iter().partition(is_second);
    assert!(!second.is_empty());
    let imports = [(0, first), (1, Vec::new()), (2, second), (48, Vec::new())];
    for (days, cases) in imports {
        clock.set(begin + TimeDelta::days(days));
        import(&*store, &Actor::new(&us(), "Import"), &*clock, cases).await.unwrap();
        let report = worker.run_once(&mut |_| ()).await.unwrap();
        assert!(report.stopped.is_none(), "after {days} days: {report:?}");
    }
    let mut events = BTreeMap::<String, Vec<Value>>::new();
    for event in store.audit().page(&Filter::new(), 0, 100_000).await.unwrap() {
        let (about, content) = content(&event);
        events.entry(about).or_default().push(content);
    }
    assert!(store.audit().verify(&[]).await.unwrap().is_whole());
    let cases = store.cases().page(None, 10_000).await.unwrap();
    let alerts = inbox.alerts().await;
    End {
        with_number: cases.iter().filter(|case| case.nhs_number.is_some()).count(),
        cases: cases.iter().map(|case| (case.id.to_string(), without_ids(case))).collect(),
        alerts: alerts.iter().map(|alert| (alert.id.clone(), without_ids(alert))).collect(),
        events,
    }
}

/// Fails with the key of the first that differs, and does not show it.
fn are_equal<T: PartialEq>(what: &str, one: &BTreeMap<String, T>, other: &BTreeMap<String, T>) {
    assert!(one.keys().eq(other.keys()), "other {what}");
    for (key, value) in one {
        assert!(other.get(key) == Some(value), "{what} of {key} differ");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_caseload_ends_alike_in_every_store() {
    let Some(server) = Server::new().await else { return };
    let (caseload, begin) = (Caseload::from_seed(15, 200), SystemClock.now());
    let inbox = Arc::new(MemoryAlerts::default());
    let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    let memory = Joined::new(cases, audit, Arc::clone(&inbox) as _);
    let memory = run((&caseload, begin), Arc::new(memory), inbox).await;
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(folder.path().join("cases.db")).unwrap();
    let inbox = sqlite.inbox().clone();
    let sqlite = run((&caseload, begin), Arc::new(sqlite), inbox).await;
    let postgres = server.store().await;
    let postgres = run((&caseload, begin), Arc::new(postgres.clone()), postgres).await;
    assert!(memory.with_number > 100 && memory.events.len() > 190 && !memory.alerts.is_empty());
    for (name, other) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
        are_equal(&format!("cases in {name}"), &memory.cases, &other.cases);
        are_equal(&format!("events in {name}"), &memory.events, &other.events);
        are_equal(&format!("alerts in {name}"), &memory.alerts, &other.alerts);
    }
}
