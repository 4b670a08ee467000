//! What the reports of a pass, and the end of a world, must say.

use crate::ledger::{Checked, Ledger, traced};
use crate::world::Who;
use nhs_pds::case::{Case, CaseId, ReviewItem, ReviewReason};
use nhs_pds::process::{CaseReport, NextQuery, Row, RunReport, Saved, TraceResult};
use std::sync::Arc;

impl Ledger {
    pub(crate) fn reported(&mut self, who: &Who, report: &CaseReport) -> Checked {
        let id = &report.case_id;
        let stored = self.stored.get(id).map(traced);
        let pass = self.pass(who);
        let Some(result) = report.result else { return Ok(()) };
        if result == TraceResult::NotAsked {
            let is_lost = pass.answered.contains(id);
            return if is_lost { Err(format!("{id}: its answer was thrown away")) } else { Ok(()) };
        }
        if !pass.sent.values().any(|sent| sent == id) {
            return Err(format!("{id}: reported as traced, and was not asked"));
        }
        // A case that a user changes may come again in the same pass.
        pass.answered.remove(id);
        let settled = pass.settled.remove(id);
        let was_settled = settled.is_some();
        // Another program may have changed the case again.
        let still = was_settled && stored == settled;
        if still && result == TraceResult::ConflictOnSave {
            return Err(format!("{id}: reported as not saved, and was saved"));
        }
        let Some(effects) = report.row.map(Row::effects) else { return Ok(()) };
        if effects.next_query == NextQuery::AtOnce {
            pass.unfinished.insert(id.clone());
        }
        if effects.saved != Saved::Nothing && !was_settled {
            return Err(format!("{id}: reported as settled, and nothing was saved"));
        }
        Ok(())
    }

    pub(crate) fn pass_ended(&mut self, who: &Who, report: Option<&RunReport>) -> Checked {
        let pass = self.passes.entry(Arc::clone(&who.name)).or_default();
        pass.over = true;
        let Some(report) = report else {
            let known = pass.faults;
            return if known { Ok(()) } else { Err("a pass failed without a fault".to_owned()) };
        };
        if let Some(id) = pass.sent.keys().find(|id| !self.received.contains_key(*id)) {
            let case = &self.sent[id];
            return Err(format!("{case}: the response to a message is not on record"));
        }
        if let Some(case) = pass.unfinished.first()
            && !report.interrupted
            && report.stopped.is_none()
        {
            return Err(format!("{case}: its next question was not asked"));
        }
        let owned = self.leases.iter().find(|(_, (owner, _))| Some(owner) == pass.owner.as_ref());
        match owned {
            Some((case, _)) if !pass.faults => {
                Err(format!("{case}: the pass has ended and has not released it"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn is_asking(&self, who: &Who) -> bool {
        self.passes.get(&who.name).is_some_and(|pass| !pass.in_progress.is_empty())
    }

    /// How many leases were taken over after they had expired.
    pub(crate) fn taken_over(&self) -> usize {
        self.lost.len()
    }

    pub(crate) fn was_asked(&self, who: &Who, case: &CaseId) -> bool {
        self.passes.get(&who.name).is_some_and(|pass| pass.asked.contains(case))
    }

    /// A completed pass has delivered all alerts, where none failed.
    pub(crate) fn check_delivered(&self) -> Checked {
        let waits = |case: &&Case| !case.undelivered.is_empty() && !self.erased.contains(&case.id);
        match self.stored.values().find(waits) {
            Some(case) => Err(format!("{}: has an alert that was not delivered", case.id)),
            None => Ok(()),
        }
    }

    /// In a world whose people decide about duplicates, two cases may share a number.
    pub(crate) fn check_end(&self, atomic: bool, people_decide: bool) -> Checked {
        for (id, case) in &self.stored {
            if self.erased.contains(id) {
                continue;
            }
            let last = self.records.get(&(id.clone(), case.version)).and_then(|all| all.last());
            let Some((record, by)) = last else {
                return Err(format!("{id}: is stored without a record"));
            };
            // A process that dies, or whose store fails, between a record and its save leaves a record
            // too many.
            let excused =
                !atomic && self.passes.get(by).is_some_and(|pass| pass.dead || pass.faults);
            if record != case && !excused {
                return Err(format!("{id}: its last record is not what is stored"));
            }
        }
        let missing = self.alerts.iter().find(|id| !self.arrived.contains(*id));
        let of_erased = |id: &str| self.erased.iter().any(|case| id.starts_with(case.as_str()));
        match missing.filter(|id| !of_erased(id)) {
            Some(id) => Err(format!("alert {id} never arrived")),
            None if people_decide => Ok(()),
            None => self.check_duplicates(),
        }
    }

    /// At most one active case has a number, or each has a review item about it or is named in one.
    fn check_duplicates(&self) -> Checked {
        let duplicate = |item: &ReviewItem| item.reason == ReviewReason::Duplicate;
        let items = |case: &Case| case.review.clone().into_iter();
        for case in self.stored.values() {
            let Some(number) = case.live_number() else { continue };
            let others = self.holders(number, &case.id);
            let about = |item: &ReviewItem| item.evidence.nhs_number == Some(number);
            let is_flagged = items(case).any(|item| duplicate(&item) && about(&item));
            let is_named = self.stored.values().flat_map(items).any(|item| {
                duplicate(&item) && about(&item) && item.evidence.others.contains(&case.id)
            });
            if !others.is_empty() && !is_flagged && !is_named {
                return Err(format!("{}: shares its number, and is not flagged", case.id));
            }
        }
        Ok(())
    }
}
