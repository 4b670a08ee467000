//! The process over days of simulated time: tokio's paused time advances the clock.

use crate::support::one_question;
use crate::support::service::case;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, AuditLog, Event, EventKind, Filter, MemoryLog};
use nhs_pds::case::{
    AdvisoryKind, Case, CaseStore, Due, Lease, MemoryStore, NumberSource, Planned, Priority,
    RecordedNumber,
};
use nhs_pds::clock::Clock;
use nhs_pds::demographics::{Demographics, PersonName, Recorded};
use nhs_pds::ids::CountingIds;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{
    CaseReport, Process, Reason, RefreshEvent, Schedule, Settings, State, TraceResult, Worker,
    import,
};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, LocalIdentity, Match, MessageId, Outcome,
    Question, Tracer, User,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
const MINUTE: Duration = Duration::from_secs(60);

/// Tokio's time, which advances while every task waits, and a jump for a machine that slept.
#[derive(Debug)]
pub(crate) struct TokioClock {
    start: Instant,
    slept: Mutex<TimeDelta>,
}

impl TokioClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), slept: Mutex::default() })
    }
}

impl Clock for TokioClock {
    fn now(&self) -> DateTime<Utc> {
        let begin: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        let elapsed = TimeDelta::from_std(self.start.elapsed()).unwrap();
        begin + elapsed + *self.slept.lock().unwrap()
    }
}

/// The time, the query, the caller and the case.
type Asked = (DateTime<Utc>, Question, String, String);

/// Gives every query the same answer after a delay, and records time, query, caller and case.
#[derive(Debug)]
struct Service {
    clock: Arc<TokioClock>,
    takes: Duration,
    outcome: Mutex<Result<Outcome, ErrorKind>>,
    asked: Mutex<Vec<Asked>>,
}

