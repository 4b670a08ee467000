use crate::case::candidate::Candidate;
use crate::case::field_words;
use crate::case::id::CaseId;
use crate::case::identity::Identity;
use crate::case::number::RecordedNumber;
use crate::case::trace_state::TraceState;
use crate::demographics::{Demographics, Field, PartialDate, redacted_debug};
use crate::matching::{Criteria, Mismatch};
use crate::nhs_number::NhsNumber;
use crate::text::ValueError;
use crate::trace::Exchange;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Not;

/// A task for a person about a case (HAV-10, MSCA-DQ-06).
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReviewItem {
    /// The number of the item in its case, from 1.
    pub number: u32,
    /// Why a person must look.
    pub reason: ReviewReason,
    /// The state, which says who has the item.
    pub state: ReviewState,
    /// When the item was opened.
    pub opened_at: DateTime<Utc>,
    /// The user id of the user who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// The evidence for the item.
    pub evidence: Evidence,
    /// The actions taken, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<ReviewStep>,
}

impl ReviewItem {
    /// Whether a query with this number opened the item.
    pub(crate) fn is_about(&self, number: NhsNumber) -> bool {
        self.evidence.asked.as_ref().and_then(|asked| asked.nhs_number) == Some(number)
    }

    /// Whether the item is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }
}

/// One action on a review item.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReviewStep {
    /// The time.
    pub at: DateTime<Utc>,
    /// The user id of the user.
    pub by: String,
    /// The action, by a stable word: `assigned`, `with_gp`, `accepted`, and so on.
    pub what: String,
    /// The user's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the action has replaced, so that it can be undone; only in the last decision on an item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaced: Option<Box<Replaced>>,
}

impl ReviewStep {
    /// Creates the step that `by` did `what`, at `at`.
    #[must_use]
    pub fn new(at: DateTime<Utc>, by: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at, by: by.into(), what: what.into(), note: None, replaced: None }
    }

    /// Returns this step with a note.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// What a decision on a review item has replaced. With it, the decision can be undone.
///
/// It is stored in the case itself. So it is there when the audit trail is kept in another system,
/// and the erasure of the case erases it.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Replaced {
    /// The facts before the decision.
    pub(crate) before: Facts,
    /// The facts that the decision has left. A fact that is different now was changed since.
    pub(crate) after: Facts,
    /// When the case was to be traced again, before the decision.
    pub(crate) asking: TraceState,
    /// The numbers that the decision has rejected.
    pub(crate) rejected: Vec<NhsNumber>,
    /// The items that the decision has changed, as they were.
    pub(crate) items: Vec<FormerItem>,
}

/// The parts of a case that a decision may change.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Facts {
    pub(crate) number: Option<RecordedNumber>,
    pub(crate) death: (Option<PartialDate>, bool),
    pub(crate) not_on_pds: bool,
    pub(crate) contradicted: bool,
    pub(crate) person: Identity,
    pub(crate) address: [String; 5],
    pub(crate) postcode: Option<String>,
}

/// A review item before a decision. Its history is not repeated.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct FormerItem {
    pub(crate) number: u32,
    pub(crate) reason: ReviewReason,
    pub(crate) state: ReviewState,
    /// The evidence, if the decision has changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Box<Evidence>>,
}

/// The evidence of a review item: the search criteria, the person returned, and the other cases
/// concerned.
///
/// The differences between the two are calculated when the item is shown (`reconcile`), because the
/// case may have been corrected since.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Evidence {
    /// The search criteria.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Criteria>,
    /// The number that was found, that replaces the case's NHS Number, or that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<NhsNumber>,
    /// The person whom the service returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned: Option<Demographics>,
    /// The other cases of a duplicate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<CaseId>,
    /// The field that the service rejected.
    #[serde(rename = "particular", skip_serializing_if = "Option::is_none", with = "field_words")]
    pub field: Option<Field>,
    /// The damaged text in place of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged_number: Option<String>,
    /// The exchange that led to the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
    /// Whether the response came from a provider's copy, and not from the Spine itself.
    #[serde(skip_serializing_if = "Not::not")]
    pub stale: bool,
    /// The people returned, the most likely first, without those whom a reviewer has rejected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
}

/// The state of a review item, which says who has it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Not yet passed to anyone.
    Open,
    /// The front-line staff, who know the person.
    WithFrontLine,
    /// The person's GP practice.
    WithGp,
    /// The PDS National Back Office.
    WithNationalBackOffice,
    /// The item is settled.
    Resolved,
    /// The item needed no action.
    Dismissed,
}

