use crate::case::record::Case;
use chrono::{DateTime, TimeDelta, Utc};

/// The terms on which a worker has exclusive use of cases for a limited time.
///
/// A worker that dies does not release its cases; they become free when the lease expires.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The owner: a name that no other worker has, and that this worker did not use before its last
    /// start.
    pub owner: String,
    /// The time now.
    pub now: DateTime<Utc>,
    /// When the lease expires.
    pub until: DateTime<Utc>,
    /// Cases that became due later than this are not leased. A pass sets it to its start, so that no
    /// case is traced twice in one pass.
    pub due_by: DateTime<Utc>,
}

impl Lease {
    /// The maximum duration of a lease. A lease that expires later than this was granted before the
    /// clock was set back, and does not block other workers.
    pub const LONGEST: TimeDelta = TimeDelta::minutes(1);

    /// Creates a lease of `owner`, from `now` to `until`, of cases that are due now.
    #[must_use]
    pub fn new(owner: impl Into<String>, now: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { owner: owner.into(), now, until, due_by: now }
    }

    /// Returns this lease, of cases that were due by an earlier time.
    #[must_use]
    pub const fn with_due_by(mut self, due_by: DateTime<Utc>) -> Self {
        self.due_by = due_by;
        self
    }
}

/// The longest time for which a case may be planned ahead. A later time was set by a clock that was
/// ahead, and the case is due.
pub const LONGEST_PLAN: TimeDelta = TimeDelta::days(32);

/// The result of a claim.
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct Claim {
    /// The leased cases, as they are stored: the most urgent first.
    pub cases: Vec<Case>,
    /// If nothing was leased because other workers have each case that is asked for: when the first of
    /// their leases expires.
    pub blocked_until: Option<DateTime<Utc>>,
}

/// How much older than the store's state a claim's time may be. The store may have waited for
/// another worker, which may then have acted later than that time.
const WAITED: TimeDelta = TimeDelta::seconds(1);

impl Lease {
    /// Whether another worker's lease that expires at `until` still counts.
    pub(super) fn respects(&self, owner: &str, until: DateTime<Utc>) -> bool {
        let (after, latest) = self.respected();
        owner != self.owner && after < until && until <= latest
    }

    /// The times between which another worker's lease must expire to count: after the first, up to
    /// the second.
    pub(super) fn respected(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.now, self.now + WAITED + Self::LONGEST)
    }

    /// The times between which a case is not yet due: after the first, up to the second.
    pub(super) fn not_yet(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let latest = self.now.checked_add_signed(LONGEST_PLAN).unwrap_or(DateTime::<Utc>::MAX_UTC);
        (self.due_by, latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The claim read the clock at 10, waited for the store, and then sees what another worker did
    /// in between.
    #[test]
    fn a_claim_that_waited_sees_later_changes() {
        let at = |ms: i64| DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms);
        let longest = Lease::LONGEST.num_milliseconds();
        let claim = Lease::new("b", at(10_000), at(20_000)).with_due_by(at(1_000));
        assert!(claim.respects("a", at(10_400 + longest)));
        assert!(!claim.respects("b", at(10_400 + longest)), "its own");
        assert!(!claim.respects("a", at(10_000)), "expired");
        // Far later than now: the clock was set back.
        assert!(!claim.respects("a", at(12_000 + longest)));
    }
}
