use crate::resilience::backoff::{doubled, up_to};
use std::num::NonZeroU32;
use std::time::Duration;

/// When asking is suspended, and for how long.
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
    /// So many failures in a row, with nothing answered in between.
    pub failures: NonZeroU32,
    /// Or only three, when for so long nothing was answered: each may have taken its time.
    pub silence: Duration,
    /// How long the first pause is. Each further one is twice as long.
    pub first_pause: Duration,
    /// What a pause never exceeds, unless the service asks for more.
    pub longest_pause: Duration,
}

/// How many failures are enough after a [`CircuitBreakerPolicy::silence`].
pub(super) const FEW: u32 = 3;

/// What a service may ask for at most. An installation that said a year would be waited for all year.
pub(super) const LONGEST_ASKED_FOR: Duration = Duration::from_secs(3600);

impl Default for CircuitBreakerPolicy {
    /// Ten failures in a row, or three in a minute without an answer; pauses from five seconds to five
    /// minutes.
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
    /// The same policy, for so many failures in a row.
    #[must_use]
    pub const fn with_failures(mut self, failures: NonZeroU32) -> Self {
        self.failures = failures;
        self
    }

    /// The same policy, with pauses from `first`, doubling up to `longest`.
    #[must_use]
    pub const fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// How long the `opened`th pause in a row is: between half and all of the doubled one, chosen by the
    /// number `random`, so that many installations do not probe at the same second.
    pub(super) fn pause(&self, opened: u32, random: u64) -> Duration {
        let most = doubled(self.first_pause, opened, self.longest_pause);
        let half = most / 2;
        most - half + up_to(half, random)
    }
}
