//! Passes of the worker, in which each case is worked on alone: what one case or one worker does never
//! stops the others, and no answer that arrived is lost. Tokio's paused time is the clock.

use crate::process::TokioClock;
use crate::support::layer::{Layer, Layered};
use crate::support::one_question;
use crate::support::service::{case, us};
use async_trait::async_trait;
use chrono::TimeDelta;
use nhs_pds::audit::{AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{
    self, Alert, AlertKind, Case, CaseId, CaseStore, Change, Claim, Lease, MemoryStore, Planned,
    RecordType, ReviewReason, ReviewState,
};
use nhs_pds::clock::Clock;
use nhs_pds::process::alert::{self, AlertSink, MemoryAlerts};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{CaseReport, Policy, RunReport, Settings, TraceResult, Worker};
use nhs_pds::resilience::{Gateway, RateLimit, Retry, RetryPolicy};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, MessageId, Outcome, Question, Tracer,
    User,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// What the service says about a case, and how long that takes: from the case's number.
type Script = fn(usize) -> (Result<Outcome, ErrorKind>, Duration);

/// A service. Records each query with its time, and each message that it has answered.
#[derive(Debug)]
struct Service {
    script: Script,
    asked: Mutex<Vec<(usize, Instant)>>,
    answered: Mutex<Vec<(usize, MessageId)>>,
}

impl Service {
    fn new(script: Script) -> Arc<Self> {
        Arc::new(Self { script, asked: Mutex::default(), answered: Mutex::default() })
    }

    fn asked(&self) -> Vec<(usize, Instant)> {
        self.asked.lock().unwrap().clone()
    }

    /// How often each case was queried.
    fn times(&self) -> BTreeMap<usize, usize> {
        let mut times = BTreeMap::new();
        for (case, _) in self.asked() {
            *times.entry(case).or_default() += 1;
        }
        times
    }
}

#[async_trait]
impl Tracer for Service {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        let Question::Find(find) = question else { panic!("{question:?}") };
        let case: usize = find.local_identifier().unwrap().extension().parse().unwrap();
        self.asked.lock().unwrap().push((case, Instant::now()));
        let (said, takes) = (self.script)(case);
        sleep(takes).await;
        self.answered.lock().unwrap().push((case, id));
        let at = chrono::DateTime::UNIX_EPOCH;
        let exchange = Exchange::new("test", "trace", id.to_string(), at).with_code("CODE");
        match said {
            Ok(outcome) => Ok(Answer::new(outcome, exchange)),
            Err(kind) => Err(Error::new(kind).with_exchange(exchange)),
        }
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::Configuration))
    }
}

/// Cases, their trail and alerts, and the time.
struct House {
    clock: Arc<TokioClock>,
    store: Arc<MemoryStore>,
    log: Arc<MemoryLog>,
    alerts: Arc<MemoryAlerts>,
}

fn id(place: usize) -> CaseId {
    format!("{place:04}").parse().unwrap()
}

