use crate::case::number::NumberStatus;
use crate::case::plausible::is_before_birth;
use crate::case::record::Case;
use crate::case::review::{ReviewItem, ReviewReason};
use crate::demographics::Demographics;
use crate::nhs_number::NhsNumber;
use std::fmt;

/// A warning that must be shown whenever a user opens a case, until it is resolved (MSCA-DQ-01,
/// DQ-03, DQ-04).
///
/// `Serialize` writes the text, which may contain a number.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq, serde::Serialize)]
pub struct Advisory {
    /// The kind of the advisory.
    pub kind: AdvisoryKind,
    text: String,
}

impl Advisory {
    /// Creates an advisory of `kind` with the text `text`.
    #[must_use]
    pub fn new(kind: AdvisoryKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The text to show, with the content that MSCA-DQ-03 and DQ-04 require. It may contain a
    /// number, so show it on a screen and never write it to a log.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Advisory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Advisory").field(&self.kind).finish()
    }
}

/// The kind of an advisory, in the order in which advisories are shown.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdvisoryKind {
    /// The number is no longer valid.
    Invalid,
    /// The number was replaced, and the new number is not known or not confirmed.
    Superseded,
    /// Another case has the same number.
    Duplicate,
    /// Whether the number is the person's is under investigation.
    UnderInvestigation,
    /// Name, date of birth or gender have changed since the number was confirmed.
    PersonChanged,
    /// The number was replaced, and the record has the new number.
    Replaced,
    /// The person has died.
    Deceased,
}

impl AdvisoryKind {
    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Superseded => "superseded",
            Self::Duplicate => "duplicate",
            Self::UnderInvestigation => "under_investigation",
            Self::PersonChanged => "person_changed",
            Self::Replaced => "replaced",
            Self::Deceased => "deceased",
        }
    }
}

impl fmt::Display for AdvisoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What to do with a record whose number must not be relied upon (MSCA-DQ-03, DQ-04).
const CAUTION: &str = "The record is with the back office. Treat all demographic and clinical \
     information on it with caution until this is resolved.";

/// What to do with a record that may now be about another person.
const PERSON_CHANGED: &str = "The name, date of birth or gender on this record has changed since the \
     NHS Number was confirmed, so the number may be another person's. Do not use the number until it has \
     been verified. Treat all demographic and clinical information on the record with caution until then.";

/// The advisories that must be shown whenever `case` is opened; none when nothing is wrong.
///
/// Pure. Each advisory comes from an open review item, the number's status, the changed person
/// ([`Case::person_changed`]) or the date of death. It lasts as long as its cause, so resolving the
/// cause removes it.
///
/// ```
/// use nhs_pds::case::{AdvisoryKind, Case, RecordType, advisories};
///
/// let mut case = Case::new("RXX:1".parse()?, RecordType::Review);
/// assert!(advisories(&case).is_empty());
/// case.date_of_death = Some("2026-11".parse()?);
/// assert_eq!(advisories(&case)[0].kind, AdvisoryKind::Deceased);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn advisories(case: &Case) -> Vec<Advisory> {
    let mut told = Vec::new();
    for item in case.review.iter().filter(|item| item.is_open()) {
        let shown = match item.reason {
            ReviewReason::Conflict | ReviewReason::NotVerified | ReviewReason::Differs(_) => {
                // Without a number there is nothing to doubt.
                case.nhs_number.is_some()
            }
            ReviewReason::Ambiguous | ReviewReason::Unconfirmed => is_about_the_held(case, item),
            _ => true,
        };
        if shown {
            told.extend(of_reason(item.reason, item.evidence.nhs_number));
        }
    }
    if let Some(recorded) = &case.nhs_number {
        told.extend(of_status(recorded.status));
    }
    if case.person_changed() {
        told.push(Advisory::new(AdvisoryKind::PersonChanged, PERSON_CHANGED));
    }
    if let Some(died) = case.date_of_death {
        let text = if case.death_in_doubt() {
            "The date of death on this record was returned for the person whom the record was about before, and \
             may be another person's. Find out whether this person has died. Do not write to them until then."
        } else if is_before_birth(died, case.date_of_birth) {
            "The date of death on this record is before the date of birth, so one of the two is wrong. Find \
             out whether this person has died. Do not write to them until the record is corrected."
        } else {
            "This person has died. Do not write to them."
        };
        told.push(Advisory::new(AdvisoryKind::Deceased, text));
    } else if case.open_items().any(tells_of_death) {
        told.push(Advisory::new(
            AdvisoryKind::Deceased,
            "PDS records that this person has died. The date is not yet known. Do not write to them.",
        ));
    }
    told.sort_by_key(|advisory| advisory.kind);
    told.dedup_by_key(|advisory| advisory.kind);
    told
}

/// Whether the item was opened by a verification of the case's NHS Number.
fn is_about_the_held(case: &Case, item: &ReviewItem) -> bool {
    case.nhs_number.as_ref().is_some_and(|recorded| item.is_about(recorded.number))
}

