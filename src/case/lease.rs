use crate::case::{Case, CaseId};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// The terms on which a worker has cases to itself for a while.
///
/// A worker that dies does not give its cases back; they come back when the lease has run out.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// Whose it is: a name that no other worker has, nor this one before it was started.
    pub owner: String,
    /// The time now.
    pub now: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// When the owner's pass began. What another worker has asked about since is not asked about again
    /// in the same pass, even if it brought no answer.
    pub pass_began: DateTime<Utc>,
}

impl Lease {
    /// How long a lease is at most. One that runs out later than this was given before the clock was put
    /// back, and keeps nobody away.
    pub const LONGEST: TimeDelta = TimeDelta::minutes(1);

    /// A lease of `owner`, from `now` to `until`, in a pass that begins now.
    #[must_use]
    pub fn new(owner: impl Into<String>, now: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { owner: owner.into(), now, until, pass_began: now }
    }

    /// The same lease, in a pass that began before.
    #[must_use]
    pub const fn with_pass_began(mut self, pass_began: DateTime<Utc>) -> Self {
        self.pass_began = pass_began;
        self
    }
}

/// What a worker got.
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct Claim {
    /// The cases it has now, as they are stored, in the order in which it named them.
    pub cases: Vec<Case>,
    /// The lease of somebody else that stood in the way, by when it runs out. Cases behind it were not
    /// looked at.
    pub blocked_until: Option<DateTime<Utc>>,
}

/// How old a claim's time may be when the store looks at it: the store may have waited meanwhile for
/// another worker, which then has done something later than that time.
const WAITED: TimeDelta = TimeDelta::seconds(1);

/// Who has which case: what stores that keep leases in memory need.
#[derive(Debug, Default)]
pub(super) struct Leases(HashMap<CaseId, Held>);

#[derive(Debug)]
struct Held {
    owner: String,
    until: DateTime<Utc>,
    asked_at: Option<DateTime<Utc>>,
}

/// Whether a case may be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Free,
    /// Asked about in this pass already.
    Asked,
    /// Somebody else's, until then.
    Blocked(DateTime<Utc>),
}

impl Place {
    /// What `lease` may do about a case that `owner` has `until`, and that was last asked about at
    /// `asked_at`.
    pub(super) fn of(
        lease: &Lease,
        owner: &str,
        until: DateTime<Utc>,
        asked_at: Option<DateTime<Utc>>,
    ) -> Self {
        let latest = lease.now + WAITED;
        let held = lease.now < until && until <= latest + Lease::LONGEST;
        // Not after now, or the clock was put back since, and it says nothing about this pass.
        let asked = |at| lease.pass_began < at && at <= latest;
        if held && owner != lease.owner {
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
        self.0
            .get(id)
            .map_or(Place::Free, |held| Place::of(lease, &held.owner, held.until, held.asked_at))
    }

    pub(super) fn take(&mut self, id: &CaseId, lease: &Lease) {
        let asked_at = self.0.get(id).and_then(|held| held.asked_at);
        let held = Held { owner: lease.owner.clone(), until: lease.until, asked_at };
        self.0.insert(id.clone(), held);
    }

    pub(super) fn renew(&mut self, lease: &Lease) -> usize {
        let own = self.0.values_mut().filter(|held| held.owner == lease.owner);
        own.map(|held| held.until = lease.until).count()
    }

    /// Gives up what `owner` has of `ids`.
    pub(super) fn release(&mut self, owner: &str, ids: &[CaseId], asked_at: Option<DateTime<Utc>>) {
        for id in ids {
            if let Some(held) = self.0.get_mut(id).filter(|held| held.owner == owner) {
                (held.owner, held.asked_at) = (String::new(), asked_at.or(held.asked_at));
                held.until = DateTime::UNIX_EPOCH;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The claim read the clock at 10, waited for the store, and looks at what another worker did meanwhile.
    #[test]
    fn a_claim_that_waited_sees_what_was_done_meanwhile() {
        let at = |ms: i64| DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms);
        let longest = Lease::LONGEST.num_milliseconds();
        let claim = Lease::new("b", at(10_000), at(20_000)).with_pass_began(at(1_000));
        let asked = Some(at(10_400));
        assert_eq!(Place::of(&claim, "", DateTime::UNIX_EPOCH, asked), Place::Asked);
        let until = at(10_400 + longest);
        assert_eq!(Place::of(&claim, "a", until, None), Place::Blocked(until));
        // Far later than now: the clock was put back.
        let before = Some(at(12_000));
        assert_eq!(Place::of(&claim, "", DateTime::UNIX_EPOCH, before), Place::Free);
        assert_eq!(Place::of(&claim, "a", at(12_000 + longest), None), Place::Free);
    }
}
