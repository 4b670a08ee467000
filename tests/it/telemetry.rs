//! Metrics and spans are correct during an hour with faults.

use crate::support::service::{Service, ask_about, case, unavailable, us};
use crate::support::{one_question, several_subscribers};
use async_trait::async_trait;
use chrono::TimeDelta;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit, with_local_recorder,
};
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::{CaseStore, MemoryStore};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Settings, Worker};
use nhs_pds::resilience::{
    self, Allowance, CircuitBreaker, CircuitBreakerPolicy, Gateway, RateLimit, Retry, telemetry,
};
use nhs_pds::tenant::Labels;
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, MessageId, Outcome, Question, Tracer, User,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::format::FmtSpan;

const SECOND: Duration = Duration::from_secs(1);

/// Counters as their sum, gauges as their last value, histograms as their count.
#[derive(Default)]
pub(crate) struct Board {
    values: Arc<Mutex<BTreeMap<String, f64>>>,
    described: Mutex<BTreeSet<String>>,
}

struct Dial(String, Arc<Mutex<BTreeMap<String, f64>>>);

impl Board {
    fn dial(&self, key: &Key) -> Arc<Dial> {
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
        let name = [key.name().to_owned()].into_iter().chain(labels).collect::<Vec<_>>().join(" ");
        Arc::new(Dial(name, Arc::clone(&self.values)))
    }

    fn describe(&self, key: &KeyName) {
        self.described.lock().unwrap().insert(key.as_str().to_owned());
    }

    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.values.lock().unwrap().get(&format!("nhs_pds_{name}")).copied()
    }
}

impl Dial {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut values = self.1.lock().unwrap();
        let value = values.entry(self.0.clone()).or_default();
        *value = change(*value);
    }
}

impl CounterFn for Dial {
    fn increment(&self, by: u64) {
        self.change(|value| value + by as f64);
    }
    fn absolute(&self, to: u64) {
        self.change(|_| to as f64);
    }
}

impl GaugeFn for Dial {
    fn increment(&self, by: f64) {
        self.change(|value| value + by);
    }
    fn decrement(&self, by: f64) {
        self.change(|value| value - by);
    }
    fn set(&self, to: f64) {
        self.change(|_| to);
    }
}

impl HistogramFn for Dial {
    fn record(&self, _: f64) {
        self.change(|count| count + 1.0);
    }
}

impl Recorder for Board {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&key);
    }
    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&key);
    }
    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&key);
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.dial(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.dial(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.dial(key))
    }
}

/// Runs to the end in paused time, on the thread of the recorder and the subscriber.
pub(crate) fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(future);
}

async fn worker(gate: &Gateway, retry: resilience::RetryPolicy, cases: &[&str]) -> Worker {
    let settings = Settings::new(us()).with_policy(one_question()).with_retry(Retry::new(retry));
    worker_with(gate, settings, cases).await
}

async fn worker_with(gate: &Gateway, settings: Settings, cases: &[&str]) -> Worker {
    let store = Arc::new(MemoryStore::new());
    store.insert_all(cases.iter().copied().map(case).collect()).await.unwrap();
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    Worker::new(gate.background(), Arc::new(Joined::new(store, audit, alerts)), settings)
}

#[test]
fn metrics_of_an_hour_with_faults() {
    let board = Board::default();
    with_local_recorder(&board, || {
        telemetry::describe();
        run(async {
            // Fails twice, answers, rejects; then it stays unavailable.
            let service = Service::slow(SECOND, |count| match count {
                2 | 3 => Ok(Outcome::None),
                4 => Err(Error::new(ErrorKind::Rejected)),
                _ => Err(unavailable()),
            });
            let three = NonZeroU32::new(3).unwrap();
            let circuit = CircuitBreaker::new(CircuitBreakerPolicy::default().with_failures(three));
            let gate = Gateway::new(Arc::<Service>::clone(&service)).with_circuit_breaker(circuit);
            let retry = resilience::RetryPolicy::default().with_budget(0, 3);
            worker(&gate, retry, &["1", "2", "3", "4"]).await.run_once(&mut |_| ()).await.unwrap();
            // The two messages about the fourth case count once.
            for place in 0..4 {
                ask_about(&*gate.foreground(), place).await.unwrap_err();
            }
        });
    });
    let value = |name| board.value(name);
    let counts = [
        ("requests_total question=find outcome=none", 2.0),
        ("requests_total question=find outcome=error_rejected", 1.0),
        ("requests_total question=find outcome=error_unavailable", 4.0),
        ("requests_total question=fetch outcome=error_unavailable", 2.0),
        ("request_duration_seconds question=find", 7.0),
        ("retries_total error=unavailable", 3.0),
        ("retry_budget_spent_total", 1.0),
        ("held_back_total priority=foreground", 2.0),
        ("circuit_opened_total", 1.0),
        ("circuit_state", 2.0),
        ("requests_in_flight", 0.0),
        ("turn_queue priority=foreground", 0.0),
        ("turn_queue priority=background", 0.0),
        ("turn_wait_seconds priority=background", 7.0),
        ("cases_total result=none", 2.0),
        ("cases_total result=rejected", 1.0),
        ("cases_total result=unavailable", 1.0),
        ("cases_waiting", 0.0),
        ("pass_duration_seconds", 1.0),
    ];
    let found: Vec<_> = counts.iter().map(|(name, _)| (*name, value(*name))).collect();
    let expected: Vec<_> = counts.iter().map(|(name, count)| (*name, Some(*count))).collect();
    assert_eq!(found, expected);
    assert!(value("last_pass_timestamp_seconds").unwrap() > 1.7e9);

    // Every metric was described, and is in the module's table.
    let page = include_str!("../../src/resilience/telemetry.rs");
    let measured = board.values.lock().unwrap();
    let described = board.described.lock().unwrap();
    for name in measured.keys().map(|key| key.split(' ').next().unwrap()) {
        assert!(described.contains(name), "{name} is not described");
    }
    for name in described.iter() {
        assert!(page.contains(&format!("//! | `{name}` |")), "{name} is not in the table");
    }
}

