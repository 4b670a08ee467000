use crate::resilience::backoff::{doubled, up_to};
use crate::trace::Error;
use std::num::NonZeroU32;
use std::time::Duration;

/// How often, how soon and for how long a question is retried.
///
/// ```
/// use nhs_pds::resilience::RetryPolicy;
/// use std::time::Duration;
///
/// let patient = RetryPolicy::default();
/// let at_a_screen = RetryPolicy::foreground();
/// assert!(at_a_screen.total < patient.total);
/// assert_eq!(patient.first_pause, Duration::from_millis(500));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryPolicy {
    /// The most attempts for a call, including the first. Does not count the one free retry after a
    /// closed connection.
    pub attempts: NonZeroU32,
    /// The longest pause after the first failure. Doubles with each further failure.
    pub first_pause: Duration,
    /// The upper limit of a pause, unless the service asks for more.
    pub longest_pause: Duration,
    /// The time limit of a call, with all attempts and pauses. An attempt in progress is then
    /// cancelled. Set it longer than the transport's time limit, or that limit has no effect.
    pub total: Duration,
    /// The number of retries for a hundred calls, over all users of the budget.
    pub share_percent: u32,
    /// The number of retries allowed beyond that share at first, so that a few calls can be retried
    /// too. At most ten times this number is kept from unused shares.
    pub reserve: u32,
}

impl Default for RetryPolicy {
    /// Four attempts within three minutes, with pauses of up to 0.5, 1 and 2 seconds; twenty
    /// retries for a hundred calls, and ten in reserve.
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::MIN.saturating_add(3),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(20),
            total: Duration::from_secs(180),
            share_percent: 20,
            reserve: 10,
        }
    }
}

impl RetryPolicy {
    /// For a user who waits for the answer: two attempts within 65 seconds, with a pause of at most
    /// a quarter of a second.
    #[must_use]
    pub fn foreground() -> Self {
        Self {
            attempts: NonZeroU32::MIN.saturating_add(1),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(1),
            total: Duration::from_secs(65),
            ..Self::default()
        }
    }

    /// Lowers each limit to that of [`RetryPolicy::foreground`], for a user who waits for the answer.
    #[cfg(any(test, feature = "process"))]
    pub(crate) fn hurried(mut self) -> Self {
        let hurry = Self::foreground();
        self.attempts = self.attempts.min(hurry.attempts);
        self.first_pause = self.first_pause.min(hurry.first_pause);
        self.longest_pause = self.longest_pause.min(hurry.longest_pause);
        self.total = self.total.min(hurry.total);
        self
    }

    /// Sets the number of attempts.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets pauses of up to `first`, doubling up to `longest`.
    #[must_use]
    pub const fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// Sets the time limit of a call.
    #[must_use]
    pub const fn with_total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// Sets the number of retries for a hundred calls, and the reserve.
    #[must_use]
    pub const fn with_budget(mut self, share_percent: u32, reserve: u32) -> Self {
        self.share_percent = share_percent;
        self.reserve = reserve;
        self
    }

    /// Returns the longest pause after the `failed`th failure.
    pub(crate) fn longest_pause_after(&self, failed: u32) -> Duration {
        doubled(self.first_pause, failed, self.longest_pause)
    }

    /// Whether `error`, `elapsed` after the call began, allows an immediate retry that costs
    /// neither an attempt nor a part of the budget. A call has at most one such retry.
    ///
    /// It does when the server [closed a reused connection](Error::is_lost_on_reuse). The message
    /// most likely never arrived, and the retry adds no load to a failing service.
    pub(crate) fn is_free(&self, error: &Error, elapsed: Duration) -> bool {
        error.is_lost_on_reuse()
            && error.is_transient()
            && error.suspended_until().is_none()
            && elapsed < self.total
    }

