//! One rate of several processes, in PostgreSQL.

use crate::gateway::most_in_a_second;
use crate::support::postgres::{APPLICATION, Database, OwnServer, Sql};
use crate::support::service::{Service, ask};
use nhs_pds::postgres;
use nhs_pds::resilience::{
    Allowance, Gateway, MemorySharedRate, PermitReply, PermitRequest, PostgresSharedRate,
    RateLimit, SharedRate,
};
use nhs_pds::tenant::TenantName;
use nhs_pds::trace::Outcome;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use url::Url;

const SECOND: Duration = Duration::from_secs(1);

fn limit(per_second: u32, burst: u32) -> RateLimit {
    let number = |number| NonZeroU32::new(number).unwrap();
    RateLimit::per_second(number(per_second)).with_burst(number(burst)).with_in_flight(number(64))
}

fn sql(url: &str) -> Sql {
    Sql::connect(&Url::parse(url).unwrap())
}

fn name(name: &str) -> TenantName {
    name.parse().unwrap()
}

/// The rate of this name, as one process has it.
async fn rate(database: &Database, allowance: &str) -> PostgresSharedRate {
    let config = database.application().parse().unwrap();
    let connected = postgres::Database::connect(&config).await.unwrap();
    PostgresSharedRate::new(&connected, name(allowance)).unwrap()
}

fn runtime(is_paused: bool) -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(is_paused).build().unwrap()
}

/// Functions of the server that return the time that the test sets.
const CLOCK: &str = "CREATE SCHEMA test; CREATE TABLE test.time (at timestamptz NOT NULL);
    INSERT INTO test.time VALUES ('2026-11-30T00:00:00Z');
    CREATE FUNCTION test.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
        RETURN (SELECT at FROM test.time);
    CREATE FUNCTION test.pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql STABLE
        RETURN '2026-01-01T00:00:00Z'::timestamptz;";

/// The statement decides as the rule whose properties are tested. Each step is a wait in microseconds, whether a user
/// asks, and the delay that the process announces.
#[test]
fn the_statement_is_the_rule() {
    let Some(database) = Database::prepared() else { return };
    let server = sql(&database.superuser());
    server.execute(CLOCK);
    server.execute(&format!(
        "GRANT USAGE ON SCHEMA test TO {APPLICATION}; GRANT SELECT ON test.time TO {APPLICATION};
         ALTER ROLE {APPLICATION} IN DATABASE {} SET search_path = test, pg_catalog",
        database.name()
    ));
    let (real, paused) = (runtime(false), runtime(true));
    let shared = real.block_on(rate(&database, "rule"));
    // Returns how many permits the background got beyond its horizon.
    let compare = |limit: RateLimit, steps: &[(u64, bool, u64)]| {
        server.execute("DELETE FROM nhs_pds.rate_limit");
        let (memory, mut beyond) = (MemorySharedRate::default(), 0);
        for (place, &(wait, is_foreground, late)) in steps.iter().enumerate() {
            let request = PermitRequest::new(is_foreground).with_late(Duration::from_micros(late));
            server.execute(&format!("UPDATE test.time SET at = at + interval '{wait} ms'"));
            let expected = paused.block_on(async {
                tokio::time::advance(Duration::from_millis(wait)).await;
                memory.next(&limit, &request).await.unwrap()
            });
            let reply = real.block_on(shared.next(&limit, &request)).unwrap();
            assert_eq!(reply, expected, "step {place} of {steps:?}");
            let is_beyond =
                |wait: Duration| wait > (SECOND / 4).max(2 * SECOND / limit.per_second.get());
            beyond += usize::from(matches!(
                reply,
                PermitReply::Granted(wait) if !is_foreground && is_beyond(wait)
            ));
        }
        beyond
    };
    // Nine permits of users for one of the background beyond its horizon; eight are not enough for the next.
    let (user, background) = ((0, true, 0), (0, false, 0));
    let mut steps = vec![user; 5];
    steps.push(background);
    steps.extend([user; 9]);
    steps.extend([background; 2]);
    steps.extend([user; 8]);
    steps.push(background);
    assert_eq!(compare(limit(10, 1), &steps), 1);
    let step = (
        prop_oneof![Just(0_u64), 0_u64..3, 0_u64..300, 0_u64..3_000],
        0_u32..10,
        prop_oneof![4 => Just(0_u64), 1 => 1_000_u64..500_000],
    );
    let steps = proptest::collection::vec(step, 1..60);
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(
        &(1_u32..200, 1_u32..20, 0_u32..=10, steps),
        |(per_second, burst, users, steps)| {
            let steps = steps.into_iter().map(|(wait, user, late)| (wait, user < users, late));
            compare(limit(per_second, burst), &steps.collect::<Vec<_>>());
            Ok(())
        },
    );
    ran.unwrap();
}

