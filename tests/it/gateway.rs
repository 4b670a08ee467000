//! The gateway to a service: rate limit, priority, and what happens while the service does not work.

use crate::process::TokioClock;
use crate::support::one_question;
use crate::support::service::{Service, ask, ask_about, case, unavailable, us};
use async_trait::async_trait;
use nhs_pds::audit::{Actor, AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{CaseStore, MemoryStore};
use nhs_pds::clock::{Clock, FixedClock};
use nhs_pds::ids::{CountingIds, RandomIds};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Process, RefreshEvent, Schedule, Settings, TraceResult, Worker};
use nhs_pds::resilience::{
    self, CircuitBreaker, CircuitBreakerState, Gateway, RateLimit, Retry, Retrying,
};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, MessageId, Outcome, Question, Tracer,
    User,
};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn gate(service: &Arc<Service>) -> Gateway {
    Gateway::new(Arc::<Service>::clone(service))
}

/// Queries about these cases fail.
async fn fail_about(gate: &Gateway, cases: std::ops::Range<usize>) {
    for place in cases {
        ask_about(&*gate.background(), place).await.unwrap_err();
    }
}

/// The largest count in any window of one second.
pub(crate) fn most_in_a_second(arrivals: &[Instant]) -> usize {
    let window = |(from, first): (usize, &Instant)| {
        let later = arrivals.iter().skip(from);
        later.take_while(|arrival| **arrival < *first + SECOND).count()
    };
    arrivals.iter().enumerate().map(window).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_is_met_over_a_minute() {
    for (burst, takes) in [(1, 0), (10, 35), (100, 250)] {
        let takes = Duration::from_millis(takes);
        let service = Service::slow(takes, |_| Ok(Outcome::None));
        let pace = RateLimit::per_second(number(100)).with_burst(number(burst));
        let gate = gate(&service).with_rate_limit(pace.with_in_flight(number(64)));
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for place in 0..64 {
            let tracer = if place % 8 == 0 { gate.foreground() } else { gate.background() };
            tasks.spawn(async move {
                while began.elapsed() < 60 * SECOND {
                    ask(&*tracer).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        let arrivals: Vec<Instant> = service.asked().into_iter().map(|(at, _)| at).collect();
        let within = arrivals.iter().filter(|at| **at - began < 60 * SECOND).count();
        assert!(within >= 5_880, "{within} in a minute, with a burst of {burst}");
        let most = most_in_a_second(&arrivals);
        assert!(most < 100 + burst as usize, "{most} in a second, with a burst of {burst}");
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_queries_stay_within_their_limit() {
    let service = Service::slow(SECOND, |_| Ok(Outcome::None));
    let pace =
        RateLimit::per_second(number(1000)).with_burst(number(1000)).with_in_flight(number(3));
    let gate = gate(&service).with_rate_limit(pace);
    let mut tasks = JoinSet::new();
    for _ in 0..9 {
        let tracer = gate.background();
        tasks.spawn(async move { ask(&*tracer).await.unwrap() });
    }
    sleep(SECOND / 2).await;
    let status = gate.status();
    assert_eq!((status.in_flight, status.waiting.background, service.count()), (3, 6, 3));
    tasks.join_all().await;
    assert_eq!(gate.status().in_flight, 0);
    let seconds: Vec<_> = service.asked().iter().map(|(at, _)| *at).collect();
    assert_eq!((seconds[8] - seconds[0]).as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn attended_queries_go_first_but_the_worker_is_not_starved() {
    let service = Service::slow(SECOND / 10, |_| Ok(Outcome::None));
    let pace =
        RateLimit::per_second(number(1000)).with_burst(number(1000)).with_in_flight(number(1));
    let gate = gate(&service).with_rate_limit(pace);
    let turns = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    let first = gate.foreground();
    tasks.spawn(async move { drop(ask(&*first).await.unwrap()) });
    sleep(Duration::from_millis(1)).await;
    for place in 0..45 {
        let is_background = place < 5;
        let tracer = if is_background { gate.background() } else { gate.foreground() };
        let turns = Arc::clone(&turns);
        tasks.spawn(async move {
            ask(&*tracer).await.unwrap();
            turns.lock().unwrap().push(is_background);
        });
        // In this order, one after the other.
        sleep(Duration::from_millis(1)).await;
    }
    tasks.join_all().await;
    let turns = turns.lock().unwrap();
    let background: Vec<usize> = (0..turns.len()).filter(|place| turns[*place]).collect();
    assert_eq!(background, [9, 19, 29, 39, 44]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_does_not_delay_the_queue() {
    let service = Service::slow(SECOND, |_| Ok(Outcome::None));
    let pace = RateLimit::per_second(number(10)).with_in_flight(number(1));
    let gate = gate(&service).with_rate_limit(pace);
    let spawn = |tracer: Arc<dyn Tracer>| tokio::spawn(async move { ask(&*tracer).await });
    let first = spawn(gate.background());
    sleep(SECOND / 4).await;
    let gone = spawn(gate.foreground());
    let stays = spawn(gate.background());
    sleep(SECOND / 4).await;
    assert_eq!(gate.status().waiting.foreground, 1);
    gone.abort();
    let _aborted = gone.await;
    assert_eq!(gate.status().waiting.foreground, 0);
    first.await.unwrap().unwrap();
    stays.await.unwrap().unwrap();
    let status = gate.status();
    assert_eq!((status.in_flight, status.waiting.background, service.count()), (0, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn while_suspended_an_attended_query_fails_at_once_with_reason_and_time() {
    let service = Service::slow(SECOND, |_| Err(unavailable()));
    let gate = gate(&service);
    let before = nhs_pds::clock::SystemClock.now();
    fail_about(&gate, 0..10).await;
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Open);
    let began = Instant::now();
    let error = ask(&*gate.foreground()).await.unwrap_err();
    assert!(began.elapsed() < SECOND / 10, "at once");
    assert_eq!((service.count(), error.kind()), (10, ErrorKind::Unavailable));
    let until = error.suspended_until().unwrap();
    assert_eq!(gate.status().circuit_breaker.suspended.unwrap().reason, ErrorKind::Unavailable);
    // The clock of this test is the machine's.
    let wait = (until - nhs_pds::clock::SystemClock.now()).num_milliseconds();
    assert!(until > before && wait <= 5_000, "{wait}");
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("queries are suspended since"), "{why}");
    assert!(why.contains("the service is unavailable (TEST-1); again at"), "{why}");
    // A retry does not reach the suspended service.
    let screens =
        Retrying::new(gate.foreground(), Retry::new(resilience::RetryPolicy::foreground()));
    ask(&screens).await.unwrap_err();
    assert_eq!(service.count(), 10);
}

#[tokio::test(start_paused = true)]
async fn calls_waiting_for_a_permit_fail_at_once_on_a_suspension() {
    let service = Service::failing(usize::MAX);
    let circuit =
        CircuitBreaker::new(resilience::CircuitBreakerPolicy::default().with_failures(number(3)));
    let gate = gate(&service)
        .with_rate_limit(RateLimit::per_second(number(1)))
        .with_circuit_breaker(circuit);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for place in 0..20 {
        let tracer = gate.foreground();
        tasks.spawn(async move { ask_about(&*tracer, place).await });
    }
    let errors = tasks.join_all().await.into_iter().filter_map(Result::err);
    assert_eq!(errors.filter(|error| error.suspended_until().is_some()).count(), 17);
    assert_eq!(service.count(), 3);
    assert!(began.elapsed() < 3 * SECOND, "{:?}", began.elapsed());
    assert_eq!(gate.status().waiting.foreground, 0);
}

#[tokio::test(start_paused = true)]
async fn one_probe_tests_a_suspended_service() {
    let service =
        Service::slow(
            SECOND / 5,
            |count| {
                if count < 10 { Err(unavailable()) } else { Ok(Outcome::None) }
            },
        );
    let gate = gate(&service);
    fail_about(&gate, 0..10).await;
    sleep(5 * SECOND).await;
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        let tracer = gate.background();
        tasks.spawn(async move { ask(&*tracer).await });
    }
    sleep(SECOND / 10).await;
    assert_eq!(
        (gate.status().circuit_breaker.state, service.count()),
        (CircuitBreakerState::Probing, 11)
    );
    assert!(tasks.join_all().await.into_iter().all(|answer| answer.is_ok()), "they waited");
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
    assert_eq!(gate.status().circuit_breaker.suspended, None);
}

#[tokio::test(start_paused = true)]
async fn retry_after_suspends_all_callers() {
    let service = Service::new(|count| match count {
        0 => Err(unavailable().with_retry_after(60 * SECOND)),
        _ => Ok(Outcome::None),
    });
    let gate = gate(&service);
    ask(&*gate.foreground()).await.unwrap_err();
    assert!(ask(&*gate.background()).await.unwrap_err().suspended_until().is_some());
    assert_eq!(service.count(), 1);
    sleep(60 * SECOND).await;
    ask(&*gate.background()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_responds_is_suspended() {
    let service = Service::slow(3600 * SECOND, |_| Ok(Outcome::None));
    let gate = gate(&service);
    // A cancelled call that waited briefly does not count.
    for _ in 0..5 {
        let given_up = tokio::time::timeout(SECOND, ask(&*gate.foreground())).await;
        assert!(given_up.is_err());
    }
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
    let policy = resilience::RetryPolicy::foreground().with_total(30 * SECOND);
    let screens = Retrying::new(gate.foreground(), Retry::new(policy));
    for place in 0..3 {
        ask_about(&screens, place).await.unwrap_err();
    }
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Open);
    assert!(ask_about(&screens, 0).await.unwrap_err().suspended_until().is_some());
    // Three cases are few. Seven more may find out, one at a time, whether the service works.
    for place in 3..10 {
        let error = ask_about(&screens, place).await.unwrap_err();
        assert_eq!(error.suspended_until(), None);
    }
    assert!(ask_about(&screens, 10).await.unwrap_err().suspended_until().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_refused_configuration_does_not_close_the_circuit_breaker() {
    let service = Service::new(|count| match count {
        0..10 => Err(unavailable()),
        10 => Err(Error::new(ErrorKind::Configuration)),
        _ => Ok(Outcome::None),
    });
    let gate = gate(&service);
    fail_about(&gate, 0..10).await;
    sleep(5 * SECOND).await;
    let refused = ask(&*gate.background()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Open);
    ask(&*gate.background()).await.unwrap();
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
}

/// A client that rejects each query, so that none reaches the service.
#[derive(Debug)]
struct Refusing;

#[async_trait]
impl Tracer for Refusing {
    async fn trace(&self, _: &Caller, _: &Question, _: MessageId) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::Rejected))
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::Rejected))
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsent_query_does_not_close_the_circuit_breaker() {
    let policy = resilience::CircuitBreakerPolicy::default().with_failures(NonZeroU32::MIN);
    let circuit = CircuitBreaker::new(policy.with_pauses(SECOND, SECOND));
    let service = Service::failing(1);
    let gate = gate(&service).with_circuit_breaker(circuit.clone());
    ask(&*gate.background()).await.unwrap_err();
    sleep(2 * SECOND).await;
    let refusing = Gateway::new(Arc::new(Refusing)).with_circuit_breaker(circuit);
    assert_eq!(ask(&*refusing.background()).await.unwrap_err().kind(), ErrorKind::Rejected);
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Open);
    ask(&*gate.background()).await.unwrap();
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_suspension_beyond_the_calendar_does_not_panic() {
    for pause in [Duration::MAX, Duration::from_secs(10_000_000_000_000)] {
        let service = Service::failing(usize::MAX);
        let policy = resilience::CircuitBreakerPolicy::default().with_failures(NonZeroU32::MIN);
        let circuit = CircuitBreaker::new(policy.with_pauses(pause, pause));
        let gate = gate(&service).with_circuit_breaker(circuit);
        ask(&*gate.foreground()).await.unwrap_err();
        let began = Instant::now();
        let error = ask(&*gate.background()).await.unwrap_err();
        assert!(began.elapsed() < SECOND / 10, "at once");
        assert!(error.suspended_until() > "9999-12-31T00:00:00Z".parse().ok());
        assert_eq!(service.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_response_for_the_circuit_breaker() {
    let service = Service::new(|count| match count % 10 {
        9 => Err(Error::new(ErrorKind::Rejected)),
        _ => Err(Error::new(ErrorKind::Unreadable)),
    });
    let gate = gate(&service).with_rate_limit(RateLimit::per_second(number(100)));
    fail_about(&gate, 0..50).await;
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn closed_reused_connections_do_not_open_the_circuit_breaker() {
    let service = Service::new(|_| Err(unavailable().with_lost_on_reuse()));
    let gate = gate(&service).with_rate_limit(RateLimit::per_second(number(100)));
    fail_about(&gate, 0..50).await;
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_call_returns_the_cause_of_the_failures() {
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let service = Service::new(move |_| Err(unavailable().with_source(refused())));
    let gate = gate(&service).with_rate_limit(RateLimit::per_second(number(100)));
    fail_about(&gate, 0..10).await;
    let suspended = gate.status().circuit_breaker.suspended.unwrap();
    assert_eq!(suspended.cause.as_deref(), Some("connection refused"));
    let suspended = ask(&*gate.foreground()).await.unwrap_err();
    assert!(suspended.suspended_until().is_some());
    assert!(suspended.cause().unwrap().contains("connection refused"));
}

/// A service that never answers queries about the first nine cases.
#[derive(Debug)]
struct Partly;

#[async_trait]
impl Tracer for Partly {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        let case = match question {
            Question::Fetch(fetch) => fetch.local_identifier(),
            Question::Find(find) => find.local_identifier(),
            _ => None,
        };
        let place: usize = case.unwrap().extension().trim_start_matches("RXX:").parse().unwrap();
        sleep(SECOND / 10).await;
        if place < 9 {
            return Err(unavailable());
        }
        let at = chrono::DateTime::UNIX_EPOCH;
        let exchange = Exchange::new("test", "trace", id.to_string(), at);
        Ok(Answer::new(Outcome::None, exchange))
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, Error> {
        Err(unavailable())
    }
}

#[tokio::test(start_paused = true)]
async fn cases_without_an_answer_do_not_suspend_the_others() {
    let gate = Gateway::new(Arc::new(Partly)).with_rate_limit(RateLimit::per_second(number(100)));
    for place in 0..9 {
        let tracer = gate.background();
        tokio::spawn(async move {
            loop {
                ask_about(&*tracer, place).await.unwrap_err();
                sleep(SECOND).await;
            }
        });
    }
    for place in 9..20 {
        // Two minutes without another query: the nine are suspended.
        sleep(120 * SECOND).await;
        let status = gate.status().circuit_breaker;
        assert_ne!(status.state, CircuitBreakerState::Closed);
        ask_about(&*gate.foreground(), place).await.unwrap();
        assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn one_case_without_an_answer_never_opens_the_circuit_breaker() {
    let gate = Gateway::new(Arc::new(Partly));
    for _ in 0..500 {
        assert_eq!(ask_about(&*gate.background(), 3).await.unwrap_err().suspended_until(), None);
        sleep(SECOND).await;
    }
    assert_eq!(gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
}

struct House {
    gate: Gateway,
    store: Arc<MemoryStore>,
    audit: Arc<MemoryLog>,
    worker: Worker,
}

async fn house(service: &Arc<Service>, cases: usize) -> House {
    let (circuit, clock) = circuit();
    house_with(gate(service), cases, circuit, clock).await
}

fn circuit() -> (CircuitBreaker, Arc<dyn Clock>) {
    let clock: Arc<dyn Clock> = TokioClock::new();
    let circuit = CircuitBreaker::new(resilience::CircuitBreakerPolicy::default())
        .with_clock(Arc::clone(&clock))
        .with_ids(Arc::new(CountingIds::default()));
    (circuit, clock)
}

async fn house_with(
    gate: Gateway,
    cases: usize,
    circuit: CircuitBreaker,
    clock: Arc<dyn Clock>,
) -> House {
    let gate = gate.with_circuit_breaker(circuit);
    let store = Arc::new(MemoryStore::new());
    store.insert_all((0..cases).map(|place| case(&format!("{place:03}"))).collect()).await.unwrap();
    let audit = Arc::new(MemoryLog::new());
    let alerts = Arc::new(MemoryAlerts::default());
    let (cases, trail) = (Arc::<MemoryStore>::clone(&store), Arc::<MemoryLog>::clone(&audit));
    let worker = Worker::new(
        gate.background(),
        Arc::new(Joined::new(cases, trail, alerts)),
        Settings::new(us())
            .with_policy(one_question())
            .with_clock(clock)
            .with_ids(Arc::new(CountingIds::default()))
            .with_retry(
                Retry::new(resilience::RetryPolicy::default()).with_ids(Arc::new(RandomIds)),
            )
            .with_foreground(gate.foreground()),
    );
    House { gate, store, audit, worker }
}

#[tokio::test(start_paused = true)]
async fn nine_cases_without_an_answer_do_not_end_a_pass() {
    let (circuit, clock) = circuit();
    let house = house_with(Gateway::new(Arc::new(Partly)), 30, circuit, clock).await;
    let report = house.worker.run_once(&mut |_| ()).await.unwrap();
    assert!(report.stopped.is_none(), "{report:?}");
    assert_eq!(report.results.get(&TraceResult::Unavailable), Some(&9), "{report:?}");
    assert_eq!(report.results.get(&TraceResult::None), Some(&21), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn the_worker_stops_during_a_suspension_and_leaves_the_other_cases() {
    let service = Service::failing(usize::MAX);
    let house = house(&service, 30).await;
    let mut seen = Vec::new();
    let report = house.worker.run_once(&mut |case| seen.push(case.result)).await.unwrap();
    let due = report.due;
    assert!(report.stopped.unwrap().suspended_until().is_some());
    // Ten cases that open the circuit breaker, with all the retries of the budget, and two probes
    // that the worker waited for.
    // Whether the last retry is before the tenth case fails is up to the jitter.
    assert!((22..=10 + 11 + 2).contains(&service.count()), "{}", service.count());
    let count = |wanted| seen.iter().filter(|result| **result == Some(wanted)).count();
    let (unavailable, left) = (count(TraceResult::Unavailable), count(TraceResult::NotAsked));
    assert_eq!(unavailable + left, seen.len(), "of the leased cases");
    assert!(left >= 4, "{left}");
    // All but those that back off are still due.
    assert_eq!(due, 30 - unavailable as u64);
    // The cases of unsent queries are restored, and no worker has a lease on them.
    let events = |kind| {
        let filter = Filter::new().with_kind(kind);
        let audit = Arc::clone(&house.audit);
        async move { audit.page(&filter, 0, 999).await.unwrap() }
    };
    let sent = events(EventKind::MessageSent).await.len();
    let received = events(EventKind::MessageReceived).await;
    assert_eq!(sent, received.len());
    let not_sent =
        |event: &&nhs_pds::audit::Event| event.details.iter().any(|(_, value)| value == "not_sent");
    assert_eq!(received.iter().filter(not_sent).count(), sent - service.count());
    assert_eq!(house.store.get(&"029".parse().unwrap()).await.unwrap().unwrap().version, 1);
}

#[tokio::test(start_paused = true)]
async fn the_process_probes_and_resumes_by_itself() {
    // Suspended by ten cases, with eleven retries, and by four probes: the worker waits for the first
    // two probes, and ends its run at the later ones.
    let service = Service::failing(21 + 4);
    let house = house(&service, 30).await;
    let process = Process::new(house.worker.clone(), Schedule::every(1800 * SECOND).unwrap());
    let running = process.clone();
    let run = tokio::spawn(async move {
        running.run_until(sleep(600 * SECOND), &mut |_| ()).await.unwrap();
    });
    while process.status().next_run.is_none() {
        sleep(SECOND / 10).await;
    }
    let status = process.status();
    assert_eq!(status.next_run, status.suspended_until, "not in half an hour");
    assert!(house.gate.status().circuit_breaker.suspended.is_some());
    run.await.unwrap();
    assert_eq!(process.status().suspended_until, None);
    assert_eq!(house.gate.status().circuit_breaker.state, CircuitBreakerState::Closed);
    let first = house.store.page(None, 30).await.unwrap();
    assert!(first.iter().all(|case| case.last_trace.is_some()), "all were queried");
    assert_eq!(service.count(), 30 + 25);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_whose_clock_is_behind_causes_no_extra_runs() {
    let service = Service::failing(usize::MAX);
    let behind = FixedClock::at("2020-01-01T00:00:00Z".parse().unwrap());
    let policy =
        resilience::CircuitBreakerPolicy::default().with_pauses(600 * SECOND, 600 * SECOND);
    let circuit = CircuitBreaker::new(policy).with_clock(Arc::new(behind));
    let clock = TokioClock::new();
    let house = house_with(gate(&service), 30, circuit, clock).await;
    let process = Process::new(house.worker, Schedule::every(1800 * SECOND).unwrap());
    let mut seen = 0;
    process.run_until(sleep(60 * SECOND), &mut |_| seen += 1).await.unwrap();
    // Whether the last retry is before the tenth case fails is up to the jitter.
    assert!((10 + 10..=10 + 11).contains(&service.count()), "{}", service.count());
    assert!((30..=62 * 30).contains(&seen), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn opening_a_record_during_a_suspension_fails_at_once() {
    let service = Service::failing(usize::MAX);
    let house = house(&service, 30).await;
    house.worker.run_once(&mut |_| ()).await.unwrap();
    let by = Actor::new(&us(), "A Worker");
    let worker = house.worker.on_behalf_of(us(), by);
    let began = Instant::now();
    let id = "029".parse().unwrap();
    let refreshed = worker.refresh(&id, RefreshEvent::OnRequest).await.unwrap().unwrap();
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    assert_eq!(refreshed.report.result, Some(TraceResult::NotAsked));
    assert!(refreshed.suspended.unwrap().suspended_until().is_some());
    assert!((22..=23).contains(&service.count()), "the refresh sent nothing");
}

#[tokio::test(start_paused = true)]
async fn a_handle_says_its_limits_and_whether_queries_are_suspended() {
    let service = Service::failing(usize::MAX);
    let limit = RateLimit::per_second(number(7)).with_in_flight(number(3));
    let gate = gate(&service).with_rate_limit(limit);
    let retrying =
        Retrying::new(gate.background(), Retry::new(resilience::RetryPolicy::foreground()));
    let status = retrying.service_status();
    assert_eq!((status.per_second, status.in_flight), (Some(7), Some(3)));
    assert_eq!(status.circuit_breaker, Some(CircuitBreakerState::Closed));
    assert_eq!(status.suspended_since, None);
    fail_about(&gate, 0..10).await;
    let status = retrying.service_status();
    assert_eq!(status.circuit_breaker, Some(CircuitBreakerState::Open));
    assert!(status.suspended_since < status.suspended_until);
}
