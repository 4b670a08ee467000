use crate::matching::Criteria;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// What was asked about a case last, and when it is asked about again.
///
/// `Default` is a case that was never asked about.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct TraceState {
    /// What was asked last. When the case would be asked about in other words than these, somebody has
    /// corrected it, and it is asked about at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Criteria>,
    /// When the same words may be asked again; `None` is at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// Whether the same words are not to be asked again at all: the service refuses them.
    #[serde(skip_serializing_if = "Not::not")]
    pub until_corrected: bool,
    /// How many answers in a row have settled nothing: the more, the longer the wait.
    #[serde(skip_serializing_if = "is_zero")]
    pub unsettled: u32,
    /// How many answers in a row could not be understood.
    #[serde(skip_serializing_if = "is_zero")]
    pub unreadable: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "that is how serde asks")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
