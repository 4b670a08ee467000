//! What one round of cases contains.

use super::Expected;
use crate::seed::SplitMix64;

/// The kind of a case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Found,
    /// Found; the record is restricted.
    Restricted,
    /// Found, but unconfirmed. The postcode, in the case and on PDS, means no fixed abode.
    NoFixedAbode,
    NumberAgrees,
    NumberDiffers,
    /// A second case of the person of the latest ordinary case.
    Duplicate,
    Deceased,
    /// The simulator answers about the person with this code.
    Answered(&'static str, Expected),
    /// PDS has another family name.
    Married,
    /// The case has a misspelt family name.
    Misspelt,
    /// PDS has no record of the person.
    Unknown,
    Strangers,
    Twins,
    Superseded,
    Invalidated,
    OutOfScope,
    NoWorker,
    AllocationEnded,
    DeathRecorded,
    AlreadyTraced,
    NoSurname,
    NoBirth,
    PartialBirth,
    NoGender,
}

impl Kind {
    pub(super) const fn is_ineligible(self) -> bool {
        matches!(
            self,
            Self::OutOfScope
                | Self::NoWorker
                | Self::AllocationEnded
                | Self::DeathRecorded
                | Self::AlreadyTraced
                | Self::NoSurname
                | Self::NoBirth
                | Self::PartialBirth
                | Self::NoGender
        )
    }
}

/// The number of cases of each kind in a round of 240.
const ROUND: [(Kind, usize); 26] = [
    (Kind::Found, 129),
    (Kind::Restricted, 3),
    (Kind::NoFixedAbode, 4),
    (Kind::NumberAgrees, 5),
    (Kind::NumberDiffers, 1),
    (Kind::Duplicate, 1),
    (Kind::Deceased, 6),
    (Kind::Answered("SMSP-0003", Expected::Stale), 4),
    (Kind::Answered("SMSP-0001", Expected::Rejected), 3),
    (Kind::Answered("SMSP-0004", Expected::Unavailable), 4),
    (Kind::Married, 6),
    (Kind::Misspelt, 5),
    (Kind::Unknown, 3),
    (Kind::Strangers, 3),
    (Kind::Twins, 3),
    (Kind::Superseded, 4),
    (Kind::Invalidated, 3),
    (Kind::OutOfScope, 8),
    (Kind::NoWorker, 6),
    (Kind::AllocationEnded, 8),
    (Kind::DeathRecorded, 6),
    (Kind::AlreadyTraced, 12),
    (Kind::NoSurname, 3),
    (Kind::NoBirth, 3),
    (Kind::PartialBirth, 4),
    (Kind::NoGender, 3),
];

/// Returns a round, shuffled.
pub(super) fn plan(seed: &mut SplitMix64) -> Vec<Kind> {
    let mut round: Vec<Kind> =
        ROUND.into_iter().flat_map(|(kind, count)| std::iter::repeat_n(kind, count)).collect();
    for place in (1..round.len()).rev() {
        let other = seed.below(place as u64 + 1) as usize;
        round.swap(place, other);
    }
    round
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_240_of_every_kind() {
        let round = plan(&mut SplitMix64::new(1));
        assert_eq!(round.len(), 240);
        assert!(ROUND.iter().all(|(kind, _)| round.contains(kind)));
    }
}