#[async_trait]
impl Tracer for Service {
    async fn trace(
        &self,
        by: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let local = match question {
            Question::Find(find) => find.local_identifier(),
            Question::Fetch(fetch) => fetch.local_identifier(),
            _ => None,
        };
        let case = local.unwrap().extension().to_owned();
        let asked = (self.clock.now(), question.clone(), by.to_string(), case);
        self.asked.lock().unwrap().push(asked);
        tokio::time::sleep(self.takes).await;
        let exchange = Exchange::new("test", "trace", id.to_string(), self.clock.now());
        match self.outcome.lock().unwrap().clone() {
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

struct House {
    clock: Arc<TokioClock>,
    service: Arc<Service>,
    store: Arc<MemoryStore>,
    audit: Arc<MemoryLog>,
    alerts: Arc<MemoryAlerts>,
    settings: Settings,
    worker: Worker,
}

fn found() -> Result<Outcome, ErrorKind> {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new("COMFORT", "AINDOW"));
    person.date_of_birth = Recorded::read("1943-05-19");
    person.gender = Recorded::read("2");
    Ok(Outcome::Found(Box::new(Match::new(NUMBER).with_person(person))))
}

fn us(id: &str) -> Caller {
    Caller::System(LocalIdentity::new("RHM".parse().unwrap(), id).unwrap())
}

fn admin() -> Actor {
    Actor::new(&us("admin"), "An Administrator")
}

async fn house(cases: Vec<Case>, outcome: Result<Outcome, ErrorKind>) -> House {
    let clock = TokioClock::new();
    let service = Arc::new(Service {
        clock: Arc::clone(&clock),
        takes: Duration::from_secs(1),
        outcome: Mutex::new(outcome),
        asked: Mutex::default(),
    });
    let store = Arc::new(MemoryStore::new());
    store.insert_all(cases).await.unwrap();
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    let settings = Settings::new(us("process"))
        .with_policy(one_question())
        .with_clock(Arc::clone(&clock) as Arc<dyn Clock>)
        .with_ids(Arc::new(CountingIds::default()));
    let cases = Arc::clone(&store) as Arc<dyn CaseStore>;
    let joined = Joined::new(cases, Arc::clone(&audit) as _, Arc::clone(&alerts) as _);
    let tracer = Arc::clone(&service);
    let worker = Worker::new(tracer, Arc::new(joined), settings.clone());
    House { clock, service, store, audit, alerts, settings, worker }
}

impl House {
    fn joined(&self) -> Joined {
        self.joined_with(Arc::clone(&self.store) as _)
    }

    fn joined_with(&self, cases: Arc<dyn CaseStore>) -> Joined {
        Joined::new(cases, Arc::clone(&self.audit) as _, Arc::clone(&self.alerts) as _)
    }

    fn worker_with(&self, settings: Settings) -> Worker {
        let tracer = Arc::clone(&self.service) as Arc<dyn Tracer>;
        Worker::new(tracer, Arc::new(self.joined()), settings)
    }

    fn asked_at(&self) -> Vec<String> {
        let asked = self.service.asked.lock().unwrap();
        asked.iter().map(|(at, ..)| at.format("%H:%M:%S").to_string()).collect()
    }

    async fn events(&self, kind: EventKind) -> Vec<Event> {
        self.audit.page(&Filter::new().with_kind(kind), 0, 999).await.unwrap()
    }

    async fn run_for(&self, process: &Process, time: Duration) {
        process.run_until(tokio::time::sleep(time), &mut |_| ()).await.unwrap();
    }
}

fn every(interval: Duration) -> Schedule {
    Schedule::every(interval).unwrap()
}

#[tokio::test(start_paused = true)]
async fn it_runs_at_once_and_then_by_the_schedule() {
    let house = house(vec![case("1")], Err(ErrorKind::Unavailable)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    assert_eq!(process.status().state, State::NotStarted);
    house.run_for(&process, 95 * MINUTE).await;
    assert_eq!(house.asked_at(), ["09:00:00", "09:30:00", "10:00:00", "10:30:00"]);
    let status = process.status();
    assert_eq!((status.state, status.last_error), (State::Stopped, None));
    let last = status.last.unwrap();
    assert_eq!((last.seen, last.asked, last.numbers_written), (1, 1, 0));
    assert_eq!(last.began.to_rfc3339(), "2026-11-23T10:30:00+00:00");
    let told: Vec<_> = house
        .events(EventKind::ProcessControlled)
        .await
        .into_iter()
        .flat_map(|event| event.details)
        .map(|(_, what)| what)
        .collect();
    assert_eq!(told, ["start", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_longer_than_the_interval_is_not_overtaken() {
    let cases = (10..73).map(|n| case(&n.to_string())).collect();
    let house = house(cases, Err(ErrorKind::Unavailable)).await;
    let mut policy = one_question();
    policy.retry_wait = TimeDelta::zero();
    let worker = house.worker_with(house.settings.clone().with_policy(policy));
    let process = Process::new(worker, every(MINUTE));
    // 63 cases at one second each take more than a minute.
    house.run_for(&process, 4 * MINUTE).await;
    let asked = house.service.asked.lock().unwrap();
    let mut times: Vec<_> = asked.iter().map(|(at, ..)| *at).collect();
    times.dedup();
    assert_eq!(times.len(), asked.len(), "one at a time");
    assert!(asked.len() > 180, "and hardly a pause between: {}", asked.len());
}

#[tokio::test(start_paused = true)]
async fn no_run_starts_in_quiet_hours_and_one_follows_them() {
    let house = house(vec![case("1")], Err(ErrorKind::Unavailable)).await;
    let time = |text: &str| text.parse().unwrap();
    let schedule = every(30 * MINUTE).with_quiet_hours(time("09:20:00"), time("11:10:00"));
    let process = Process::new(house.worker.clone(), schedule);
    let watched = process.clone();
    let watch = tokio::spawn(async move {
        tokio::time::sleep(60 * MINUTE).await;
        watched.status()
    });
    house.run_for(&process, 150 * MINUTE).await;
    assert_eq!(house.asked_at(), ["09:00:00", "11:10:00"]);
    let status = watch.await.unwrap();
    assert_eq!(status.state, State::Quiet);
    assert_eq!(status.next_run.unwrap().to_rfc3339(), "2026-11-23T11:10:00+00:00");
}

#[tokio::test(start_paused = true)]
async fn a_handle_pauses_resumes_and_starts_a_run() {
    let house = house(vec![case("1")], Err(ErrorKind::Unavailable)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    let control = process.clone();
    let by = tokio::spawn(async move {
        let mut states = Vec::new();
        tokio::time::sleep(10 * MINUTE).await;
        states.push(control.status().state);
        control.pause(&admin()).await.unwrap();
        tokio::time::sleep(60 * MINUTE).await;
        states.push(control.status().state);
        control.run_now(&admin()).await.unwrap();
        tokio::time::sleep(MINUTE / 120).await;
        states.push(control.status().state);
        tokio::time::sleep(29 * MINUTE).await;
        states.push(control.status().state);
        control.resume(&admin()).await.unwrap();
        tokio::time::sleep(MINUTE / 30).await;
        states.push(control.status().state);
        states
    });
    house.run_for(&process, 135 * MINUTE).await;
    let states = by.await.unwrap();
    use State::{Paused, Running, Waiting};
    assert_eq!(states, [Waiting, Paused, Running, Paused, Waiting]);
    // At 10:10 at once, although paused; at 10:40 by the schedule, and then again.
    assert_eq!(house.asked_at(), ["09:00:00", "10:10:00", "10:40:00", "11:10:00"]);
    let told = house.events(EventKind::ProcessControlled).await;
    let told: Vec<_> = told
        .iter()
        .map(|event| (event.details[0].1.as_str(), event.actor.name().to_owned()))
        .collect();
    let by_admin = |what| (what, "An Administrator".to_owned());
    assert_eq!(told[1..4], [by_admin("pause"), by_admin("run_now"), by_admin("resume")]);
}

#[tokio::test(start_paused = true)]
async fn after_sleep_one_missed_run_is_made_up() {
    let house = house(vec![case("1")], Err(ErrorKind::Unavailable)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    let clock = Arc::clone(&house.clock);
    tokio::spawn(async move {
        tokio::time::sleep(10 * MINUTE).await;
        // Timers stop while a machine sleeps.
        *clock.slept.lock().unwrap() = TimeDelta::hours(7);
    });
    house.run_for(&process, 35 * MINUTE).await;
    let asked = house.asked_at();
    assert_eq!(asked.len(), 2, "one run for all missed runs: {asked:?}");
    assert!(asked[1].starts_with("16:10:"), "as soon as the process notices: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_queries_under_way_and_starts_no_others() {
    let cases = (0..500).map(|n| case(&format!("{n:03}"))).collect();
    let house = house(cases, Ok(Outcome::None)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    house.run_for(&process, Duration::from_millis(150_500)).await;
    assert_eq!(house.clock.now().format("%H:%M:%S").to_string(), "09:02:31", "no later");
    assert_eq!(process.status().state, State::Stopped);
    let asked = house.service.asked.lock().unwrap().len();
    assert_eq!(asked, 151);
    let (done, rest): (Vec<_>, Vec<_>) = house
        .store
        .page(None, 999)
        .await
        .unwrap()
        .into_iter()
        .partition(|case| case.last_trace.is_some());
    assert_eq!(done.len(), asked);
    let untouched = rest.iter().all(|case| case.version == 1);
    assert!(untouched, "cases that were not queried are unchanged");
    // They are due and free, also for another worker whose pass began before.
    let now = house.clock.now();
    let lease = Lease::new("another", now, now + TimeDelta::seconds(10))
        .with_due_by(now - TimeDelta::minutes(5));
    assert_eq!(house.store.claim_due(999, &lease).await.unwrap().cases, rest);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_single_run_is_reported_as_stopped() {
    let cases = (0..7).map(|n| case(&n.to_string())).collect();
    let house = house(cases, Ok(Outcome::None)).await;
    let two = 2.try_into().unwrap();
    let worker = house.worker_with(house.settings.clone().with_in_flight(two));
    let stop = tokio::time::sleep(Duration::from_millis(1_500));
    let mut seen = Vec::new();
    let report = worker.run_once_until(stop, &mut |case| seen.push(case.result)).await.unwrap();
    assert!(report.interrupted);
    assert_eq!((report.seen, report.due), (7, 3));
    let (none, not_asked) = (Some(TraceResult::None), Some(TraceResult::NotAsked));
    assert_eq!(seen, [[none; 4].as_slice(), [not_asked; 3].as_slice()].concat());
    let rest = worker.run_once_until(std::future::pending(), &mut |_| ()).await.unwrap();
    assert_eq!((rest.interrupted, rest.eligible), (false, 3));
}

/// Another worker has the lease on a case, and never releases it.
#[tokio::test(start_paused = true)]
async fn it_stops_while_it_waits_for_a_lease() {
    let house = house(vec![case("1"), case("2")], Ok(Outcome::None)).await;
    let now = house.clock.now();
    let lease = Lease::new("another", now, now + TimeDelta::seconds(60));
    house.store.claim(&"1".parse().unwrap(), &lease).await.unwrap();
    let mut seen = Vec::new();
    let stop = tokio::time::sleep(Duration::from_secs(3));
    let report = house
        .worker
        .run_once_until(stop, &mut |case| seen.push((case.case_id.to_string(), case.result)))
        .await
        .unwrap();
    assert_eq!(seen, [("2".to_owned(), Some(TraceResult::None))], "the other case went ahead");
    assert!(report.interrupted);
    assert_eq!(report.due, 1);
    assert!(house.clock.now() - now < TimeDelta::seconds(4));
}

/// A worker that was suspended for longer than its lease, while another queried its cases.
#[tokio::test(start_paused = true)]
async fn a_worker_that_lost_its_leases_queries_no_case_twice() {
    let cases = (0..40).map(|n| case(&format!("{n:03}"))).collect();
    let house = house(cases, Err(ErrorKind::Unavailable)).await;
    let worker = house.worker.clone();
    let begun = house.clock.now();
    let slept = Arc::clone(&house.clock);
    let (store, asked) = (Arc::clone(&house.store), Arc::clone(&house.service));
    let other = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(4_500)).await;
        // The leases of the first worker end for a moment, in which the second claims the cases.
        *slept.slept.lock().unwrap() = TimeDelta::seconds(11);
        let now = slept.now();
        let lease = Lease::new("second", now, now + TimeDelta::seconds(10)).with_due_by(begun);
        let claim = store.claim_due(99, &lease).await.unwrap();
        assert_eq!(claim.cases.len(), 36, "four are done");
        let before = asked.asked.lock().unwrap().len();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(asked.asked.lock().unwrap().len(), before, "the first worker sends no query");
        // The second worker has dealt with all but twenty.
        let (done, rest) = claim.cases.split_at(16);
        let later = Due::new(Priority::Routine, now + TimeDelta::hours(1));
        let planned = done.iter().map(|case| Planned::new(case.id.clone(), case.version, later));
        store.set_due(planned.collect()).await.unwrap();
        let ids = |cases: &[Case]| cases.iter().map(|case| case.id.clone()).collect::<Vec<_>>();
        store.release("second", &ids(done)).await.unwrap();
        store.release("second", &ids(rest)).await.unwrap();
    });
    let report = worker.run_once(&mut |_| ()).await.unwrap();
    other.await.unwrap();
    assert_eq!(report.seen, 25);
    let mut asked: Vec<_> =
        house.service.asked.lock().unwrap().iter().map(|of| of.3.clone()).collect();
    let count = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), count, "no case twice");
    // Five before the suspension, and the twenty that the other worker did not query.
    assert_eq!(count, 25);
}

#[tokio::test(start_paused = true)]
async fn a_refused_configuration_is_alerted_once_a_day_and_tried_again() {
    let cases = vec![case("1"), case("2"), case("3")];
    let house = house(cases, Err(ErrorKind::Configuration)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    house.run_for(&process, 24 * 60 * MINUTE + 5 * MINUTE).await;
    assert_eq!(house.asked_at().len(), 49, "one question in each run");
    let alerts: Vec<_> = house.alerts.delivered().iter().map(|alert| alert.id.clone()).collect();
    assert_eq!(alerts, ["configuration/-/2026-11-23", "configuration/-/2026-11-24"]);
    assert!(process.status().service_refused);
}

#[tokio::test(start_paused = true)]
async fn an_inconclusive_case_is_queried_after_days_or_at_once_when_corrected() {
    let house = house(vec![case("1")], Ok(Outcome::None)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    house.run_for(&process, 9 * 24 * 60 * MINUTE).await;
    let days = |house: &House| -> Vec<String> {
        let asked = house.service.asked.lock().unwrap();
        asked.iter().map(|(at, ..)| at.format("%d").to_string()).collect()
    };
    // After one, two and four days.
    assert_eq!(days(&house), ["23", "24", "26", "30"]);
    let stored = house.store.get(&"1".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.review.len(), 1, "one item for any number of queries");
    let mut corrected = case("1");
    corrected.surname = Some("Aindowe".into());
    let updated = stored.updated_from(corrected).unwrap();
    house.store.save(&updated).await.unwrap();
    house.run_for(&process, MINUTE).await;
    assert_eq!(days(&house).len(), 5, "a changed query is sent at once");
}

#[tokio::test(start_paused = true)]
async fn unreadable_responses_are_retried_up_to_a_limit_and_then_alerted() {
    let house = house(vec![case("1")], Err(ErrorKind::Unreadable)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    house.run_for(&process, 24 * 60 * MINUTE).await;
    assert_eq!(house.asked_at().len(), 5, "in five passes, and then not for a day");
    let alerts = house.alerts.delivered();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].kind.as_str(), "defect");
    house.run_for(&process, 3 * 24 * 60 * MINUTE).await;
    assert_eq!(house.alerts.delivered().len(), 1, "one alert");
    *house.service.outcome.lock().unwrap() = found();
    house.run_for(&process, 9 * 24 * 60 * MINUTE).await;
    let stored = house.store.get(&"1".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.live_number(), Some(NUMBER));
    assert_eq!((stored.asking.unreadable, stored.open_items().count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn numbers_are_verified_again_when_they_are_due() {
    let house = house(vec![case("1")], found()).await;
    let policy = one_question().with_reverification(TimeDelta::days(10));
    let worker = house.worker_with(house.settings.clone().with_policy(policy));
    let process = Process::new(worker, every(30 * MINUTE));
    house.run_for(&process, 40 * 24 * 60 * MINUTE).await;
    let asked = house.service.asked.lock().unwrap();
    assert!((4..=5).contains(&asked.len()), "{}", asked.len());
    assert!(matches!(asked[0].1, Question::Find(_)));
    for pair in asked.windows(2) {
        let apart = (pair[1].0 - pair[0].0).num_hours();
        assert!((5 * 24..=15 * 24 + 1).contains(&apart), "{apart}");
        assert!(matches!(pair[1].1, Question::Fetch(_)));
    }
}

/// MSCA-PDS-05: out of schedule, for a user, whose identity is sent along.
#[tokio::test(start_paused = true)]
async fn a_case_is_refreshed_for_an_event() {
    let house = house(vec![case("1")], found()).await;
    house.worker.run_once(&mut |_| ()).await.unwrap();
    let id = "1".parse().unwrap();
    *house.service.outcome.lock().unwrap() = Ok(Outcome::Invalidated);
    let worker = house.worker.on_behalf_of(us("social.worker"), admin());
    let refreshed = worker.refresh(&id, RefreshEvent::BeforeContact).await.unwrap().unwrap();
    assert_eq!(refreshed.report.result, Some(TraceResult::Invalidated));
    assert_eq!(
        refreshed.case.live_number(),
        Some(NUMBER),
        "it stays, and is not to be relied upon"
    );
    let kinds: Vec<_> = refreshed.advisories.iter().map(|advisory| advisory.kind).collect();
    assert_eq!(kinds, [AdvisoryKind::Invalid]);
    {
        let asked = house.service.asked.lock().unwrap();
        let last = asked.last().unwrap();
        assert!(matches!(last.1, Question::Find(_)), "then the person is looked for");
        assert_eq!(last.2, "urn:nhs-uk:identity:ods:RHM:social.worker");
    }
    let viewed = house.events(EventKind::CaseViewed).await;
    assert_eq!(viewed[0].details, [("event".to_owned(), "before_contact".to_owned())]);
    assert_eq!(viewed[0].actor.name(), "An Administrator");
    assert_eq!(house.alerts.delivered().len(), 1);

    let missing = worker.refresh(&"2".parse().unwrap(), RefreshEvent::OnRequest).await.unwrap();
    assert!(missing.is_none());
    let mut closed = house.store.get(&id).await.unwrap().unwrap();
    closed.allocations.clear();
    house.store.save(&closed).await.unwrap();
    let refused = worker.refresh(&id, RefreshEvent::OnRequest).await.unwrap().unwrap();
    let reason = refused.report.eligibility.reason();
    assert_eq!(reason, Some(Reason::NotAllocated), "HAV-2 applies to every caller");
}

/// MSCA-DQ-01: two cases of one number are flagged on import, once, independent of queries.
#[tokio::test(start_paused = true)]
async fn imported_duplicates_are_flagged_and_alerted_once() {
    let house = house(Vec::new(), found()).await;
    let twin = |text: &str, source: &str| {
        let mut case = case(text);
        let source = NumberSource::Imported(Some(source.into()));
        case.nhs_number = Some(RecordedNumber::new(NUMBER, source));
        case
    };
    let take_in = async |cases: Vec<Case>| {
        import(&house.joined(), &admin(), &*house.clock, cases).await.unwrap()
    };
    // Recorded as traced, so that no run would query them.
    let two = vec![twin("1", "SMSP"), twin("2", "SMSP"), case("3")];
    assert_eq!(take_in(two.clone()).await.duplicates, 1);
    assert_eq!(take_in(two.clone()).await.duplicates, 0);
    let stored = async |text: &str| house.store.get(&text.parse().unwrap()).await.unwrap().unwrap();
    for (one, other) in [("1", "2"), ("2", "1")] {
        let case = stored(one).await;
        let item = case.open_items().next().unwrap();
        assert_eq!(item.reason.as_str(), "duplicate");
        assert_eq!(item.evidence.others, [other.parse().unwrap()]);
        assert_eq!(case.live_number(), Some(NUMBER), "both keep their imported number");
    }
    *house.service.outcome.lock().unwrap() = Ok(Outcome::None);
    house.worker.run_once(&mut |_| ()).await.unwrap();
    house.worker.run_once(&mut |_| ()).await.unwrap();
    assert_eq!(house.alerts.delivered().len(), 1, "one for the pair");
    // A reviewer has found that they are two people: that decision stays.
    for text in ["1", "2"] {
        let mut case = stored(text).await;
        case.review[0].state = nhs_pds::case::ReviewState::Dismissed;
        house.store.save(&case).await.unwrap();
    }
    assert_eq!(take_in(two).await.duplicates, 0);
    assert_eq!(take_in(vec![twin("4", "GP letter")]).await.duplicates, 1, "a third is another");
}

#[tokio::test(start_paused = true)]
async fn an_import_is_audited_and_stores_nothing_twice() {
    let house = house(Vec::new(), found()).await;
    let numbered = |text: &str| {
        let mut case = case(text);
        let source = NumberSource::Imported(Some("GP letter".into()));
        case.nhs_number = Some(RecordedNumber::new(NUMBER, source));
        case
    };
    let take_in = async |cases: Vec<Case>| {
        let imported = import(&house.joined(), &admin(), &*house.clock, cases).await.unwrap();
        (imported.new, imported.updated, imported.unchanged)
    };
    let cases: Vec<Case> = (0..450).map(|n| case(&format!("{n:03}"))).collect();
    assert_eq!(take_in(cases.clone()).await, (450, 0, 0));
    assert_eq!(take_in(cases.clone()).await, (0, 0, 450));
    let mut newer = cases;
    newer[7].surname = Some("Married".into());
    newer[449] = numbered("449");
    newer.push(numbered("new"));
    assert_eq!(take_in(newer).await, (1, 2, 448));
    // 450, then two updated and one new, and the two cases of one number flagged; one of them again
    // without its alert, which was delivered.
    assert_eq!(house.events(EventKind::CaseChanged).await.len(), 456);
    assert_eq!(house.alerts.delivered().len(), 1);
    // A reviewer's correction stays until the local system has a new value.
    let mut corrected = house.store.get(&"008".parse().unwrap()).await.unwrap().unwrap();
    corrected.surname = Some("Corrected".into());
    house.store.save(&corrected).await.unwrap();
    assert_eq!(take_in(vec![case("008")]).await, (0, 0, 1));
    let mut anew = case("008");
    anew.forename = Some("Joy".into());
    assert_eq!(take_in(vec![anew]).await, (0, 1, 0));
    let stored = house.store.get(&"008".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.surname.as_deref(), Some("Aindow"));
    for id in ["449", "new"] {
        let stored = house.store.get(&id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(stored.nhs_number.unwrap().since, Some(house.clock.now()), "{id}");
    }
}

/// Two rows of one case in one file: the later row counts, and a further import ends too.
#[tokio::test(start_paused = true)]
async fn of_two_imports_at_once_the_later_counts() {
    let house = house(Vec::new(), found()).await;
    let mut later = case("1");
    later.surname = Some("Married".into());
    for expected in [(1, 1), (0, 2)] {
        let cases = vec![case("1"), case("2"), later.clone()];
        let by = admin();
        let joined = house.joined();
        let importing = import(&joined, &by, &*house.clock, cases);
        let imported = tokio::time::timeout(MINUTE, importing).await.unwrap().unwrap();
        assert_eq!((imported.new > 0, imported.updated), (expected.0 == 1, expected.1));
        let stored = house.store.get(&"1".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(stored.surname.as_deref(), Some("Married"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_delays_no_run() {
    let house = house(vec![case("1")], Err(ErrorKind::Configuration)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    let clock = Arc::clone(&house.clock);
    tokio::spawn(async move {
        tokio::time::sleep(10 * MINUTE).await;
        *clock.slept.lock().unwrap() = TimeDelta::hours(-7);
    });
    house.run_for(&process, 45 * MINUTE).await;
    let asked = house.asked_at();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[1].starts_with("02:40:"), "half an hour after the process noticed: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_or_panicked_process_is_not_reported_as_running() {
    let house = house(vec![case("1")], Ok(Outcome::None)).await;
    let process = Process::new(house.worker.clone(), every(30 * MINUTE));
    let running = process.clone();
    let panicked = tokio::spawn(async move {
        running.run_until(std::future::pending(), &mut |_| panic!("an observer")).await
    });
    assert!(panicked.await.unwrap_err().is_panic());
    let status = process.status();
    assert_eq!((status.state, status.current), (State::Stopped, None));
    // Its cases are free.
    let now = house.clock.now();
    let lease = Lease::new("another", now, now + TimeDelta::seconds(10));
    let claim = house.store.claim(&"1".parse().unwrap(), &lease).await.unwrap();
    assert_eq!(claim.cases.len(), 1);
    let watch = process.clone();
    let mut ignore = |_: &_| ();
    let dropped = process.run_until(std::future::pending(), &mut ignore);
    assert!(tokio::time::timeout(MINUTE, dropped).await.is_err());
    assert_eq!(watch.status().state, State::Stopped);
}

/// The service's client panics over one response: only that case is affected.
#[tokio::test(start_paused = true)]
async fn a_panic_over_one_case_does_not_stop_the_others() {
    #[derive(Debug)]
    struct Panicking(Arc<Service>);

    #[async_trait]
    impl Tracer for Panicking {
        async fn trace(&self, c: &Caller, q: &Question, id: MessageId) -> Result<Answer, Error> {
            let answer = self.0.trace(c, q, id).await;
            let about = self.0.asked.lock().unwrap().last().unwrap().3.clone();
            assert_ne!(about, "2", "a defect");
            answer
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

    let house = house(vec![case("1"), case("2"), case("3")], Ok(Outcome::None)).await;
    let worker = Worker::new(
        Arc::new(Panicking(Arc::clone(&house.service))),
        Arc::new(house.joined()),
        house.settings.clone(),
    );
    let mut seen = Vec::new();
    let observe = &mut |case: &CaseReport| seen.push((case.case_id.to_string(), case.result));
    worker.run_once(observe).await.unwrap();
    seen.sort();
    let (none, unreadable) = (Some(TraceResult::None), Some(TraceResult::Unreadable));
    assert_eq!(seen, [("1".into(), none), ("2".into(), unreadable), ("3".into(), none)]);
    for _ in 0..9 {
        tokio::time::sleep(30 * MINUTE).await;
        worker.run_once(&mut |_| ()).await.unwrap();
    }
    let alerts: Vec<_> = house.alerts.delivered().iter().map(|alert| alert.kind.as_str()).collect();
    assert_eq!(alerts, ["defect"], "and an alert is sent");
}

/// A user changes a case while its alert is delivered: the trail has the case as it is.
#[tokio::test(start_paused = true)]
async fn the_trail_is_correct_when_the_case_of_an_alert_cannot_be_saved() {
    use crate::support::layer::{Layer, Layered};
    use nhs_pds::audit::{Entry, Subject, case_as_of};
    use nhs_pds::case::{self, Change};

    #[derive(Debug)]
    struct Edited(Arc<MemoryStore>, Mutex<Option<Case>>);

    #[async_trait]
    impl Layer for Edited {
        fn behind(&self) -> &dyn CaseStore {
            &*self.0
        }
        async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
            let edited = self.1.lock().unwrap().take();
            if let Some(edited) = edited {
                self.0.save(&edited).await?;
            }
            self.0.save_all(changes).await
        }
    }

    let house = house(vec![case("1")], found()).await;
    let id = "1".parse().unwrap();
    let mut stored = house.store.get(&id).await.unwrap().unwrap();
    let (kind, now) = (nhs_pds::case::AlertKind::Defect, house.clock.now());
    stored.undelivered.push(nhs_pds::case::Alert::new("1/defect", kind, now));
    stored.allocations.clear();
    house.store.save(&stored).await.unwrap();
    let mut edited = house.store.get(&id).await.unwrap().unwrap();
    edited.surname = Some("Married".into());
    // A user's change is audited before it is saved. It is saved when the worker is about to save.
    let mut after = edited.clone();
    after.version += 1;
    let entry = Entry::new(EventKind::CaseChanged, now, &admin()).about(Subject::snapshot(&after));
    house.audit.append(vec![entry]).await.unwrap();
    let store = Edited(Arc::clone(&house.store), Mutex::new(Some(edited)));
    let worker = Worker::new(
        Arc::clone(&house.service) as Arc<dyn Tracer>,
        Arc::new(house.joined_with(Arc::new(Layered(store)))),
        house.settings.clone(),
    );
    worker.run_once(&mut |_| ()).await.unwrap();
    let stored = house.store.get(&id).await.unwrap().unwrap();
    let later = now + TimeDelta::days(1);
    let told = case_as_of(&*house.audit, &id, stored.version, later).await.unwrap();
    assert_eq!(told.as_ref(), Some(&stored));
    assert_eq!(stored.surname.as_deref(), Some("Married"));
    assert!(stored.undelivered.is_empty(), "the changed case was due at once");
    assert_eq!(house.alerts.delivered().len(), 1);
}

/// An undelivered alert is audited as undelivered, and is sent in a later pass.
#[tokio::test(start_paused = true)]
async fn an_undelivered_alert_is_audited_as_undelivered() {
    #[derive(Debug)]
    struct Down(Arc<MemoryAlerts>, Mutex<usize>);

    #[async_trait]
    impl AlertSink for Down {
        async fn deliver(
            &self,
            alerts: &[nhs_pds::case::Alert],
        ) -> Result<(), nhs_pds::process::alert::Error> {
            let down = {
                let mut left = self.1.lock().unwrap();
                *left = left.saturating_sub(1);
                *left > 0
            };
            if down {
                return Err(nhs_pds::process::alert::Error::new(
                    nhs_pds::process::alert::ErrorKind::Unavailable,
                ));
            }
            self.0.deliver(alerts).await
        }
    }

    let house = house(vec![case("1")], Err(ErrorKind::Configuration)).await;
    let worker = Worker::new(
        Arc::clone(&house.service) as Arc<dyn Tracer>,
        Arc::new(Joined::new(
            Arc::clone(&house.store) as Arc<dyn CaseStore>,
            Arc::clone(&house.audit) as Arc<dyn AuditLog>,
            Arc::new(Down(Arc::clone(&house.alerts), Mutex::new(3))),
        )),
        house.settings.clone(),
    );
    worker.run_once(&mut |_| ()).await.unwrap();
    *house.service.outcome.lock().unwrap() = Ok(Outcome::Superseded { by: None, person: None });
    worker.run_once(&mut |_| ()).await.unwrap();
    assert!(house.alerts.delivered().is_empty());
    tokio::time::sleep(5 * MINUTE).await;
    worker.run_once(&mut |_| ()).await.unwrap();
    assert_eq!(house.alerts.delivered().len(), 1);
    let told = house.events(EventKind::AlertSent).await;
    let told: Vec<_> = told.iter().map(|event| event.details.len() == 2).collect();
    assert_eq!(
        told,
        [false, true, false, true, false],
        "sent, and not delivered, twice; then sent"
    );
}

/// Two workers have queried one case, because the first was suspended: the first save counts, once.
#[tokio::test(start_paused = true)]
async fn a_second_response_to_one_query_is_not_applied() {
    for suspended in [500, 2_500] {
        let house = house((1..=3).map(|n| case(&n.to_string())).collect(), Ok(Outcome::None)).await;
        let (clock, second) = (Arc::clone(&house.clock), house.worker.clone());
        let other = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(suspended)).await;
            *clock.slept.lock().unwrap() = TimeDelta::seconds(11);
            second.run_once(&mut |_| ()).await.unwrap()
        });
        let first = house.worker.run_once(&mut |_| ()).await.unwrap();
        let second = other.await.unwrap();
        assert!(first.seen + second.seen >= 3);
        for case in house.store.page(None, 9).await.unwrap() {
            assert_eq!((case.version, case.asking.unsettled), (2, 1), "{suspended}");
        }
    }
}
