//! The result of a caseload is that of tracing its cases one after another: any number of workers and of
//! concurrent queries gives it, wherever runs were killed or stopped. If two cases match one number, the
//! first to be saved gets it; so the order is that of the saves.

use crate::support::layer::{Layer, Layered};
use crate::support::one_question;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{self, Anchor, AuditLog, Entry, Event, Filter, MemoryLog, Verdict};
use nhs_pds::case::caseload::DecisionWriter;
use nhs_pds::case::{
    self, Alert, Allocation, Case, CaseId, CaseStore, Change, Claim, Lease, MemoryStore,
    NumberSource, RecordType, RecordedNumber,
};
use nhs_pds::clock::Clock;
use nhs_pds::demographics::{Demographics, Gender, PersonName, Recorded};
use nhs_pds::nhs_number::{NhsNumber, Synthetic};
use nhs_pds::process::alert::{self, AlertSink, MemoryAlerts};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Settings, Worker};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, Freshness, LocalIdentity, Match,
    MessageId, Outcome, Question, Tracer, User,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The answer of the service about one case, the same for every query. Numbers are positions in a short
/// list, so that cases share them.
#[derive(Clone, Copy, Debug)]
enum Says {
    Found(usize),
    FoundInACopy(usize),
    FoundDead(usize),
    Superseded(Option<usize>),
    Invalidated,
    NotVerified,
    NoMatch,
    Several,
    Refused,
    Unreadable,
    Nothing,
}

#[derive(Clone, Debug)]
struct Sample {
    /// A number from elsewhere.
    imported: Option<usize>,
    /// The answer to a verification; `Found` confirms any number.
    verified: Says,
    /// The answer to a search.
    found: Says,
}

/// A disturbance of a run, and its point in the run.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    Killed(usize),
    Stopped(usize),
}

#[derive(Debug)]
struct Fate {
    left: AtomicUsize,
    met: Notify,
    is_deadly: bool,
}

impl Fate {
    fn of(mishap: Option<Mishap>) -> Arc<Self> {
        let (left, is_deadly) = match mishap {
            None => (usize::MAX, false),
            Some(Mishap::Killed(point)) => (point, true),
            Some(Mishap::Stopped(point)) => (point, false),
        };
        Arc::new(Self { left: AtomicUsize::new(left), met: Notify::new(), is_deadly })
    }

    /// Lets other tasks run, and meets the mishap at its point.
    ///
    /// Not called between the reading for a decision and its save. A number that another case gets meanwhile
    /// matters only to a decision that writes it: `case_store.rs` tests that race.
    async fn pause(&self) {
        tokio::task::yield_now().await;
        self.pass().await;
    }

    async fn pass(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.met.notify_one();
            if self.is_deadly {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// A case that was traced: the time of the last response, and the number of queries without one.
type Traced = (CaseId, DateTime<Utc>, u32);

/// The order in which traced cases were saved.
type Order = Arc<Mutex<Vec<Traced>>>;

#[derive(Debug)]
struct FatedStore(Arc<MemoryStore>, Arc<Fate>, Order);

#[async_trait]
impl Layer for FatedStore {
    fn behind(&self) -> &dyn CaseStore {
        &*self.0
    }
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
        self.1.pass().await;
        let traced = changes.iter().filter_map(|Change { case, .. }| {
            let last = case.last_trace.as_ref()?;
            Some((case.id.clone(), last.at, case.asking.unanswered))
        });
        let traced: Vec<_> = traced.collect();
        let saved = self.0.save_all(changes).await;
        if saved.is_ok() {
            let mut order = self.2.lock().unwrap();
            // The case that was traced is the first; the others have been flagged.
            order.extend(traced.into_iter().take(1));
        }
        self.1.pause().await;
        saved
    }
    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, case::Error> {
        let claim = self.0.claim_due(limit, lease).await;
        self.1.pause().await;
        claim
    }
    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), case::Error> {
        self.1.pause().await;
        self.0.release(owner, ids).await
    }
}

#[derive(Debug)]
struct FatedLog(Arc<MemoryLog>, Arc<Fate>);

#[async_trait]
impl AuditLog for FatedLog {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, audit::Error> {
        self.1.pass().await;
        let appended = self.0.append(entries).await;
        self.1.pass().await;
        appended
    }
    async fn page(&self, f: &Filter, after: u64, n: usize) -> Result<Vec<Event>, audit::Error> {
        self.0.page(f, after, n).await
    }
    async fn head(&self) -> Result<Anchor, audit::Error> {
        self.0.head().await
    }
    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, audit::Error> {
        self.0.verify(anchors).await
    }
    async fn forget(&self, case: &CaseId) -> Result<(), audit::Error> {
        self.0.forget(case).await
    }
}

#[derive(Debug)]
struct FatedAlerts(Arc<MemoryAlerts>, Arc<Fate>);

#[async_trait]
impl AlertSink for FatedAlerts {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), alert::Error> {
        self.1.pause().await;
        let delivered = self.0.deliver(alerts).await;
        self.1.pause().await;
        delivered
    }
}

