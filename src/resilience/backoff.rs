//! Growing pauses and random jitter. Pure.

use std::time::Duration;

/// Returns `first`, doubled for each of the `times` after the first, and at most `longest`.
pub(crate) fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

/// Returns a time up to `most`, chosen by the number `random`, in whole microseconds.
pub(crate) fn up_to(most: Duration, random: u64) -> Duration {
    let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random % micros.saturating_add(1).max(1))
}
