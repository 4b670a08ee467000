use crate::case::CaseId;
use crate::demographics::redacted_debug;
use serde::Serialize;

/// Identifies an item of a case. `Ord` is the order of [`ReviewQueue::list`](crate::process::review::ReviewQueue::list).
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

redacted_debug!(ItemId);
