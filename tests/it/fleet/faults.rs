//! A tenant that is broken, fails, panics or hangs does not affect the others.

use super::{MINUTE, Making, SECOND, World, run, seconds};
use crate::support::service::Service;
use nhs_pds::case::{CaseStore, Setting};
use nhs_pds::process::ErrorKind;
use nhs_pds::process::tenants::{ErrorKind as DirectoryError, TenantRun};
use nhs_pds::trace::Outcome;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_broken_tenant_is_named_and_tried_again_and_the_others_go_on() {
    let world = World::new();
    world.add("leeds").await;
    world.of("york").set(Making::Broken);
    let running = run(world.fleet());
    seconds(10).await;
    world.add("york").await;
    seconds(290).await;
    let york = running.tenant("york").unwrap();
    assert_eq!(york.state, TenantRun::Broken);
    assert_eq!(york.last_error.as_deref(), Some("no certificate: write one"));
    let broken: Vec<String> =
        running.fleet.status().broken().map(|tenant| tenant.name.to_string()).collect();
    assert_eq!(broken, ["york"]);
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    let made = world.of("york").made_at();
    let waits: Vec<u64> = made.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, longest) in waits.iter().zip([5, 10, 20, 40, 60, 60]) {
        assert!((longest * 3 / 4 - 1..=longest + 1).contains(wait), "{waits:?}");
    }
    assert!(waits.len() >= 5, "{waits:?}");
    // Corrected outside the directory: within a minute. In the directory: as soon as it is read.
    world
        .change("york", |york| york.settings = r#"{"certificate":"file:x"}"#.parse().unwrap())
        .await;
    world.of("york").set(Making::Works);
    seconds(6).await;
    let york = running.tenant("york").unwrap();
    assert_eq!((york.state, york.last_error), (TenantRun::Running, None));
    running.stop().await;
    assert_eq!(world.of("leeds").lives().await, ["start", "stop"], "undisturbed");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_is_tried_within_eight_seconds() {
    let world = World::new();
    world.add("leeds").await;
    world.of("leeds").set(Making::Unavailable);
    let running = run(world.fleet());
    for _ in 0..20 {
        seconds(30).await;
        assert_eq!(running.state("leeds"), Some(TenantRun::Broken));
        let made = world.of("leeds").made.lock().unwrap().clone();
        assert!(made.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 8 * SECOND), "{made:?}");
        assert!(made.len() > 3);
    }
    world.of("leeds").set(Making::Works);
    seconds(9).await;
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_corrected_by_a_pause_is_not_broken() {
    let world = World::new();
    world.add("leeds").await;
    world.of("leeds").set(Making::Broken);
    let running = run(world.fleet());
    seconds(2).await;
    world.set("leeds", nhs_pds::process::tenants::TenantState::Paused).await;
    seconds(6).await;
    let leeds = running.tenant("leeds").unwrap();
    assert_eq!((leeds.state, leeds.last_error), (TenantRun::Paused, None));
    let made = world.of("leeds").made_at().len();
    seconds(600).await;
    assert_eq!(world.of("leeds").made_at().len(), made, "it is left alone");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_process_and_it_is_started_again() {
    let world = World::new();
    for name in ["leeds", "york", "hull"] {
        world.add(name).await;
        world.of(name).insert("RXX:1").await;
    }
    world.of("york").set(Making::Panics);
    world.of("hull").cases.0.panics.store(true, Ordering::Relaxed);
    let running = run(world.fleet());
    seconds(2).await;
    for name in ["york", "hull"] {
        let tenant = running.tenant(name).unwrap();
        assert_eq!(tenant.state, TenantRun::Broken, "{name}");
        let error = tenant.last_error.unwrap();
        assert!(error.contains("panicked") && !error.contains("a defect of the store"), "{error}");
    }
    world.of("york").set(Making::Works);
    seconds(30).await;
    for name in ["leeds", "york", "hull"] {
        assert_eq!(running.state(name), Some(TenantRun::Running), "{name}");
    }
    assert_eq!(world.of("hull").asked(), 1);
    running.stop().await;
    assert_eq!(world.of("leeds").lives().await, ["start", "stop"], "undisturbed");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_used_breaks_its_tenant_alone() {
    let world = World::new();
    world.add("leeds").await;
    world.add("york").await;
    let damaged = Setting::new(r#"{"schedule":{"interval_ms":86400000}}"#);
    world.of("york").cases.save_setting("process", damaged).await.unwrap();
    let running = run(world.fleet());
    seconds(8).await;
    let york = running.tenant("york").unwrap();
    assert_eq!(york.state, TenantRun::Broken);
    assert!(york.last_error.unwrap().starts_with("the store of cases cannot be used"));
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_of_the_database_every_tenant_is_back_within_ten_seconds() {
    let world = World::new();
    for number in 0..40 {
        world.add(&format!("borough-{number}")).await;
    }
    let running = run(world.fleet());
    seconds(60).await;
    let set = |is_away: bool| {
        world.is_away.store(is_away, Ordering::Relaxed);
        for number in 0..40 {
            let parts = world.of(&format!("borough-{number}"));
            parts.cases.0.is_away.store(is_away, Ordering::Relaxed);
        }
    };
    set(true);
    seconds(60 * 60).await;
    let status = running.fleet.status();
    assert_eq!(status.directory_error, Some(DirectoryError::Unavailable));
    assert!(status.tenants.iter().all(|tenant| tenant.state == TenantRun::Running));
    let error = |tenant: &nhs_pds::process::tenants::TenantStatus| {
        tenant.process.as_ref().unwrap().last_error
    };
    assert!(status.tenants.iter().all(|tenant| error(tenant) == Some(ErrorKind::StoreUnavailable)));
    for number in 0..40 {
        world.of(&format!("borough-{number}")).insert("RXX:1").await;
    }
    set(false);
    seconds(10).await;
    let status = running.fleet.status();
    assert_eq!(status.directory_error, None);
    assert!(status.tenants.iter().all(|tenant| error(tenant).is_none()));
    let asked = (0..40).map(|number| world.of(&format!("borough-{number}")).asked());
    assert_eq!(asked.sum::<usize>(), 40);
    running.stop().await;
    assert_eq!(world.of("borough-0").lives().await, ["start", "stop"], "not started again");
}

#[tokio::test(start_paused = true)]
async fn without_the_directory_the_processes_go_on_and_stop() {
    let world = World::new();
    world.add("leeds").await;
    let running = run(world.fleet());
    seconds(2).await;
    world.hangs.store(true, Ordering::Relaxed);
    seconds(60).await;
    assert_eq!(running.fleet.status().directory_error, Some(DirectoryError::Unavailable));
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    assert!(running.stop().await < SECOND);
    assert_eq!(world.of("leeds").lives().await, ["start", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_away_at_the_start_is_tried_each_second() {
    let world = World::new();
    world.add("leeds").await;
    world.is_away.store(true, Ordering::Relaxed);
    let running = run(world.fleet());
    seconds(60).await;
    assert!(running.fleet.status().tenants.is_empty());
    world.is_away.store(false, Ordering::Relaxed);
    seconds(2).await;
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_read_stops_its_tenant_and_names_it() {
    let world = World::new();
    world.add("leeds").await;
    world.add("york").await;
    let running = run(world.fleet());
    seconds(2).await;
    world.unreadable.lock().unwrap().insert("york".parse().unwrap());
    seconds(6).await;
    let york = running.tenant("york").unwrap();
    assert_eq!(york.state, TenantRun::Broken);
    assert!(york.last_error.unwrap().contains("cannot be read"));
    assert_eq!(running.state("leeds"), Some(TenantRun::Running));
    world.unreadable.lock().unwrap().clear();
    seconds(6).await;
    assert_eq!(running.state("york"), Some(TenantRun::Running));
    running.stop().await;
    assert_eq!(world.of("york").lives().await, ["start", "stop", "start", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_does_not_get_further_starts_again_and_a_slow_one_does_not() {
    let world = World::new();
    for name in ["hull", "leeds", "slow", "york"] {
        world.add(name).await;
    }
    world.of("york").set(Making::Hangs);
    world.of("slow").insert("RXX:1").await;
    *world.of("slow").service.lock().unwrap() = Service::slow(30 * MINUTE, |_| Ok(Outcome::None));
    let running = run(world.fleet());
    seconds(20).await;
    world.of("hull").cases.0.hangs.store(true, Ordering::Relaxed);
    let named = || {
        let broken = running.fleet.status().tenants.into_iter();
        let broken = broken.filter(|tenant| tenant.last_error.is_some());
        broken.map(|tenant| tenant.name.to_string()).collect::<BTreeSet<_>>()
    };
    seconds(4 * 60).await;
    assert!(named().is_empty());
    let mut seen = BTreeSet::new();
    for _ in 0..240 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        seen.extend(named());
    }
    assert!(seen.iter().eq(["hull", "york"]), "{seen:?}");
    assert_eq!(world.of("hull").lives().await, ["start", "start"]);
    world.of("hull").cases.0.hangs.store(false, Ordering::Relaxed);
    world.of("york").set(Making::Works);
    seconds(20 * 60).await;
    assert_eq!(running.fleet.status().stuck().count(), 0);
    for name in ["hull", "leeds", "slow", "york"] {
        assert_eq!(running.state(name), Some(TenantRun::Running), "{name}");
    }
    // The second one of hull had a call in progress too. They were ended as if they were killed, and nothing else was.
    assert_eq!(world.of("hull").lives().await, ["start", "start", "start"]);
    for name in ["leeds", "slow", "york"] {
        assert_eq!(world.of(name).lives().await, ["start"], "{name}");
    }
    running.stop().await;
}