#[test]
fn metrics_name_service_and_tenant() {
    let board = Board::default();
    with_local_recorder(&board, || {
        run(async {
            let allowance = Allowance::new(RateLimit::default());
            // York's questions fail.
            for (name, works) in [("leeds", true), ("york", false)] {
                let service =
                    Service::new(
                        move |_| {
                            if works { Ok(Outcome::None) } else { Err(unavailable()) }
                        },
                    );
                let labels =
                    Labels::default().with_service("fhir").with_tenant(name.parse().unwrap());
                let gateway = Gateway::new(service)
                    .with_share(allowance.share(NonZeroU32::MIN))
                    .with_labels(labels.clone());
                let policy = resilience::RetryPolicy::default();
                let settings = Settings::new(us())
                    .with_policy(one_question())
                    .with_retry(Retry::new(policy.with_budget(0, 1)))
                    .with_labels(labels);
                let worker = worker_with(&gateway, settings, &["1", "2"]).await;
                worker.run_once(&mut |_| ()).await.unwrap();
            }
        });
    });
    let value = |name: &str, tenant| board.value(&format!("{name} service=fhir tenant={tenant}"));
    let counts = [
        ("requests_total question=find outcome=none", Some(2.0), None),
        ("requests_total question=find outcome=error_unavailable", None, Some(3.0)),
        ("request_duration_seconds question=find", Some(2.0), Some(3.0)),
        ("requests_in_flight", Some(0.0), Some(0.0)),
        ("turn_wait_seconds priority=background", Some(2.0), Some(3.0)),
        ("turn_queue priority=background", Some(0.0), Some(0.0)),
        ("circuit_state", Some(0.0), Some(0.0)),
        ("retries_total error=unavailable", None, Some(1.0)),
        ("retry_budget_spent_total", None, Some(2.0)),
        ("cases_total result=none", Some(2.0), None),
        ("cases_total result=unavailable", None, Some(2.0)),
        ("cases_waiting", Some(0.0), Some(0.0)),
        ("oldest_wait_seconds", Some(0.0), Some(0.0)),
        ("review_items", Some(2.0), Some(0.0)),
        ("pass_duration_seconds", Some(1.0), Some(1.0)),
    ];
    for (name, leeds, york) in counts {
        assert_eq!((value(name, "leeds"), value(name, "york")), (leeds, york), "{name}");
    }
    for tenant in ["leeds", "york"] {
        assert!(value("last_pass_timestamp_seconds", tenant).unwrap() > 1.7e9);
    }
    let values = board.values.lock().unwrap();
    let bare = values.keys().filter(|key| !key.contains(" service=fhir tenant="));
    assert_eq!(bare.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// A service whose clock is 90 seconds ahead of this machine's.
#[derive(Debug)]
struct Ahead(Arc<Service>);

#[async_trait]
impl Tracer for Ahead {
    async fn trace(&self, us: &Caller, asked: &Question, id: MessageId) -> Result<Answer, Error> {
        self.0.trace(us, asked, id).await
    }

    async fn trace_attended(
        &self,
        user: &User,
        asked: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.0.trace_attended(user, asked, id).await
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        Some(TimeDelta::seconds(-90))
    }
}

#[test]
fn the_clock_difference_of_each_tenant_is_measured() {
    let board = Board::default();
    with_local_recorder(&board, || {
        run(async {
            let labels = Labels::default().with_tenant("leeds".parse().unwrap());
            let service = Ahead(Service::new(|_| Ok(Outcome::None)));
            let gateway = Gateway::new(Arc::new(service)).with_labels(labels);
            ask_about(&*gateway.background(), 1).await.unwrap();
        });
    });
    assert_eq!(board.value("clock_skew_seconds tenant=leeds"), Some(-90.0));
}

/// What was written, shared with the subscriber.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All output at trace level while `work` runs on this thread.
pub(crate) fn told(work: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    several_subscribers();
    tracing::subscriber::with_default(subscriber, work);
    written.text()
}

#[test]
fn spans_name_attempt_message_and_result() {
    let service = Service::slow(SECOND, |count| match count {
        0 => Err(unavailable()),
        _ => Ok(Outcome::None),
    });
    let text = told(|| {
        run(async {
            let gate = Gateway::new(Arc::<Service>::clone(&service));
            let worker = worker(&gate, resilience::RetryPolicy::default(), &["CASE77"]).await;
            worker.run_once(&mut |_| ()).await.unwrap();
        });
    });
    let requests: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("nhs_pds::resilience::gateway") && line.contains("close"))
        .collect();
    let ids: Vec<String> = service.asked().iter().map(|(_, id)| id.to_string()).collect();
    assert_eq!(requests.len(), 2, "{text}");
    for (place, (line, outcome)) in requests.iter().zip(["error_unavailable", "none"]).enumerate() {
        for part in [
            "pass:",
            &format!("attempt{{number={} message_id={}}}", place + 1, ids[place]),
            &format!("message_id={}", ids[place]),
            "question=\"find\" priority=\"background\"",
            "service=\"test\" operation=\"trace\" code=\"TEST-1\"",
            &format!("outcome=\"{outcome}\" duration_ms=100"),
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    assert!(!text.contains("CASE77") && !text.to_uppercase().contains("AINDOW"), "{text}");
}
