//! Leases, so that two workers never trace the same case at the same time.

use crate::rows::Rows;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::case::{CaseId, Claim, Error, Lease};

impl Rows {
    /// Leases `ids` in order, and stops at the first case that another worker has leased.
    pub(crate) fn claim(&mut self, ids: &[CaseId], lease: &Lease) -> Claim {
        let (mut claim, latest) = (Claim::default(), lease.now + TimeDelta::seconds(1));
        for id in ids {
            let Some((case, leased, traced_at)) = self.0.get_mut(id) else { continue };
            let until = leased.as_ref().filter(|(owner, _)| *owner != lease.owner).map(|l| l.1);
            // A lease that ends later than any lease can was taken before the clock was set back.
            let in_force = |until| lease.now < until && until <= latest + Lease::LONGEST;
            claim.blocked_until = until.filter(|until| in_force(*until));
            if claim.blocked_until.is_some() {
                break;
            }
            if !traced_at.is_some_and(|at| lease.pass_began < at && at <= latest) {
                *leased = Some((lease.owner.clone(), lease.until));
                claim.cases.push(case.clone());
            }
        }
        claim
    }

    pub(crate) fn renew(&mut self, lease: &Lease) -> usize {
        let leased = self.0.values_mut().filter_map(|(_, leased, _)| leased.as_mut());
        let own = leased.filter(|(owner, _)| *owner == lease.owner);
        own.map(|(_, until)| *until = lease.until).count()
    }

    pub(crate) fn release(
        &mut self,
        owner: &str,
        ids: &[CaseId],
        at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        for (_, (_, leased, traced_at)) in self.0.iter_mut().filter(|(id, _)| ids.contains(id)) {
            if leased.take_if(|(of, _)| of == owner).is_some() {
                *traced_at = at.or(*traced_at);
            }
        }
        Ok(())
    }
}
