//! Works through one caseload twice, with a service that never fails and with one that keeps failing, and
//! compares the ends.
//!
//! `nhs-pds dev soak` does this over HTTP for a given time. The test `it::soak` does it in one process,
//! without a network and without waiting.

mod ending;
mod side;

use ending::compare;
use nhs_pds_simulator::Fault;
use std::error::Error;

pub(crate) use side::{Kept, Reached, Side, start};

/// The highest number of passes, a minute apart. After fewer minutes than this, no answered case is due again.
const MOST_PASSES: u32 = 12;

/// The result of a round.
pub(crate) struct Round {
    /// The number of passes until every case was answered.
    pub(crate) passes: u32,
    /// The number of requests to the service that never fails.
    pub(crate) plain: u64,
    /// The number of requests to the service that fails.
    pub(crate) faulted: u64,
    /// The injected faults, and how often.
    pub(crate) injected: Vec<(Fault, u64)>,
    /// The number of pairs of cases of one person in which the other case got the number.
    pub(crate) changed_places: usize,
    /// Every failed check. Names cases and fields, without values.
    pub(crate) off: Vec<String>,
}

impl Round {
    /// The number of requests that failed because of a fault. A late answer is not a failure.
    pub(crate) fn failures(&self) -> u64 {
        let failures = self.injected.iter().filter(|(fault, _)| !matches!(fault, Fault::Delay(_)));
        failures.map(|(_, count)| count).sum()
    }

    /// Whether there were fewer requests than 1.1 times those without faults, plus the failures.
    fn is_within_bound(&self) -> bool {
        self.faulted * 10 < self.plain * 11 + self.failures() * 10
    }
}

/// Works through both sides until every case is answered, and compares them.
pub(crate) async fn round(plain: &mut Side, faulted: &mut Side) -> Result<Round, Box<dyn Error>> {
    let mut off = Vec::new();
    let open = plain.pass().await?;
    if open > 0 {
        off.push(format!("{open} cases without an answer though nothing failed"));
    }
    let mut passes = 0;
    loop {
        passes += 1;
        match faulted.pass().await? {
            0 => break,
            open if passes == MOST_PASSES => {
                off.push(format!("{open} cases still without an answer"));
                break;
            }
            _ => {}
        }
    }
    let again = faulted.asked_after_all.iter();
    off.extend(again.map(|case| format!("{case}: traced again after it was settled")));
    let compared = compare(plain, faulted).await?;
    off.extend(compared.off);
    let mut round = Round {
        passes,
        plain: plain.requests(),
        faulted: faulted.requests(),
        injected: faulted.injected(),
        changed_places: compared.changed_places,
        off,
    };
    if !round.is_within_bound() {
        round
            .off
            .push("more requests than 1.1 times those without faults, plus the failures".into());
    }
    Ok(round)
}