#[derive(Debug)]
struct Service(Vec<Sample>, Arc<Fate>, Arc<Time>);

#[async_trait]
impl Tracer for Service {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        self.1.pass().await;
        let (local, recorded) = match question {
            Question::Find(find) => (find.local_identifier(), None),
            Question::Fetch(fetch) => (fetch.local_identifier(), Some(fetch.nhs_number())),
            _ => panic!("there is no other question"),
        };
        let place: usize = local.unwrap().extension().parse().unwrap();
        // The later answer may come first.
        let takes = 1 + (place * 7) % 5;
        tokio::time::sleep(Duration::from_millis(takes as u64)).await;
        let sample = &self.0[place];
        // Equal refusals of many cases in a row would end the run.
        let exchange = Exchange::new("test", "trace", id.to_string(), self.2.now())
            .with_code(format!("CODE-{place}"));
        let reply = match recorded {
            Some(recorded) => outcome(sample.verified, Some(recorded)),
            None => outcome(sample.found, None),
        };
        self.1.pass().await;
        match reply {
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

fn outcome(says: Says, recorded: Option<NhsNumber>) -> Result<Outcome, ErrorKind> {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new("COMFORT", "AINDOW"));
    person.date_of_birth = Recorded::read("1943-05-19");
    person.gender = Recorded::Known(Gender::Female);
    let successor = Some(Box::new(person.clone()));
    let found = |n, change: fn(&mut Match)| {
        let mut found = Match::new(recorded.unwrap_or_else(|| number(n))).with_person(person);
        change(&mut found);
        Ok(Outcome::Found(Box::new(found)))
    };
    match says {
        Says::Found(n) => found(n, |_| ()),
        Says::FoundInACopy(n) => found(n, |found| found.freshness = Freshness::Stale),
        Says::FoundDead(n) => found(n, |found| {
            found.person.as_mut().unwrap().date_of_death = Recorded::read("2026-11-01");
        }),
        Says::Superseded(by) => Ok(Outcome::Superseded { by: by.map(number), person: successor }),
        Says::Invalidated => Ok(Outcome::Invalidated),
        Says::NotVerified => Ok(Outcome::NotVerified),
        Says::NoMatch => Ok(Outcome::None),
        Says::Several => Ok(Outcome::Ambiguous(Vec::new())),
        Says::Refused => Err(ErrorKind::Rejected),
        Says::Unreadable => Err(ErrorKind::Unreadable),
        Says::Nothing => Err(ErrorKind::Unavailable),
    }
}

fn number(n: usize) -> NhsNumber {
    Synthetic::from_seed(7).nth(n).unwrap()
}

#[derive(Debug)]
struct Time(Instant);

impl Clock for Time {
    fn now(&self) -> DateTime<Utc> {
        let begin: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        begin + TimeDelta::from_std(self.0.elapsed()).unwrap()
    }
}

fn id(place: usize) -> CaseId {
    format!("{place:02}").parse().unwrap()
}

fn case(place: usize, sample: &Sample) -> Case {
    let mut case = Case::new(id(place), RecordType::AdultCase);
    case.surname = Some("Aindow".into());
    (case.forename, case.postcode) = (Some("Comfort".into()), Some("KT17 1NA".into()));
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.allocations = vec![Allocation::new("A Worker")];
    let source = NumberSource::Imported(Some("GP letter".into()));
    case.nhs_number = sample.imported.map(|n| RecordedNumber::new(number(n), source));
    case
}

/// A store of which a pass gets one case.
#[derive(Debug)]
struct OnlyOne(Arc<MemoryStore>, Mutex<Option<CaseId>>);

#[async_trait]
impl Layer for OnlyOne {
    fn behind(&self) -> &dyn CaseStore {
        &*self.0
    }
    async fn claim_due(&self, _: usize, lease: &Lease) -> Result<Claim, case::Error> {
        let id = self.1.lock().unwrap().take();
        match id {
            Some(id) => self.0.claim(&id, lease).await,
            None => Ok(Claim::default()),
        }
    }
}

/// Cases, their trail and alerts, and the time.
struct Caseload {
    samples: Vec<Sample>,
    store: Arc<MemoryStore>,
    log: Arc<MemoryLog>,
    alerts: Arc<MemoryAlerts>,
    time: Arc<Time>,
    order: Order,
}

impl Caseload {
    async fn of(samples: &[Sample]) -> Self {
        let store = Arc::new(MemoryStore::new());
        let cases = samples.iter().enumerate().map(|(place, sample)| case(place, sample));
        store.insert_all(cases.collect()).await.unwrap();
        let (log, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
        let time = Arc::new(Time(Instant::now()));
        Self { samples: samples.to_vec(), store, log, alerts, time, order: Order::default() }
    }

    fn worker(&self, in_flight: usize, fate: &Arc<Fate>) -> Worker {
        let store = Arc::clone(&self.store);
        let store = FatedStore(store, Arc::clone(fate), Arc::clone(&self.order));
        self.worker_over(Arc::new(Layered(store)), in_flight, fate)
    }

    fn worker_over(&self, store: Arc<dyn CaseStore>, in_flight: usize, fate: &Arc<Fate>) -> Worker {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        let mut policy = one_question();
        policy.unreadable_limit = 1;
        // No query is due again, however long a lease is waited for.
        policy.stale_wait = TimeDelta::days(1);
        (policy.retry_wait, policy.longest_retry_wait) = (TimeDelta::days(2), TimeDelta::days(2));
        let time = Arc::clone(&self.time);
        let service = Service(self.samples.clone(), Arc::clone(fate), Arc::clone(&time));
        Worker::new(
            Arc::new(service),
            Arc::new(Joined::new(
                store,
                Arc::new(FatedLog(Arc::clone(&self.log), Arc::clone(fate))),
                Arc::new(FatedAlerts(Arc::clone(&self.alerts), Arc::clone(fate))),
            )),
            Settings::new(Caller::System(us))
                .with_clock(time)
                .with_policy(policy)
                .with_in_flight(in_flight.try_into().unwrap()),
        )
    }

    /// A pass of each worker, all at once. Only the first has a mishap.
    async fn passes(&self, workers: usize, in_flight: usize, mishap: Option<Mishap>) {
        let others: Vec<_> = (1..workers)
            .map(|_| {
                let worker = self.worker(in_flight, &Fate::of(None));
                tokio::spawn(async move { worker.run_once(&mut |_| ()).await.unwrap() })
            })
            .collect();
        let fate = Fate::of(mishap);
        let worker = self.worker(in_flight, &fate);
        let mut ignore = |_: &_| ();
        if fate.is_deadly {
            tokio::select! {
                biased;
                () = fate.met.notified() => {}
                run = worker.run_once(&mut ignore) => drop(run.unwrap()),
            }
        } else {
            worker.run_once_until(fate.met.notified(), &mut ignore).await.unwrap();
        }
        for other in others {
            drop(other.await.unwrap());
        }
    }

    /// Traces one case after another, in the order of `traces`.
    async fn one_by_one(&self, traces: &[(CaseId, bool)]) {
        for (id, is_half) in traces {
            let store = Layered(OnlyOne(Arc::clone(&self.store), Mutex::new(Some(id.clone()))));
            // The third point is the first question.
            let fate = Fate::of(is_half.then_some(Mishap::Stopped(3)));
            let worker = self.worker_over(Arc::new(store), 1, &fate);
            let stop = fate.met.notified();
            let report = worker.run_once_until(stop, &mut |_| ()).await.unwrap();
            assert_eq!(report.seen, 1);
        }
    }

    /// The order in which the cases were traced, and whether a run was stopped after the first of two
    /// answers. Cases without an effect are last.
    async fn order(&self) -> Vec<(CaseId, bool)> {
        let saved = self.order.lock().unwrap().clone();
        for case in self.store.page(None, 999).await.unwrap() {
            let Some(last) = &case.last_trace else { continue };
            let is_saved = saved.iter().any(|(id, at, _)| *id == case.id && *at == last.at);
            assert!(is_saved, "no save hides a trace");
        }
        let mut traces: Vec<Traced> = Vec::new();
        for trace in saved {
            if !traces.contains(&trace) {
                traces.push(trace);
            }
        }
        let mut order = Vec::new();
        for (place, (id, ..)) in traces.iter().enumerate() {
            let is_half = traces.iter().skip(place + 1).any(|(later, ..)| later == id);
            order.push((id.clone(), is_half));
        }
        let rest = (0..self.samples.len()).map(id);
        order
            .extend(rest.filter(|id| traces.iter().all(|(of, ..)| of != id)).map(|id| (id, false)));
        order
    }

    /// The decisions and the alerts.
    async fn end(&self) -> (String, BTreeSet<String>) {
        let mut file = Vec::new();
        let mut rows = DecisionWriter::new(&mut file).unwrap();
        for case in self.store.page(None, 999).await.unwrap() {
            assert!(case.undelivered.is_empty());
            rows.write(&case).unwrap();
        }
        rows.finish().unwrap();
        let alerts = self.alerts.delivered().into_iter().map(|alert| alert.id).collect();
        (String::from_utf8(file).unwrap(), alerts)
    }
}

fn says() -> impl Strategy<Value = Says> {
    prop_oneof![
        4 => (0..4_usize).prop_map(Says::Found),
        1 => (0..4_usize).prop_map(Says::FoundInACopy),
        1 => (0..4_usize).prop_map(Says::FoundDead),
        2 => proptest::option::of(0..4_usize).prop_map(Says::Superseded),
        2 => Just(Says::Invalidated),
        2 => Just(Says::NotVerified),
        1 => Just(Says::NoMatch),
        1 => Just(Says::Several),
        1 => Just(Says::Refused),
        1 => Just(Says::Unreadable),
        1 => Just(Says::Nothing),
    ]
}

fn sample() -> impl Strategy<Value = Sample> {
    (proptest::option::of(0..4_usize), says(), says())
        .prop_map(|(imported, verified, found)| Sample { imported, verified, found })
}

fn mishap() -> impl Strategy<Value = Mishap> {
    (any::<bool>(), 1..80_usize).prop_map(|(deadly, point)| {
        if deadly { Mishap::Killed(point) } else { Mishap::Stopped(point) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_run_has_the_result_of_tracing_one_case_after_another(
        samples in proptest::collection::vec(sample(), 1..14),
        workers in 1..4_usize,
        in_flight in 1..9_usize,
        mishaps in proptest::collection::vec(mishap(), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (all, one_by_one) = runtime.block_on(async {
            let caseload = Caseload::of(&samples).await;
            for mishap in mishaps.iter().copied().map(Some).chain([None]) {
                caseload.passes(workers, in_flight, mishap).await;
            }
            // A case that others kept changing is looked at again after a minute.
            tokio::time::sleep(Duration::from_secs(120)).await;
            caseload.passes(1, in_flight, None).await;
            let plain = Caseload::of(&samples).await;
            plain.one_by_one(&caseload.order().await).await;
            (caseload.end().await, plain.end().await)
        });
        prop_assert_eq!(&all.0, &one_by_one.0);
        prop_assert_eq!(all.1, one_by_one.1);
    }
}
