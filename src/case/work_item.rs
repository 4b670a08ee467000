use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::review::{ReviewItem, ReviewReason, ReviewState};
use crate::demographics::redacted_debug;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Identifies an item of a case.
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

/// The place of an item in a worklist, from which the next page follows. `Ord` is the order of
/// [`CaseStore::worklist`](crate::case::CaseStore::worklist): by the time at which the item was opened, in
/// microseconds, then by its id.
///
/// ```
/// use nhs_pds::case::{ItemId, ItemPlace};
///
/// let at = "2026-11-24T09:30:00.123456789Z".parse()?;
/// let place = ItemPlace::new(at, ItemId::new("RXX:1".parse()?, 1));
/// assert_eq!(place.opened_at().to_rfc3339(), "2026-11-24T09:30:00.123456+00:00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ItemPlace {
    opened_at: DateTime<Utc>,
    id: ItemId,
}

impl ItemPlace {
    /// The place of the item `id`, opened at `opened_at`.
    #[must_use]
    pub fn new(opened_at: DateTime<Utc>, id: ItemId) -> Self {
        // Databases count microseconds.
        let micros = DateTime::from_timestamp_micros(opened_at.timestamp_micros());
        Self { opened_at: micros.unwrap_or(opened_at), id }
    }

    /// When the item was opened, in whole microseconds.
    #[must_use]
    pub const fn opened_at(&self) -> DateTime<Utc> {
        self.opened_at
    }

    /// The item.
    #[must_use]
    pub const fn id(&self) -> &ItemId {
        &self.id
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
    is_unassigned: bool,
    lacks_number: bool,
    workers: Option<Vec<String>>,
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

    /// Only items that are assigned to no user.
    #[must_use]
    pub const fn unassigned(mut self) -> Self {
        self.is_unassigned = true;
        self
    }

    /// Only items of cases without an NHS Number.
    #[must_use]
    pub const fn without_nhs_number(mut self) -> Self {
        self.lacks_number = true;
        self
    }

    /// Only items of cases that are allocated to one of `workers`, without an end date (HAV-12). No item, if there
    /// is no worker.
    #[must_use]
    pub fn with_workers(mut self, workers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.workers = Some(workers.into_iter().map(Into::into).collect());
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

    /// Whether only items that are assigned to no user are selected.
    #[must_use]
    pub const fn is_unassigned(&self) -> bool {
        self.is_unassigned
    }

    /// Whether only items of cases without an NHS Number are selected.
    #[must_use]
    pub const fn lacks_nhs_number(&self) -> bool {
        self.lacks_number
    }

    /// The workers to one of whom the case must be allocated, if it is a condition.
    #[must_use]
    pub fn workers(&self) -> Option<&[String]> {
        self.workers.as_deref()
    }

    /// Whether `item` meets every condition on items.
    #[must_use]
    pub fn matches(&self, item: &ReviewItem) -> bool {
        self.state.map_or(item.is_open(), |state| item.state == state)
            && self.reason.is_none_or(|reason| item.reason == reason)
            && self.assignee.as_ref().is_none_or(|user| item.assignee.as_ref() == Some(user))
            && !(self.is_unassigned && item.assignee.is_some())
    }

    /// Whether `case` is active and meets every condition on cases.
    fn selects(&self, case: &Case) -> bool {
        case.is_live()
            && !(self.lacks_number && case.nhs_number.is_some())
            && self.workers.as_ref().is_none_or(|workers| case.is_allocated_to(workers))
    }

    /// The items of `case` behind `after` that meet every condition, in the order of their places. None of a case
    /// that is not active.
    pub fn of(&self, case: &Case, after: Option<&ItemPlace>) -> Vec<WorkItem> {
        if !self.selects(case) {
            return Vec::new();
        }
        let items = case.review.iter().filter(|item| self.matches(item));
        let items = items.map(|item| WorkItem {
            id: ItemId::new(case.id.clone(), item.number),
            reason: item.reason,
            state: item.state,
            assignee: item.assignee.clone(),
            opened_at: item.opened_at,
        });
        let mut items: Vec<WorkItem> =
            items.filter(|item| after.is_none_or(|after| item.place() > *after)).collect();
        items.sort_by_key(WorkItem::place);
        items
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

impl WorkItem {
    /// The place of the item, from which the next page follows.
    #[must_use]
    pub fn place(&self) -> ItemPlace {
        ItemPlace::new(self.opened_at, self.id.clone())
    }
}

redacted_debug!(ItemId, ItemPlace, ItemFilter, WorkItem);
