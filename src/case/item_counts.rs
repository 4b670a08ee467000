use crate::case::record::Case;
use crate::case::review::{ReviewReason, ReviewState};
use std::collections::BTreeMap;

/// How many open review items of active cases there are, for the tabs of a worklist. Nothing of a person.
///
/// ```
/// use nhs_pds::case::{Case, CaseStore, Evidence, MemoryStore, RecordType, ReviewReason};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut case = Case::new("RXX:1".parse()?, RecordType::Review);
/// case.open_item(ReviewReason::NoMatch, &Evidence::default(), "2026-11-24T09:30:00Z".parse()?);
/// let store = MemoryStore::new();
/// store.insert_all(vec![case]).await?;
/// let counts = store.item_counts("j.doe", None).await?;
/// assert_eq!((counts.open, counts.assigned, counts.unassigned), (1, 0, 1));
/// assert_eq!(counts.reasons.get(&ReviewReason::NoMatch), Some(&1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ItemCounts {
    /// All open items.
    pub open: u64,
    /// The open items that are assigned to the user of the query.
    pub assigned: u64,
    /// The open items that are assigned to no user.
    pub unassigned: u64,
    /// The open items of cases without an NHS Number.
    pub without_nhs_number: u64,
    /// The open items in each state that has any.
    pub states: BTreeMap<ReviewState, u64>,
    /// The open items with each reason that has any.
    pub reasons: BTreeMap<ReviewReason, u64>,
}

impl ItemCounts {
    /// Adds `count` items of one kind.
    pub(super) fn add(&mut self, kind: ItemKind, count: u64) {
        if count == 0 {
            return;
        }
        self.open += count;
        self.unassigned += if kind.is_assigned { 0 } else { count };
        self.without_nhs_number += if kind.has_number { 0 } else { count };
        *self.states.entry(kind.state).or_default() += count;
        *self.reasons.entry(kind.reason).or_default() += count;
    }

    /// Adds the items of `case`. `assignee` is the user of the query.
    pub(super) fn add_case(&mut self, case: &Case, assignee: &str, workers: Option<&[String]>) {
        if !case.is_live() || workers.is_some_and(|workers| !case.is_allocated_to(workers)) {
            return;
        }
        for item in case.open_items() {
            let kind = ItemKind {
                state: item.state,
                reason: item.reason,
                has_number: case.nhs_number.is_some(),
                is_assigned: item.assignee.is_some(),
            };
            self.add(kind, 1);
            self.assigned += u64::from(item.assignee.as_deref() == Some(assignee));
        }
    }
}

/// What open items are counted by.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct ItemKind {
    pub(super) state: ReviewState,
    pub(super) reason: ReviewReason,
    pub(super) has_number: bool,
    pub(super) is_assigned: bool,
}

impl ItemKind {
    /// The kind with these stored words, if the state is open and both words are known.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn read(
        state: &str,
        reason: &str,
        has_number: bool,
        is_assigned: bool,
    ) -> Option<Self> {
        let state = ReviewState::OPEN.into_iter().find(|open| open.as_str() == state)?;
        Some(Self { state, reason: reason.parse().ok()?, has_number, is_assigned })
    }
}
