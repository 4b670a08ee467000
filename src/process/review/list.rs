use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{Case, ReviewItem, ReviewReason, ReviewState, Unreadable, readable};
use crate::demographics::redacted_debug;
use crate::process::error::Error;
use crate::process::review::item_id::ItemId;
use crate::process::review::queue::ReviewQueue;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};

/// How many cases are in memory at a time.
const PAGE: usize = 100;

/// Selects items that meet every condition.
///
/// ```
/// use nhs_pds::case::ReviewState;
/// use nhs_pds::process::review::ItemFilter;
///
/// let with_gp = ItemFilter::default().with_state(ReviewState::WithGp).with_assignee("j.doe");
/// # let _ = with_gp;
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct ItemFilter {
    state: Option<ReviewState>,
    reason: Option<ReviewReason>,
    assignee: Option<String>,
}

impl ItemFilter {
    /// Only items in this state. Default: all open items.
    #[must_use]
    pub const fn with_state(mut self, state: ReviewState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only items with this reason.
    #[must_use]
    pub const fn with_reason(mut self, reason: ReviewReason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Only items assigned to the user with this user id.
    #[must_use]
    pub fn with_assignee(mut self, user: impl Into<String>) -> Self {
        self.assignee = Some(user.into());
        self
    }

    /// Returns the audit event of the query. The case of `after` is sealed.
    fn question(
        &self,
        actor: &Actor,
        now: DateTime<Utc>,
        after: Option<&ItemId>,
        limit: usize,
    ) -> Entry {
        let conditions = [
            ("state", self.state.map(|state| state.as_str().to_owned())),
            ("reason", self.reason.map(|reason| reason.as_str().to_owned())),
            ("assignee", self.assignee.clone()),
            ("limit", Some(limit.to_string())),
        ];
        let conditions = conditions.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let entry = conditions
            .fold(Entry::new(EventKind::CasesListed, now, actor), |entry, (key, value)| {
                entry.with_detail(key, value)
            });
        match after {
            Some(after) => {
                entry.with_detail("after", "sealed").about(Subject::new(after.case.clone()))
            }
            None => entry,
        }
    }

    fn passes(&self, item: &ReviewItem) -> bool {
        self.state.map_or(item.is_open(), |state| item.state == state)
            && self.reason.is_none_or(|reason| item.reason == reason)
            && self.assignee.as_ref().is_none_or(|user| item.assignee.as_ref() == Some(user))
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

fn seconds<S: Serializer>(age: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(age.num_seconds())
}

impl ReviewQueue {
    /// Returns at most `limit` items of active cases that meet `filter`, ordered by case id and
    /// item number, starting after `after`. Fewer than `limit` items mean that this is the last
    /// page.
    ///
    /// First records in the audit trail that `actor` viewed the list, as `cases_listed`
    /// (MSCA-AUD-05); each page is a separate event. Reads cases page by page, so memory is
    /// bounded. Omits cases that cannot be read: [`unreadable`](Self::unreadable) lists them.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::process::ErrorKind) but `Conflict`; without a record, nothing is shown.
    pub async fn list(
        &self,
        filter: &ItemFilter,
        after: Option<&ItemId>,
        limit: usize,
        actor: &Actor,
    ) -> Result<Vec<ListedItem>, Error> {
        let now = self.clock.now();
        self.store.audit().append(vec![filter.question(actor, now, after, limit)]).await?;
        let mut listed = Vec::new();
        let mut add = |case: &Case| {
            let items = case.review.iter().filter(|_| case.is_live());
            for item in items.filter(|item| filter.passes(item)) {
                let id = ItemId::new(case.id.clone(), item.number);
                if after.is_none_or(|after| id > *after) && listed.len() < limit {
                    listed.push(ListedItem {
                        id,
                        reason: item.reason,
                        state: item.state,
                        assignee: item.assignee.clone(),
                        opened_at: item.opened_at,
                        age: now - item.opened_at,
                    });
                }
            }
            listed.len() < limit
        };
        // The case of `after` may have more items.
        let mut read = after.map(|after| after.case.clone());
        if let Some(id) = &read
            && let Some(case) = readable(self.store.cases().get(id).await)?
            && !add(&case)
        {
            return Ok(listed);
        }
        loop {
            let page = self.store.cases().page(read.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(listed) };
            if !page.iter().all(&mut add) {
                return Ok(listed);
            }
            read = Some(last.id.clone());
        }
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

redacted_debug!(ItemFilter, ListedItem);