impl House {
    /// This many eligible cases, numbered from zero.
    async fn of(cases: usize) -> Self {
        let store = Arc::new(MemoryStore::new());
        let all = (0..cases).map(|place| case(id(place).as_str())).collect();
        store.insert_all(all).await.unwrap();
        let (log, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
        Self { clock: TokioClock::new(), store, log, alerts }
    }

    fn settings(&self, in_flight: usize) -> Settings {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Settings::new(us())
            .with_policy(one_question())
            .with_clock(clock)
            .with_in_flight(in_flight.try_into().unwrap())
    }

    fn worker(&self, service: &Arc<Service>, settings: Settings) -> Worker {
        self.worker_over(Arc::clone(&self.store) as _, Arc::clone(service) as _, settings)
    }

    fn worker_over(
        &self,
        cases: Arc<dyn CaseStore>,
        tracer: Arc<dyn Tracer>,
        settings: Settings,
    ) -> Worker {
        let (log, alerts) = (Arc::clone(&self.log), Arc::clone(&self.alerts));
        Worker::new(tracer, Arc::new(Joined::new(cases, log, alerts)), settings)
    }

    async fn get(&self, place: usize) -> Case {
        self.store.get(&id(place)).await.unwrap().unwrap()
    }

    /// Checks that each answer of `service` is in the trail, and decided.
    async fn check_no_answer_is_lost(&self, service: &Service) {
        let mut kinds: BTreeMap<String, Vec<EventKind>> = BTreeMap::new();
        for event in self.log.page(&Filter::new(), 0, 9_999).await.unwrap() {
            if let Some(message) = event.message_id {
                kinds.entry(message).or_default().push(event.kind);
            }
        }
        let answered = service.answered.lock().unwrap().clone();
        for (place, message) in answered {
            let kinds = kinds.get(&message.to_string()).unwrap();
            assert_eq!(*kinds, [EventKind::MessageSent, EventKind::MessageReceived], "{place}");
            let case = self.get(place).await;
            let is_settled = case.last_trace.is_some() || case.asking.unanswered > 0;
            assert!(is_settled, "case {place} was answered, and is not settled");
        }
    }
}

async fn run(worker: &Worker) -> RunReport {
    worker.run_once(&mut |_| ()).await.unwrap()
}

/// A hundredth of the cases never gets an answer. All others are settled in one pass, at the speed that the
/// latency and the rate limit allow.
#[tokio::test(start_paused = true)]
async fn cases_that_always_fail_do_not_stop_the_others() {
    const CASES: usize = 800;
    let house = House::of(CASES).await;
    let service = Service::new(|place| {
        let said = if place % 100 == 0 { Err(ErrorKind::Unavailable) } else { Ok(Outcome::None) };
        (said, 100 * MS)
    });
    let rate = NonZeroU32::new(100).unwrap();
    let limit = RateLimit::per_second(rate).with_in_flight(NonZeroU32::new(8).unwrap());
    let gateway = Gateway::new(Arc::clone(&service) as _).with_rate_limit(limit);
    let settings = house.settings(8).with_retry(Retry::new(RetryPolicy::default()));
    let cases = Arc::clone(&house.store) as _;
    let worker = house.worker_over(cases, gateway.background(), settings);
    let began = Instant::now();
    let mut settled = Vec::new();
    let observe = &mut |case: &CaseReport| {
        if case.result == Some(TraceResult::None) {
            settled.push(began.elapsed());
        }
    };
    let report = worker.run_once(observe).await.unwrap();
    assert!(report.stopped.is_none(), "{:?}", report.stopped);
    assert_eq!(report.results[&TraceResult::None], 792);
    assert_eq!(report.results[&TraceResult::Unavailable], 8);
    assert_eq!((report.seen, report.due), (800, 0));
    // Eight at a time, a tenth of a second each: 80 queries a second. The eight need retries too.
    let queries = service.asked().len();
    assert!(queries > CASES && queries <= CASES + 8 * 3, "{queries}");
    let took = settled.last().unwrap().as_secs_f64();
    let allowed = queries as f64 / 80.0;
    assert!(took <= allowed / 0.95, "{took} s instead of {allowed} s");
    for place in [0, 100, 700] {
        let case = house.get(place).await;
        assert!((case.asking.unanswered, case.review.len()) == (1, 0), "it waits by itself");
    }
}

/// Without a retry, with one query at a time, and with a case in front that never gets an answer.
#[tokio::test(start_paused = true)]
async fn one_failing_case_is_queried_once_in_a_pass() {
    let house = House::of(40).await;
    let service = Service::new(|place| match place {
        0 => (Err(ErrorKind::Unavailable), 30_000 * MS),
        _ => (Ok(Outcome::None), MS),
    });
    let worker = house.worker(&service, house.settings(1));
    let report = run(&worker).await;
    assert_eq!(report.results[&TraceResult::None], 39);
    assert_eq!(service.times()[&0], 1);
    // At once again, nothing is due.
    assert_eq!((run(&worker).await.seen, service.asked().len()), (0, 40));
    sleep(60_000 * MS).await;
    assert_eq!((run(&worker).await.seen, service.times()[&0]), (1, 2), "only the failed case");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// At whatever moment a run is stopped: each answer that the service has given is on record and decided,
    /// and the rest is due.
    #[test]
    fn a_stopped_run_loses_no_answer(stop in 0_u64..260, in_flight in 1..9_usize, retries in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let house = House::of(60).await;
            let service = Service::new(|place| {
                let said = match place % 7 {
                    3 => Err(ErrorKind::Unavailable),
                    5 => Err(ErrorKind::Unreadable),
                    _ => Ok(Outcome::None),
                };
                (said, u32::try_from(1 + place * 5 % 17).unwrap() * MS)
            });
            let mut settings = house.settings(in_flight);
            if retries {
                settings = settings.with_retry(Retry::new(RetryPolicy::default()));
            }
            let worker = house.worker(&service, settings);
            let mut decided = 0;
            let observe = &mut |case: &CaseReport| {
                decided += u64::from(case.result != Some(TraceResult::NotAsked));
            };
            let stopped = sleep(Duration::from_millis(stop));
            let report = worker.run_once_until(stopped, observe).await.unwrap();
            house.check_no_answer_is_lost(&service).await;
            assert_eq!(service.asked().len(), service.answered.lock().unwrap().len());
            assert_eq!(report.due, 60 - decided, "the others are still due");
            // The next run goes on with them, and with no other case.
            assert_eq!(run(&worker).await.seen, 60 - decided);
            house.check_no_answer_is_lost(&service).await;
            assert_eq!(service.times().len(), 60);
        });
    }
}

