use crate::case::CaseId;
use crate::demographics::{Demographics, Field, redacted_debug};
use crate::matching::{Criteria, Mismatch};
use crate::nhs_number::NhsNumber;
use crate::trace::Exchange;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Not;

/// Something about a case that a person has to look at (HAV-10, MSCA-DQ-06).
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReviewItem {
    /// Which item of its case it is, from 1 on.
    pub number: u32,
    /// Why somebody has to look.
    pub reason: ReviewReason,
    /// Who has it.
    pub state: ReviewState,
    /// When it came up.
    pub opened_at: DateTime<Utc>,
    /// Who works on it, by their user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// What it rests upon.
    pub evidence: Evidence,
    /// What was done about it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<ReviewStep>,
}

impl ReviewItem {
    /// Whether the item came up when this number was asked about.
    pub(crate) fn is_about(&self, number: NhsNumber) -> bool {
        self.evidence.asked.as_ref().and_then(|asked| asked.nhs_number) == Some(number)
    }

    /// Whether it still has to be worked.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }
}

/// One thing that was done about a review item.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReviewStep {
    /// When.
    pub at: DateTime<Utc>,
    /// Who, by their user id.
    pub by: String,
    /// What, by a stable word: `assigned`, `with_gp`, `accepted`, and so on.
    pub what: String,
    /// What else there was to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ReviewStep {
    /// `by` did `what`, at `at`.
    #[must_use]
    pub fn new(at: DateTime<Utc>, by: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at, by: by.into(), what: what.into(), note: None }
    }

    /// The same step, with a note.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// What a review item rests upon: what was asked, what was returned, and who else it is about.
///
/// What differs between the two is worked out when it is shown (`reconcile`), because the case may
/// have been corrected since.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Evidence {
    /// What was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Criteria>,
    /// The number that was found, that replaces the one held, or that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<NhsNumber>,
    /// Whom the service returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned: Option<Demographics>,
    /// The other cases of a duplicate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<CaseId>,
    /// The particular that the service found fault with.
    #[serde(rename = "particular", skip_serializing_if = "Option::is_none", with = "field")]
    pub field: Option<Field>,
    /// The text that stands in place of a number, when that is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged_number: Option<String>,
    /// The exchange that brought it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
    /// Whether the answer came from a provider's copy, and not from the Spine itself.
    #[serde(skip_serializing_if = "Not::not")]
    pub stale: bool,
}

/// Who has a review item.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Nobody yet.
    Open,
    /// The front-line staff, who know the person.
    WithFrontLine,
    /// The person's GP practice.
    WithGp,
    /// The PDS National Back Office.
    WithNationalBackOffice,
    /// It is settled.
    Resolved,
    /// It was nothing.
    Dismissed,
}

impl ReviewState {
    /// Whether the item still has to be worked.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Resolved | Self::Dismissed)
    }

    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::WithFrontLine => "with_front_line",
            Self::WithGp => "with_gp",
            Self::WithNationalBackOffice => "with_national_back_office",
            Self::Resolved => "resolved",
            Self::Dismissed => "dismissed",
        }
    }
}

impl fmt::Display for ReviewState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why somebody has to look at a case.
///
/// The text form is a stable word: the variant's name in lower case, joined by `_`; for what differs
/// also the particular's, as in `differs:given`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum ReviewReason {
    /// The person returned is not as asked for. Compare the two.
    Differs(Field),
    /// Family name and date of birth were not both returned, so too little shows that it is the same
    /// person. Compare what else is known of the two.
    Unconfirmed,
    /// The number found is not the one that the case holds. Find out which is right; what is held is
    /// never overwritten unattended.
    Conflict,
    /// Another case holds the number. Find out whether it is the same person, and merge, or correct
    /// the one that is wrong (MSCA-DQ-01).
    Duplicate,
    /// The person has died, on a day that cannot be read. Enter the date of death by hand.
    DeathUndated,
    /// Nobody matches. Correct the particulars, or mark the person as not on PDS (MSCA-PDS-04).
    NoMatch,
    /// Several people match. Complete the particulars, or confirm the right one at a screen.
    Ambiguous,
    /// The number was replaced, and the new one is held: tell the person where possible, then resolve
    /// (MSCA-DQ-03).
    Replaced,
    /// The number was replaced, and the new one is not known or not free: the old one stays, with a
    /// warning, until the records are merged (MSCA-DQ-03).
    Superseded,
    /// The number is no longer valid (MSCA-DQ-04).
    Invalidated,
    /// The number is in use, or of nobody, but not the person's by what the case says of them.
    NotVerified,
    /// The service refused the data. Correct them.
    Rejected,
    /// The answers could not be understood, time and again. Report the defect to the provider.
    Defect,
    /// The person is the right one, but what PDS holds of them is not what the case says
    /// (MSCA-DQ-06). Social care may hold the newer data.
    Discrepancy,
    /// The local system's NHS Number is damaged, and was not taken. Correct it there, from the person's
    /// papers, or remove it.
    NumberDamaged,
}

