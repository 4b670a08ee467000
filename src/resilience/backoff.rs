//! Pauses that grow, and by how much chance shortens or lengthens them. Pure.

use std::time::Duration;

/// `first`, doubled with each of the `times` after the first, and never more than `longest`.
pub(crate) fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

/// Any time up to `most`, chosen by the number `random`, to the microsecond.
pub(crate) fn up_to(most: Duration, random: u64) -> Duration {
    let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random % micros.saturating_add(1).max(1))
}
