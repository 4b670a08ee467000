//! One rate limit for several tenants, and for several processes.

use crate::gateway::most_in_a_second;
use crate::support::service::{Service, ask};
use async_trait::async_trait;
use nhs_pds::resilience::{
    Allowance, Gateway, MemorySharedRate, PermitReply, PermitRequest, RateLimit, SharedRate,
    SharedRateError,
};
use nhs_pds::trace::{ErrorKind, Outcome, Tracer};
use std::future::pending;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn limit(per_second: u32, burst: u32) -> RateLimit {
    RateLimit::per_second(number(per_second)).with_burst(number(burst)).with_in_flight(number(64))
}

/// A tenant with its own client.
fn tenant(allowance: &Allowance, weight: u32, takes: Duration) -> (Arc<Service>, Gateway) {
    let service = Service::slow(takes, |_| Ok(Outcome::None));
    let gateway = Gateway::new(Arc::<Service>::clone(&service));
    (service, gateway.with_share(allowance.share(number(weight))))
}

/// Asks one question after the other until `end`, and keeps the longest wait.
async fn ask_until(tracer: Arc<dyn Tracer>, end: Instant) -> Duration {
    let mut longest = Duration::ZERO;
    while Instant::now() < end {
        let began = Instant::now();
        ask(&*tracer).await.unwrap();
        longest = longest.max(began.elapsed());
    }
    longest
}

#[tokio::test(start_paused = true)]
async fn tenants_share_one_rate_by_weight() {
    let allowance = Allowance::new(limit(50, 5));
    let tenants: Vec<_> =
        [3, 1, 1].iter().map(|weight| tenant(&allowance, *weight, SECOND / 10)).collect();
    let end = Instant::now() + 60 * SECOND;
    let mut tasks = JoinSet::new();
    for (_, gateway) in &tenants {
        for _ in 0..40 {
            tasks.spawn(ask_until(gateway.background(), end));
        }
    }
    tasks.join_all().await;
    let asked = |(service, _): &(Arc<Service>, Gateway)| {
        service.asked().into_iter().map(|(at, _)| at).filter(|at| *at < end).collect::<Vec<_>>()
    };
    let counts: Vec<usize> = tenants.iter().map(|tenant| asked(tenant).len()).collect();
    let all: usize = counts.iter().sum();
    assert!(all >= 2_940, "{all}");
    for (count, weight) in counts.iter().zip([3, 1, 1]) {
        assert!(count.abs_diff(all * weight / 5) <= 2, "{counts:?}");
    }
    let mut arrivals: Vec<Instant> = tenants.iter().flat_map(asked).collect();
    arrivals.sort();
    assert!(most_in_a_second(&arrivals) <= 54);
}

#[tokio::test(start_paused = true)]
async fn a_small_borough_does_not_wait_behind_a_first_load() {
    let allowance = Allowance::new(limit(10, 1));
    let (_, large) = tenant(&allowance, 1, Duration::ZERO);
    let (_, small) = tenant(&allowance, 1, Duration::ZERO);
    let mut load = JoinSet::new();
    for _ in 0..2_000 {
        let tracer = large.background();
        load.spawn(async move { ask(&*tracer).await.unwrap() });
    }
    sleep(5 * SECOND).await;
    assert!(large.status().waiting.background > 1_900);
    assert_eq!(small.status().waiting.background, 0);
    let began = Instant::now();
    for _ in 0..10 {
        ask(&*small.background()).await.unwrap();
    }
    let took = began.elapsed();
    assert!(took < SECOND * 21 / 10, "{took:?} for ten questions at half of ten a second");
}

