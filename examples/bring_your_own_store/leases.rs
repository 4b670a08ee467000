//! Leases, so that two workers never trace the same case at the same time.

use crate::rows::{Row, Rows};
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::case::{CaseId, Claim, Lease};

impl Row {
    /// When the lease of another worker ends, if it is in force.
    fn leased_until(&self, lease: &Lease) -> Option<DateTime<Utc>> {
        let (owner, until) = self.lease.as_ref()?;
        // A lease that ends later than any lease can was taken before the clock was set back.
        let latest = lease.now + TimeDelta::seconds(1) + Lease::LONGEST;
        let in_force = *owner != lease.owner && lease.now < *until && *until <= latest;
        in_force.then_some(*until)
    }

    fn take(&mut self, lease: &Lease, claim: &mut Claim) {
        self.lease = Some((lease.owner.clone(), lease.until));
        claim.cases.push(self.case.clone());
    }
}

impl Rows {
    /// Leases at most `limit` of the due cases: the most urgent first, then the oldest.
    pub(crate) fn claim_due(&mut self, limit: usize, lease: &Lease) -> Claim {
        let (mut claim, mut ends) = (Claim::default(), Vec::new());
        for id in self.due(lease) {
            let Some(row) = self.cases.get_mut(&id) else { continue };
            let is_own = row.lease.as_ref().is_some_and(|(owner, _)| *owner == lease.owner);
            match row.leased_until(lease) {
                Some(until) => ends.push(until),
                None if is_own || claim.cases.len() >= limit => {}
                None => row.take(lease, &mut claim),
            }
        }
        let is_blocked = claim.cases.is_empty() && limit > 0;
        claim.blocked_until = ends.into_iter().min().filter(|_| is_blocked);
        claim
    }

    /// Leases one case, whether or not it is due.
    pub(crate) fn claim(&mut self, id: &CaseId, lease: &Lease) -> Claim {
        let mut claim = Claim::default();
        if let Some(row) = self.cases.get_mut(id) {
            claim.blocked_until = row.leased_until(lease);
            if claim.blocked_until.is_none() {
                row.take(lease, &mut claim);
            }
        }
        claim
    }

    pub(crate) fn renew(&mut self, lease: &Lease) -> usize {
        let leases = self.cases.values_mut().filter_map(|row| row.lease.as_mut());
        let own = leases.filter(|(owner, _)| *owner == lease.owner);
        own.map(|(_, until)| *until = lease.until).count()
    }

    pub(crate) fn release(&mut self, owner: &str, ids: &[CaseId]) {
        for (_, row) in self.cases.iter_mut().filter(|(id, _)| ids.contains(id)) {
            row.lease.take_if(|(of, _)| of == owner);
        }
    }
}
