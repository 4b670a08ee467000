use crate::case::Case;
use crate::demographics::{FullDate, Gender, Postcode};
use crate::trace::{CriterionError, FindPerson, LocalIdentifier, NameText};
use crate::worker::Reason;

/// What is asked about `case`: surname, gender and full date of birth, with forename and postcode
/// where they are known (HAV-1), and the case id under the OID `local_root`, which an answer repeats.
///
/// Addresses are no criterion of any tracing service. A postcode that is none, or stands for a
/// country or for "no fixed abode" (`ZZ99`), is left out: it would only prevent a match.
///
/// ```
/// use nhs_pds::case::{Case, RecordType};
/// use nhs_pds::trace::LocalIdentifier;
/// use nhs_pds::worker::{Reason, question};
///
/// let case = Case::new("RXX:00001".parse()?, RecordType::AdultCase);
/// let asked = question(&case, LocalIdentifier::LOCAL_PATIENT_ROOT);
/// assert_eq!(asked, Err(Reason::SurnameMissing));
/// # Ok::<(), nhs_pds::case::CaseIdError>(())
/// ```
///
/// # Errors
///
/// The first of the [`Reason`]s for which the data make no question.
pub fn question(case: &Case, local_root: &str) -> Result<FindPerson, Reason> {
    let family = family(case)?;
    let given = given(case)?;
    let mut question = FindPerson::new(family, gender(case)?, date_of_birth(case)?);
    if let Some(given) = given {
        question = question.with_given(given);
    }
    if let Some(postcode) = postcode(case) {
        question = question.with_postcode(postcode);
    }
    let local = LocalIdentifier::new(local_root, case.id.as_str());
    Ok(question.with_local_identifier(local.map_err(|_| Reason::LocalIdentifierUnusable)?))
}

/// Everything in the data for which `case` makes no question.
pub(super) fn faults(case: &Case) -> impl Iterator<Item = Reason> {
    [family(case).err(), given(case).err(), gender(case).err(), date_of_birth(case).err()]
        .into_iter()
        .flatten()
}

fn family(case: &Case) -> Result<NameText, Reason> {
    match case.surname.as_deref().unwrap_or_default().parse() {
        Ok(family) => Ok(family),
        Err(CriterionError::Blank) => Err(Reason::SurnameMissing),
        Err(_) => Err(Reason::SurnameUnusable),
    }
}

fn given(case: &Case) -> Result<Option<NameText>, Reason> {
    match case.forename.as_deref().unwrap_or_default().parse() {
        Ok(given) => Ok(Some(given)),
        Err(CriterionError::Blank) => Ok(None),
        Err(_) => Err(Reason::ForenameUnusable),
    }
}

fn gender(case: &Case) -> Result<Gender, Reason> {
    case.gender.ok_or(Reason::GenderMissing)
}

fn date_of_birth(case: &Case) -> Result<FullDate, Reason> {
    let date = case.date_of_birth.ok_or(Reason::DateOfBirthMissing)?;
    date.full().ok_or(Reason::DateOfBirthIncomplete)
}

fn postcode(case: &Case) -> Option<Postcode> {
    let postcode: Postcode = case.postcode.as_deref()?.trim().parse().ok()?;
    (!postcode.is_pseudo()).then_some(postcode)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::case::{Allocation, RecordType};

    pub(in crate::worker) const ROOT: &str = LocalIdentifier::LOCAL_PATIENT_ROOT;

    /// An eligible case.
    pub(in crate::worker) fn case() -> Case {
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::AdultCase);
        case.surname = Some(" Aindow ".into());
        case.forename = Some("Comfort".into());
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case.gender = Some(Gender::Female);
        case.postcode = Some("kt171na".into());
        case.allocations = vec![Allocation::new("A Worker")];
        case
    }

    #[test]
    fn everything_known_is_asked() {
        let asked = question(&case(), ROOT).unwrap();
        assert_eq!(asked.family().as_str(), "Aindow");
        assert_eq!(asked.given().map(NameText::as_str), Some("Comfort"));
        assert_eq!(asked.gender(), Gender::Female);
        assert_eq!(asked.date_of_birth().to_string(), "1943-05-19");
        assert_eq!(asked.postcode().map(Postcode::to_string).as_deref(), Some("KT17 1NA"));
        let local = asked.local_identifier().unwrap();
        assert_eq!((local.root(), local.extension()), (ROOT, "RXX:1"));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut case = case();
        for postcode in [None, Some("not known"), Some(""), Some("ZZ99 3VZ"), Some("zz993wz")] {
            case.postcode = postcode.map(str::to_owned);
            assert_eq!(question(&case, ROOT).unwrap().postcode(), None, "{postcode:?}");
        }
        for forename in [None, Some(" ")] {
            case.forename = forename.map(str::to_owned);
            assert_eq!(question(&case, ROOT).unwrap().given(), None);
        }
    }

    #[test]
    fn a_question_comes_of_every_case_without_faults() {
        assert_eq!(question(&case(), "no OID"), Err(Reason::LocalIdentifierUnusable));
        let mut case = case();
        assert_eq!(faults(&case).count(), 0);
        case.gender = None;
        case.date_of_birth = None;
        let told: Vec<Reason> = faults(&case).collect();
        assert_eq!(told, [Reason::GenderMissing, Reason::DateOfBirthMissing]);
        assert_eq!(question(&case, ROOT), Err(Reason::GenderMissing));
    }
}
