use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{Advisory, Case, ItemId, ReviewItem, advisories};
use crate::demographics::redacted_debug;
use crate::matching::{Comparison, LocalRecord, compare};
use crate::nhs_number::NhsNumber;
use crate::process::error::Error;
use crate::process::review::queue::ReviewQueue;
use crate::process::review::resolve::offered;

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
    /// The number that can be accepted, if any. A number that another active case has cannot be
    /// accepted: merge the cases (MSCA-DQ-01).
    pub offered: Option<NhsNumber>,
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
        if let Some(number) = item.evidence.nhs_number {
            about = about.with_number(number);
        }
        let viewed = Entry::new(EventKind::CaseViewed, self.clock.now(), actor)
            .with_detail("item", id.item.to_string())
            .with_detail("reason", item.reason.as_str())
            .about(about);
        self.store.audit().append(vec![viewed]).await?;
        let offered = offered(&item).filter(|number| {
            let told = item.is_open() && item.evidence.exchange.is_some();
            told && !case.rejected_numbers.contains(number)
        });
        let offered = match offered {
            Some(number) => {
                let holders = self.store.cases().holders(number).await?;
                holders.iter().all(|holder| *holder == case.id).then_some(number)
            }
            None => None,
        };
        let comparison = item
            .evidence
            .returned
            .as_ref()
            .map(|person| compare(&LocalRecord::from(&case), person));
        Ok(Some(ShownItem { offered, comparison, advisories: advisories(&case), item, case }))
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
            "comparison": null,
            "advisories": [],
        });
        let shown =
            ShownItem { case, item, offered: Some(NUMBER), comparison: None, advisories: vec![] };
        assert_eq!(to_value(&shown).unwrap(), expected);
        assert!(expected.to_string().contains("Aindow"), "it has the person's data");
    }
}
