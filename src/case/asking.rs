use crate::demographics::{FullDate, Gender, Postcode, redacted_debug};
use crate::nhs_number::NhsNumber;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// What was asked about a case last, and when it is asked about again.
///
/// `Default` is a case that was never asked about.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Asking {
    /// What was asked last. When the case would be asked about in other words than these, somebody has
    /// corrected it, and it is asked about at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
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

/// The particulars by which a case is asked about, whether they go into the question or are held against
/// the person returned.
///
/// Without a number, all of them go into the question, a search that is not fuzzy. With one, the number goes
/// with family name and date of birth.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Asked {
    /// The number that was to be verified; `None` when the person was to be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<NhsNumber>,
    /// Family name.
    pub family: String,
    /// First given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// Date of birth.
    pub date_of_birth: FullDate,
    /// Administrative gender; a number can be verified without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// The postcode of the usual address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Postcode>,
}

impl Asked {
    /// Of somebody only these are known.
    #[must_use]
    pub fn new(family: impl Into<String>, date_of_birth: FullDate) -> Self {
        Self {
            nhs_number: None,
            family: family.into(),
            given: None,
            date_of_birth,
            gender: None,
            postcode: None,
        }
    }

    /// Whether the two are of one person in the same words, whatever the number.
    #[must_use]
    pub fn has_same_particulars(&self, other: &Self) -> bool {
        Self { nhs_number: other.nhs_number, ..self.clone() } == *other
    }
}

redacted_debug!(Asked);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "that is how serde asks")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
