use crate::case::id::CaseId;
use crate::case::number::RecordedNumber;
use crate::case::taken::Taken;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// The record that a case is not active any more (MSCA-DQ-02). Its data stay, unless it was erased.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Deletion {
    /// The time.
    pub at: DateTime<Utc>,
    /// The user id of the person who deleted it.
    pub by: String,
    /// The kind of deletion.
    pub how: DeletionKind,
}

impl Deletion {
    /// Creates the record that `by` deleted the case at `at`.
    #[must_use]
    pub fn new(at: DateTime<Utc>, by: impl Into<String>, how: DeletionKind) -> Self {
        Self { at, by: by.into(), how }
    }
}

/// How a case was deleted.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionKind {
    /// Logically: it can be undeleted.
    Logical,
    /// It was merged into another case of the same person (MSCA-DQ-01), which can be undone.
    MergedInto(CaseId),
    /// By order of a court: only its id is left.
    Erased,
}

/// A case that was merged into this one.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Absorbed {
    /// Its id.
    pub case_id: CaseId,
    /// The time of the merge.
    pub at: DateTime<Utc>,
    /// The number of this case before the merge, restored when the merge is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_before: Option<RecordedNumber>,
    /// Whether this case took the other's date of death, which is removed again when the merge is
    /// undone.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub took_death: bool,
    /// The lists that this case took from the other, removed again when the merge is undone.
    #[serde(default, skip_serializing_if = "Taken::is_empty")]
    pub took: Taken,
}

impl Absorbed {
    /// Creates the record that `case_id` was merged at `at` into this case, whose number was
    /// `number_before`.
    #[must_use]
    pub const fn new(
        case_id: CaseId,
        at: DateTime<Utc>,
        number_before: Option<RecordedNumber>,
    ) -> Self {
        Self { case_id, at, number_before, took_death: false, took: Taken::NOTHING }
    }

    /// Returns this record, marked that this case took the other's date of death.
    #[must_use]
    pub const fn with_death(mut self) -> Self {
        self.took_death = true;
        self
    }

    /// Returns this record, with what this case took of the other's lists.
    #[must_use]
    pub fn with_lists(mut self, taken: Taken) -> Self {
        self.took = taken;
        self
    }
}
