//! How often one user may do what takes long: searches, checks, exports.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// How many requests a user may make at once, and after how long each is permitted again.
const BURST: i32 = 30;
const EACH: TimeDelta = TimeDelta::seconds(2);

/// How many users are remembered. Users beyond that are those whose limit has recovered.
const USERS: usize = 10_000;

/// Counts the requests of each user. Each server counts for itself.
#[derive(Default)]
pub(crate) struct Limit {
    /// By user: when all requests are permitted again.
    full: Mutex<BTreeMap<String, DateTime<Utc>>>,
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limit")
    }
}

impl Limit {
    /// Whether `user` may make one more request at the time `now`. A refused request does not count.
    pub(crate) fn permits(&self, user: &str, now: DateTime<Utc>) -> bool {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if full.len() >= USERS && !full.contains_key(user) {
            full.retain(|_, until| now < *until);
        }
        let (until, is_permitted) = after(full.get(user).copied(), now);
        full.insert(user.to_owned(), until);
        is_permitted
    }
}

/// When all requests are permitted again after one more, and whether it is permitted.
fn after(full: Option<DateTime<Utc>>, now: DateTime<Utc>) -> (DateTime<Utc>, bool) {
    // A clock that was set back must not lengthen the wait.
    let latest = now + EACH * BURST;
    let before = full.map_or(now, |full| full.clamp(now, latest));
    let until = before + EACH;
    if until <= latest { (until, true) } else { (before, false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + second, 0).unwrap()
    }

    fn permitted(limit: &Limit, user: &str, second: i64) -> usize {
        (0..100).filter(|_| limit.permits(user, at(second))).count()
    }

    #[test]
    fn a_burst_is_permitted_and_then_one_every_two_seconds() {
        let limit = Limit::default();
        assert_eq!(permitted(&limit, "a", 0), 30);
        assert_eq!(permitted(&limit, "a", 1), 0);
        assert_eq!(permitted(&limit, "a", 2), 1);
        assert_eq!(permitted(&limit, "a", 12), 5);
        assert_eq!(permitted(&limit, "b", 12), 30, "another user has a limit of its own");
        assert_eq!(permitted(&limit, "a", 999), 30);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lock_a_user_out() {
        let limit = Limit::default();
        assert_eq!(permitted(&limit, "a", 999_999), 30);
        assert_eq!(permitted(&limit, "a", 0), 0);
        assert_eq!(permitted(&limit, "a", 2), 1, "the wait starts at the new time");
        assert!(limit.permits("b", at(0)));
    }

    #[test]
    fn users_whose_limit_has_recovered_are_forgotten() {
        let limit = Limit::default();
        for user in 0..USERS {
            assert!(limit.permits(&user.to_string(), at(0)));
        }
        assert!(limit.permits("last", at(60)));
        assert_eq!(limit.full.lock().unwrap().len(), 1);
    }
}