/// A store that fails once, at a chosen call of this kind.
#[derive(Debug)]
struct FailsOnce(Arc<MemoryStore>, AtomicUsize);

#[async_trait]
impl Layer for FailsOnce {
    fn behind(&self) -> &dyn CaseStore {
        &*self.0
    }
    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, case::Error> {
        if self.1.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Err(case::Error::new(case::ErrorKind::Unavailable));
        }
        self.0.claim_due(limit, lease).await
    }
}

/// The store fails while queries are open: their answers are settled before the run ends.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_moment_loses_no_answer() {
    for call in 2..=4 {
        let house = House::of(60).await;
        let service = Service::new(|place| {
            (Ok(Outcome::None), u32::try_from(10 + place * 5 % 17).unwrap() * MS)
        });
        let store = FailsOnce(Arc::clone(&house.store), AtomicUsize::new(call));
        let worker = house.worker_over(
            Arc::new(Layered(store)),
            Arc::clone(&service) as _,
            house.settings(4),
        );
        let ended = worker.run_once(&mut |_| ()).await;
        assert_eq!(ended.unwrap_err().kind(), nhs_pds::process::ErrorKind::StoreUnavailable);
        house.check_no_answer_is_lost(&service).await;
        let answered = service.answered.lock().unwrap().len();
        assert_eq!(service.asked().len(), answered, "no open query was given up");
    }
}

/// A store whose reads and saves of cases fail several times in a row, from a chosen call on.
#[derive(Debug)]
struct FailsForAWhile(Arc<MemoryStore>, AtomicUsize);