impl ReviewState {
    /// The states of open items.
    pub const OPEN: [Self; 4] =
        [Self::Open, Self::WithFrontLine, Self::WithGp, Self::WithNationalBackOffice];

    /// Whether an item in this state is open.
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

/// Why a person must look at a case.
///
/// The text form is a stable word: the variant's name in lower case, joined by `_`. For a
/// difference it also contains the field, as in `differs:given`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum ReviewReason {
    /// The person returned does not match the search criteria. Compare the two.
    Differs(Field),
    /// The evidence is not complete enough to show that it is the same person. Compare the other
    /// fields of the two.
    Unconfirmed,
    /// The number found is not the case's NHS Number. Find out which is right. The worker never
    /// overwrites the case's number unattended.
    Conflict,
    /// Another case has the number. Find out whether it is the same person, and merge the cases, or
    /// correct the wrong one (MSCA-DQ-01).
    Duplicate,
    /// The person has died, but the date cannot be read. Enter the date of death manually.
    DeathUndated,
    /// No person matches. Correct the demographic fields, or mark the person as not on PDS
    /// (MSCA-PDS-04).
    NoMatch,
    /// Several people match. Complete the demographic fields, or confirm the right person on a
    /// screen.
    Ambiguous,
    /// The number was replaced, and the case has the new number: inform the person where possible,
    /// then resolve (MSCA-DQ-03).
    Replaced,
    /// The number was replaced, and the new number is not known or another case has it. The old
    /// number stays, with a warning, until the records are merged (MSCA-DQ-03).
    Superseded,
    /// The number is no longer valid (MSCA-DQ-04).
    Invalidated,
    /// The number is in use or belongs to no person, but it is not this person's according to the
    /// case's data.
    NotVerified,
    /// The service rejected the data. Correct them.
    Rejected,
    /// Repeated responses could not be read. Report the defect to the provider.
    Defect,
    /// The person is the right one, but the fields that PDS has recorded differ from the case
    /// (MSCA-DQ-06). Social care may have the newer data.
    Discrepancy,
    /// The local system's NHS Number is damaged, and was not imported. Correct it in the local
    /// system, from the person's documents, or remove it.
    NumberDamaged,
    /// The service repeatedly gave no response about this case, while it answered about others. Ask
    /// the provider about these messages; the audit trail has their identifiers.
    Unanswered,
}

impl ReviewReason {
    const PLAIN: [Self; 15] = [
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
        Self::Unanswered,
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
            Self::Unanswered => "unanswered",
        }
    }

    /// Whether a later response may settle the item without a person. This is true for items about
    /// finding the person, and false for errors found in the record.
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

    /// Whether items with this reason may be dismissed many at a time: they put neither a number nor
    /// a person in doubt, and the case stays as safe as it was.
    ///
    /// ```
    /// use nhs_pds::case::ReviewReason;
    ///
    /// assert!(ReviewReason::Discrepancy.may_be_dismissed_in_bulk());
    /// assert!(!ReviewReason::Duplicate.may_be_dismissed_in_bulk());
    /// ```
    #[must_use]
    pub const fn may_be_dismissed_in_bulk(self) -> bool {
        matches!(self, Self::Discrepancy | Self::Defect | Self::Unanswered)
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

/// The word is not a review reason.
const INVALID: ValueError = ValueError::new("no such reason for a review");

impl std::str::FromStr for ReviewReason {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::PLAIN
            .into_iter()
            .chain(Field::ALL.map(Self::Differs))
            .find(|reason| reason.as_str() == text)
            .ok_or(INVALID)
    }
}

impl TryFrom<String> for ReviewReason {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl From<ReviewReason> for String {
    fn from(reason: ReviewReason) -> Self {
        reason.as_str().to_owned()
    }
}

redacted_debug!(ReviewItem, ReviewStep, Evidence, Replaced, Facts, FormerItem);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_back() {
        for reason in ReviewReason::PLAIN.into_iter().chain(Field::ALL.map(ReviewReason::Differs)) {
            assert_eq!(reason.to_string().parse(), Ok(reason));
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(serde_json::from_str::<ReviewReason>(&json).unwrap(), reason);
        }
        assert!("differs".parse::<ReviewReason>().is_err());
    }

    #[test]
    fn evidence_is_read_back() {
        let evidence = Evidence { field: Some(Field::NhsNumber), ..Evidence::default() };
        let json = serde_json::to_string(&evidence).unwrap();
        assert_eq!(json, r#"{"particular":"nhs_number"}"#);
        assert!(serde_json::from_str::<Evidence>(&json).unwrap() == evidence);
        assert!(serde_json::from_str::<Evidence>("{}").unwrap() == Evidence::default());
    }
}
