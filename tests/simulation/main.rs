//! The engine in a simulated world: from one seed come the cases, the processes, their interleaving and
//! all faults.
//!
//! * `SIM_SEED=n` runs one seed. A failing seed fails at the same step each time.
//! * `SIM_SEEDS=n` runs that number of seeds.
//! * `SIM_FROM=text` chooses which, such as the hash of a commit.
//! * `SIM_FIRST=n` begins with that seed.
//! * `SIM_SHOWN=n` shows that number of events before a failure.
#![expect(clippy::indexing_slicing, reason = "an index that is wrong must fail the test")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod atomic;
mod ledger;
mod parts;
mod people;
mod processes;
mod random;
mod reports;
mod seed;
mod service;
mod shape;
mod world;

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many seeds run without `SIM_SEEDS`.
const SEEDS: u64 = 200;

/// How many events of a failing world are shown without `SIM_SHOWN`.
const SHOWN: usize = 60;

fn variable(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// The first seed: `SIM_FIRST`, that of the text in `SIM_FROM`, or 0.
fn first() -> u64 {
    if let Some(first) = variable("SIM_FIRST") {
        return first;
    }
    let Ok(text) = env::var("SIM_FROM") else { return 0 };
    let bytes = text.bytes();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash >> 20
}

/// What happens in any hundred worlds.
const KINDS: [&str; 14] = [
    "workers killed",
    "workers told to stop",
    "workers told to stop with questions in progress",
    "calls refused",
    "connections lost after the effect",
    "alerts not delivered",
    "questions without an answer",
    "answers about a different person",
    "leases taken over",
    "saves over another version",
    "numbers taken",
    "reviews",
    "imports",
    "cases erased",
];

/// What must never be holds in every world.
#[test]
fn nothing_that_must_never_be_happens() {
    let seeds = match variable("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => first()..first() + variable("SIM_SEEDS").unwrap_or(SEEDS),
    };
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(None));
    let tally = Mutex::new(BTreeMap::<&str, u64>::new());
    let shown = variable("SIM_SHOWN").map_or(SHOWN, |shown| usize::try_from(shown).unwrap());
    let work = || {
        while failed.lock().unwrap().is_none() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let outcome = seed::run(seed, shown);
            for (what, count) in outcome.tally {
                *tally.lock().unwrap().entry(what).or_default() += count;
            }
            if let Some(failure) = outcome.failure {
                let mut failed = failed.lock().unwrap();
                if failed.as_ref().is_none_or(|(known, _)| seed < *known) {
                    *failed = Some((seed, failure));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..variable("SIM_THREADS").unwrap_or(2) {
            scope.spawn(work);
        }
    });
    if let Some((seed, failure)) = failed.into_inner().unwrap() {
        panic!(
            "{}\nseed {seed}, step {}: {}\nTo run it again: SIM_SEED={seed} cargo test \
             --no-default-features --features conformance,process --test simulation",
            failure.last.join("\n"),
            failure.step,
            failure.what
        );
    }
    let tally = tally.into_inner().unwrap();
    for (what, count) in &tally {
        println!("{count:>9} {what}");
    }
    if seeds.end - seeds.start >= 100 {
        let missing: Vec<_> = KINDS.iter().filter(|what| !tally.contains_key(*what)).collect();
        assert!(missing.is_empty(), "these never happened: {missing:?}");
    }
}

/// The same seed leads to the same steps.
#[test]
fn a_seed_leads_to_the_same_steps_each_time() {
    let first = first();
    let mut steps = 0;
    for seed in first..first + 12 {
        let (one, other) = (seed::run(seed, 0), seed::run(seed, 0));
        assert_eq!((one.steps, one.hash), (other.steps, other.hash), "seed {seed}");
        steps += one.steps;
    }
    assert!(steps > 1_000, "only {steps} steps");
}
