use crate::case::{Case, NumberStatus, RecordedNumber};
use crate::matching::Criteria;
use crate::nhs_number::NhsNumber;
use crate::process::Policy;
use chrono::{DateTime, Utc};

/// What there is to be asked about a case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// Who is the person?
    Find,
    /// Is the number the person's?
    Verify(NhsNumber),
    /// The number was traced.
    Nothing,
}

impl Purpose {
    pub(super) fn of(case: &Case, policy: &Policy, now: DateTime<Utc>) -> Self {
        match &case.nhs_number {
            None => Self::Find,
            Some(held) if held.standing != NumberStatus::Usable => Self::Find,
            Some(held) if !held.source.is_traced() => Self::Verify(held.number),
            Some(held) if case.person_changed() || was_asked_of_another(case, held) => {
                Self::Verify(held.number)
            }
            Some(held) if policy.is_reverification_due(&case.id, held, now) => {
                Self::Verify(held.number)
            }
            Some(_) => Self::Nothing,
        }
    }

    pub(super) const fn number(self) -> Option<NhsNumber> {
        match self {
            Self::Verify(number) => Some(number),
            Self::Find | Self::Nothing => None,
        }
    }

    /// Whether what was `asked`, by the particulars that the case has, may have answered this already. An
    /// answer from before the case had this number does not, when the number is in doubt.
    pub(super) fn is_answered_by(self, case: &Case, asked: &Criteria) -> bool {
        !case.person_changed()
            || self.number().is_none_or(|number| asked.nhs_number == Some(number))
    }
}

/// Whether the last question about the number `held` was of another person than the number is confirmed
/// for: the case was about that person in between. What it has left open is settled by asking again.
fn was_asked_of_another(case: &Case, held: &RecordedNumber) -> bool {
    let asked = case.asking.asked.as_ref().filter(|asked| asked.nhs_number == Some(held.number));
    let person = held.person.as_ref();
    asked.zip(person).is_some_and(|(asked, person)| !person.changes(&asked.identity()).is_empty())
}