#[tokio::test(start_paused = true)]
async fn a_user_of_one_tenant_goes_before_the_workers_of_all() {
    let allowance = Allowance::new(limit(10, 1));
    let (_, large) = tenant(&allowance, 100, Duration::ZERO);
    let (_, small) = tenant(&allowance, 1, Duration::ZERO);
    let end = Instant::now() + 20 * SECOND;
    let mut load = JoinSet::new();
    for _ in 0..50 {
        load.spawn(ask_until(large.background(), end));
        load.spawn(ask_until(small.background(), end));
    }
    sleep(2 * SECOND).await;
    for _ in 0..30 {
        let began = Instant::now();
        ask(&*small.foreground()).await.unwrap();
        assert!(began.elapsed() < SECOND / 4, "{:?}", began.elapsed());
        sleep(SECOND / 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn questions_in_progress_are_counted_for_all_and_for_each() {
    let allowance = Allowance::new(limit(1_000, 100).with_in_flight(number(3)));
    let (_, one) = tenant(&allowance, 1, SECOND);
    let (_, other) = tenant(&allowance, 1, SECOND);
    let mut tasks = JoinSet::new();
    for gateway in [&one, &one, &one, &one, &other] {
        let tracer = gateway.background();
        tasks.spawn(async move { ask(&*tracer).await.unwrap() });
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!((allowance.in_flight(), allowance.waiting().background), (3, 2));
    assert_eq!((one.status().in_flight, one.status().waiting.background), (3, 1));
    assert_eq!((other.status().in_flight, other.status().waiting.background), (0, 1));
    sleep(SECOND).await;
    assert_eq!((other.status().in_flight, one.status().in_flight), (1, 1));
    tasks.join_all().await;
    assert_eq!(allowance.in_flight(), 0);
}

/// A shared rate at the end of a network, which can fail.
#[derive(Debug, Default)]
struct Remote {
    rate: MemorySharedRate,
    /// 0 answers, 1 fails, 2 hangs.
    mode: AtomicU8,
    asked: AtomicUsize,
    /// The time and the kind of each permit.
    slots: Mutex<Vec<(Instant, bool)>>,
}

#[async_trait]
impl SharedRate for Remote {
    async fn next(
        &self,
        limit: &RateLimit,
        request: &PermitRequest,
    ) -> Result<PermitReply, SharedRateError> {
        let count = self.asked.fetch_add(1, Ordering::Relaxed);
        match self.mode.load(Ordering::Relaxed) {
            1 => return Err(SharedRateError::new("connection refused")),
            2 => pending().await,
            _ => {}
        }
        // Between one and three milliseconds each way.
        sleep(Duration::from_millis(1 + count as u64 % 3)).await;
        let reply = self.rate.next(limit, request).await?;
        if let PermitReply::Granted(wait) = reply {
            self.slots.lock().unwrap().push((Instant::now() + wait, request.is_foreground));
        }
        sleep(Duration::from_millis(1 + count as u64 % 2)).await;
        Ok(reply)
    }
}

#[tokio::test(start_paused = true)]
async fn four_processes_share_one_rate() {
    for (per_second, burst) in [(5, 5), (100, 10)] {
        let remote = Arc::new(Remote::default());
        let mut tasks = JoinSet::new();
        let mut users = JoinSet::new();
        let end = Instant::now() + 60 * SECOND;
        let mut services = Vec::new();
        for _ in 0..4 {
            let allowance = Allowance::shared(limit(per_second, burst), Arc::clone(&remote) as _);
            let (service, gateway) = tenant(&allowance, 1, SECOND / 20);
            for _ in 0..10 {
                tasks.spawn(ask_until(gateway.background(), end));
            }
            users.spawn(ask_until(gateway.foreground(), end));
            services.push(service);
        }
        let waits = users.join_all().await;
        tasks.join_all().await;
        let mut arrivals: Vec<Instant> =
            services.iter().flat_map(|service| service.asked()).map(|(at, _)| at).collect();
        arrivals.sort();
        let most = most_in_a_second(&arrivals);
        assert!(most <= (per_second + burst) as usize, "{most} at {per_second}");
        let within = arrivals.iter().filter(|at| **at < end).count();
        assert!(within as f64 >= 0.98 * f64::from(60 * per_second), "{within} at {per_second}");
        // A quarter of a second of the background, four users, and one permit in ten.
        let step = SECOND / per_second;
        let longest = SECOND / 4 + 7 * step + SECOND / 10;
        assert!(waits.iter().all(|wait| *wait <= longest), "{waits:?} at {per_second}");
        assert!(remote.asked.load(Ordering::Relaxed) < within * 8, "too many requests");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_shared_rate_no_question_is_sent() {
    for (mode, word) in [(1, "connection refused"), (2, "no answer within 1 s")] {
        let remote = Arc::new(Remote::default());
        remote.mode.store(mode, Ordering::Relaxed);
        let allowance = Allowance::shared(limit(5, 5), Arc::clone(&remote) as _);
        let (service, gateway) = tenant(&allowance, 1, Duration::ZERO);
        for (tracer, patience) in [(gateway.foreground(), 1), (gateway.background(), 10)] {
            let began = Instant::now();
            let error = ask(&*tracer).await.unwrap_err();
            let took = began.elapsed();
            let range = SECOND * patience..=SECOND * (patience + 3) / 2 * 2;
            assert!(range.contains(&took), "{took:?}");
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.suspended_until().is_some() && error.is_transient());
            let cause = error.cause().unwrap();
            assert!(cause.contains("the shared rate limit does not answer: check"), "{cause}");
            assert!(cause.contains(word), "{cause}");
        }
        assert_eq!((service.count(), gateway.status().waiting.background), (0, 0));
        assert!(remote.asked.load(Ordering::Relaxed) < 20, "it is asked with pauses");

        // It answers again: calls that wait go on by themselves.
        let tracer = gateway.background();
        let waiting = tokio::spawn(async move { ask(&*tracer).await });
        sleep(SECOND).await;
        remote.mode.store(0, Ordering::Relaxed);
        let back = Instant::now();
        waiting.await.unwrap().unwrap();
        assert!(back.elapsed() < 4 * SECOND, "{:?}", back.elapsed());
        assert_eq!(service.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_leaves_does_not_lose_its_permit() {
    let remote = Arc::new(Remote::default());
    let allowance = Allowance::shared(limit(1, 1), Arc::clone(&remote) as _);
    let (service, gateway) = tenant(&allowance, 1, Duration::ZERO);
    ask(&*gateway.background()).await.unwrap();
    let spawn = |tracer: Arc<dyn Tracer>| tokio::spawn(async move { ask(&*tracer).await });
    let gone = spawn(gateway.foreground());
    sleep(SECOND / 2).await;
    let began = Instant::now();
    let stays = spawn(gateway.background());
    sleep(SECOND / 10).await;
    gone.abort();
    stays.await.unwrap().unwrap();
    // The permit that was reserved for the call that left, about a second after the first.
    assert!(began.elapsed() < SECOND * 6 / 10, "{:?}", began.elapsed());
    assert_eq!(service.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_network_lowers_the_rate_and_sends_no_more_than_it() {
    /// Answers after a fifth of a second.
    #[derive(Debug, Default)]
    struct Far(MemorySharedRate);
    #[async_trait]
    impl SharedRate for Far {
        async fn next(
            &self,
            limit: &RateLimit,
            request: &PermitRequest,
        ) -> Result<PermitReply, SharedRateError> {
            sleep(SECOND / 10).await;
            let reply = self.0.next(limit, request).await;
            sleep(SECOND / 10).await;
            reply
        }
    }
    let allowance = Allowance::shared(limit(20, 2), Arc::new(Far::default()));
    let (service, gateway) = tenant(&allowance, 1, Duration::ZERO);
    let end = Instant::now() + 60 * SECOND;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        tasks.spawn(ask_until(gateway.background(), end));
    }
    tasks.join_all().await;
    let arrivals: Vec<Instant> = service.asked().into_iter().map(|(at, _)| at).collect();
    assert!(arrivals.len() > 60 * 12, "{}", arrivals.len());
    assert!(most_in_a_second(&arrivals) <= 22);
}
