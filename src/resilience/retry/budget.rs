//! How much repeating there may be, over all calls.

use crate::resilience::RetryPolicy;

/// A hundredth of a repeat, so that shares of them are whole numbers.
const REPEAT: u64 = 100;

/// RetryObserver that may still be made: each call brings its share, each repeat takes one.
#[derive(Debug)]
pub(super) struct Budget {
    hundredths: u64,
    share: u64,
    most: u64,
}

impl Budget {
    /// A full reserve. What calls bring beyond ten times that is lost: an hour without failures is no
    /// licence to repeat everything in the next one.
    pub(super) fn of(policy: &RetryPolicy) -> Self {
        let reserve = u64::from(policy.reserve) * REPEAT;
        let share = u64::from(policy.share_percent);
        Self { hundredths: reserve, share, most: (reserve * 10).max(REPEAT) }
    }

    pub(super) fn call(&mut self) {
        self.hundredths = (self.hundredths + self.share).min(self.most);
    }

    /// Takes a repeat, if one is left.
    pub(super) const fn take(&mut self) -> bool {
        let left = self.hundredths >= REPEAT;
        if left {
            self.hundredths -= REPEAT;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(policy: &RetryPolicy, calls: u32) -> u32 {
        let mut budget = Budget::of(policy);
        (0..calls)
            .map(|_| {
                budget.call();
                // Everything fails, and each call would be repeated three times.
                (0..3).filter(|_| budget.take()).count() as u32
            })
            .sum()
    }

    #[test]
    fn an_outage_is_not_multiplied() {
        let policy = RetryPolicy::default();
        assert_eq!(taken(&policy, 10_000), 2_000 + policy.reserve);
        assert_eq!(taken(&policy.with_budget(0, 0), 10_000), 0);
        assert_eq!(taken(&policy.with_budget(0, 5), 10_000), 5);
    }

    #[test]
    fn few_calls_have_the_reserve() {
        assert_eq!(taken(&RetryPolicy::default(), 2), 6);
    }

    #[test]
    fn quiet_times_do_not_pile_up() {
        let policy = RetryPolicy::default();
        let mut budget = Budget::of(&policy);
        (0..1_000_000).for_each(|_| budget.call());
        let taken = (0..1_000).filter(|_| budget.take()).count();
        assert_eq!(taken, 10 * policy.reserve as usize);
    }
}
