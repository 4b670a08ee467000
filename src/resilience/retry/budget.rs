//! The limit on retries, over all calls.

use crate::resilience::retry::policy::RetryPolicy;

/// One retry, in hundredths, so that a share of a retry is a whole number.
const REPEAT: u64 = 100;

/// The retries left: each call adds its share, and each retry takes one.
#[derive(Debug)]
pub(super) struct Budget {
    hundredths: u64,
    share: u64,
    most: u64,
}

impl Budget {
    /// Starts with a full reserve, and keeps at most ten times that. An hour without failures must
    /// not allow a retry of everything in the next hour.
    pub(super) fn of(policy: &RetryPolicy) -> Self {
        let reserve = u64::from(policy.reserve) * REPEAT;
        let share = u64::from(policy.share_percent);
        Self { hundredths: reserve, share, most: (reserve * 10).max(REPEAT) }
    }

    pub(super) fn call(&mut self) {
        self.hundredths = (self.hundredths + self.share).min(self.most);
    }

    /// Takes a retry, if one is left.
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
                // Every attempt fails, and each call would use three retries.
                (0..3).filter(|_| budget.take()).count() as u32
            })
            .sum()
    }

    #[test]
    fn retries_stay_in_proportion_during_an_outage() {
        let policy = RetryPolicy::default();
        assert_eq!(taken(&policy, 10_000), 2_000 + policy.reserve);
        assert_eq!(taken(&policy.with_budget(0, 0), 10_000), 0);
        assert_eq!(taken(&policy.with_budget(0, 5), 10_000), 5);
    }

    #[test]
    fn few_calls_can_use_the_reserve() {
        assert_eq!(taken(&RetryPolicy::default(), 2), 6);
    }

    #[test]
    fn unused_shares_are_limited() {
        let policy = RetryPolicy::default();
        let mut budget = Budget::of(&policy);
        (0..1_000_000).for_each(|_| budget.call());
        let taken = (0..1_000).filter(|_| budget.take()).count();
        assert_eq!(taken, 10 * policy.reserve as usize);
    }
}
