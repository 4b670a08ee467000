//! The rate limit, counted at the service: requests that went through the client, in paused time.

use crate::gateway::most_in_a_second;
use crate::process::TokioClock;
use chrono::{DateTime, Utc};
use nhs_pds::clock::Clock;
use nhs_pds::ids::RandomIds;
use nhs_pds::resilience::{Gateway, RateLimit};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{LocalIdentity, MessageId};
use nhs_pds_simulator::{Fault, Register, Simulator, When};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Keeps the time of each call: the simulator reads the clock once for each request.
#[derive(Debug)]
struct Arrivals {
    clock: Arc<TokioClock>,
    at: Mutex<Vec<Instant>>,
}

impl Clock for Arrivals {
    fn now(&self) -> DateTime<Utc> {
        self.at.lock().unwrap().push(Instant::now());
        self.clock.now()
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// A minute at a hundred a second: at least 98 % of that, and no second with more than rate + burst − 1.
///
/// The simulator is called in this process: over a socket, paused time would run ahead of the machine, and
/// real time would measure the machine.
#[tokio::test(start_paused = true)]
async fn a_minute_at_a_hundred_a_second() {
    let number = |number| NonZeroU32::new(number).unwrap();
    let clock = TokioClock::new();
    let arrivals = Arc::new(Arrivals { clock: Arc::clone(&clock), at: Mutex::default() });
    let simulator =
        Simulator::new(Register::from_seed(1, 100)).with_clock(Arc::<Arrivals>::clone(&arrivals));
    simulator.add_fault(When::Always, Fault::Delay(Duration::from_millis(25)));
    let us = LocalIdentity::new("RHM".parse().unwrap(), "pace").unwrap();
    let config = Config::new("http://127.0.0.1/smsp".parse().unwrap(), us);
    let client = Client::new(config, Arc::new(simulator.clone())).with_clock(clock);
    let pace = RateLimit::per_second(number(100)).with_burst(number(10)).with_in_flight(number(16));
    let gate = Gateway::new(Arc::new(client)).with_rate_limit(pace);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for place in 0..32 {
        let tracer = if place % 4 == 0 { gate.foreground() } else { gate.background() };
        tasks.spawn(async move {
            let (us, question) =
                (crate::support::service::us(), crate::support::service::question());
            while began.elapsed() < MINUTE {
                tracer.trace(&us, &question, MessageId::fresh(&RandomIds)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let arrivals = arrivals.at.lock().unwrap().clone();
    assert_eq!(arrivals.len() as u64, simulator.request_count(), "the clock is read once");
    let within = arrivals.iter().filter(|at| **at - began < MINUTE).count();
    assert!(within >= 5_880, "{within} in a minute");
    let most = most_in_a_second(&arrivals);
    assert!(most <= 109, "{most} in a second");
}