/// Whether the person of the case was returned as deceased. A person who may be a different person
/// does not count.
fn tells_of_death(item: &ReviewItem) -> bool {
    matches!(
        item.reason,
        ReviewReason::DeathUndated
            | ReviewReason::Duplicate
            | ReviewReason::Replaced
            | ReviewReason::Superseded
    ) && item.evidence.returned.as_ref().is_some_and(Demographics::is_deceased)
}

fn of_status(status: NumberStatus) -> Option<Advisory> {
    match status {
        NumberStatus::Usable => None,
        NumberStatus::Superseded => of_reason(ReviewReason::Superseded, None),
        NumberStatus::Invalid => of_reason(ReviewReason::Invalidated, None),
        NumberStatus::NotVerified => of_reason(ReviewReason::NotVerified, None),
    }
}

fn of_reason(reason: ReviewReason, number: Option<NhsNumber>) -> Option<Advisory> {
    let by = number.map(|number| format!(" by {number}")).unwrap_or_default();
    let (kind, text) = match reason {
        ReviewReason::Replaced => (
            AdvisoryKind::Replaced,
            format!(
                "The NHS Number has been replaced{by}, which this record now has. Inform the person where possible."
            ),
        ),
        ReviewReason::Superseded => (
            AdvisoryKind::Superseded,
            format!("The NHS Number is no longer valid: it has been replaced{by}. {CAUTION}"),
        ),
        ReviewReason::Invalidated => {
            (AdvisoryKind::Invalid, format!("The NHS Number is no longer valid. {CAUTION}"))
        }
        ReviewReason::Duplicate => (
            AdvisoryKind::Duplicate,
            format!(
                "Another record has the same NHS Number; the two may be of one person. {CAUTION}"
            ),
        ),
        ReviewReason::Conflict
        | ReviewReason::NotVerified
        | ReviewReason::Differs(_)
        | ReviewReason::Ambiguous
        | ReviewReason::Unconfirmed => (
            AdvisoryKind::UnderInvestigation,
            format!("Whether the NHS Number is this person's is under investigation. {CAUTION}"),
        ),
        _ => return None,
    };
    Some(Advisory::new(kind, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::number::{NumberSource, RecordedNumber};
    use crate::case::record_type::RecordType;
    use crate::case::review::Evidence;
    use crate::matching::Criteria;
    use chrono::DateTime;

    const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
    const OTHER: NhsNumber = NhsNumber::constant(9_449_304_424);

    /// The advisories of a case with a number, after the response to a query with the number
    /// `asked` has opened an item.
    fn shown(reason: ReviewReason, asked: Option<NhsNumber>) -> Vec<AdvisoryKind> {
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        case.nhs_number = Some(RecordedNumber::new(NUMBER, NumberSource::Imported(None)));
        let mut about = Criteria::new("Aindow", "1943-05-19".parse().unwrap());
        about.nhs_number = asked;
        let evidence = Evidence { asked: Some(about), ..Evidence::default() };
        case.open_item(reason, &evidence, DateTime::UNIX_EPOCH);
        advisories(&case).iter().map(|advisory| advisory.kind).collect()
    }

    #[test]
    fn a_death_before_the_birth_is_shown_as_an_error() {
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        for (died, fault) in [("1943-05-18", true), ("1943-05", false), ("2026-11-01", false)] {
            case.date_of_death = Some(died.parse().unwrap());
            let shown = advisories(&case);
            assert_eq!(shown.len(), 1);
            assert_eq!(shown[0].kind, AdvisoryKind::Deceased);
            assert_eq!(shown[0].text().contains("before the date of birth"), fault, "{died}");
            assert!(shown[0].text().contains("Do not write"));
        }
    }

    #[test]
    fn a_number_without_one_certain_person_is_under_investigation() {
        for reason in [ReviewReason::Ambiguous, ReviewReason::Unconfirmed] {
            assert_eq!(shown(reason, Some(NUMBER)), [AdvisoryKind::UnderInvestigation], "{reason}");
            assert_eq!(
                shown(reason, None),
                [],
                "{reason}: a search without the number says nothing about it"
            );
            assert_eq!(shown(reason, Some(OTHER)), [], "{reason}: the query had another number");
        }
    }

    #[test]
    fn an_advisory_as_json() {
        let advisory = Advisory::new(AdvisoryKind::UnderInvestigation, "Use with caution.");
        let expected =
            serde_json::json!({ "kind": "under_investigation", "text": "Use with caution." });
        assert_eq!(serde_json::to_value(advisory).unwrap(), expected);
        for kind in [
            AdvisoryKind::Invalid,
            AdvisoryKind::Superseded,
            AdvisoryKind::Duplicate,
            AdvisoryKind::UnderInvestigation,
            AdvisoryKind::PersonChanged,
            AdvisoryKind::Replaced,
            AdvisoryKind::Deceased,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
