//! The engine in a simulated world: from one seed come the cases, the processes, their interleaving and
//! all faults.
//!
//! `runner.rs` lists the variables that choose the seeds. A failing seed fails at the same step each time.
#![expect(clippy::indexing_slicing, reason = "an index that is wrong must fail the test")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod atomic;
mod ledger;
mod parts;
mod people;
mod place;
mod processes;
mod random;
mod reports;
mod runner;
mod seed;
mod service;
mod shape;
mod world;

use crate::parts::InMemory;

/// How many seeds run without `SIM_SEEDS`.
const SEEDS: u64 = 200;

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
    let (seeds, tally) =
        runner::run(("SIM_SEEDS", SEEDS, 2), &InMemory, "conformance,process --test simulation");
    for (what, count) in &tally {
        println!("{count:>9} {what}");
    }
    if seeds >= 100 {
        let missing: Vec<_> = KINDS.iter().filter(|what| !tally.contains_key(*what)).collect();
        assert!(missing.is_empty(), "these never happened: {missing:?}");
    }
}

/// The same seed leads to the same steps.
#[test]
fn a_seed_leads_to_the_same_steps_each_time() {
    let first = runner::first();
    let mut steps = 0;
    for seed in first..first + 12 {
        let (one, other) = (seed::run(seed, 0, &InMemory), seed::run(seed, 0, &InMemory));
        assert_eq!((one.steps, one.hash), (other.steps, other.hash), "seed {seed}");
        steps += one.steps;
    }
    assert!(steps > 1_000, "only {steps} steps");
}
