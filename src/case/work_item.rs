use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::review::{ReviewItem, ReviewReason, ReviewState};
use crate::demographics::redacted_debug;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Identifies an item of a case. `Ord` is the order of [`CaseStore::worklist`](crate::case::CaseStore::worklist).
#[non_exhaustive]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ItemId {
    /// The case.
    pub case: CaseId,
    /// The number of the item in the case.
    pub item: u32,
}

impl ItemId {
    /// Creates the id of the item numbered `item` of `case`.
    #[must_use]
    pub const fn new(case: CaseId, item: u32) -> Self {
        Self { case, item }
    }
}

/// Selects items that meet every condition.
///
/// ```
/// use nhs_pds::case::{ItemFilter, ReviewState};
///
/// let with_gp = ItemFilter::default().with_state(ReviewState::WithGp).with_assignee("j.doe");
/// assert_eq!((with_gp.state(), with_gp.reason()), (Some(ReviewState::WithGp), None));
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

    /// The state; `None` for all open items.
    #[must_use]
    pub const fn state(&self) -> Option<ReviewState> {
        self.state
    }

    /// The reason, if it is a condition.
    #[must_use]
    pub const fn reason(&self) -> Option<ReviewReason> {
        self.reason
    }

    /// The user id of the assignee, if it is a condition.
    #[must_use]
    pub fn assignee(&self) -> Option<&str> {
        self.assignee.as_deref()
    }

    /// Whether `item` meets every condition.
    #[must_use]
    pub fn matches(&self, item: &ReviewItem) -> bool {
        self.state.map_or(item.is_open(), |state| item.state == state)
            && self.reason.is_none_or(|reason| item.reason == reason)
            && self.assignee.as_ref().is_none_or(|user| item.assignee.as_ref() == Some(user))
    }

    /// The items of `case` behind `after` that meet every condition, in the order of their numbers. None
    /// of a case that is not active.
    pub fn of<'a>(
        &'a self,
        case: &'a Case,
        after: Option<&'a ItemId>,
    ) -> impl Iterator<Item = WorkItem> + 'a {
        let mut items: Vec<&ReviewItem> =
            case.review.iter().filter(|item| case.is_live() && self.matches(item)).collect();
        items.sort_by_key(|item| item.number);
        items
            .into_iter()
            .map(|item| WorkItem {
                id: ItemId::new(case.id.clone(), item.number),
                reason: item.reason,
                state: item.state,
                assignee: item.assignee.clone(),
                opened_at: item.opened_at,
            })
            .filter(move |item| after.is_none_or(|after| item.id > *after))
    }
}

/// An item in a worklist. It has no NHS Number and no demographic fields.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct WorkItem {
    /// The item.
    pub id: ItemId,
    /// Why a reviewer is needed.
    pub reason: ReviewReason,
    /// The state: who has the item.
    pub state: ReviewState,
    /// The user id of the reviewer to whom it is assigned.
    pub assignee: Option<String>,
    /// When the item was opened.
    pub opened_at: DateTime<Utc>,
}

redacted_debug!(ItemId, ItemFilter, WorkItem);
