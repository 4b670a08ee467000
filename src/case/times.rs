//! The times of a claim, as stores in databases compare them: microseconds since 1970, UTC.

use crate::case::due::Priority;
use crate::case::lease::Lease;
use chrono::{DateTime, Utc};

/// The times of a claim, as they are stored.
pub(super) struct Times {
    /// Another worker's lease that expires in between counts: after the first, up to the second.
    pub(super) respected: (i64, i64),
    /// A case between these times is not yet due: after the first, up to the second.
    pub(super) not_yet: (i64, i64),
}

impl Times {
    pub(super) fn of(lease: &Lease) -> Self {
        let micros = |(from, to): (DateTime<Utc>, DateTime<Utc>)| {
            (from.timestamp_micros(), to.timestamp_micros())
        };
        Self { respected: micros(lease.respected()), not_yet: micros(lease.not_yet()) }
    }

    /// The times at which a case is due, from and to: first those in the past, then those that a clock
    /// that was ahead has set.
    pub(super) fn due(&self) -> [(i64, i64); 2] {
        let (past, ahead) = self.not_yet;
        [(i64::MIN, past), (ahead.saturating_add(1), i64::MAX)]
    }
}

/// The priority as it is stored.
pub(super) const fn rank(priority: Priority) -> i64 {
    priority as i64
}
