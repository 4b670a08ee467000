use governor::clock::{Clock, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;

/// The factor that stretches the steps between permits, in thousandths. It keeps the count of a
/// second within the limit although permits may be used a little late.
const STRETCH: u64 = 1015;

/// How late a permit may be used and still count as on time. Timers are late by a millisecond or
/// two, and without this tolerance each delay would lower the rate.
///
/// With steps of 1.015 / rate, the permits in a window of one second are those due in it and those
/// at most this late. That is at most `(1 + 0.005) * rate / 1.015`, rounded down, plus the burst:
/// at most rate + burst − 1. The same limit applies up to 15 milliseconds, so ten more may be lost
/// on the way to the service.
const LATE: Duration = Duration::from_millis(5);

/// The rate limit of a service.
///
/// ```
/// use nhs_pds::resilience::RateLimit;
/// use std::num::NonZeroU32;
///
/// let per_second = NonZeroU32::new(5).ok_or("zero")?;
/// let rate_limit = RateLimit::per_second(per_second).with_burst(per_second).with_in_flight(per_second);
/// assert_eq!(rate_limit.burst.get(), 5);
/// # Ok::<(), &str>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// Permits a second.
    pub per_second: NonZeroU32,
    /// Permits available at once after a quiet time.
    pub burst: NonZeroU32,
    /// The most questions in progress at the same time.
    pub in_flight: NonZeroU32,
}

impl RateLimit {
    /// Sets the permits a second, with a burst of one, and eight questions in progress at a time.
    #[must_use]
    pub const fn per_second(per_second: NonZeroU32) -> Self {
        Self { per_second, burst: NonZeroU32::MIN, in_flight: NonZeroU32::MIN.saturating_add(7) }
    }

    /// Sets the burst.
    #[must_use]
    pub const fn with_burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// Sets the most questions in progress at the same time.
    #[must_use]
    pub const fn with_in_flight(mut self, in_flight: NonZeroU32) -> Self {
        self.in_flight = in_flight;
        self
    }
}

impl Default for RateLimit {
    /// Five permits a second, with a burst of five. PDS allows an application five requests a
    /// second unless agreed otherwise.
    fn default() -> Self {
        let five = NonZeroU32::MIN.saturating_add(4);
        Self::per_second(five).with_burst(five)
    }
}

/// Decides whether a permit is due: the generic cell rate algorithm, by governor. The caller passes
/// the time since the start.
#[derive(Debug)]
pub(super) struct Rate {
    limiter: RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>,
    clock: FakeRelativeClock,
    /// The clock's current time.
    at: Duration,
}

impl Rate {
    pub(super) fn of(rate_limit: &RateLimit) -> Self {
        let step = Duration::from_micros(STRETCH * 1000) / rate_limit.per_second.get();
        // Zero only for more than one permit a nanosecond, which is no limit.
        let quota = Quota::with_period(step).unwrap_or(Quota::per_second(rate_limit.per_second));
        let clock = FakeRelativeClock::default();
        let limiter =
            RateLimiter::direct_with_clock(quota.allow_burst(rate_limit.burst), clock.clone());
        Self { limiter, clock, at: Duration::ZERO }
    }

    /// Takes a permit at `now`, or returns when the next is due.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        // A permit used a little late counts from the first moment that allows it.
        match self.take_at(now.saturating_sub(LATE)) {
            Err(due) if due <= now => self.take_at(due),
            taken => taken,
        }
    }

    fn take_at(&mut self, at: Duration) -> Result<(), Duration> {
        self.clock.advance(at.saturating_sub(self.at));
        self.at = self.at.max(at);
        let taken = self.limiter.check();
        taken.map_err(|not_until| self.at + not_until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate_limit(per_second: u32, burst: u32) -> RateLimit {
        let number = |number| NonZeroU32::new(number).unwrap();
        RateLimit::per_second(number(per_second)).with_burst(number(burst))
    }

    /// The times of the permits, for a caller that always wants one, with a timer that is late by
    /// each `late` in turn.
    fn turns(rate_limit: RateLimit, late: &[u64], seconds: u64) -> Vec<Duration> {
        let mut rate = Rate::of(&rate_limit);
        let mut late = late.iter().cycle();
        let (mut now, mut turns) = (Duration::ZERO, Vec::new());
        while now < Duration::from_secs(seconds) {
            match rate.take(now) {
                Ok(()) => turns.push(now),
                Err(due) => now = due + Duration::from_micros(*late.next().unwrap()),
            }
        }
        turns
    }

    fn most_in_a_second(turns: &[Duration]) -> usize {
        let window = |from: &Duration| {
            let to = *from + Duration::from_secs(1);
            turns.iter().filter(|turn| (*from..to).contains(*turn)).count()
        };
        turns.iter().map(window).max().unwrap_or_default()
    }

    #[test]
    fn a_late_timer_costs_nothing() {
        for burst in [1, 2, 10] {
            let turns = turns(rate_limit(100, burst), &[1_100, 1_900, 300, 4_000], 60);
            assert!(turns.len() >= 5_880, "{} with burst {burst}", turns.len());
        }
    }

    #[test]
    fn a_late_timer_costs_nothing_at_other_rates() {
        for per_second in [1, 7, 333, 1_000, 3_000] {
            let turns = turns(rate_limit(per_second, 1), &[1_100, 1_900, 300, 4_000], 60);
            let kept = turns.len() as f64 / f64::from(per_second * 60);
            assert!(kept >= 0.98, "{kept} at {per_second} a second");
        }
    }

    #[test]
    fn a_quiet_time_does_not_increase_the_burst() {
        let mut rate = Rate::of(&rate_limit(10, 3));
        for hours in [0, 1, 1_000] {
            let now = Duration::from_secs(3_600 * hours);
            assert_eq!((0..9).filter(|_| rate.take(now).is_ok()).count(), 3, "after {hours} hours");
        }
    }

    #[test]
    fn the_first_second_has_the_burst() {
        let turns = turns(rate_limit(100, 10), &[0], 3);
        assert_eq!(turns.iter().filter(|turn| turn.is_zero()).count(), 10);
        assert_eq!(most_in_a_second(&turns), 108);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_second_has_more_than_rate_and_burst_less_one(
            per_second in 1_u32..400,
            burst in 1_u32..30,
            late in prop::collection::vec(prop_oneof![0_u64..6_000, 0_u64..300_000], 1..40),
        ) {
            let turns = turns(rate_limit(per_second, burst), &late, 4);
            prop_assert!(most_in_a_second(&turns) < (per_second + burst) as usize);
        }
    }
}