    /// Returns the pause before the next attempt, when the `failed`th attempt ended with `error`,
    /// `elapsed` after the call began. `None` means no retry.
    ///
    /// The pause is a random time up to the longest pause, from the number `random` ("full
    /// jitter"), so that callers that failed together do not retry together. It is added to the
    /// wait that the service asks for.
    #[must_use]
    pub fn pause(
        &self,
        error: &Error,
        failed: u32,
        elapsed: Duration,
        random: u64,
    ) -> Option<Duration> {
        let held_back = error.suspended_until().is_some();
        if !error.is_transient() || held_back || failed >= self.attempts.get() {
            return None;
        }
        let jitter = up_to(self.longest_pause_after(failed), random);
        let pause = error.retry_after().unwrap_or_default().saturating_add(jitter);
        (elapsed.saturating_add(pause) < self.total).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ErrorKind;
    use proptest::prelude::*;

    const UNAVAILABLE: Error = Error::new(ErrorKind::Unavailable);

    #[test]
    fn only_transient_failures_of_sent_questions_are_retried() {
        let policy = RetryPolicy::default();
        let pause = |error: &Error| policy.pause(error, 1, Duration::ZERO, 7);
        assert!(pause(&UNAVAILABLE).is_some());
        for kind in [ErrorKind::Configuration, ErrorKind::Rejected, ErrorKind::Unreadable] {
            assert_eq!(pause(&Error::new(kind)), None, "{kind}");
        }
        let held_back = UNAVAILABLE.with_suspended_until(chrono::DateTime::UNIX_EPOCH);
        assert_eq!(pause(&held_back), None);
    }

    #[test]
    fn only_a_closed_reused_connection_is_free() {
        let policy = RetryPolicy::default();
        let lost = || UNAVAILABLE.with_lost_on_reuse();
        assert!(policy.is_free(&lost(), Duration::ZERO));
        assert!(!policy.is_free(&lost(), policy.total), "there is no time left");
        assert!(!policy.is_free(&UNAVAILABLE, Duration::ZERO));
        let until = chrono::DateTime::UNIX_EPOCH;
        assert!(!policy.is_free(&lost().with_suspended_until(until), Duration::ZERO));
        let other = Error::new(ErrorKind::Configuration).with_lost_on_reuse();
        assert!(!policy.is_free(&other, Duration::ZERO));
    }

    #[test]
    fn hurried_limits_are_never_longer() {
        let patient = RetryPolicy::default();
        assert_eq!(patient.longest_pause_after(1), Duration::from_millis(500));
        assert_eq!(patient.longest_pause_after(3), Duration::from_secs(2));
        assert_eq!(patient.hurried(), RetryPolicy::foreground());
        let once = RetryPolicy::default().with_attempts(NonZeroU32::MIN).with_total(Duration::ZERO);
        let hurried = once.hurried();
        assert_eq!((hurried.attempts, hurried.total), (NonZeroU32::MIN, Duration::ZERO));
    }

    #[test]
    fn attempts_and_time_are_limited() {
        let policy = RetryPolicy::default();
        assert!(policy.pause(&UNAVAILABLE, 3, Duration::ZERO, 0).is_some());
        assert_eq!(policy.pause(&UNAVAILABLE, 4, Duration::ZERO, 0), None);
        assert_eq!(policy.pause(&UNAVAILABLE, 1, policy.total, 0), None);
        let later = UNAVAILABLE.with_retry_after(policy.total);
        assert_eq!(policy.pause(&later, 1, Duration::ZERO, 0), None);
    }

    #[test]
    fn the_wait_the_service_asks_for_comes_before_the_jitter() {
        let asked = Duration::from_secs(30);
        let error = UNAVAILABLE.with_retry_after(asked);
        let policy = RetryPolicy::default();
        assert_eq!(policy.pause(&error, 1, Duration::ZERO, 0), Some(asked));
        let most = policy.longest_pause_after(1);
        let random = u64::try_from(most.as_micros()).unwrap();
        assert_eq!(policy.pause(&error, 1, Duration::ZERO, random), Some(asked + most));
        let endless = UNAVAILABLE.with_retry_after(Duration::MAX);
        assert_eq!(policy.pause(&endless, 1, Duration::ZERO, 0), None);
    }

    proptest! {
        #[test]
        fn pauses_keep_within_bounds(failed in 1_u32..200, random: u64, first in 0_u64..100_000) {
            let mut policy = RetryPolicy::default()
                .with_pauses(Duration::from_micros(first), Duration::from_millis(20));
            policy.attempts = NonZeroU32::MAX;
            let pause = policy.pause(&UNAVAILABLE, failed, Duration::ZERO, random).unwrap();
            prop_assert!(pause <= policy.longest_pause_after(failed));
            prop_assert!(pause <= policy.longest_pause);
        }

        #[test]
        fn jitter_is_full(random: u64) {
            let policy = RetryPolicy::default();
            let pause = |random| policy.pause(&UNAVAILABLE, 1, Duration::ZERO, random).unwrap();
            let most = u64::try_from(policy.longest_pause_after(1).as_micros()).unwrap();
            prop_assert_eq!(pause(random), Duration::from_micros(random % (most + 1)));
        }
    }
}