impl FailsForAWhile {
    fn pass(&self) -> Result<(), case::Error> {
        match self.1.fetch_add(1, Ordering::SeqCst) {
            5..=7 => Err(case::Error::new(case::ErrorKind::Unavailable)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Layer for FailsForAWhile {
    fn behind(&self) -> &dyn CaseStore {
        &*self.0
    }
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, case::Error> {
        self.pass()?;
        self.0.get(id).await
    }
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
        self.pass()?;
        self.0.save_all(changes).await
    }
}

/// Also the reading between two tries to commit may fail.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_three_times_in_a_row_loses_no_answer() {
    let house = House::of(20).await;
    let service = Service::new(|_| (Ok(Outcome::None), MS));
    let store = FailsForAWhile(Arc::clone(&house.store), AtomicUsize::new(0));
    let worker =
        house.worker_over(Arc::new(Layered(store)), Arc::clone(&service) as _, house.settings(1));
    assert_eq!(run(&worker).await.results.get(&TraceResult::None), Some(&20));
    // A store of three parts may have an answer on record twice.
    let received = Filter::new().with_kind(EventKind::MessageReceived);
    let received = house.log.page(&received, 0, 999).await.unwrap();
    let received: BTreeSet<_> = received.into_iter().filter_map(|event| event.message_id).collect();
    assert_eq!(received.len(), 20);
}

/// The back office cannot be reached.
#[derive(Debug, Default)]
struct Unreachable(AtomicUsize);

#[async_trait]
impl AlertSink for Unreachable {
    async fn deliver(&self, _: &[Alert]) -> Result<(), alert::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(alert::Error::new(alert::ErrorKind::Unavailable))
    }
}

/// While alerts cannot be delivered, their cases are traced all the same, and the pass ends.
#[tokio::test(start_paused = true)]
async fn a_case_with_an_alert_is_traced_while_the_sink_fails() {
    let house = House::of(3).await;
    for place in 0..2 {
        let mut case = house.get(place).await;
        let alert = Alert::new(format!("{place}/defect"), AlertKind::Defect, house.clock.now());
        case.undelivered.push(alert);
        if place == 1 {
            case.allocations.clear();
        }
        house.store.save(&case).await.unwrap();
    }
    let service = Service::new(|_| (Ok(Outcome::None), MS));
    let sink = Arc::new(Unreachable::default());
    let store = Joined::new(
        Arc::clone(&house.store) as _,
        Arc::clone(&house.log) as _,
        Arc::clone(&sink) as _,
    );
    let worker = Worker::new(Arc::clone(&service) as _, Arc::new(store), house.settings(2));
    let report = timeout(Duration::from_secs(60), run(&worker)).await.expect("the pass ends");
    assert_eq!(report.results.get(&TraceResult::None), Some(&2));
    assert_eq!((service.asked().len(), house.get(0).await.undelivered.len()), (2, 1));
    assert!(sink.0.load(Ordering::SeqCst) < 9, "{sink:?}");

    // The alerts are delivered once that is possible.
    sleep(Duration::from_secs(10 * 60)).await;
    run(&house.worker(&service, house.settings(2))).await;
    assert_eq!(house.alerts.delivered().len(), 2);
}

/// A case without an answer waits between half and all of a minute, then twice as long each time, but not as
/// long as the next case. After the fifth time, reviewers see it.
#[tokio::test(start_paused = true)]
async fn a_failing_case_backs_off_by_itself_and_is_reviewed() {
    let house = House::of(9).await;
    let service = Service::new(|_| (Err(ErrorKind::Unavailable), Duration::ZERO));
    let worker = house.worker(&service, house.settings(4));
    let is_reviewed =
        |case: &Case| case.open_items().any(|item| item.reason == ReviewReason::Unanswered);
    for _ in 0..40 * 60 {
        run(&worker).await;
        let case = house.get(0).await;
        assert_eq!(is_reviewed(&case), case.asking.unanswered >= 5, "{:?}", case.asking.unanswered);
        sleep(Duration::from_secs(1)).await;
    }
    let mut second_waits = BTreeSet::new();
    for place in 0..9 {
        let asked = service.asked().into_iter().filter(|(of, _)| *of == place);
        let times: Vec<Instant> = asked.map(|(_, at)| at).collect();
        let gaps: Vec<u64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
        assert!(
            (6..=7).contains(&times.len()),
            "after about 1, 2, 4, 8, 16 and 32 minutes: {gaps:?}"
        );
        for (failed, pair) in times.windows(2).enumerate() {
            let (waited, most) = ((pair[1] - pair[0]).as_secs(), 60 << failed);
            assert!((most / 2..=most + 1).contains(&waited), "{failed}: {waited} s");
        }
        second_waits.insert((times[2] - times[1]).as_secs());
        let case = house.get(place).await;
        assert_eq!(case.open_items().count(), 1, "one item for any number of queries");
    }
    assert!(second_waits.len() > 5, "each case has its own wait: {second_waits:?}");
    assert!(house.alerts.delivered().is_empty());

    // The service answers again.
    let service = Service::new(|_| (Ok(Outcome::None), Duration::ZERO));
    sleep(Duration::from_secs(2 * 60 * 60)).await;
    assert_eq!(run(&house.worker(&service, house.settings(4))).await.seen, 9);
    let case = house.get(0).await;
    let item = case.review.iter().find(|item| item.reason == ReviewReason::Unanswered).unwrap();
    assert_eq!((item.state, case.asking.unanswered), (ReviewState::Resolved, 0));
}

/// Several workers share the cases of a store: each case is queried once, and they are as much faster as they
/// are more.
#[tokio::test(start_paused = true)]
async fn many_workers_share_the_cases_of_one_store() {
    const CASES: usize = 640;
    for workers in [2, 16] {
        let house = House::of(CASES).await;
        let service = Service::new(|place| {
            let said = if place % 9 == 0 { Err(ErrorKind::Unavailable) } else { Ok(Outcome::None) };
            (said, 100 * MS)
        });
        let began = Instant::now();
        let running: Vec<_> = (0..workers)
            .map(|_| {
                let worker = house.worker(&service, house.settings(2));
                tokio::spawn(async move { run(&worker).await })
            })
            .collect();
        let mut seen = 0;
        for run in running {
            let report = run.await.unwrap();
            assert!(report.seen >= 16, "each has a part: {}", report.seen);
            seen += report.seen;
        }
        assert_eq!(seen, 640, "{workers} workers");
        assert_eq!(service.times().len(), CASES);
        assert!(service.times().values().all(|times| *times == 1), "each case once");
        let alone = CASES as f64 * 0.1 / (2 * workers) as f64;
        let took = began.elapsed().as_secs_f64();
        assert!(took <= alone * 1.5 + 0.5, "{workers} workers: {took} s instead of {alone} s");
        house.check_no_answer_is_lost(&service).await;
    }
}

/// Counts the calls of a store. A page takes a second.
#[derive(Debug)]
struct Counted {
    store: Arc<MemoryStore>,
    claims: AtomicUsize,
    gets: AtomicUsize,
    pages: Mutex<Vec<Option<CaseId>>>,
    planned: Mutex<Vec<CaseId>>,
}

impl Counted {
    fn over(store: &Arc<MemoryStore>) -> Arc<Layered<Self>> {
        Arc::new(Layered(Self {
            store: Arc::clone(store),
            claims: AtomicUsize::new(0),
            gets: AtomicUsize::new(0),
            pages: Mutex::default(),
            planned: Mutex::default(),
        }))
    }
}

#[async_trait]
impl Layer for Counted {
    fn behind(&self) -> &dyn CaseStore {
        &*self.store
    }
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, case::Error> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.store.get(id).await
    }
    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, case::Error> {
        self.pages.lock().unwrap().push(after.cloned());
        sleep(Duration::from_secs(1)).await;
        self.store.page(after, limit).await
    }
    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, case::Error> {
        self.claims.fetch_add(1, Ordering::SeqCst);
        self.store.claim_due(limit, lease).await
    }
    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), case::Error> {
        let ids: Vec<CaseId> = planned.iter().map(|planned| planned.id.clone()).collect();
        self.store.set_due(planned).await?;
        self.planned.lock().unwrap().extend(ids);
        Ok(())
    }
}

