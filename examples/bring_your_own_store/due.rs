//! When cases are due. With a database, an index keeps their order.

use crate::rows::Rows;
use chrono::{DateTime, Utc};
use nhs_pds::case::{CaseId, Counts, Due, LONGEST_PLAN, Lease, Planned};

impl Rows {
    /// The cases that are due by the lease's time, leased or not, in the order of work.
    pub(crate) fn due(&self, lease: &Lease) -> Vec<CaseId> {
        let mut due: Vec<(Due, &CaseId)> =
            self.cases.iter().map(|(id, row)| (row.due, id)).collect();
        // A time far ahead was set by a clock that was ahead.
        due.retain(|(due, _)| due.at <= lease.due_by || due.at > lease.now + LONGEST_PLAN);
        due.sort();
        due.into_iter().map(|(_, id)| id.clone()).collect()
    }

    /// Plans cases. A plan of another version than the stored one has no effect.
    pub(crate) fn plan(&mut self, planned: &[Planned]) {
        for Planned { id, version, due } in planned {
            let row = self.cases.get_mut(id).filter(|row| row.case.version == *version);
            if let Some(row) = row {
                row.due = *due;
            }
        }
    }

    pub(crate) fn counts(&self, now: DateTime<Utc>) -> Counts {
        let due = self.due(&Lease::new("", now, now));
        let since = due.iter().filter_map(|id| self.cases.get(id)).map(|row| row.due.at);
        let active = self.cases.values().filter(|row| row.case.is_live());
        let to_review = active.filter(|row| row.case.open_items().next().is_some());
        let mut counts = Counts::default();
        counts.due = due.len() as u64;
        counts.oldest_due = since.filter(|at| *at > DateTime::UNIX_EPOCH && *at <= now).min();
        counts.to_review = to_review.count() as u64;
        counts
    }
}
