use crate::case::id::CaseId;
use crate::case::record::Case;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

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
    /// When the owner's pass began. A case that another worker has traced since then is not traced
    /// again in the same pass, even if there was no response.
    pub pass_began: DateTime<Utc>,
}

impl Lease {
    /// The maximum duration of a lease. A lease that expires later than this was granted before the
    /// clock was set back, and does not block other workers.
    pub const LONGEST: TimeDelta = TimeDelta::minutes(1);

    /// Creates a lease of `owner`, from `now` to `until`, in a pass that begins now.
    #[must_use]
    pub fn new(owner: impl Into<String>, now: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { owner: owner.into(), now, until, pass_began: now }
    }

    /// Returns this lease, in a pass that began earlier.
    #[must_use]
    pub const fn with_pass_began(mut self, pass_began: DateTime<Utc>) -> Self {
        self.pass_began = pass_began;
        self
    }
}

/// The result of a claim.
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct Claim {
    /// The leased cases, as they are stored, in the order of the requested ids.
    pub cases: Vec<Case>,
    /// When the lease of another worker expires that stopped the claim. Cases after it were not
    /// checked.
    pub blocked_until: Option<DateTime<Utc>>,
}

/// How much older than the store's state a claim's time may be. The store may have waited for
/// another worker, which may then have acted later than that time.
const WAITED: TimeDelta = TimeDelta::seconds(1);

/// Which worker has which case, for stores that keep leases in memory.
#[derive(Debug, Default)]
pub(super) struct Leases(HashMap<CaseId, Leased>);

#[derive(Debug)]
struct Leased {
    owner: String,
    until: DateTime<Utc>,
    asked_at: Option<DateTime<Utc>>,
}

/// Whether a case can be leased.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Free,
    /// Already traced in this pass.
    Asked,
    /// Leased by another worker, until then.
    Blocked(DateTime<Utc>),
}

impl Place {
    /// Whether `lease` can include a case that `owner` has `until`, and that was last traced at
    /// `asked_at`.
    pub(super) fn of(
        lease: &Lease,
        owner: &str,
        until: DateTime<Utc>,
        asked_at: Option<DateTime<Utc>>,
    ) -> Self {
        let latest = lease.now + WAITED;
        let recorded = lease.now < until && until <= latest + Lease::LONGEST;
        // If it is later than now, the clock was set back since, and the time says nothing about
        // this pass.
        let asked = |at| lease.pass_began < at && at <= latest;
        if recorded && owner != lease.owner {
            Self::Blocked(until)
        } else if asked_at.is_some_and(asked) {
            Self::Asked
        } else {
            Self::Free
        }
    }
}

impl Leases {
    pub(super) fn place(&self, id: &CaseId, lease: &Lease) -> Place {
        self.0.get(id).map_or(Place::Free, |recorded| {
            Place::of(lease, &recorded.owner, recorded.until, recorded.asked_at)
        })
    }

    pub(super) fn take(&mut self, id: &CaseId, lease: &Lease) {
        let asked_at = self.0.get(id).and_then(|recorded| recorded.asked_at);
        let leased = Leased { owner: lease.owner.clone(), until: lease.until, asked_at };
        self.0.insert(id.clone(), leased);
    }

    pub(super) fn renew(&mut self, lease: &Lease) -> usize {
        let own = self.0.values_mut().filter(|recorded| recorded.owner == lease.owner);
        own.map(|recorded| recorded.until = lease.until).count()
    }

    /// Releases those of `ids` that `owner` has.
    pub(super) fn release(&mut self, owner: &str, ids: &[CaseId], asked_at: Option<DateTime<Utc>>) {
        for id in ids {
            if let Some(recorded) = self.0.get_mut(id).filter(|recorded| recorded.owner == owner) {
                (recorded.owner, recorded.asked_at) =
                    (String::new(), asked_at.or(recorded.asked_at));
                recorded.until = DateTime::UNIX_EPOCH;
            }
        }
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
        let claim = Lease::new("b", at(10_000), at(20_000)).with_pass_began(at(1_000));
        let asked = Some(at(10_400));
        assert_eq!(Place::of(&claim, "", DateTime::UNIX_EPOCH, asked), Place::Asked);
        let until = at(10_400 + longest);
        assert_eq!(Place::of(&claim, "a", until, None), Place::Blocked(until));
        // Far later than now: the clock was set back.
        let before = Some(at(12_000));
        assert_eq!(Place::of(&claim, "", DateTime::UNIX_EPOCH, before), Place::Free);
        assert_eq!(Place::of(&claim, "a", at(12_000 + longest), None), Place::Free);
    }
}
