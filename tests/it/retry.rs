//! Retries: how often, how soon, with which messages, and what is audited.

use crate::support::one_question;
use crate::support::service::{Service, ask, case, unavailable, us};
use async_trait::async_trait;
use nhs_pds::audit::{
    Actor, Anchor, AuditLog, Entry, Error as AuditError, ErrorKind as AuditErrorKind, Event,
    Filter, MemoryLog, Verdict,
};
use nhs_pds::case::{CaseId, CaseStore, MemoryStore};
use nhs_pds::ids::{CountingIds, RandomIds};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{RefreshEvent, Settings, TraceResult, Worker};
use nhs_pds::resilience::{Retry, RetryObserver, RetryPolicy, Retrying, Unrecorded};
use nhs_pds::trace::{Error, ErrorKind, MessageId, Outcome};
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

fn retrying(service: &Arc<Service>, policy: RetryPolicy) -> Retrying {
    Retrying::new(Arc::<Service>::clone(service), Retry::new(policy))
}

fn attempts(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_retried_with_a_new_message() {
    let service = Service::failing(2);
    let answer = ask(&retrying(&service, RetryPolicy::default())).await.unwrap();
    let asked = service.asked();
    let ids: HashSet<_> = asked.iter().map(|(_, id)| *id).collect();
    assert_eq!((asked.len(), ids.len()), (3, 3));
    assert_eq!(answer.exchange.message_id, asked[2].1.to_string());
    // The identifiers show that they are attempts of one request.
    assert!(asked.iter().all(|(_, id)| id.request() == asked[0].1.uuid()));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_is_not_retried() {
    for kind in [ErrorKind::Configuration, ErrorKind::Rejected, ErrorKind::Unreadable] {
        let service = Service::new(move |_| Err(Error::new(kind)));
        let error = ask(&retrying(&service, RetryPolicy::default())).await.unwrap_err();
        assert_eq!((error.kind(), service.count()), (kind, 1));
    }
    let service = Service::new(|_| Ok(Outcome::None));
    ask(&retrying(&service, RetryPolicy::default())).await.unwrap();
    assert_eq!(service.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_caller_gets_the_last_failure() {
    let service = Service::failing(usize::MAX);
    let error = ask(&retrying(&service, RetryPolicy::default())).await.unwrap_err();
    assert!(error.is_transient());
    let asked = service.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(error.exchange().unwrap().message_id, asked[3].1.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_as_long_as_the_service_asks() {
    let service = Service::new(|count| match count {
        0 => Err(unavailable().with_retry_after(30 * SECOND)),
        _ => Ok(Outcome::None),
    });
    ask(&retrying(&service, RetryPolicy::default())).await.unwrap();
    let asked = service.asked();
    let pause = asked[1].0 - asked[0].0;
    assert!(pause >= 30 * SECOND && pause < 31 * SECOND, "{pause:?}");
    // Longer than the deadline of the call: there is no retry.
    let service = Service::new(|_| Err(unavailable().with_retry_after(3600 * SECOND)));
    let began = Instant::now();
    let error = ask(&retrying(&service, RetryPolicy::default())).await.unwrap_err();
    assert_eq!((service.count(), error.retry_after()), (1, Some(3600 * SECOND)));
    assert!(began.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_by_its_deadline() {
    let service = Service::slow(40 * SECOND, |_| Err(unavailable()));
    let policy = RetryPolicy::default().with_total(100 * SECOND).with_attempts(attempts(100));
    let began = Instant::now();
    let error = ask(&retrying(&service, policy)).await.unwrap_err();
    assert!(began.elapsed() <= 101 * SECOND, "{:?}", began.elapsed());
    assert_eq!((error.kind(), service.count()), (ErrorKind::Unavailable, 3));
    // A call without a response ends at its deadline.
    let service = Service::slow(1000 * SECOND, |_| Ok(Outcome::None));
    let began = Instant::now();
    let error = ask(&retrying(&service, policy)).await.unwrap_err();
    assert!(began.elapsed() <= 101 * SECOND);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the deadline of the call was exceeded");
}

#[tokio::test(start_paused = true)]
async fn retries_do_not_multiply_an_outage() {
    let service = Service::failing(usize::MAX);
    let tracer = retrying(&service, RetryPolicy::default());
    for _ in 0..1000 {
        ask(&tracer).await.unwrap_err();
    }
    let repeats = service.count() - 1000;
    assert_eq!(repeats, 1000 / 5 + 10);
}

#[tokio::test(start_paused = true)]
async fn one_closed_reused_connection_costs_no_attempt() {
    let none = RetryPolicy::default().with_budget(0, 0).with_attempts(attempts(1));
    let lost = |times: usize| {
        Service::new(move |count| match count {
            n if n < times => Err(unavailable().with_lost_on_reuse()),
            _ => Ok(Outcome::None),
        })
    };
    let (service, began) = (lost(1), Instant::now());
    ask(&retrying(&service, none)).await.unwrap();
    assert_eq!((service.count(), began.elapsed()), (2, Duration::ZERO));
    let service = lost(2);
    ask(&retrying(&service, none)).await.unwrap_err();
    assert_eq!(service.count(), 2, "the second loss is a failure like any other");
    let service = lost(usize::MAX);
    ask(&retrying(&service, RetryPolicy::default())).await.unwrap_err();
    assert_eq!(service.count(), 1 + 4, "the attempts that are allowed, and the free one");
    // Each call has its own.
    let service = Service::new(|count| match count % 2 {
        0 => Err(unavailable().with_lost_on_reuse()),
        _ => Ok(Outcome::None),
    });
    let tracer = retrying(&service, none);
    for _ in 0..100 {
        ask(&tracer).await.unwrap();
    }
}

#[derive(Default)]
struct Book {
    told: Mutex<Vec<(MessageId, MessageId)>>,
    refuses: bool,
}

#[async_trait]
impl RetryObserver for Book {
    async fn before_retry(
        &self,
        failed: MessageId,
        _: &Error,
        next: MessageId,
    ) -> Result<(), Unrecorded> {
        self.told.lock().unwrap().push((failed, next));
        if self.refuses { Err(Unrecorded) } else { Ok(()) }
    }

    async fn given_up(&self) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_recorder_gets_each_message_before_it_is_sent() {
    let service = Service::failing(2);
    let book = Arc::new(Book::default());
    let tracer =
        retrying(&service, RetryPolicy::default()).with_observer(Arc::<Book>::clone(&book));
    ask(&tracer).await.unwrap();
    let ids: Vec<_> = service.asked().into_iter().map(|(_, id)| id).collect();
    assert_eq!(*book.told.lock().unwrap(), [(ids[0], ids[1]), (ids[1], ids[2])]);

    let service = Service::failing(2);
    let refusing = Arc::new(Book { refuses: true, ..Book::default() });
    let tracer = retrying(&service, RetryPolicy::default()).with_observer(refusing);
    assert!(ask(&tracer).await.unwrap_err().is_transient());
    assert_eq!(service.count(), 1);
}

async fn worker(service: &Arc<Service>, audit: Arc<dyn AuditLog>, cases: &[&str]) -> Worker {
    let store = Arc::new(MemoryStore::new());
    store.insert_all(cases.iter().copied().map(case).collect()).await.unwrap();
    let tracer = Arc::<Service>::clone(service);
    Worker::new(
        tracer,
        Arc::new(Joined::new(store, audit, Arc::new(MemoryAlerts::default()))),
        Settings::new(us())
            .with_policy(one_question())
            .with_ids(Arc::new(CountingIds::default()))
            .with_retry(Retry::new(RetryPolicy::default()).with_ids(Arc::new(RandomIds))),
    )
}

fn told(event: &Event) -> String {
    let detail = |key: &str| event.details.iter().find(|(name, _)| name.as_str() == key);
    let value = ["outcome", "error", "question"].into_iter().find_map(detail);
    format!("{} {}", event.kind.as_str(), value.map_or("", |(_, value)| value.as_str()))
}

#[tokio::test(start_paused = true)]
async fn each_message_of_the_worker_is_audited_before_it_is_sent() {
    let service = Service::failing(2);
    let audit = Arc::new(MemoryLog::new());
    let worker = worker(&service, Arc::<MemoryLog>::clone(&audit), &["1"]).await;
    let report = worker.run_once(&mut |_| ()).await.unwrap();
    assert_eq!(report.results.get(&TraceResult::None), Some(&1));
    let events = audit.page(&Filter::new(), 0, 99).await.unwrap();
    let (found, expected): (Vec<_>, _) = (
        events.iter().map(told).filter(|told| told.starts_with("message")).collect(),
        [
            "message_sent find",
            "message_received unavailable",
            "message_sent find",
            "message_received unavailable",
            "message_sent find",
            "message_received none",
        ],
    );
    assert_eq!(found, expected);
    let sent: Vec<_> = events
        .iter()
        .filter(|event| told(event).starts_with("message_sent"))
        .map(|event| event.message_id.clone().unwrap())
        .collect();
    let asked: Vec<_> = service.asked().iter().map(|(_, id)| id.to_string()).collect();
    assert_eq!(sent, asked);
}

#[tokio::test(start_paused = true)]
async fn a_panic_during_a_retry_leaves_no_message_open() {
    let service = Service::new(|count| match count {
        0 => Err(unavailable()),
        _ => panic!("over a repeat"),
    });
    let audit = Arc::new(MemoryLog::new());
    let worker = worker(&service, Arc::<MemoryLog>::clone(&audit), &["1"]).await;
    let report = worker.run_once(&mut |_| ()).await.unwrap();
    assert_eq!(report.results.get(&TraceResult::Unreadable), Some(&1));
    let events = audit.page(&Filter::new(), 0, 99).await.unwrap();
    let ids = |what: &str| -> Vec<_> {
        let of_kind = events.iter().filter(|event| told(event).starts_with(what));
        of_kind.map(|event| event.message_id.clone().unwrap()).collect()
    };
    assert_eq!(ids("message_sent"), ids("message_received"));
    assert_eq!(ids("message_sent").len(), 2);
}

/// An audit trail that takes this many entries, and then fails.
#[derive(Debug)]
struct Full {
    trail: MemoryLog,
    left: Mutex<usize>,
}

#[async_trait]
impl AuditLog for Full {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, AuditError> {
        {
            let mut left = self.left.lock().unwrap();
            let Some(fewer) = left.checked_sub(entries.len()) else {
                return Err(AuditError::new(AuditErrorKind::Unavailable));
            };
            *left = fewer;
        }
        self.trail.append(entries).await
    }

    async fn page(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, AuditError> {
        self.trail.page(filter, after, limit).await
    }

    async fn head(&self) -> Result<Anchor, AuditError> {
        self.trail.head().await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, AuditError> {
        self.trail.verify(anchors).await
    }

    async fn forget(&self, case: &CaseId) -> Result<(), AuditError> {
        self.trail.forget(case).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_audited_is_not_sent() {
    let service = Service::failing(2);
    let audit = Arc::new(Full { trail: MemoryLog::new(), left: Mutex::new(1) });
    let worker = worker(&service, audit, &["1"]).await;
    let error = worker.run_once(&mut |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), nhs_pds::process::ErrorKind::AuditUnavailable);
    assert_eq!(service.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stopping_worker_does_not_wait_for_a_retry() {
    let service = Service::new(|_| Err(unavailable().with_retry_after(120 * SECOND)));
    let audit = Arc::new(MemoryLog::new());
    let worker = worker(&service, audit, &["1", "2"]).await;
    let began = Instant::now();
    let shutdown = tokio::time::sleep(5 * SECOND);
    let report = worker.run_once_until(shutdown, &mut |_| ()).await.unwrap();
    assert!(report.interrupted);
    // A case that waits for a retry does not keep the other from being asked.
    assert_eq!(service.count(), 2);
    assert!(began.elapsed() < 10 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn opening_a_record_waits_less_than_the_worker() {
    let service = Service::slow(50 * SECOND, |_| Err(unavailable()));
    let worker = worker(&service, Arc::new(MemoryLog::new()), &["1"]).await;
    let worker = worker.on_behalf_of(us(), Actor::new(&us(), "A Worker"));
    let began = Instant::now();
    let id = "1".parse().unwrap();
    let refreshed = worker.refresh(&id, RefreshEvent::OnRequest).await.unwrap().unwrap();
    assert_eq!(refreshed.report.result, Some(TraceResult::Unavailable));
    assert!(began.elapsed() <= 66 * SECOND, "{:?}", began.elapsed());
    assert_eq!(service.count(), 2);
}

/// A clock that advances by a second with each reading.
#[cfg(feature = "smsp")]
#[derive(Debug, Default)]
struct Ticking(std::sync::atomic::AtomicI64);

#[cfg(feature = "smsp")]
impl nhs_pds::clock::Clock for Ticking {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        let seconds = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds)
    }
}

/// Identifier, time and tracking identifier are new in each message; the query is the same.
#[cfg(feature = "smsp")]
#[tokio::test(start_paused = true)]
async fn each_attempt_is_a_message_of_its_own() {
    use crate::support::service::question;
    use nhs_pds::clock::FixedClock;
    use nhs_pds::smsp::{Client, Config};
    use nhs_pds::trace::Tracer;
    use nhs_pds_simulator::{Fault, Register, Simulator, When};
    let clock = Arc::new(FixedClock::at(chrono::DateTime::UNIX_EPOCH));
    let simulator = Simulator::new(Register::from_seed(1, 10)).with_clock(clock);
    simulator.add_fault(When::Next(1), Fault::code("SMSP-0004"));
    let status = http::StatusCode::SERVICE_UNAVAILABLE;
    simulator.add_fault(When::Next(1), Fault::Http { status, body: "<html>".into() });
    simulator.add_fault(When::Next(1), Fault::Cut);
    let nhs_pds::Caller::System(identity) = us() else { panic!("not a system") };
    let config = Config::new("https://smsp.example/".parse().unwrap(), identity);
    let client = Client::new(config, Arc::new(simulator.clone()));
    let client = client.with_clock(Arc::new(Ticking::default()));
    let tracer = Retrying::new(Arc::new(client), Retry::new(RetryPolicy::default()));
    tracer.trace(&us(), &question(), MessageId::fresh(&RandomIds)).await.unwrap();

    let received = simulator.received();
    assert_eq!(received.len(), 4);
    let different = |read: &dyn Fn(roxmltree::Node<'_, '_>) -> Option<String>| -> usize {
        let values = received.iter().map(|body| {
            let message = std::str::from_utf8(body.expose()).unwrap();
            let message = roxmltree::Document::parse(message).unwrap();
            message.descendants().find_map(read).unwrap()
        });
        values.collect::<HashSet<_>>().len()
    };
    for element in ["MessageID", "Created", "Expires"] {
        let text = |node: roxmltree::Node<'_, '_>| {
            (node.tag_name().name() == element).then(|| node.text().unwrap().to_owned())
        };
        assert_eq!(different(&text), 4, "{element}");
    }
    assert_eq!(different(&|node| node.attribute("trackingid").map(str::to_owned)), 4);
    assert_eq!(
        different(&|node| {
            (node.tag_name().name() == "Person.NHSNumber").then(|| String::from("asked"))
        }),
        1
    );
}
