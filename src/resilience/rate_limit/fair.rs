//! The order of callers of several shares: weighted and fair. Pure.
//!
//! Each share has a *start*: the permits that it has had, divided by its weight. The average of the starts, weighted,
//! is the time at which all shares would be if permits could be divided. A share that is not ahead of that time is
//! eligible. Of the eligible shares, the next permit is for the share whose permit would be complete first. (This is
//! *earliest eligible virtual deadline first*, the rule of the scheduler of Linux.)
//!
//! While the same shares wait, each has had its weighted part, to within one permit. A share that was idle joins at
//! the average: it neither waits for the past of others nor has a claim from its own.

use std::collections::{BTreeMap, VecDeque};

/// A permit of a share with weight one, as a distance in time. A large number, so that it can be divided by a weight.
const PERMIT: u128 = 1 << 40;

/// The callers that wait, of all shares.
#[derive(Debug)]
pub(super) struct Fair<C> {
    lanes: BTreeMap<u64, Lane<C>>,
    /// Numbers the callers. The earlier one goes first when nothing else decides.
    joined: u64,
}

#[derive(Debug)]
struct Lane<C> {
    weight: u128,
    start: u128,
    /// With the number of each, in their order.
    callers: VecDeque<(u64, C)>,
}

impl<C> Lane<C> {
    const fn deadline(&self) -> u128 {
        self.start + PERMIT / self.weight
    }
}

impl<C: PartialEq> Fair<C> {
    pub(super) const fn new() -> Self {
        Self { lanes: BTreeMap::new(), joined: 0 }
    }

    /// Adds a caller at the end of its share's queue.
    pub(super) fn join(&mut self, share: u64, weight: u32, caller: C) {
        self.joined += 1;
        let now = self.average();
        let weight = u128::from(weight.max(1));
        let lane = self.lanes.entry(share);
        let lane = lane.or_insert_with(|| Lane { weight, start: 0, callers: VecDeque::new() });
        if lane.callers.is_empty() {
            lane.start = lane.start.max(now);
        }
        lane.weight = weight;
        lane.callers.push_back((self.joined, caller));
    }

    /// Returns the caller that gets the next permit, and its share.
    pub(super) fn first(&self) -> Option<(u64, &C)> {
        let (starts, weights) = self.sums();
        let eligible = self.waiting().filter(|(_, lane)| lane.start * weights <= starts);
        let place = |lane: &Lane<C>| lane.callers.front().map(|(number, _)| *number);
        let (share, lane) = eligible.min_by_key(|(_, lane)| (lane.deadline(), place(lane)))?;
        lane.callers.front().map(|(_, caller)| (*share, caller))
    }

    /// Counts a permit of this share. Call it while its caller still waits.
    pub(super) fn served(&mut self, share: u64) {
        if let Some(lane) = self.lanes.get_mut(&share) {
            lane.start = lane.deadline();
        }
    }

    /// Removes a caller of this share.
    pub(super) fn leave(&mut self, share: u64, caller: &C) {
        if let Some(lane) = self.lanes.get_mut(&share) {
            let place = lane.callers.iter().position(|(_, other)| other == caller);
            place.map(|place| lane.callers.remove(place));
        }
        // Nothing is left to be fair about.
        if self.is_empty() {
            self.lanes.values_mut().for_each(|lane| lane.start = 0);
        }
    }

    /// Forgets a share.
    pub(super) fn forget(&mut self, share: u64) {
        self.lanes.remove(&share);
    }

    pub(super) fn callers(&self) -> impl Iterator<Item = &C> {
        self.lanes.values().flat_map(|lane| lane.callers.iter().map(|(_, caller)| caller))
    }

    /// How many callers of this share wait.
    pub(super) fn count(&self, share: u64) -> usize {
        self.lanes.get(&share).map_or(0, |lane| lane.callers.len())
    }