/// The times at which four processes of six askers each ask within five seconds, and when these began and end.
async fn four_processes(database: &Database) -> (Vec<Instant>, [Instant; 2]) {
    let mut gateways = Vec::new();
    for _ in 0..4 {
        let shared = Arc::new(rate(database, "pds-fhir").await);
        let allowance = Allowance::shared(limit(PER_SECOND, BURST), shared);
        let service = Service::slow(SECOND / 50, |_| Ok(Outcome::None));
        let share = allowance.share(NonZeroU32::MIN);
        gateways.push((Gateway::new(Arc::<Service>::clone(&service)).with_share(share), service));
    }
    let began = Instant::now();
    let end = began + 5 * SECOND;
    let mut tasks = JoinSet::new();
    for (gateway, _) in &gateways {
        for place in 0..6 {
            let tracer = if place == 0 { gateway.foreground() } else { gateway.background() };
            tasks.spawn(async move {
                while Instant::now() < end {
                    // A machine that stands still for a second answers no permit in time.
                    if let Err(error) = ask(&*tracer).await {
                        assert!(error.suspended_until().is_some(), "{error}");
                    }
                }
            });
        }
    }
    tasks.join_all().await;
    let mut arrivals: Vec<Instant> =
        gateways.iter().flat_map(|(_, service)| service.asked()).map(|(at, _)| at).collect();
    arrivals.sort();
    (arrivals, [began, end])
}

const PER_SECOND: u32 = 100;
const BURST: u32 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_use_the_rate_and_no_more() {
    let Some(database) = Database::prepared() else { return };
    // A machine that stands still for a moment sends late, and then several questions at once.
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (arrivals, [began, end]) = four_processes(&database).await;
        // Nothing makes a question early.
        for (before, at) in arrivals.iter().enumerate() {
            let allowed = f64::from(BURST) + (*at - began).as_secs_f64() * f64::from(PER_SECOND);
            assert!(before as f64 <= allowed, "{before} before {:?}", *at - began);
        }
        let most = most_in_a_second(&arrivals);
        let first = arrivals.first().copied().unwrap_or(end);
        // From the first permit: the server may have started just now. One process of the four alone would have a
        // quarter.
        let within = arrivals.iter().filter(|at| **at < end).count();
        let possible = (end - first).as_secs_f64() * f64::from(PER_SECOND);
        if within > 0 && most <= 110 && within as f64 >= 0.5 * possible {
            // Each of them was a permit of the one row.
            let rows = sql(&database.owner()).rows("SELECT allowance FROM nhs_pds.rate_limit");
            assert_eq!(rows, [["pds-fhir"]]);
            return;
        }
        seen.push(format!("{most} in a second, {within} of {possible}"));
    }
    panic!("{seen:?}");
}

/// Each of many organisations may have an application of its own, and a server has a limit of connections.
#[tokio::test(flavor = "multi_thread")]
async fn many_allowances_share_a_few_connections() {
    let Some(database) = Database::prepared() else { return };
    let config = database.application().parse().unwrap();
    let connected = postgres::Database::connect(&config).await.unwrap();
    let limit = limit(5, 5);
    let mut asked = JoinSet::new();
    for n in 0..40 {
        let rate = PostgresSharedRate::new(&connected, name(&format!("a{n}"))).unwrap();
        asked.spawn(async move { rate.next(&limit, &PermitRequest::new(false)).await.unwrap() });
    }
    assert_eq!(asked.join_all().await.len(), 40);
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'nhs-pds'";
    let open: usize = sql(&database.superuser()).first(open).parse().unwrap();
    assert!((2..=9).contains(&open), "{open} connections");
}

#[tokio::test]
async fn allowances_of_different_names_do_not_share() {
    let Some(database) = Database::prepared() else { return };
    let (one, other) = (rate(&database, "one").await, rate(&database, "other").await);
    sleep(SECOND * 13 / 10).await;
    let limit = limit(1, 1);
    let request = PermitRequest::new(true);
    let at_once = PermitReply::Granted(Duration::ZERO);
    assert_eq!(one.next(&limit, &request).await.unwrap(), at_once);
    assert_eq!(other.next(&limit, &request).await.unwrap(), at_once);
    // A permit each second: on a slow machine, the second is over before the next question.
    let mut granted = 1;
    while one.next(&limit, &request).await.unwrap() == at_once {
        granted += 1;
        assert!(granted < 20, "it does not limit");
    }
}

#[tokio::test]
async fn a_restart_of_the_server_delays_questions_and_loses_none() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    let allowance = Allowance::shared(limit(20, 5), Arc::new(rate(&database, "pds").await));
    let service = Service::slow(SECOND / 100, |_| Ok(Outcome::None));
    let share = allowance.share(NonZeroU32::MIN);
    let gateway = Gateway::new(Arc::<Service>::clone(&service)).with_share(share);
    ask(&*gateway.background()).await.unwrap();
    server.kill();
    let down = service.count();
    let error = ask(&*gateway.foreground()).await.unwrap_err();
    assert!(error.suspended_until().is_some(), "{error}");
    let cause = error.cause().unwrap();
    assert!(cause.contains("the shared rate limit does not answer: check"), "{cause}");
    let tracer = gateway.background();
    let waiting = tokio::spawn(async move {
        loop {
            let asked = Instant::now();
            match ask(&*tracer).await {
                Ok(answer) => return answer,
                // The server may need longer than the patience of a call, which is ten seconds.
                Err(error) => {
                    assert!(error.suspended_until().is_some(), "{error}");
                    assert!(asked.elapsed() >= 9 * SECOND, "{:?}", asked.elapsed());
                }
            }
        }
    });
    sleep(SECOND).await;
    assert_eq!(service.count(), down, "no permit, no question");
    server.resume();
    tokio::time::timeout(60 * SECOND, waiting).await.expect("it asks again").unwrap();
    assert_eq!(service.count(), down + 1);
}
