//! The subjects that failed since the last answer.

use crate::resilience::circuit_breaker::subject::Subject;
use std::num::NonZeroU32;
use std::time::Duration;

/// The different subjects that failed since the last answer; the latest failure is the last.
///
/// Has at most as many members as failures suspend queries. A further subject replaces the one
/// that failed longest ago.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Failures {
    subjects: Vec<Subject>,
    /// When the first failure since the last answer happened.
    since: Option<Duration>,
}

impl Failures {
    pub(super) const fn new() -> Self {
        Self { subjects: Vec::new(), since: None }
    }

    /// Adds a failure. Repeated failures of one subject count once.
    pub(super) fn add(&mut self, subject: Subject, now: Duration, most: NonZeroU32) {
        self.subjects.retain(|failed| *failed != subject);
        if self.are_all(most) {
            self.subjects.remove(0);
        }
        self.subjects.push(subject);
        self.since.get_or_insert(now);
    }

    /// Forgets all failures, after an answer.
    pub(super) fn clear(&mut self) {
        self.subjects.clear();
        self.since = None;
    }

    pub(super) const fn count(&self) -> usize {
        self.subjects.len()
    }

    /// Whether as many subjects as `most` failed.
    pub(super) fn are_all(&self, most: NonZeroU32) -> bool {
        u32::try_from(self.subjects.len()).is_ok_and(|count| count >= most.get())
    }

    /// Returns the time since the first failure.
    pub(super) fn last(&self, now: Duration) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    /// Returns the subject's place in the order of probes: 0 if it did not fail, else the greater
    /// the later it failed.
    pub(super) fn place(&self, subject: Subject) -> usize {
        self.subjects.iter().position(|failed| *failed == subject).map_or(0, |place| place + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_counts_once_and_the_oldest_is_replaced() {
        let [first, second, third] = [1, 2, 3].map(Subject::of_test);
        let most = NonZeroU32::new(2).unwrap();
        let at = Duration::from_secs;
        let mut failures = Failures::new();
        failures.add(first, at(5), most);
        failures.add(second, at(6), most);
        failures.add(first, at(7), most);
        assert_eq!((failures.count(), failures.last(at(9))), (2, at(4)));
        assert_eq!([first, second, third].map(|it| failures.place(it)), [2, 1, 0]);
        failures.add(third, at(8), most);
        assert_eq!([first, second, third].map(|it| failures.place(it)), [1, 0, 2]);
        assert!(failures.are_all(most));
        failures.clear();
        assert_eq!((failures.count(), failures.last(at(9))), (0, Duration::ZERO));
    }
}
