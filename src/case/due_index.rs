//! Which cases are due and who has them, for stores in memory.

use crate::case::due::{Due, Priority};
use crate::case::id::CaseId;
use crate::case::lease::Lease;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// The cases by the time from which they are due, and their leases.
#[derive(Debug, Default)]
pub(super) struct DueIndex {
    due: BTreeMap<CaseId, Due>,
    order: BTreeMap<Due, BTreeSet<CaseId>>,
    leases: BTreeMap<CaseId, (String, DateTime<Utc>)>,
}

impl DueIndex {
    /// Sets when the case is due; its lease stays.
    pub(super) fn set(&mut self, id: &CaseId, due: Due) {
        if let Some(before) = self.due.insert(id.clone(), due)
            && let Some(same) = self.order.get_mut(&before)
        {
            same.remove(id);
            if same.is_empty() {
                self.order.remove(&before);
            }
        }
        self.order.entry(due).or_default().insert(id.clone());
    }

    /// Leases at most `limit` due cases. Where it leases none, returns when the first lease of another
    /// worker on a due case expires.
    pub(super) fn claim_due(
        &mut self,
        limit: usize,
        lease: &Lease,
    ) -> (Vec<CaseId>, Option<DateTime<Utc>>) {
        let (mut found, mut blocked): (Vec<CaseId>, Option<DateTime<Utc>>) = (Vec::new(), None);
        for (_, id) in self.due(lease) {
            if found.len() >= limit {
                break;
            }
            match self.leases.get(id) {
                Some((owner, until)) if lease.respects(owner, *until) => {
                    blocked = Some(blocked.map_or(*until, |first| first.min(*until)));
                }
                Some((owner, _)) if *owner == lease.owner => {}
                _ => found.push(id.clone()),
            }
        }
        found.iter().for_each(|id| self.take(id, lease));
        let blocked = blocked.filter(|_| found.is_empty() && limit > 0);
        (found, blocked)
    }

    /// Leases the case, unless another worker has it: returns then until when.
    pub(super) fn claim(&mut self, id: &CaseId, lease: &Lease) -> Result<(), DateTime<Utc>> {
        match self.leases.get(id) {
            Some((owner, until)) if lease.respects(owner, *until) => Err(*until),
            _ => {
                self.take(id, lease);
                Ok(())
            }
        }
    }

    pub(super) fn renew(&mut self, lease: &Lease) -> usize {
        let own = self.leases.values_mut().filter(|(owner, _)| *owner == lease.owner);
        own.map(|(_, until)| *until = lease.until).count()
    }

    pub(super) fn release(&mut self, owner: &str, ids: &[CaseId]) {
        for id in ids {
            if self.leases.get(id).is_some_and(|(has, _)| has == owner) {
                self.leases.remove(id);
            }
        }
    }

    /// The number of cases that are due by the lease's time, leased or not, and since when the first.
    pub(super) fn count(&self, lease: &Lease) -> (u64, Option<DateTime<Utc>>) {
        let (mut count, mut oldest) = (0, None);
        for (due, _) in self.due(lease) {
            count += 1;
            if due.at > DateTime::UNIX_EPOCH && due.at <= lease.due_by {
                oldest = Some(oldest.map_or(due.at, |first: DateTime<Utc>| first.min(due.at)));
            }
        }
        (count, oldest)
    }

    /// The cases that are due by the lease's time, in the order of work.
    fn due(&self, lease: &Lease) -> impl Iterator<Item = (Due, &CaseId)> {
        let (from, to) = lease.not_yet();
        Priority::ALL.into_iter().flat_map(move |priority| {
            let due = |at| Due::new(priority, at);
            let past = self.order.range(due(DateTime::<Utc>::MIN_UTC)..=due(from));
            let ahead = self.order.range(due(to)..=due(DateTime::<Utc>::MAX_UTC));
            let ahead = ahead.filter(move |(due, _)| due.at > to);
            past.chain(ahead).flat_map(|(due, ids)| ids.iter().map(|id| (*due, id)))
        })
    }

    fn take(&mut self, id: &CaseId, lease: &Lease) {
        self.leases.insert(id.clone(), (lease.owner.clone(), lease.until));
    }
}
