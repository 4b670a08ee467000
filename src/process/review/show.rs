use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{Advisory, Case, ItemId, ReviewItem, advisories};
use crate::demographics::redacted_debug;
use crate::matching::{Comparison, LocalRecord, compare};
use crate::nhs_number::NhsNumber;
use crate::process::error::Error;
use crate::process::review::offer::offers;
use crate::process::review::queue::ReviewQueue;
use crate::process::review::shown_candidate::ShownCandidate;

/// An item with the evidence that a reviewer needs to confirm the person (MSCA-PDS-03).
///
/// The [`item`](Self::item) contains what was queried, returned and done. `Debug` shows no content.
/// `Serialize` writes all of it, the case and the item as they are stored.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq, serde::Serialize)]
pub struct ShownItem {
    /// The current case.
    pub case: Case,
    /// The item.
    pub item: ReviewItem,
    /// The number that can be accepted, if it is the only one. With several candidates, a user must choose:
    /// [`ShownCandidate::can_be_accepted`]. A number that another active case has cannot be accepted: merge
    /// the cases (MSCA-DQ-01).
    pub offered: Option<NhsNumber>,
    /// The candidates beside the case, the most likely first, without those whom a user has rejected.
    pub candidates: Vec<ShownCandidate>,
    /// The comparison of the current case with the returned person, if any.
    pub comparison: Option<Comparison>,
    /// The advisories to show whenever the case is opened.
    pub advisories: Vec<Advisory>,
}

impl ReviewQueue {
    /// Returns the item `id` with its evidence, or `None` if it does not exist.
    ///
    /// First records in the audit trail that `actor` viewed it, as `case_viewed`.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::process::ErrorKind) but `Conflict`; without a record, nothing is shown.
    pub async fn show(&self, id: &ItemId, actor: &Actor) -> Result<Option<ShownItem>, Error> {
        let Some(case) = self.store.cases().get(&id.case).await? else { return Ok(None) };
        let Some(item) = case.review.iter().find(|item| item.number == id.item).cloned() else {
            return Ok(None);
        };
        let mut about = Subject::of(&case);
        let candidates = item.evidence.candidates.iter().map(|candidate| candidate.nhs_number);
        let mut numbers: Vec<_> = item.evidence.nhs_number.into_iter().chain(candidates).collect();
        numbers.sort();
        numbers.dedup();
        for number in numbers {
            about = about.with_number(number);
        }
        let viewed = Entry::new(EventKind::CaseViewed, self.clock.now(), actor)
            .with_detail("item", id.item.to_string())
            .with_detail("reason", item.reason.as_str())
            .about(about);
        self.store.audit().append(vec![viewed]).await?;
        let mut free = Vec::new();
        for offer in offers(&case, &item).iter().filter(|_| item.is_open()) {
            let holders = self.store.cases().holders(offer.number).await?;
            if holders.iter().all(|holder| *holder == case.id) {
                free.push(offer.number);
            }
        }
        let candidates: Vec<ShownCandidate> = item
            .evidence
            .candidates
            .iter()
            .filter(|candidate| !case.rejected_numbers.contains(&candidate.nhs_number))
            .map(|candidate| {
                ShownCandidate::of(&case, candidate, free.contains(&candidate.nhs_number))
            })
            .collect();
        // One of several people must be chosen, also when another case has the number of the others.
        let others =
            |number: &NhsNumber| candidates.iter().any(|candidate| candidate.nhs_number != *number);
        let offered = match free[..] {
            [number] if !others(&number) => Some(number),
            _ => None,
        };
        let comparison = item
            .evidence
            .returned
            .as_ref()
            .map(|person| compare(&LocalRecord::from(&case), person));
        let advisories = advisories(&case);
        Ok(Some(ShownItem { offered, candidates, comparison, advisories, item, case }))
    }
}

redacted_debug!(ShownItem);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ReviewReason;
    use crate::process::review::fixtures::{NUMBER, case, now};
    use crate::process::review::list::ListedItem;
    use chrono::TimeDelta;
    use serde_json::{json, to_value};

    #[test]
    fn items_as_json() {
        let case = case("RHM:00001", ReviewReason::Conflict, Some(NUMBER));
        let item = case.review[0].clone();
        let listed = ListedItem {
            id: ItemId::new(case.id.clone(), item.number),
            reason: item.reason,
            state: item.state,
            assignee: None,
            opened_at: now(),
            age: TimeDelta::days(1),
        };
        let expected = json!({
            "case": "RHM:00001",
            "item": item.number,
            "reason": "conflict",
            "state": "open",
            "assignee": null,
            "opened_at": "2026-11-24T09:30:00Z",
            "age_seconds": 86400,
        });
        assert_eq!(to_value(&listed).unwrap(), expected);

        let expected = json!({
            "case": case,
            "item": item,
            "offered": NUMBER.digits().as_str(),
            "candidates": [],
            "comparison": null,
            "advisories": [],
        });
        let (comparison, advisories, candidates) = (None, vec![], vec![]);
        let offered = Some(NUMBER);
        let shown = ShownItem { case, item, offered, candidates, comparison, advisories };
        assert_eq!(to_value(&shown).unwrap(), expected);
        assert!(expected.to_string().contains("Aindow"), "it has the person's data");
    }
}