    /// How many callers wait.
    pub(super) fn len(&self) -> usize {
        self.lanes.values().map(|lane| lane.callers.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting().next().is_none()
    }

    fn waiting(&self) -> impl Iterator<Item = (&u64, &Lane<C>)> {
        self.lanes.iter().filter(|(_, lane)| !lane.callers.is_empty())
    }

    /// The weighted sum of the starts, and the sum of the weights, of the shares that wait.
    fn sums(&self) -> (u128, u128) {
        self.waiting().fold((0, 0), |(starts, weights), (_, lane)| {
            (starts + lane.start * lane.weight, weights + lane.weight)
        })
    }

    fn average(&self) -> u128 {
        let (starts, weights) = self.sums();
        starts.checked_div(weights).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives the next permit, and returns its share.
    fn serve(fair: &mut Fair<u32>) -> Option<u64> {
        let (share, caller) = fair.first().map(|(share, caller)| (share, *caller))?;
        fair.served(share);
        fair.leave(share, &caller);
        Some(share)
    }

    fn crowd(weights: &[u32], callers: u32) -> Fair<u32> {
        let mut fair = Fair::new();
        for caller in 0..callers {
            for (share, weight) in (0..).zip(weights) {
                fair.join(share, *weight, caller);
            }
        }
        fair
    }

    #[test]
    fn one_share_is_served_in_its_order() {
        let mut fair = crowd(&[7], 5);
        fair.leave(0, &2);
        let order: Vec<u32> = std::iter::from_fn(|| {
            let caller = fair.first().map(|(_, caller)| *caller)?;
            serve(&mut fair).map(|_| caller)
        })
        .collect();
        assert_eq!(order, [0, 1, 3, 4]);
        assert!(fair.is_empty());
    }

    #[test]
    fn a_heavy_share_is_spread_over_the_round() {
        let mut fair = crowd(&[3, 1, 1], 10);
        let order: Vec<u64> = (0..10).filter_map(|_| serve(&mut fair)).collect();
        assert_eq!(order, [0, 1, 0, 2, 0, 0, 1, 0, 2, 0]);
    }

    #[test]
    fn a_hundred_cases_do_not_wait_behind_half_a_million() {
        let mut fair = Fair::new();
        for caller in 0..50_000 {
            fair.join(0, 1, caller);
        }
        assert_eq!((0..1_000).filter_map(|_| serve(&mut fair)).count(), 1_000);
        for caller in 0..100 {
            fair.join(1, 1, caller);
        }
        let taken = (0..200).filter(|_| serve(&mut fair) == Some(1)).count();
        assert_eq!(taken, 100);
    }

    #[test]
    fn a_long_quiet_time_is_no_claim() {
        let mut fair = crowd(&[1, 1], 1);
        serve(&mut fair);
        for caller in 10..1_000 {
            fair.join(0, 1, caller);
        }
        assert_eq!((0..500).filter_map(|_| serve(&mut fair)).count(), 500);
        for caller in 10..100 {
            fair.join(1, 1, caller);
        }
        let taken = (0..20).filter(|_| serve(&mut fair) == Some(1)).count();
        assert!((9..=11).contains(&taken), "{taken} of 20");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn weights_hold_within_one(weights in prop::collection::vec(1_u32..=100, 1..20), permits in 1_usize..300) {
            let mut fair = crowd(&weights, 300);
            let mut taken = vec![0_f64; weights.len()];
            let all: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
            for permit in 1..=permits {
                let share = serve(&mut fair).unwrap();
                taken[usize::try_from(share).unwrap()] += 1.0;
                for (taken, weight) in taken.iter().zip(&weights) {
                    let due = permit as f64 * f64::from(*weight) / all;
                    prop_assert!((taken - due).abs() < 1.000_001, "{taken} instead of {due}");
                }
            }
        }

        /// Shares come and go; a share with one question waits at most one round of the weights.
        #[test]
        fn a_share_with_one_question_waits_at_most_a_round(
            weights in prop::collection::vec(1_u32..=100, 2..12),
            moves in prop::collection::vec((any::<prop::sample::Index>(), 0_u32..4), 1..400),
        ) {
            let mut fair = Fair::new();
            // The last share has one question at a time, and asks again only a round after its permit.
            let rare = weights.len() as u64 - 1;
            let round: u32 = weights.iter().sum();
            let (mut caller, mut waited, mut quiet) = (0, None, round);
            let mut served_rare = 0;
            for (share, permits) in moves {
                let share = share.index(weights.len() - 1);
                caller += 1;
                fair.join(share as u64, weights[share], caller);
                if waited.is_none() && quiet >= round {
                    caller += 1;
                    fair.join(rare, weights[weights.len() - 1], caller);
                    waited = Some(0);
                }
                for _ in 0..permits {
                    match serve(&mut fair) {
                        Some(share) if share == rare => {
                            (waited, quiet) = (None, 0);
                            served_rare += 1;
                        }
                        Some(_) => {
                            quiet += 1;
                            waited = waited.map(|permits| permits + 1);
                        }
                        None => quiet = round,
                    }
                    prop_assert!(waited.is_none_or(|permits| permits < round), "{waited:?} of {round}");
                }
            }
            while fair.count(rare) > 0 {
                served_rare += u32::from(serve(&mut fair) == Some(rare));
            }
            prop_assert!(served_rare > 0);
        }

        #[test]
        fn every_caller_is_served_or_has_left(
            moves in prop::collection::vec((0_u64..6, 1_u32..=100, any::<bool>(), any::<bool>()), 1..300),
        ) {
            let mut fair = Fair::new();
            let (mut joined, mut left, mut served) = (0, 0, 0);
            for (share, weight, leaves, serves) in moves {
                joined += 1;
                fair.join(share, weight, joined);
                if leaves {
                    fair.leave(share, &joined);
                    left += 1;
                }
                served += u32::from(serves && serve(&mut fair).is_some());
            }
            while serve(&mut fair).is_some() {
                served += 1;
            }
            prop_assert_eq!(joined, left + served);
            prop_assert_eq!(fair.len(), 0);
        }
    }
}