/// A thousand cases that wait cost a pass nothing.
#[tokio::test(start_paused = true)]
async fn an_idle_pass_reads_no_case() {
    let house = House::of(0).await;
    let cases = (0..1_000).map(|place| Case::new(id(place), RecordType::Review)).collect();
    house.store.insert_all(cases).await.unwrap();
    let service = Service::new(|_| (Ok(Outcome::None), MS));
    let store = Counted::over(&house.store);
    let worker =
        house.worker_over(Arc::clone(&store) as _, Arc::clone(&service) as _, house.settings(1));
    assert_eq!(run(&worker).await.seen, 1_000, "they are not allocated to a worker");
    let claims = store.0.claims.swap(0, Ordering::SeqCst);
    assert!(claims < 20, "in {claims} steps");
    store.0.planned.lock().unwrap().clear();
    for _ in 0..3 {
        sleep(Duration::from_secs(30 * 60)).await;
        let report = run(&worker).await;
        assert_eq!((report.seen, report.due), (0, 0));
    }
    let claims = store.0.claims.load(Ordering::SeqCst);
    assert!(claims <= 2 * 3, "two looks in each pass, not {claims}");
    assert_eq!((store.0.pages.lock().unwrap().len(), store.0.gets.load(Ordering::SeqCst)), (0, 0));
    assert!(store.0.planned.lock().unwrap().is_empty());
    assert!(service.asked().is_empty());
}

