//! Which cases go by batch.

use crate::case::Priority;

/// Which of the due cases go by batch. The others are traced one by one.
///
/// ```
/// use nhs_pds::process::batch::BatchPolicy;
///
/// let policy = BatchPolicy::first_load().with_at_least(5_000).with_more_than(50_000);
/// # let _ = policy;
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BatchPolicy {
    first_load: bool,
    reverification: bool,
    everything: bool,
    at_least: u64,
    more_than: Option<u64>,
}

/// Fewer due cases than this are traced one by one: an answer by file takes hours.
const AT_LEAST: u64 = 1_000;

/// How many cases are gathered in memory at most, before the first file is begun.
const MOST_GATHERED: usize = 10_000;

impl BatchPolicy {
    const NONE: Self = Self {
        first_load: false,
        reverification: false,
        everything: false,
        at_least: AT_LEAST,
        more_than: None,
    };

    /// Cases that were never traced go by batch, if at least 1,000 of them are due.
    #[must_use]
    pub const fn first_load() -> Self {
        Self { first_load: true, ..Self::NONE }
    }

    /// Numbers that are verified again go by batch, if at least 1,000 of them are due.
    #[must_use]
    pub const fn reverification() -> Self {
        Self { reverification: true, ..Self::NONE }
    }

    /// Every due case goes by batch, however few there are.
    #[must_use]
    pub const fn everything() -> Self {
        Self { everything: true, at_least: 1, ..Self::NONE }
    }

    /// Only if more than `count` cases are due, all of them go by batch.
    #[must_use]
    pub const fn more_than(count: u64) -> Self {
        Self { more_than: Some(count), ..Self::NONE }
    }

    /// Also numbers that are verified again.
    #[must_use]
    pub const fn with_reverification(mut self) -> Self {
        self.reverification = true;
        self
    }

    /// Sets how many of the cases that the policy chooses must be due, so that any go by batch. At most 10,000 count.
    #[must_use]
    pub const fn with_at_least(mut self, count: u64) -> Self {
        self.at_least = count;
        self
    }

    /// If more than `count` cases are due, all of them go by batch.
    #[must_use]
    pub const fn with_more_than(mut self, count: u64) -> Self {
        self.more_than = Some(count);
        self
    }

    /// Returns which cases go by batch while `due` are due; `None` for none.
    pub(super) fn chosen(&self, due: u64) -> Option<Chosen> {
        if self.more_than.is_some_and(|count| due > count) {
            return Some(Chosen(Self { everything: true, at_least: 1, ..*self }));
        }
        let any = self.everything || self.first_load || self.reverification;
        (any && due >= self.at_least.max(1)).then_some(Chosen(*self))
    }
}

/// Which cases go by batch now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen(BatchPolicy);

impl Chosen {
    /// How many cases must be found for a file, so that one is begun.
    pub(super) fn at_least(self) -> usize {
        usize::try_from(self.0.at_least).unwrap_or(MOST_GATHERED).min(MOST_GATHERED)
    }

    /// Whether a due case of this priority goes by batch. A case for which a user waits does not.
    pub(super) const fn takes(self, priority: Priority) -> bool {
        let Self(policy) = self;
        match priority {
            Priority::Screen => false,
            Priority::New => policy.everything || policy.first_load,
            Priority::Reverification => policy.everything || policy.reverification,
            Priority::Routine => policy.everything,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{New, Reverification, Routine, Screen};

    fn taken(policy: BatchPolicy, due: u64) -> Vec<Priority> {
        let chosen = policy.chosen(due);
        Priority::ALL.into_iter().filter(|it| chosen.is_some_and(|all| all.takes(*it))).collect()
    }

    #[test]
    fn a_policy_takes_what_it_names_if_enough_cases_are_due() {
        assert_eq!(taken(BatchPolicy::first_load(), 999), []);
        assert_eq!(taken(BatchPolicy::first_load(), 1_000), [New]);
        assert_eq!(taken(BatchPolicy::reverification(), 1_000), [Reverification]);
        let both = BatchPolicy::first_load().with_reverification().with_at_least(2);
        assert_eq!(taken(both, 1), []);
        assert_eq!(taken(both, 2), [New, Reverification]);
        assert_eq!(taken(BatchPolicy::everything(), 0), []);
        assert_eq!(taken(BatchPolicy::everything(), 1), [New, Routine, Reverification]);
        assert!(!taken(BatchPolicy::everything(), 1).contains(&Screen));
    }

    #[test]
    fn above_a_count_everything_goes_by_batch() {
        assert_eq!(taken(BatchPolicy::more_than(5), 5), []);
        assert_eq!(taken(BatchPolicy::more_than(5), 6), [New, Routine, Reverification]);
        let first = BatchPolicy::first_load().with_at_least(3).with_more_than(5);
        assert_eq!(taken(first, 5), [New]);
        assert_eq!(taken(first, 6), [New, Routine, Reverification]);
        assert_eq!(taken(BatchPolicy::more_than(5_000).with_at_least(1), 4_000), []);
    }
}
