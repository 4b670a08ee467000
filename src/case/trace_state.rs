use crate::case::candidate::Heard;
use crate::case::submission::Submission;
use crate::demographics::redacted_debug;
use crate::matching::Criteria;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// The last query about a case, and when the case is traced again.
///
/// `Default` is a case that was never traced.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct TraceState {
    /// The criteria of the last query. If the case would now be traced with other criteria, a
    /// person has corrected it, and it is traced at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Criteria>,
    /// When the same criteria may be queried again; `None` means at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// Whether the same criteria must not be queried again, because the service rejects them.
    #[serde(skip_serializing_if = "Not::not")]
    pub until_corrected: bool,
    /// How many responses in a row have settled nothing. The more there are, the longer the wait.
    #[serde(skip_serializing_if = "is_zero")]
    pub unsettled: u32,
    /// How many responses in a row could not be read.
    #[serde(skip_serializing_if = "is_zero")]
    pub unreadable: u32,
    /// How many queries in a row got no response. The more there are, the longer the wait.
    #[serde(skip_serializing_if = "is_zero")]
    pub unanswered: u32,
    /// When the case may be queried again after a query without a usable response, whatever its
    /// criteria; `None` means at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<DateTime<Utc>>,
    /// A digest of the further names, postcodes and contacts of the case at the last query; `None` when it had
    /// none. If it changes, the case is traced at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub further: Option<String>,
    /// What the questions before one that got no answer have shown. They are not asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownSoFar>,
    /// Whether the next query is sent singly, because a batch has not settled the case: its response has left it open, its row
    /// was not traced, or its file was not delivered. Any answer ends it.
    #[serde(skip_serializing_if = "Not::not")]
    pub one_by_one: bool,
    /// The row of a batch that the case waits for, if it was submitted. An answer in any way ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Submission>,
}

/// The answers to the first questions of a strategy, kept while a further one gets no answer.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct KnownSoFar {
    /// The strategy and the rules of the judge, by [`Policy::rules`](crate::process::Policy::rules).
    pub strategy: String,
    /// The criteria of the case.
    pub asked: Criteria,
    /// What each question has shown.
    pub heard: Vec<Heard>,
    /// When the first of them was kept.
    pub at: DateTime<Utc>,
}

impl KnownSoFar {
    /// Returns what was `heard` at `at` by a `strategy`, about a case with these criteria.
    #[must_use]
    pub fn new(
        strategy: impl Into<String>,
        asked: Criteria,
        heard: Vec<Heard>,
        at: DateTime<Utc>,
    ) -> Self {
        Self { strategy: strategy.into(), asked, heard, at }
    }
}

redacted_debug!(TraceState, KnownSoFar);

impl TraceState {
    /// How many answers are kept of a turn whose further questions got none.
    pub(crate) fn kept_answers(&self) -> usize {
        self.known.as_ref().map_or(0, |known| known.heard.len())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "that is how serde asks")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
