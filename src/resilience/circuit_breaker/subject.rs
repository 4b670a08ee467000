//! What a query is about, for the count of failures. Contains no personal data.

use crate::trace::{Mode, NamePattern, Question, VerifyNumber};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// The subject of a query: the case, or the whole question where it has no local identifier.
///
/// A keyed hash of 64 bits, which is only compared. Nothing can be read from it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Subject(u64);

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject")
    }
}

/// The key of the hash. Each circuit breaker has its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Key(RandomState);

impl Key {
    /// Returns the subject of `question`. A verification has no local identifier.
    pub(super) fn subject<M: Mode>(&self, question: &Question<M>) -> Subject {
        let mut hash = self.0.build_hasher();
        let case = match question {
            Question::Verify(_) => None,
            Question::Find(find) => find.local_identifier(),
            Question::Fetch(fetch) => fetch.local_identifier(),
        };
        if let Some(case) = case {
            case.hash(&mut hash);
            return Subject(hash.finish());
        }
        question.as_str().hash(&mut hash);
        match question {
            Question::Verify(verify) => write_number(verify, &mut hash),
            Question::Fetch(fetch) => write_number(fetch.verification(), &mut hash),
            Question::Find(find) => {
                find.date_of_birth().hash(&mut hash);
                write_names::<M>([Some(find.family()), find.given()], &mut hash);
                find.gender().hash(&mut hash);
                find.postcode().hash(&mut hash);
            }
        }
        Subject(hash.finish())
    }
}

fn write_number<M: Mode>(verify: &VerifyNumber<M>, hash: &mut impl Hasher) {
    verify.nhs_number().hash(hash);
    verify.date_of_birth().hash(hash);
    write_names::<M>([verify.family(), verify.given()], hash);
}

fn write_names<M: Mode>(names: [Option<&M::Name>; 2], hash: &mut impl Hasher) {
    names.map(|name| name.cloned().map(Into::<NamePattern>::into)).hash(hash);
}

#[cfg(test)]
impl Subject {
    /// A subject of a test.
    pub(super) const fn of_test(number: u64) -> Self {
        Self(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::Gender;
    use crate::nhs_number::NhsNumber;
    use crate::trace::{Attended, FetchDetails, FindPerson, LocalIdentifier, Unattended};

    const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);

    fn local(extension: &str) -> LocalIdentifier {
        LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, extension).unwrap()
    }

    fn find(family: &str) -> FindPerson {
        let born = "1984-02-29".parse().unwrap();
        FindPerson::new(family.parse().unwrap(), Gender::Female, born)
    }

    fn verify() -> VerifyNumber {
        VerifyNumber::new(NUMBER, "1984-02-29".parse().unwrap())
    }

    #[test]
    fn queries_about_one_case_have_one_subject() {
        let key = Key::default();
        let fetch = FetchDetails::new(NUMBER, "1984-02-29".parse().unwrap());
        let attended =
            FindPerson::attended("Ain*".parse().unwrap(), Gender::Female, "1984".parse().unwrap());
        let case = || local("RXX:1");
        let first = key.subject(&find("Aindow").with_local_identifier(case()).into());
        let corrected = find("Smith").with_local_identifier(case());
        assert_eq!(first, key.subject(&corrected.into()));
        assert_eq!(first, key.subject(&fetch.with_local_identifier(case()).into()));
        let attended: Question<Attended> = attended.with_local_identifier(case()).into();
        assert_eq!(first, key.subject(&attended));
        let other = find("Aindow").with_local_identifier(local("RXX:2"));
        assert_ne!(first, key.subject(&other.into()));
    }

    #[test]
    fn without_a_local_identifier_every_criterion_makes_a_subject() {
        let key = Key::default();
        let name = || "Ann".parse().unwrap();
        let male =
            FindPerson::new("Aindow".parse().unwrap(), Gender::Male, "1984-02-29".parse().unwrap());
        let later = VerifyNumber::new(NUMBER, "1984-03-01".parse().unwrap());
        let number = VerifyNumber::new(NhsNumber::constant(9_449_306_621), later.date_of_birth());
        let questions: [Question<Unattended>; 11] = [
            verify().into(),
            verify().with_given(name()).into(),
            verify().with_family(name()).into(),
            FetchDetails::new(NUMBER, "1984-02-29".parse().unwrap()).into(),
            later.into(),
            number.into(),
            find("Aindow").into(),
            find("Smith").into(),
            find("Aindow").with_given(name()).into(),
            find("Aindow").with_postcode("KT17 1NA".parse().unwrap()).into(),
            male.into(),
        ];
        for (place, question) in questions.iter().enumerate() {
            let subject = key.subject(question);
            assert_eq!(subject, key.subject(&question.clone()));
            for other in &questions[..place] {
                assert_ne!(subject, key.subject(other), "{place}");
            }
        }
    }

    #[test]
    fn a_subject_shows_nothing_and_each_key_is_another() {
        let question = verify().into();
        let subject = Key::default().subject(&question);
        assert_eq!(format!("{subject:?}"), "Subject");
        assert_ne!(subject, Key::default().subject(&question));
    }
}
