//! How fast one place may try to sign in. A place is a source address, or a device that has signed in as this user
//! before. So failures at one address never slow down a user at a known device (OWASP ASVS 6.3.1).
//!
//! Each server counts for itself. An attempt counts from its begin, so that many at the same time are slowed down too.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Failed attempts before a place must wait.
const FREE: u32 = 10;

/// After this time without an attempt, the failures of a place are forgotten.
const FORGET: TimeDelta = TimeDelta::minutes(15);

/// The longest wait, in seconds.
const LONGEST: i64 = 60;

/// How many places are remembered. The one whose last attempt is the oldest is forgotten first.
const PLACES: usize = 10_000;

/// Where an attempt comes from.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Source {
    /// An address; of IPv6 the network, because one device has many addresses in it.
    Address(String),
    /// A device that has signed in as the user of this id before.
    Device(String),
}

impl Source {
    /// The source of a text that may be an address; `None` if it is not, because users without an address must not slow
    /// down one another.
    pub(crate) fn of_address(text: &str) -> Option<Self> {
        let network = match text.parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}")
            }
        };
        Some(Self::Address(network))
    }
}

/// The attempts of one place that failed, or that have not ended.
#[derive(Clone, Copy, Debug)]
struct Count {
    attempts: u32,
    last: DateTime<Utc>,
}

/// How long to wait before one more attempt after `count`; `None` if it may begin.
fn wait(count: Count, now: DateTime<Utc>) -> Option<TimeDelta> {
    let over = count.attempts.checked_sub(FREE)?;
    let seconds = 1_i64.checked_shl(over.min(30)).map_or(LONGEST, |seconds| seconds.min(LONGEST));
    // A clock that was set back makes no wait longer.
    let passed = (now - count.last).max(TimeDelta::zero());
    let left = TimeDelta::seconds(seconds) - passed;
    (left > TimeDelta::zero()).then_some(left)
}

/// The attempts of all places.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<Source, Count>>);

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempts")
    }
}

impl Attempts {
    fn places(&self) -> MutexGuard<'_, HashMap<Source, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an attempt, or returns how long the place must wait.
    pub(crate) fn begin(&self, source: &Source, now: DateTime<Utc>) -> Result<(), TimeDelta> {
        let mut places = self.places();
        let before = places.get(source).copied().filter(|count| now - count.last < FORGET);
        if let Some(left) = before.and_then(|count| wait(count, now)) {
            return Err(left);
        }
        if before.is_none() && places.len() >= PLACES {
            places.retain(|_, count| now - count.last < FORGET);
            let oldest = places.iter().min_by_key(|(_, count)| count.last);
            if let Some(oldest) =
                oldest.filter(|_| places.len() >= PLACES).map(|(source, _)| source.clone())
            {
                places.remove(&oldest);
            }
        }
        let attempts = before.map_or(0, |count| count.attempts).saturating_add(1);
        places.insert(source.clone(), Count { attempts, last: now });
        Ok(())
    }

    /// The attempt was right, and does not count. Failures before it still do.
    pub(crate) fn succeed(&self, source: &Source) {
        if let Some(count) = self.places().get_mut(source) {
            count.attempts = count.attempts.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn address(text: &str) -> Source {
        Source::of_address(text).unwrap()
    }

    /// Attempts of which the last free one began at second 0.
    fn exhausted() -> Attempts {
        let attempts = Attempts::default();
        for _ in 0..FREE {
            assert_eq!(attempts.begin(&address("10.0.0.1"), at(0)), Ok(()));
        }
        attempts
    }

    #[test]
    fn after_ten_failures_each_wait_is_longer_up_to_a_minute() {
        let (attempts, place) = (exhausted(), address("10.0.0.1"));
        assert_eq!(attempts.begin(&place, at(0)), Err(TimeDelta::seconds(1)));
        let mut now = 0;
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(attempts.begin(&place, at(now + expected - 1)), Err(TimeDelta::seconds(1)));
            now += expected;
            assert_eq!(attempts.begin(&place, at(now)), Ok(()), "after {expected} seconds");
        }
        assert_eq!(
            attempts.begin(&place, at(-1000)),
            Err(TimeDelta::seconds(60)),
            "clock set back"
        );
        assert_eq!(attempts.begin(&place, at(now + 15 * 60)), Ok(()));
        assert_eq!(attempts.begin(&place, at(now + 15 * 60)), Ok(()), "forgotten");
    }

    #[test]
    fn failures_at_one_place_slow_down_no_other() {
        let attempts = exhausted();
        for other in [address("10.0.0.2"), address("2001:db8::1"), Source::Device("j.doe".into())] {
            assert_eq!(attempts.begin(&other, at(0)), Ok(()));
        }
    }

    #[test]
    fn a_success_does_not_count_and_forgives_nothing() {
        let (attempts, place) = (exhausted(), address("10.0.0.1"));
        attempts.succeed(&place);
        assert_eq!(attempts.begin(&place, at(0)), Ok(()));
        assert_eq!(attempts.begin(&place, at(0)), Err(TimeDelta::seconds(1)));
        attempts.succeed(&address("10.0.0.9"));
    }

    #[test]
    fn an_ipv6_network_is_one_place_and_text_is_none() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
        assert_eq!(Source::of_address("unknown"), None);
    }

    #[test]
    fn the_number_of_places_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..(PLACES + 10) {
            let place = Source::Device(number.to_string());
            let second = i64::try_from(number / 100).unwrap();
            attempts.begin(&place, at(second)).unwrap();
        }
        let places = attempts.places();
        assert_eq!(places.len(), PLACES);
        assert!(places.contains_key(&Source::Device((PLACES + 9).to_string())));
    }
}
