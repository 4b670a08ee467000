//! One caseload worked through twice, by a service that never fails and by one that keeps failing, and what
//! the two have come to held against each other.
//!
//! The example `soak` does this over HTTP and for as long as it is told to, the test of that name in one
//! process and in no time.

mod ending;
mod side;

use ending::compare;
use nhs_pds_simulator::Fault;
use std::error::Error;

pub(crate) use side::{Kept, Reached, Side, start};

/// After so many passes, a minute apart, what is open stays open. Fewer than would make anything due again
/// that was answered.
const MOST_PASSES: u32 = 12;

/// What a round has shown.
pub(crate) struct Round {
    /// How many passes it took until every case was answered.
    pub(crate) passes: u32,
    /// How many requests came to the service that never fails.
    pub(crate) plain: u64,
    /// How many came to the one that does.
    pub(crate) faulted: u64,
    /// What befell them, and how often.
    pub(crate) injected: Vec<(Fault, u64)>,
    /// How many pairs of cases of one person ended with the number at the other case.
    pub(crate) changed_places: usize,
    /// Everything that is not as it should be. Names cases and fields, and no values.
    pub(crate) off: Vec<String>,
}

impl Round {
    /// How many requests failed because of a fault. A late answer is an answer.
    pub(crate) fn failures(&self) -> u64 {
        let failures = self.injected.iter().filter(|(fault, _)| !matches!(fault, Fault::Delay(_)));
        failures.map(|(_, count)| count).sum()
    }

    /// Whether requests stayed below 1.1 times those without faults, and the failures.
    fn is_within_bound(&self) -> bool {
        self.faulted * 10 < self.plain * 11 + self.failures() * 10
    }
}

/// Works through both sides until every case is answered, and holds one against the other.
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
    off.extend(again.map(|case| format!("{case}: asked about after it was settled")));
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
            .push("more requests than 1.1 times those without faults, and the failures".into());
    }
    Ok(round)
}