/// A house whose 1,200 cases have been looked at by the rules of the default policy, and are not due.
async fn planned_house() -> (House, Arc<Service>) {
    let house = House::of(0).await;
    let cases = (0..1_200).map(|place| {
        let mut case = case(id(place).as_str());
        case.allocations.clear();
        case
    });
    house.store.insert_all(cases.collect()).await.unwrap();
    let service = Service::new(|_| (Ok(Outcome::None), MS));
    let report = run(&house.worker(&service, house.settings(1))).await;
    assert_eq!((report.seen, report.due), (1_200, 0));
    (house, service)
}

fn changed_policy() -> Policy {
    one_question().with_reverification(TimeDelta::days(90))
}

/// When the policy changes, all cases are planned again beside the pass. A case that is due does not wait.
#[tokio::test(start_paused = true)]
async fn a_changed_policy_plans_all_cases_beside_the_pass() {
    let (house, service) = planned_house().await;
    house.store.insert_all(vec![case("9999")]).await.unwrap();
    let store = Counted::over(&house.store);
    let settings = house.settings(1).with_policy(changed_policy());
    let worker =
        house.worker_over(Arc::clone(&store) as _, Arc::clone(&service) as _, settings.clone());
    let began = Instant::now();
    let report = run(&worker).await;
    assert_eq!(report.seen, 1, "the cases that are still not due are not looked at");
    assert!(began.elapsed() >= Duration::from_secs(3), "the pass waits for the end of planning");
    assert!(service.asked()[0].1 - began < Duration::from_secs(1), "the new case does not wait");
    let planned: BTreeSet<CaseId> = store.0.planned.lock().unwrap().drain(..).collect();
    assert_eq!(planned.len(), 1_201, "every case");
    store.0.pages.lock().unwrap().clear();
    run(&worker).await;
    assert!(store.0.pages.lock().unwrap().is_empty(), "once");
    // The earlier policy again is another change.
    let worker =
        house.worker_over(Arc::clone(&store) as _, Arc::clone(&service) as _, house.settings(1));
    run(&worker).await;
    assert_eq!(store.0.pages.lock().unwrap().first(), Some(&None), "from the beginning");
}

/// A run that is dropped while it plans: the next run goes on where it was.
#[tokio::test(start_paused = true)]
async fn interrupted_planning_goes_on_where_it_was() {
    let (house, service) = planned_house().await;
    let settings = house.settings(1).with_policy(changed_policy());
    let store = Counted::over(&house.store);
    let worker = house.worker_over(Arc::clone(&store) as _, Arc::clone(&service) as _, settings);
    timeout(Duration::from_millis(1_500), worker.run_once(&mut |_| ())).await.unwrap_err();
    let first: Vec<CaseId> = store.0.planned.lock().unwrap().drain(..).collect();
    assert!(!first.is_empty() && first.len() < 1_200, "{}", first.len());
    store.0.pages.lock().unwrap().clear();
    run(&worker).await;
    assert_eq!(store.0.pages.lock().unwrap().first(), Some(&first.last().cloned()));
    let rest: BTreeSet<CaseId> = store.0.planned.lock().unwrap().drain(..).collect();
    assert_eq!(rest.len(), 1_200 - first.len());
    assert!(first.iter().all(|id| !rest.contains(id)), "no case twice");
}

