//! Runs seeds.
//!
//! * `SIM_SEED=n` runs one seed.
//! * `SIM_SEEDS=n` runs that number of seeds; `SIM_POSTGRES_SEEDS=n` is the number over PostgreSQL, which takes longer.
//! * `SIM_FROM=text` chooses which, such as the hash of a commit.
//! * `SIM_FIRST=n` begins with that seed.
//! * `SIM_SHOWN=n` shows that number of events before a failure.
//! * `SIM_THREADS=1` runs one seed at a time.

use crate::place::Places;
use crate::seed;
use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many events of a failing world are shown without `SIM_SHOWN`.
const SHOWN: usize = 60;

/// How often each kind of mishap happened.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

fn variable(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// The first seed: `SIM_FIRST`, that of the text in `SIM_FROM`, or 0.
pub(crate) fn first() -> u64 {
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

/// Runs the chosen seeds: as many as the variable `number` says, or `usual` of them; `threads` at a time. Panics at the first that fails, with the `target` to run it again.
/// Returns how many seeds ran.
pub(crate) fn run(
    (number, usual, threads): (&str, u64, u64),
    places: &dyn Places,
    target: &str,
) -> (u64, Tally) {
    let seeds = match variable("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => first()..first() + variable(number).unwrap_or(usual),
    };
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(None));
    let tally = Mutex::new(Tally::new());
    let shown = variable("SIM_SHOWN").map_or(SHOWN, |shown| usize::try_from(shown).unwrap());
    let work = || {
        while failed.lock().unwrap().is_none() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let outcome = seed::run(seed, shown, places);
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
        for _ in 0..variable("SIM_THREADS").unwrap_or(threads).min(threads) {
            scope.spawn(work);
        }
    });
    if let Some((seed, failure)) = failed.into_inner().unwrap() {
        panic!(
            "{}\nseed {seed}, step {}: {}\nTo run it again: SIM_SEED={seed} cargo test \
             --no-default-features --features {target}",
            failure.last.join("\n"),
            failure.step,
            failure.what
        );
    }
    (seeds.end - seeds.start, tally.into_inner().unwrap())
}
