//! The only source of the current time.
//!
//! Code that needs the time receives a [`Clock`], so that a test, a replay or a simulation sets the
//! time. All times are UTC (MSCA-AUD-07).

use chrono::{DateTime, Utc};
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

/// Returns the current time.
///
/// # Contract
///
/// `now` returns UTC and is cheap. It may go backwards, as a machine's clock may.
pub trait Clock: Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's own clock.
///
/// MSCA-AUD-06 requires a clock synchronised to a stratum 3 source or better. The deployment must
/// provide it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        std::time::SystemTime::now().into()
    }
}

/// A clock that does not move until it is set.
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
    /// Creates a clock that returns `now`.
    #[must_use]
    pub const fn at(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now))
    }

    /// Makes the clock return `now`.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
