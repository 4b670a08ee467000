//! A person whom a user has found at a screen, as evidence for a case. Pure.

use crate::case::{Candidate, Case};
use crate::demographics::{Demographics, Postcode, name_form};
use crate::matching::{Criteria, Judge, Local, Returned};
use crate::process::decision::plan::criteria;
use crate::process::decision::policy::Policy;
use crate::trace::{Exchange, Freshness, LocalIdentifier, Match, Restriction};
use chrono::{DateTime, Datelike, Utc};

/// The step of a question that a user asks at a screen. Stored.
pub(in crate::process) const ATTENDED: &str = "attended";

/// The person `found` in `exchange`, compared with `case` as it is `now`: the evidence that a user confirms
/// (MSCA-PDS-03), with the risk that it is a different person.
///
/// The evidence is that of the fields alone. What the user has typed does not count: they may have typed what they
/// hoped to find.
///
/// ```
/// use nhs_pds::case::{Case, RecordType};
/// use nhs_pds::matching::Judge;
/// use nhs_pds::process::attended_candidate;
/// use nhs_pds::trace::{Exchange, Match};
///
/// let case = Case::new("RXX:1".parse()?, RecordType::Review);
/// let now = "2026-11-30T09:30:00Z".parse()?;
/// let exchange = Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", now);
/// let found = Match::new("999 000 0018".parse()?);
/// let candidate = attended_candidate(&case, &found, &exchange, &Judge::default(), now);
/// assert_eq!(candidate.step, "attended");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn attended_candidate(
    case: &Case,
    found: &Match,
    exchange: &Exchange,
    judge: &Judge,
    now: DateTime<Utc>,
) -> Candidate {
    let former = |text: &String| name_form(text).parse::<Postcode>().ok();
    let local = Local {
        family: case.surname.as_deref(),
        former_families: &case.former_surnames,
        given: case.forename.as_deref(),
        other_given: &case.other_forenames,
        birth: case.date_of_birth,
        gender: case.gender,
        postcode: case.postcode.as_ref().and_then(former),
        former_postcodes: case.former_postcodes.iter().filter_map(former).collect(),
        address: &case.address,
        telephones: &case.telephones,
        emails: &case.emails,
    };
    let person: Demographics = found.person.clone().unwrap_or_default();
    let returned = Returned { year: now.year(), ..Returned::default() };
    let assessed = judge.assess(&local, &person, &returned);
    let (relations, risk, vetoes) = (assessed.relations, assessed.risk, assessed.vetoes);
    let (number, exchange) = (found.nhs_number, exchange.clone());
    let mut candidate = Candidate::new(number, person, relations, risk, vetoes, ATTENDED, exchange);
    candidate.stale = found.freshness == Freshness::Stale;
    candidate.restricted =
        matches!(found.restriction, Restriction::Restricted | Restriction::VeryRestricted);
    candidate
}

/// The criteria by which the worker would search for the person of `case`, for a user who records that the person is
/// not on PDS (MSCA-PDS-04). `None` if the record is not complete enough to be searched for.
///
/// ```
/// use nhs_pds::case::{Case, RecordType};
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::process::attended_criteria;
///
/// let mut case = Case::new("RXX:1".parse()?, RecordType::Review);
/// let now = "2026-11-30T09:30:00Z".parse()?;
/// assert!(attended_criteria(&case, now).is_none());
/// case.surname = Some("Aindow".into());
/// case.date_of_birth = Some("1943-05-19".parse()?);
/// case.gender = Some(Gender::Female);
/// assert_eq!(attended_criteria(&case, now).map(|asked| asked.family).as_deref(), Some("Aindow"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn attended_criteria(case: &Case, now: DateTime<Utc>) -> Option<Criteria> {
    let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
    criteria(case, None, &Policy::default(), root, now).ok().map(|(asked, _)| asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::RecordType;
    use crate::demographics::{Gender, PersonName, Recorded};
    use crate::matching::{FamilyRelation, Veto};

    #[test]
    fn the_fields_of_the_case_are_the_evidence() {
        let now = "2026-11-30T09:30:00Z".parse().unwrap();
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        case.surname = Some("Aindow".into());
        case.forename = Some("Zoë".into());
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case.gender = Some(Gender::Female);
        let mut person =
            Demographics { name: Some(PersonName::new("Zoë", "Aindow")), ..Default::default() };
        person.date_of_birth = Recorded::Known("1943-05-19".parse().unwrap());
        let mut found = Match::new("9990000018".parse().unwrap()).with_person(person);
        (found.freshness, found.restriction) = (Freshness::Stale, Restriction::Restricted);
        let exchange = Exchange::new("SMSP", "trace", "M-1", now);
        let same = attended_candidate(&case, &found, &exchange, &Judge::default(), now);
        assert_eq!(same.relations.family, FamilyRelation::Equal);
        assert!(same.stale && same.restricted);
        case.date_of_birth = None;
        let unknown = attended_candidate(&case, &found, &exchange, &Judge::default(), now);
        assert!(unknown.risk > same.risk && unknown.vetoes.contains(&Veto::Incomplete));
    }
}
