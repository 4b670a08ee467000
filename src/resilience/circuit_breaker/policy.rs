use crate::resilience::backoff::{doubled, up_to};
use std::num::NonZeroU32;
use std::time::Duration;

/// When queries are suspended, and for how long.
///
/// ```
/// use nhs_pds::resilience::CircuitBreakerPolicy;
/// use std::time::Duration;
///
/// let policy = CircuitBreakerPolicy::default().with_pauses(Duration::from_secs(1), Duration::from_secs(30));
/// assert_eq!(policy.failures.get(), 10);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CircuitBreakerPolicy {
    /// The number of different subjects whose failure suspends queries, without an answer to any
    /// query between them. The subject of a query is its local identifier (the case), or else the
    /// whole question. Repeated failures of one subject count once.
    pub failures: NonZeroU32,
    /// The time without an answer after which the failures of three different subjects are enough:
    /// each may have taken long. Other subjects may then still be sent, one at a time, until
    /// `failures` subjects have failed.
    pub silence: Duration,
    /// The first pause. Each further pause is twice as long, once `failures` subjects have failed.
    pub first_pause: Duration,
    /// The upper limit of a pause, unless the service asks for more.
    pub longest_pause: Duration,
}

/// The number of failed subjects that is enough after a [`CircuitBreakerPolicy::silence`].
pub(super) const FEW: usize = 3;

/// The longest pause that a service may ask for. A service could otherwise suspend queries for a
/// year.
pub(super) const LONGEST_ASKED_FOR: Duration = Duration::from_secs(3600);

impl Default for CircuitBreakerPolicy {
    /// Failures of ten different subjects, or of three in a minute without an answer; pauses from
    /// five seconds to five minutes.
    fn default() -> Self {
        Self {
            failures: NonZeroU32::MIN.saturating_add(9),
            silence: Duration::from_secs(60),
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(300),
        }
    }
}

impl CircuitBreakerPolicy {
    /// Sets the number of different subjects whose failure suspends queries.
    #[must_use]
    pub const fn with_failures(mut self, failures: NonZeroU32) -> Self {
        self.failures = failures;
        self
    }

    /// Sets pauses from `first`, doubling up to `longest`.
    #[must_use]
    pub const fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// Returns the `opened`th pause in a row: a random time between half and all of the doubled
    /// pause, from the number `random`, so that installations do not all probe in the same second.
    pub(super) fn pause(&self, opened: u32, random: u64) -> Duration {
        let most = doubled(self.first_pause, opened, self.longest_pause);
        let half = most / 2;
        most - half + up_to(half, random)
    }
}
