use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{
    ItemCounts, ItemFilter, ItemId, ItemPlace, ReviewReason, ReviewState, Unreadable, WorkItem,
};
use crate::demographics::redacted_debug;
use crate::process::error::Error;
use crate::process::review::queue::ReviewQueue;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};

/// Returns the audit event of the query. The case of `after` is sealed.
fn question(
    filter: &ItemFilter,
    actor: &Actor,
    now: DateTime<Utc>,
    after: Option<&ItemPlace>,
    limit: usize,
) -> Entry {
    let conditions = [
        ("state", filter.state().map(|state| state.as_str().to_owned())),
        ("reason", filter.reason().map(|reason| reason.as_str().to_owned())),
        ("assignee", filter.assignee().map(str::to_owned)),
        ("unassigned", filter.is_unassigned().then(|| "true".to_owned())),
        ("without_nhs_number", filter.lacks_nhs_number().then(|| "true".to_owned())),
        ("workers", filter.workers().map(|workers| workers.len().to_string())),
        ("limit", Some(limit.to_string())),
    ];
    let conditions = conditions.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let entry = conditions
        .fold(Entry::new(EventKind::CasesListed, now, actor), |entry, (key, value)| {
            entry.with_detail(key, value)
        });
    match after {
        Some(after) => {
            entry.with_detail("after", "sealed").about(Subject::new(after.id().case.clone()))
        }
        None => entry,
    }
}

/// An item in a list. Contains no personal data except the case's id, which `Serialize` writes.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq, Serialize)]
pub struct ListedItem {
    /// The item. `Serialize` writes `case` and `item` beside the other fields.
    #[serde(flatten)]
    pub id: ItemId,
    /// Why a reviewer is needed.
    pub reason: ReviewReason,
    /// The state: who has the item.
    pub state: ReviewState,
    /// The user id of the reviewer to whom it is assigned.
    pub assignee: Option<String>,
    /// When the item was opened.
    pub opened_at: DateTime<Utc>,
    /// The time since then. `Serialize` writes whole seconds.
    #[serde(rename = "age_seconds", serialize_with = "seconds")]
    pub age: TimeDelta,
}

impl ListedItem {
    fn of(item: WorkItem, now: DateTime<Utc>) -> Self {
        let WorkItem { id, reason, state, assignee, opened_at, .. } = item;
        Self { id, reason, state, assignee, opened_at, age: now - opened_at }
    }

    /// The place of the item in the list, from which the next page follows.
    #[must_use]
    pub fn place(&self) -> ItemPlace {
        ItemPlace::new(self.opened_at, self.id.clone())
    }
}

fn seconds<S: Serializer>(age: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(age.num_seconds())
}

impl ReviewQueue {
    /// Returns at most `limit` items of active cases that meet `filter`, the oldest first, starting after
    /// `after`. Fewer than `limit` items mean that this is the last page.
    ///
    /// First records in the audit trail that `actor` viewed the list, as `cases_listed`
    /// (MSCA-AUD-05); each page is a separate event. Omits cases that cannot be read: [`unreadable`](Self::unreadable) lists them.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::process::ErrorKind) but `Conflict`; without a record, nothing is shown.
    pub async fn list(
        &self,
        filter: &ItemFilter,
        after: Option<&ItemPlace>,
        limit: usize,
        actor: &Actor,
    ) -> Result<Vec<ListedItem>, Error> {
        let now = self.clock.now();
        self.store.audit().append(vec![question(filter, actor, now, after, limit)]).await?;
        let items = self.store.cases().worklist(filter, after, limit).await?;
        Ok(items.into_iter().map(|item| ListedItem::of(item, now)).collect())
    }

    /// Returns how many open items there are, for the tabs of a worklist: see
    /// [`CaseStore::item_counts`](crate::case::CaseStore::item_counts). Shows nothing of a case, so nothing is
    /// recorded.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](crate::process::ErrorKind::StoreUnavailable) and
    /// [`StoreBroken`](crate::process::ErrorKind::StoreBroken).
    pub async fn counts(
        &self,
        assignee: &str,
        workers: Option<&[String]>,
    ) -> Result<ItemCounts, Error> {
        Ok(self.store.cases().item_counts(assignee, workers).await?)
    }

    /// Returns the damaged cases, which cannot be read. No list contains them. They can be erased.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](crate::process::ErrorKind::StoreUnavailable) and
    /// [`StoreBroken`](crate::process::ErrorKind::StoreBroken).
    pub async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        Ok(self.store.cases().unreadable().await?)
    }
}

redacted_debug!(ListedItem);
