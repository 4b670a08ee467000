use crate::case::{Case, NumberStatus, RecordedNumber};
use crate::matching::Criteria;
use crate::nhs_number::NhsNumber;
use crate::process::decision::policy::Policy;
use chrono::{DateTime, Utc};

/// What a query about a case is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum Purpose {
    /// To find the person by the demographic fields.
    Find,
    /// To verify that the number is the person's.
    Verify(NhsNumber),
    /// No query: the number was traced.
    Nothing,
}

impl Purpose {
    pub(in crate::process) fn of(case: &Case, policy: &Policy, now: DateTime<Utc>) -> Self {
        match &case.nhs_number {
            None => Self::Find,
            Some(recorded) if recorded.status != NumberStatus::Usable => Self::Find,
            Some(recorded) if !recorded.source.is_traced() => Self::Verify(recorded.number),
            Some(recorded) if case.person_changed() || was_asked_of_another(case, recorded) => {
                Self::Verify(recorded.number)
            }
            Some(recorded) if policy.is_reverification_due(&case.id, recorded, now) => {
                Self::Verify(recorded.number)
            }
            Some(_) => Self::Nothing,
        }
    }

    pub(in crate::process) const fn number(self) -> Option<NhsNumber> {
        match self {
            Self::Verify(number) => Some(number),
            Self::Find | Self::Nothing => None,
        }
    }

    /// Whether the query `asked`, by the same fields that the case has now, may have answered this already.
    /// When the number is in doubt, a query from before the case had this number does not.
    pub(in crate::process) fn is_answered_by(self, case: &Case, asked: &Criteria) -> bool {
        !case.person_changed()
            || self.number().is_none_or(|number| asked.nhs_number == Some(number))
    }
}

/// Whether the last query about the number `recorded` was for another person than the number is confirmed for.
/// The case was about that person in between. A new query settles what that query left open.
fn was_asked_of_another(case: &Case, recorded: &RecordedNumber) -> bool {
    let asked =
        case.asking.asked.as_ref().filter(|asked| asked.nhs_number == Some(recorded.number));
    let person = recorded.person.as_ref();
    asked.zip(person).is_some_and(|(asked, person)| !person.changes(&asked.identity()).is_empty())
}