impl ReviewReason {
    const PLAIN: [Self; 14] = [
        Self::Unconfirmed,
        Self::Conflict,
        Self::Duplicate,
        Self::DeathUndated,
        Self::NoMatch,
        Self::Ambiguous,
        Self::Replaced,
        Self::Superseded,
        Self::Invalidated,
        Self::NotVerified,
        Self::Rejected,
        Self::Defect,
        Self::Discrepancy,
        Self::NumberDamaged,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Differs(Field::NhsNumber) => "differs:nhs_number",
            Self::Differs(Field::Family) => "differs:family",
            Self::Differs(Field::Given) => "differs:given",
            Self::Differs(Field::DateOfBirth) => "differs:date_of_birth",
            Self::Differs(Field::Gender) => "differs:gender",
            Self::Differs(Field::Address) => "differs:address",
            Self::Differs(Field::Postcode) => "differs:postcode",
            Self::Differs(Field::DateOfDeath) => "differs:date_of_death",
            Self::Unconfirmed => "unconfirmed",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::DeathUndated => "death_undated",
            Self::NoMatch => "none",
            Self::Ambiguous => "ambiguous",
            Self::Replaced => "replaced",
            Self::Superseded => "superseded",
            Self::Invalidated => "invalidated",
            Self::NotVerified => "not_verified",
            Self::Rejected => "rejected",
            Self::Defect => "defect",
            Self::Discrepancy => "discrepancy",
            Self::NumberDamaged => "number_damaged",
        }
    }

    /// Whether a later answer may settle the item without anybody: it is about finding the person, and
    /// not about what was found to be wrong with the record.
    #[must_use]
    pub const fn is_settled_by_an_answer(self) -> bool {
        !matches!(
            self,
            Self::Duplicate
                | Self::Replaced
                | Self::Superseded
                | Self::Invalidated
                | Self::NumberDamaged
        )
    }
}

impl From<Mismatch> for ReviewReason {
    fn from(mismatch: Mismatch) -> Self {
        match mismatch {
            Mismatch::Differs(field) => Self::Differs(field),
            Mismatch::Unconfirmed => Self::Unconfirmed,
        }
    }
}

impl fmt::Display for ReviewReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is that of no reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no such reason for a review")]
pub struct ReviewReasonError;

impl std::str::FromStr for ReviewReason {
    type Err = ReviewReasonError;

    fn from_str(text: &str) -> Result<Self, ReviewReasonError> {
        Self::PLAIN
            .into_iter()
            .chain(Field::ALL.map(Self::Differs))
            .find(|reason| reason.as_str() == text)
            .ok_or(ReviewReasonError)
    }
}

impl TryFrom<String> for ReviewReason {
    type Error = ReviewReasonError;

    fn try_from(text: String) -> Result<Self, ReviewReasonError> {
        text.parse()
    }
}

impl From<ReviewReason> for String {
    fn from(reason: ReviewReason) -> Self {
        reason.as_str().to_owned()
    }
}

redacted_debug!(ReviewItem, ReviewStep, Evidence);

/// The stored words for [`Field`].
mod field {
    use crate::demographics::Field;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    #[expect(clippy::ref_option, reason = "that is how serde asks")]
    pub(super) fn serialize<S: Serializer>(
        field: &Option<Field>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match field {
            Some(field) => serializer.serialize_str(field.as_str()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Field>, D::Error> {
        let Some(word) = Option::<std::borrow::Cow<'_, str>>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let known = Field::ALL.into_iter().find(|field| field.as_str() == word);
        known.map(Some).ok_or_else(|| D::Error::custom("no such particular"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back() {
        for reason in ReviewReason::PLAIN.into_iter().chain(Field::ALL.map(ReviewReason::Differs)) {
            assert_eq!(reason.to_string().parse(), Ok(reason));
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(serde_json::from_str::<ReviewReason>(&json).unwrap(), reason);
        }
        assert!("differs".parse::<ReviewReason>().is_err());
    }

    #[test]
    fn evidence_reads_back() {
        let evidence = Evidence { field: Some(Field::NhsNumber), ..Evidence::default() };
        let json = serde_json::to_string(&evidence).unwrap();
        assert_eq!(json, r#"{"particular":"nhs_number"}"#);
        assert!(serde_json::from_str::<Evidence>(&json).unwrap() == evidence);
        assert!(serde_json::from_str::<Evidence>("{}").unwrap() == Evidence::default());
    }
}