/// Two workers find the new policy at the same time: every case is planned, and neither run fails.
#[tokio::test(start_paused = true)]
async fn two_workers_plan_all_cases_together() {
    let (house, service) = planned_house().await;
    let store = Counted::over(&house.store);
    let running = [0, 300].map(|after| {
        let settings = house.settings(1).with_policy(changed_policy());
        let worker =
            house.worker_over(Arc::clone(&store) as _, Arc::clone(&service) as _, settings);
        tokio::spawn(async move {
            sleep(Duration::from_millis(after)).await;
            run(&worker).await
        })
    });
    for run in running {
        assert_eq!(run.await.unwrap().seen, 0);
    }
    let planned = store.0.planned.lock().unwrap().clone();
    let all: BTreeSet<&CaseId> = planned.iter().collect();
    assert_eq!(all.len(), 1_200);
    assert!(planned.len() < 2 * 1_200, "they do not both do all: {}", planned.len());
    let settings = house.settings(1).with_policy(changed_policy());
    store.0.pages.lock().unwrap().clear();
    run(&house.worker_over(Arc::clone(&store) as _, Arc::clone(&service) as _, settings)).await;
    assert!(store.0.pages.lock().unwrap().is_empty(), "it is done");
}

/// A sink whose process is killed before or after it has delivered.
#[derive(Debug)]
struct Mortal {
    behind: Arc<MemoryAlerts>,
    /// Whether the alerts are delivered before the end.
    delivers: bool,
}

#[async_trait]
impl AlertSink for Mortal {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), alert::Error> {
        if self.delivers {
            self.behind.deliver(alerts).await?;
        }
        std::future::pending().await
    }
}

/// The process ends between the save of a case and the delivery of its alert, or before the delivery is
/// noted: the next pass delivers it, although the case itself is not due for days.
#[tokio::test(start_paused = true)]
async fn an_alert_of_a_killed_process_is_delivered_by_the_next_pass() {
    for delivers in [false, true] {
        let house = House::of(3).await;
        let service = Service::new(|place| match place {
            1 => (Ok(Outcome::Superseded { by: None, person: None }), MS),
            _ => (Ok(Outcome::None), MS),
        });
        let sink = Mortal { behind: Arc::clone(&house.alerts), delivers };
        let (cases, log) = (Arc::clone(&house.store), Arc::clone(&house.log));
        let store = Joined::new(cases, log, Arc::new(sink));
        let tracer = Arc::clone(&service) as Arc<dyn Tracer>;
        let worker = Worker::new(tracer, Arc::new(store), house.settings(1));
        timeout(Duration::from_secs(60), worker.run_once(&mut |_| ())).await.unwrap_err();
        let saved = house.get(1).await;
        assert_eq!(
            (saved.last_trace.unwrap().result, saved.undelivered.len()),
            ("superseded".into(), 1)
        );
        assert_eq!(house.alerts.delivered().len(), usize::from(delivers));

        let report = run(&house.worker(&service, house.settings(1))).await;
        let alerts = house.alerts.delivered();
        assert_eq!((alerts.len(), alerts[0].kind), (1, AlertKind::Superseded), "{delivers}");
        assert!(house.get(1).await.undelivered.is_empty());
        assert_eq!(report.due, 0);
        assert!(service.times().values().all(|times| *times == 1), "no case is queried again");
    }
}

/// A store that another program changes at each save of a worker.
#[derive(Debug)]
struct Restless(Arc<MemoryStore>);

#[async_trait]
impl Layer for Restless {
    fn behind(&self) -> &dyn CaseStore {
        &*self.0
    }
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
        for Change { case, .. } in &changes {
            let mut stored = self.0.get(&case.id).await?.unwrap();
            stored.address[0].push('x');
            self.0.save(&stored).await?;
        }
        self.0.save_all(changes).await
    }
}

/// A case that never can be saved ends neither the pass nor its own answers.
#[tokio::test(start_paused = true)]
async fn a_case_that_keeps_changing_is_queried_once_in_a_pass() {
    let house = House::of(3).await;
    let service = Service::new(|_| (Ok(Outcome::None), MS));
    let store = Arc::new(Layered(Restless(Arc::clone(&house.store))));
    let worker = house.worker_over(store, Arc::clone(&service) as _, house.settings(2));
    let report = timeout(Duration::from_secs(60), run(&worker)).await.unwrap();
    assert_eq!(report.results[&TraceResult::ConflictOnSave], 3);
    assert!(service.times().values().all(|times| *times == 1));
    let received = Filter::new().with_kind(EventKind::MessageReceived);
    assert_eq!(
        house.log.page(&received, 0, 9).await.unwrap().len(),
        3,
        "the answers are on record"
    );
}
