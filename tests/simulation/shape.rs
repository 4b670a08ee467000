//! What kind of world a seed makes.

use crate::random::Random;
use chrono::TimeDelta;
use nhs_pds::process::Policy;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Skew {
    None,
    Seconds,
    Minutes,
}

#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Only workers, and a service that says nothing wrong: the end is compared with that of a world
    /// without faults.
    pub(crate) pure: bool,
    /// One database has all parts.
    pub(crate) atomic: bool,
    pub(crate) cases: u64,
    /// Two cases are often of one person.
    pub(crate) shared: bool,
    pub(crate) workers: u64,
    pub(crate) in_flight: u64,
    pub(crate) lease: Duration,
    pub(crate) skew: Skew,
    pub(crate) policy: Policy,
    pub(crate) policy_changes: bool,
    pub(crate) gateway: bool,
    /// How often a call to a part of the store fails, in a thousand: before or after its effect.
    pub(crate) store_faults: u64,
    pub(crate) sink_faults: u64,
    pub(crate) service_faults: u64,
    /// How often a call takes very long.
    pub(crate) stalls: u64,
    pub(crate) latency: u64,
    /// How often a pass is killed, and told to stop, in a thousand.
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) reviewers: u64,
    pub(crate) importer: bool,
    pub(crate) eraser: bool,
    pub(crate) screen: bool,
    /// How long the faults last.
    pub(crate) lasts: Duration,
}

impl Shape {
    pub(crate) fn of(random: &mut Random) -> Self {
        let pure = random.chance(300);
        let others = |chance: bool| chance && !pure;
        Self {
            pure,
            atomic: random.chance(400),
            cases: random.between(3, 14),
            shared: random.chance(750),
            workers: random.pick(&[1, 2, 2, 3, 4]),
            in_flight: random.pick(&[1, 2, 4, 8]),
            lease: random.millis(2_000, 10_000),
            skew: random.pick(&[Skew::None, Skew::None, Skew::Seconds, Skew::Minutes]),
            policy: policy(random),
            policy_changes: others(random.chance(200)),
            gateway: random.chance(200),
            store_faults: random.pick(&[0, 0, 5, 40]),
            sink_faults: random.pick(&[0, 0, 200]),
            service_faults: random.pick(&[0, 50, 250]),
            stalls: random.pick(&[0, 0, 5]),
            latency: random.pick(&[3, 20, 20, 200, 1_500]),
            kills: random.pick(&[0, 200, 500]),
            stops: random.pick(&[0, 200, 500]),
            reviewers: u64::from(others(random.chance(700))) * random.between(1, 2),
            importer: others(random.chance(400)),
            eraser: others(random.chance(150)),
            screen: others(random.chance(200)),
            lasts: random.millis(10_000, 40_000),
        }
    }

    /// The same world without faults, and one worker.
    pub(crate) fn undisturbed(&self) -> Self {
        Self {
            workers: 0,
            skew: Skew::None,
            gateway: false,
            store_faults: 0,
            sink_faults: 0,
            service_faults: 0,
            stalls: 0,
            ..self.clone()
        }
    }

    /// Whether all clocks agree, and no call to the store takes long or fails.
    pub(crate) fn is_punctual(&self) -> bool {
        self.skew == Skew::None && self.stalls == 0 && self.store_faults == 0
    }
}

/// A policy with short waits, so that cases are due again within the time of a world.
fn policy(random: &mut Random) -> Policy {
    let mut policy = Policy::default();
    policy.waits = [20, 40, 90].map(TimeDelta::seconds).into();
    policy.stale_wait = TimeDelta::seconds(15);
    policy.refusal_wait = TimeDelta::seconds(30);
    policy.retry_wait = TimeDelta::seconds(4);
    policy.longest_retry_wait = TimeDelta::seconds(30);
    (policy.unanswered_limit, policy.unreadable_limit) = (3, 3);
    if random.chance(200) {
        policy = policy.with_reverification(TimeDelta::minutes(2));
    }
    policy
}
