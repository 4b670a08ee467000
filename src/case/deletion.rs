use crate::case::{CaseId, RecordedNumber};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// That a case is not in use any more (MSCA-DQ-02). Its data stay, unless it was erased.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Deletion {
    /// When.
    pub at: DateTime<Utc>,
    /// Who deleted it, by their user id.
    pub by: String,
    /// How.
    pub how: DeletionKind,
}

impl Deletion {
    /// `by` deleted the case at `at`.
    #[must_use]
    pub fn new(at: DateTime<Utc>, by: impl Into<String>, how: DeletionKind) -> Self {
        Self { at, by: by.into(), how }
    }
}

/// How a case came out of use.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionKind {
    /// Logically: it can be undeleted.
    Logical,
    /// It was merged into another case of the same person (MSCA-DQ-01), which can be undone.
    MergedInto(CaseId),
    /// By order of a court: nothing but its id is left.
    Erased,
}

/// A case that was merged into this one.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Absorbed {
    /// Its id.
    pub case_id: CaseId,
    /// When.
    pub at: DateTime<Utc>,
    /// What this case held before, to be restored when the merge is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_before: Option<RecordedNumber>,
    /// Whether this case took over the other's date of death, to be given back when the merge is undone.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub took_death: bool,
}

impl Absorbed {
    /// `case_id` was merged into this case at `at`, which held `number_before`.
    #[must_use]
    pub const fn new(
        case_id: CaseId,
        at: DateTime<Utc>,
        number_before: Option<RecordedNumber>,
    ) -> Self {
        Self { case_id, at, number_before, took_death: false }
    }

    /// The same, and this case took over the other's date of death.
    #[must_use]
    pub const fn with_death(mut self) -> Self {
        self.took_death = true;
        self
    }
}
