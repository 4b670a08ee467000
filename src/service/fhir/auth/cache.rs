//! When the current token may be used. Pure functions.

use crate::service::fhir::auth::exchange::Granted;
use crate::service::fhir::auth::token::AccessToken;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// A token is renewed when less than this time is left…
const EARLY: Duration = Duration::from_secs(30);

/// …or less than this part of its lifetime, if that is shorter.
const EARLY_PART: u32 = 5;

/// The pause after a failed renewal of a token that is still valid.
const REST: Duration = Duration::from_secs(5);

/// A token that the endpoint has issued.
#[derive(Debug)]
pub(in crate::service::fhir::auth) struct Cached {
    token: AccessToken,
    lifetime: Duration,
    expires: DateTime<Utc>,
    /// The latest time of a check. An earlier time means that the clock was set back.
    seen: DateTime<Utc>,
    /// When the next token may be fetched early.
    rested: DateTime<Utc>,
}

/// The state of the current token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::service::fhir::auth) enum Validity {
    /// The token can be used.
    Good(AccessToken),
    /// The token can be used, but the next one should be fetched.
    Ageing(AccessToken),
    /// The token has expired, or the clock does not show whether it has.
    Expired,
}

impl Cached {
    /// A token that was requested at `asked_at`. Its lifetime counts from there, because the endpoint
    /// counts from a later time.
    pub(in crate::service::fhir::auth) fn new(granted: Granted, asked_at: DateTime<Utc>) -> Self {
        Self {
            token: granted.token,
            lifetime: granted.lifetime,
            expires: later(asked_at, granted.lifetime),
            seen: asked_at,
            rested: asked_at,
        }
    }

    /// Whether this is the token.
    pub(in crate::service::fhir::auth) fn is(&self, token: &AccessToken) -> bool {
        self.token == *token
    }

    /// The state at `now`. A clock that was set back no longer shows how much of the lifetime has
    /// passed.
    pub(in crate::service::fhir::auth) fn validity(&mut self, now: DateTime<Utc>) -> Validity {
        if now < self.seen {
            self.expires = self.expires.min(now);
        }
        self.seen = self.seen.max(now);
        let Ok(left) = (self.expires - now).to_std() else { return Validity::Expired };
        if left.is_zero() {
            Validity::Expired
        } else if left < EARLY.min(self.lifetime / EARLY_PART) && now >= self.rested {
            Validity::Ageing(self.token.clone())
        } else {
            Validity::Good(self.token.clone())
        }
    }

    /// Sets the pause after a failed renewal: at least as long as the endpoint asks.
    pub(in crate::service::fhir::auth) fn rest(
        &mut self,
        now: DateTime<Utc>,
        retry_after: Option<Duration>,
    ) {
        self.rested = later(now, REST.max(retry_after.unwrap_or_default()));
    }
}

fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn token() -> AccessToken {
        "t".parse().unwrap()
    }

    fn cached(lifetime: u64) -> Cached {
        Cached::new(Granted { token: token(), lifetime: Duration::from_secs(lifetime) }, at(0))
    }

    #[test]
    fn a_token_is_good_then_ageing_then_expired() {
        for (lifetime, ages) in [(599, 569), (150, 120), (100, 80), (10, 8)] {
            let mut cached = cached(lifetime);
            let dies = i64::try_from(lifetime).unwrap();
            for (seconds, validity) in [
                (0, Validity::Good(token())),
                (ages, Validity::Good(token())),
                (ages + 1, Validity::Ageing(token())),
                (dies - 1, Validity::Ageing(token())),
                (dies, Validity::Expired),
                (dies + 1, Validity::Expired),
            ] {
                assert_eq!(cached.validity(at(seconds)), validity, "{lifetime} after {seconds}");
            }
        }
        assert_eq!(cached(0).validity(at(0)), Validity::Expired);
    }

    #[test]
    fn a_clock_set_back_expires_a_token_permanently() {
        let mut cached = cached(599);
        assert_eq!(cached.validity(at(300)), Validity::Good(token()));
        for seconds in [299, -10_000, 1, 300, 301, 598] {
            assert_eq!(cached.validity(at(seconds)), Validity::Expired, "{seconds}");
        }
    }

    #[test]
    fn the_pause_is_five_seconds_or_as_long_as_the_endpoint_asks() {
        let mut tired = cached(599);
        tired.rest(at(570), None);
        assert_eq!(tired.validity(at(574)), Validity::Good(token()));
        assert_eq!(tired.validity(at(575)), Validity::Ageing(token()));
        tired.rest(at(575), Some(Duration::from_secs(20)));
        assert_eq!(tired.validity(at(594)), Validity::Good(token()));
        assert_eq!(tired.validity(at(595)), Validity::Ageing(token()));
        tired.rest(at(595), Some(Duration::MAX));
        assert_eq!(tired.validity(at(598)), Validity::Good(token()));
        assert_eq!(tired.validity(at(599)), Validity::Expired);
    }

    proptest! {
        /// With any clock, a token is used only within its lifetime, and never again after the clock was
        /// seen to go back.
        #[test]
        fn a_token_is_used_only_while_it_is_certain_to_be_good(
            lifetime in 0_u64..700,
            steps in prop::collection::vec(-20_i64..200, 1..20),
        ) {
            let mut cached = cached(lifetime);
            let (mut now, mut straight) = (0, true);
            for step in steps {
                now += step;
                straight &= step >= 0;
                let good = straight && u64::try_from(now).is_ok_and(|age| age < lifetime);
                prop_assert_eq!(cached.validity(at(now)) != Validity::Expired, good);
            }
        }
    }
}
