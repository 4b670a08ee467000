//! Tenants come, change, pause and leave.

use super::{MINUTE, SECOND, World, every, run, seconds, tenant};
use crate::support::service::{Service, case};
use nhs_pds::case::CaseStore;
use nhs_pds::process::State;
use nhs_pds::process::tenants::{TenantRun, TenantState, Tenants};
use nhs_pds::trace::Outcome;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_new_tenant_gets_a_process_within_five_seconds() {
    let world = World::new();
    let running = run(world.fleet());
    seconds(7).await;
    world.add("leeds").await;
    seconds(5).await;
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    let leeds = running.tenant("leeds").unwrap();
    assert_eq!((leeds.version, leeds.process.unwrap().state), (Some(1), State::Waiting));
    assert!(running.fleet.status().is_running);
    assert!(running.fleet.status().directory_read.is_some());
    // Its status is in its store, under the name of the worker.
    let store = &world.of("leeds").cases;
    assert!(store.setting("status:machine-1").await.unwrap().is_some());
    running.stop().await;
    assert_eq!(world.of("leeds").lives().await, ["start", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_notification_reads_the_directory_at_once_but_many_do_not_read_it_often() {
    let world = World::new();
    let running = run(world.fleet());
    seconds(7).await;
    world.add("leeds").await;
    running.fleet.notify(Some(&"leeds".parse().unwrap()));
    seconds(1).await;
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    let before = world.read_at.lock().unwrap().len();
    for _ in 0..1_000 {
        running.fleet.notify(Some(&"leeds".parse().unwrap()));
        tokio::time::sleep(SECOND / 100).await;
    }
    let reads = world.read_at.lock().unwrap().len() - before;
    assert!((15..=22).contains(&reads), "{reads} in ten seconds");
    // Nothing is left of the notifications.
    let before = world.read_at.lock().unwrap().len();
    seconds(60).await;
    let reads = world.read_at.lock().unwrap().len() - before;
    assert!((11..=13).contains(&reads), "{reads} in a minute");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_tenant_has_no_process_until_it_is_active_again() {
    let world = World::new();
    world.add("leeds").await;
    world.add("york").await;
    let running = run(world.fleet());
    seconds(6).await;
    world.set("leeds", TenantState::Paused).await;
    seconds(6).await;
    assert_eq!(running.state("leeds"), Some(TenantRun::Paused));
    assert_eq!(running.state("york"), Some(TenantRun::Running));
    assert_eq!(world.of("leeds").lives().await, ["start", "stop"]);
    world.of("leeds").insert("RXX:1").await;
    seconds(60 * 60).await;
    assert_eq!(world.of("leeds").asked(), 0);
    world.set("leeds", TenantState::Active).await;
    seconds(6).await;
    assert_eq!(world.of("leeds").asked(), 1);
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    running.stop().await;
    assert_eq!(world.of("leeds").lives().await, ["start", "stop", "start", "stop"]);
    assert_eq!(world.of("york").lives().await, ["start", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_tenant_gets_a_new_process_after_its_open_question() {
    let world = World::new();
    world.add("leeds").await;
    let parts = world.of("leeds");
    parts.insert("RXX:1").await;
    *parts.service.lock().unwrap() = Service::slow(30 * SECOND, |_| Ok(Outcome::None));
    let running = run(world.fleet());
    seconds(2).await;
    world
        .change("leeds", |leeds| {
            leeds.schedule = every(MINUTE);
            leeds.weight = "7".parse().unwrap();
        })
        .await;
    seconds(10).await;
    assert_eq!(running.state("leeds"), Some(TenantRun::Stopping), "a question is open");
    assert_eq!(parts.lives().await, ["start"]);
    seconds(30).await;
    assert_eq!(parts.lives().await, ["start", "stop", "start"]);
    let leeds = running.tenant("leeds").unwrap();
    assert_eq!((leeds.state, leeds.version), (TenantRun::Running, Some(2)));
    assert_eq!(parts.made.lock().unwrap().iter().map(|made| made.1).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(parts.asked(), 1, "the answer was settled");
    // By its new schedule.
    let process = leeds.process.unwrap();
    let last = process.last.unwrap().began;
    assert_eq!((process.next_run.unwrap() - last).num_seconds(), 60);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_left_the_directory_is_stopped_and_forgotten() {
    let world = World::new();
    world.add("leeds").await;
    let running = run(world.fleet());
    seconds(2).await;
    world.remove("leeds");
    seconds(6).await;
    assert_eq!(running.state("leeds"), None);
    assert_eq!(world.of("leeds").lives().await, ["start", "stop"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_one_tenant_runs_if_one_is_chosen() {
    let world = World::new();
    world.add("leeds").await;
    world.add("york").await;
    let running = run(world.fleet().with_only("york".parse().unwrap()));
    seconds(20).await;
    assert_eq!((running.state("leeds"), running.state("york")), (None, Some(TenantRun::Running)));
    running.stop().await;
    assert!(world.of("leeds").made_at().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_notification_starts_a_run_of_its_tenant_alone() {
    let world = World::new();
    for name in ["leeds", "york"] {
        world.add(name).await;
    }
    let running = run(world.fleet());
    seconds(20).await;
    for name in ["leeds", "york"] {
        world.of(name).insert("RXX:1").await;
    }
    running.fleet.notify(Some(&"leeds".parse().unwrap()));
    seconds(1).await;
    assert_eq!((world.of("leeds").asked(), world.of("york").asked()), (1, 0));
    running.fleet.notify(None);
    seconds(6).await;
    assert_eq!((world.of("leeds").asked(), world.of("york").asked()), (1, 1));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_and_fifty_tenants_start_over_five_seconds_and_stop_together() {
    let world = World::new();
    let names: Vec<String> = (0..150).map(|number| format!("borough-{number}")).collect();
    for name in &names {
        world.add(name).await;
        let parts = world.of(name);
        parts.insert("RXX:1").await;
        *parts.service.lock().unwrap() = Service::slow(7 * SECOND, |_| Ok(Outcome::None));
    }
    let running = run(world.fleet());
    seconds(6).await;
    let status = running.fleet.status();
    assert_eq!(status.tenants.len(), 150);
    assert!(status.tenants.iter().all(|tenant| tenant.state == TenantRun::Running));
    let starts: BTreeSet<Duration> = names
        .iter()
        .flat_map(|name| world.of(name).made.lock().unwrap().clone())
        .map(|made| made.0)
        .collect();
    assert_eq!(starts.len(), 150, "no two at the same time");
    let between = *starts.last().unwrap() - *starts.first().unwrap();
    assert!(4 * SECOND <= between && between <= 5 * SECOND, "{between:?}");
    // The first questions are nearly answered, the last have just begun.
    let took = running.stop().await;
    assert!(took <= 7 * SECOND, "as long as the slowest question: {took:?}");
    for name in &names {
        let parts = world.of(name);
        assert_eq!((parts.asked(), parts.lives().await), (1, vec!["start".into(), "stop".into()]));
        let case = parts.cases.get(&case("RXX:1").id).await.unwrap().unwrap();
        assert!(case.last_trace.is_some(), "{name}: its answer was settled");
    }
}

#[tokio::test(start_paused = true)]
async fn several_workers_begin_with_different_tenants() {
    let mut first = BTreeSet::new();
    for _ in 0..8 {
        let world = World::new();
        for number in 0..20 {
            world.add(&format!("borough-{number}")).await;
        }
        let running = run(world.fleet());
        tokio::time::sleep(Duration::from_millis(40)).await;
        let status = running.fleet.status();
        let running_now = status.tenants.into_iter().find(|tenant| tenant.version.is_some());
        first.insert(running_now.unwrap().name);
        running.stop().await;
    }
    assert!(first.len() > 1, "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn cases_are_observed_with_their_tenants() {
    let world = World::new();
    for name in ["leeds", "york"] {
        world.add(name).await;
        world.of(name).insert(&format!("RXX:{name}")).await;
    }
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let (watch, fleet) = (Arc::clone(&seen), world.fleet());
    let running = run(fleet.with_observer(move |tenant, case| {
        watch.lock().unwrap().insert(format!("{tenant} {}", case.case_id));
    }));
    seconds(6).await;
    running.stop().await;
    let seen: Vec<String> = seen.lock().unwrap().iter().cloned().collect();
    assert_eq!(seen, ["leeds RXX:leeds", "york RXX:york"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_call_waits_and_a_dropped_one_ends_its_processes() {
    let world = World::new();
    world.directory.add(&tenant("leeds")).await.unwrap();
    let (one, two) = (world.fleet(), run(world.fleet()));
    two.stop().await;
    let first = tokio::spawn({
        let fleet = one.clone();
        async move { fleet.run_until(std::future::pending()).await }
    });
    seconds(2).await;
    let second = run(one.clone());
    seconds(60).await;
    assert_eq!(world.of("leeds").lives().await.iter().filter(|life| *life == "start").count(), 1);
    first.abort();
    seconds(6).await;
    assert_eq!(second.state("leeds"), Some(TenantRun::Running), "the second has begun");
    second.stop().await;
    assert!(!one.status().is_running);
    assert_eq!(one.status().tenants[0].process.as_ref().unwrap().state, State::Stopped);
}
