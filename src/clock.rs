//! The only source of the current time.
//!
//! Everything that needs the time is given a [`Clock`], so that a test, a replay or a simulation
//! decides what time it is. All times are UTC (MSCA-AUD-07).

use chrono::{DateTime, Utc};
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

/// Tells the time.
///
/// # Contract
///
/// `now` is UTC and cheap. It may go backwards, as a machine's clock may.
pub trait Clock: Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's own clock.
///
/// MSCA-AUD-06 asks for a clock kept by a stratum 3 source or better; that is the deployment's duty.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        std::time::SystemTime::now().into()
    }
}

/// A clock that stands still until it is set.
///
/// ```
/// use nhs_pds::clock::{Clock, FixedClock};
///
/// let clock = FixedClock::at("2026-11-23T09:30:00Z".parse()?);
/// assert_eq!(clock.now().to_rfc3339(), "2026-11-23T09:30:00+00:00");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Debug)]
pub struct FixedClock(Mutex<DateTime<Utc>>);

impl FixedClock {
    /// A clock that says `now`.
    #[must_use]
    pub const fn at(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now))
    }

    /// Makes the clock say `now`.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
