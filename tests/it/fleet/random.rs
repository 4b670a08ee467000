//! Operators, outages and defects in any order, over simulated time.

use super::{MINUTE, Making, SECOND, World, every, run};
use crate::support::service::{Service, unavailable};
use nhs_pds::process::tenants::{TenantRun, TenantState};
use nhs_pds::trace::Outcome;
use proptest::prelude::*;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;

const NAMES: [&str; 5] = ["derby", "hull", "leeds", "wells", "york"];

#[derive(Clone, Copy, Debug)]
enum Act {
    Add,
    Pause,
    Resume,
    Change,
    Notify,
    NotifyAll,
    Make(Making),
    Slow,
    Fails,
    StoreAway(bool),
    DirectoryAway(bool),
    Insert,
}

fn act() -> impl Strategy<Value = (u64, &'static str, Act)> {
    use Act::{
        Add, Change, DirectoryAway, Fails, Insert, Make, Notify, NotifyAll, Pause, Resume, Slow,
        StoreAway,
    };
    let acts = vec![
        Add,
        Add,
        Pause,
        Resume,
        Change,
        Notify,
        NotifyAll,
        Make(Making::Works),
        Make(Making::Works),
        Make(Making::Broken),
        Make(Making::Unavailable),
        Make(Making::Hangs),
        Slow,
        Fails,
        StoreAway(true),
        StoreAway(false),
        DirectoryAway(true),
        DirectoryAway(false),
        Insert,
    ];
    (0..20_000_u64, prop::sample::select(NAMES.to_vec()), prop::sample::select(acts))
}

async fn perform(world: &World, fleet: &nhs_pds::process::tenants::Fleet, name: &str, act: Act) {
    let parts = world.of(name);
    let is_known = fleet_knows(world, name).await;
    match act {
        Act::Add if !is_known => drop(world.add(name).await),
        Act::Pause if is_known => world.set(name, TenantState::Paused).await,
        Act::Resume if is_known => world.set(name, TenantState::Active).await,
        Act::Change if is_known => {
            world.change(name, |tenant| tenant.schedule = every(MINUTE)).await;
        }
        Act::Notify => fleet.notify(Some(&name.parse().unwrap())),
        Act::NotifyAll => fleet.notify(None),
        Act::Make(making) => parts.set(making),
        Act::Slow => {
            *parts.service.lock().unwrap() = Service::slow(9 * SECOND, |_| Ok(Outcome::None));
        }
        Act::Fails => *parts.service.lock().unwrap() = Service::new(|_| Err(unavailable())),
        Act::StoreAway(is_away) => parts.cases.0.is_away.store(is_away, Ordering::Relaxed),
        Act::DirectoryAway(is_away) => world.is_away.store(is_away, Ordering::Relaxed),
        Act::Insert => {
            let id = format!("RXX:{}", world.now().as_nanos());
            parts.insert(&id).await;
        }
        _ => {}
    }
}

async fn fleet_knows(world: &World, name: &str) -> bool {
    use nhs_pds::process::tenants::Tenants;
    world.directory.get(&name.parse().unwrap()).await.unwrap().is_some()
}

/// No tenant has two processes at once: starts and stops alternate on its trail.
async fn lives_follow_each_other(world: &World) {
    for name in NAMES {
        let lives = world.of(name).lives().await;
        for (at, life) in lives.iter().enumerate() {
            let expected = if at % 2 == 0 { "start" } else { "stop" };
            assert_eq!(life, expected, "{name}: {lives:?}");
        }
    }
}

async fn play(acts: Vec<(u64, &'static str, Act)>, stop_after: u64) {
    let world = World::new();
    let running = run(world.fleet());
    for (wait, name, act) in &acts {
        sleep(Duration::from_millis(*wait)).await;
        perform(&world, &running.fleet, name, *act).await;
        lives_follow_each_other(&world).await;
    }
    sleep(Duration::from_millis(stop_after)).await;
    // Stopped at any time, it ends with its slowest question.
    if stop_after.is_multiple_of(2) {
        let took = running.stop().await;
        assert!(took <= 9 * SECOND, "{took:?}");
        lives_follow_each_other(&world).await;
        for name in NAMES {
            assert_eq!(world.of(name).lives().await.len() % 2, 0, "{name} is stopped");
        }
        return;
    }
    // Once nothing is wrong any more, each active tenant runs by its last version.
    world.is_away.store(false, Ordering::Relaxed);
    for name in NAMES {
        world.of(name).cases.0.is_away.store(false, Ordering::Relaxed);
        world.of(name).set(Making::Works);
    }
    // A factory that hangs ends with the next version.
    for name in NAMES {
        if fleet_knows(&world, name).await {
            world.change(name, |tenant| tenant.weight = "3".parse().unwrap()).await;
        }
    }
    sleep(30 * SECOND).await;
    for tenant in world.directory_list().await {
        let status = running.tenant(tenant.name.as_str()).unwrap();
        let (expected, version) = match tenant.state {
            TenantState::Active => (TenantRun::Running, Some(tenant.version)),
            _ => (TenantRun::Paused, None),
        };
        assert_eq!((status.state, status.version), (expected, version), "{}", tenant.name);
    }
    running.stop().await;
    lives_follow_each_other(&world).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tenant_never_has_two_processes_and_gets_its_own(
        acts in prop::collection::vec(act(), 1..40),
        stop_after in 0..20_000_u64,
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(acts, stop_after));
    }
}
