use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::review::{Facts, FormerItem, Replaced, ReviewItem};
use crate::case::trace_state::TraceState;
use crate::nhs_number::NhsNumber;

impl Facts {
    pub(crate) fn of(case: &Case) -> Self {
        Self {
            number: case.nhs_number.clone(),
            death: (case.date_of_death, case.death_traced),
            not_on_pds: case.not_on_pds,
            contradicted: case.contradicted,
            person: case.identity(),
            address: case.address.clone(),
            postcode: case.postcode.clone(),
        }
    }
}

impl Replaced {
    /// What the decision replaced that made `after` of `before`.
    pub(crate) fn between(before: &Case, after: &Case) -> Self {
        let changed = |item: &&ReviewItem| {
            let now = after.review.iter().find(|now| now.number == item.number);
            now.is_some_and(|now| FormerItem::of(item, now).differs_from(now))
        };
        let former = |item: &ReviewItem| {
            let now = after.review.iter().find(|now| now.number == item.number)?;
            Some(FormerItem::of(item, now))
        };
        let is_new = |number: &&NhsNumber| !before.rejected_numbers.contains(*number);
        // Answers of a search that was interrupted are not kept: the search starts again. Nor is the row of a batch: by the
        // time of an undo, its response may be there, and the batch closed.
        let asking = TraceState { known: None, submitted: None, ..before.asking.clone() };
        Self {
            before: Facts::of(before),
            after: Facts::of(after),
            asking,
            rejected: after.rejected_numbers.iter().filter(is_new).copied().collect(),
            items: before.review.iter().filter(changed).filter_map(former).collect(),
        }
    }

    /// Removes what names the case `erased`.
    pub(crate) fn drop_case(&mut self, erased: &CaseId) {
        for evidence in self.items.iter_mut().filter_map(|item| item.evidence.as_mut()) {
            evidence.others.retain(|other| other != erased);
        }
    }
}

impl FormerItem {
    fn of(item: &ReviewItem, now: &ReviewItem) -> Self {
        let changed = item.evidence != now.evidence;
        Self {
            number: item.number,
            reason: item.reason,
            state: item.state,
            evidence: changed.then(|| Box::new(item.evidence.clone())),
        }
    }

    fn differs_from(&self, now: &ReviewItem) -> bool {
        self.reason != now.reason || self.state != now.state || self.evidence.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{RecordType, Submission};
    use crate::matching::Criteria;
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn an_undo_does_not_wait_for_a_row_again() {
        let mut before = Case::new("RXX:1".parse().unwrap(), RecordType::AdultCase);
        let asked = Criteria::new("PARRY", "1943-05-19".parse().unwrap());
        let at = DateTime::UNIX_EPOCH;
        let row = Submission::new("b-1", "r-1", (at, at + TimeDelta::days(7)), asked);
        (before.asking.submitted, before.asking.unsettled) = (Some(row), 3);
        let replaced = Replaced::between(&before, &before);
        assert_eq!(replaced.asking, TraceState { submitted: None, ..before.asking });
    }
}
