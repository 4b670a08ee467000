//! Numbers for test people.

use super::NhsNumber;
use crate::nhs_number::seed::SplitMix64;
use std::iter::FusedIterator;

/// How many numbers a seed gives: 10^7 choices of the second to the eighth digit, with nine choices
/// of the ninth each, minus the placeholder 9999999999, which would be last.
const COUNT: u64 = 9 * 10_000_000 - 1;

/// Valid numbers that are never issued, in an order that follows from a seed.
///
/// All are in 900 000 0000 to 999 999 9999. None is a placeholder or suspicious. No number is
/// repeated before all 89,999,999 numbers of a seed are used. A seed gives the same numbers in
/// every version of this crate, so documents may name them. [`nth`](Iterator::nth) does not compute
/// the numbers before it.
///
/// ```
/// use nhs_pds::nhs_number::Synthetic;
///
/// let numbers: Vec<_> = Synthetic::from_seed(1).take(3).collect();
/// assert!(numbers.iter().all(|number| number.is_synthetic()));
/// assert_eq!(Synthetic::from_seed(1).nth(2), numbers.last().copied());
/// ```
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// The next rank is `(start + index * step) % COUNT`; `step` has no factor in common with it.
    start: u64,
    step: u64,
    index: u64,
}

impl Synthetic {
    /// The numbers of `seed`.
    ///
    /// ```
    /// # use nhs_pds::nhs_number::Synthetic;
    /// assert_eq!(Synthetic::from_seed(7).len(), 89_999_999);
    /// ```
    #[must_use]
    pub const fn from_seed(seed: u64) -> Self {
        let mut seed = SplitMix64::new(seed);
        let start = seed.below(COUNT);
        // Small steps would give neighbours that look similar.
        let mut step = 1_000_000 + seed.below(COUNT - 2_000_000);
        while common_factor(step, COUNT) != 1 {
            step += 1;
        }
        Self { start, step, index: 0 }
    }
}

impl Iterator for Synthetic {
    type Item = NhsNumber;

    fn next(&mut self) -> Option<NhsNumber> {
        self.nth(0)
    }

    fn nth(&mut self, skipped: usize) -> Option<NhsNumber> {
        self.index = self.index.saturating_add(skipped as u64).min(COUNT);
        if self.index == COUNT {
            return None;
        }
        // Both factors are below 2^27.
        let number = ranked((self.start + self.index * self.step) % COUNT);
        self.index += 1;
        Some(number)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (COUNT - self.index) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Synthetic {}
impl FusedIterator for Synthetic {}

/// The number at `rank`, which must be below `COUNT`, in ascending order.
///
/// Of the ten possible ninth digits, at most one has no check digit under Modulus 11. Nine
/// therefore always remain, and no number has to be tried and dropped.
fn ranked(rank: u64) -> NhsNumber {
    let eight = 90_000_000 + rank / 9;
    let stem = eight * 10 + rank % 9;
    let without = (0..=rank % 9).any(|last| super::parse::check_digit(eight * 10 + last).is_none());
    let stem = if without { stem + 1 } else { stem };
    let digit = super::parse::check_digit(stem).unwrap_or_default();
    NhsNumber(stem * 10 + digit)
}

const fn common_factor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_number_is_valid_and_never_issued() {
        for number in Synthetic::from_seed(3).take(200_000) {
            assert_eq!(NhsNumber::new(number.value()), Ok(number));
            assert!(number.is_synthetic() && !number.is_suspicious(), "{number}");
        }
    }

    #[test]
    fn the_first_and_last_rank() {
        assert_eq!(ranked(0), NhsNumber::constant(9_000_000_009));
        assert_eq!(ranked(COUNT - 1), NhsNumber::constant(9_999_999_980));
    }

    #[test]
    fn numbers_ascend_with_rank() {
        let ranks = (0..100_000).chain(COUNT - 100_000..COUNT);
        let numbers: Vec<_> = ranks.map(ranked).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        for number in numbers {
            assert_eq!(NhsNumber::new(number.value()), Ok(number));
        }
    }

    #[test]
    fn no_number_is_repeated() {
        for seed in [0, 1, u64::MAX] {
            let numbers: HashSet<_> = Synthetic::from_seed(seed).take(100_000).collect();
            assert_eq!(numbers.len(), 100_000);
        }
        for seed in 0..1_000 {
            let Synthetic { step, .. } = Synthetic::from_seed(seed);
            assert!(common_factor(step, COUNT) == 1 && step < COUNT);
        }
    }

    #[test]
    fn the_iterator_ends_after_the_last_number() {
        let mut all = Synthetic::from_seed(5);
        assert!(all.nth(COUNT as usize - 2).is_some());
        assert_eq!(all.len(), 1);
        assert!(all.next().is_some());
        assert_eq!((all.len(), all.next(), all.next()), (0, None, None));
        assert_eq!(Synthetic::from_seed(5).nth(usize::MAX), None);
    }

    #[test]
    fn nth_agrees_with_iteration() {
        let walked: Vec<_> = Synthetic::from_seed(9).take(100).collect();
        for (index, number) in walked.into_iter().enumerate() {
            assert_eq!(Synthetic::from_seed(9).nth(index), Some(number));
        }
    }

    #[test]
    fn a_seed_gives_the_same_numbers_in_every_version() {
        // Computed independently of this code, from the description in the module.
        let first = |seed| Synthetic::from_seed(seed).take(3).map(NhsNumber::value).collect();
        let one: Vec<u64> = first(1);
        let two: Vec<u64> = first(2);
        assert_eq!(one, [9_838_335_452, 9_280_138_111, 9_721_940_763]);
        assert_eq!(two, [9_320_639_116, 9_856_036_615, 9_391_434_134]);
    }
}
