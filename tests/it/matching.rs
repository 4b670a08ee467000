//! `matching::find` and `matching::verify`: a query that also compares.

use nhs_pds::demographics::{Demographics, Field, Gender, PersonName, Recorded};
use nhs_pds::ids::RandomIds;
use nhs_pds::matching::{Corroboration, Finding, find, verify};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{
    Caller, Candidate, ErrorKind, FindPerson, Freshness, LocalIdentifier, LocalIdentity, Match,
    MessageId, Outcome, Question, Restriction, ScriptedTracer,
};

const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
const OTHER: NhsNumber = NhsNumber::constant(9_449_304_424);

fn us() -> Caller {
    Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "nightly").unwrap())
}

fn local() -> LocalIdentifier {
    LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, "RXX:1").unwrap()
}

fn without_postcode() -> FindPerson {
    let born = "1943-05-19".parse().unwrap();
    FindPerson::new("Aindow".parse().unwrap(), Gender::Female, born)
        .with_given("Comfort".parse().unwrap())
        .with_local_identifier(local())
}

fn comfort() -> FindPerson {
    without_postcode().with_postcode("KT17 1NA".parse().unwrap())
}

fn person() -> Demographics {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new("COMFORT", "AINDOW"));
    person.date_of_birth = Recorded::read("1943-05-19");
    person.gender = Recorded::Known(Gender::Female);
    person
}

fn found(change: impl FnOnce(&mut Match)) -> Outcome {
    let mut found = Match::new(NUMBER).with_person(person());
    change(&mut found);
    Outcome::Found(Box::new(found))
}

fn named(found: &mut Match, given: &str) {
    found.person.as_mut().unwrap().name = Some(PersonName::new(given, "AINDOW"));
}

/// The finding of a search for her, and the query.
async fn finding(person: &FindPerson, outcome: Outcome) -> (Finding, Question) {
    let tracer = ScriptedTracer::new([Ok(outcome)]);
    let id = MessageId::fresh(&RandomIds);
    let compared = find(&tracer, &us(), person, id).await.unwrap();
    assert_eq!(compared.exchange.message_id, id.to_string());
    (compared.finding, tracer.asked().remove(0))
}

/// The finding of a verification of her number.
async fn verifying(person: &FindPerson, outcome: Outcome) -> (Finding, Question) {
    let tracer = ScriptedTracer::new([Ok(outcome)]);
    let id = MessageId::fresh(&RandomIds);
    let compared = verify(&tracer, &us(), NUMBER, person, id).await.unwrap();
    (compared.finding, tracer.asked().remove(0))
}

#[tokio::test]
async fn the_person_asked_for_is_verified() {
    let (finding, question) = finding(&comfort(), found(|_| ())).await;
    assert!(question == comfort().into(), "everything is sent");
    let Finding::Verified(verified) = finding else { panic!("{finding:?}") };
    assert_eq!((verified.nhs_number, verified.corroboration), (NUMBER, Corroboration::Postcode));
    assert!(verified.person == person() && verified.restriction == Restriction::NotStated);

    let (finding, question) = verifying(&without_postcode(), found(|_| ())).await;
    let Question::Fetch(question) = question else { panic!("{question:?}") };
    assert_eq!((question.nhs_number(), question.given()), (NUMBER, None));
    assert_eq!(question.family().unwrap().as_str(), "Aindow");
    assert_eq!(question.local_identifier(), Some(&local()));
    let Finding::Verified(verified) = finding else { panic!("{finding:?}") };
    assert_eq!((verified.nhs_number, verified.corroboration), (NUMBER, Corroboration::Number));
}

#[tokio::test]
async fn a_copy_is_distinguished_from_the_spine() {
    let copy = || found(|found| found.freshness = Freshness::Stale);
    assert!(matches!(finding(&comfort(), copy()).await.0, Finding::VerifiedInCopy(_)));
    assert!(matches!(verifying(&comfort(), copy()).await.0, Finding::VerifiedInCopy(_)));
}

#[tokio::test]
async fn a_twin_is_a_different_person() {
    for stale in [false, true] {
        let twin = || {
            found(|found| {
                named(found, "JOY");
                found.freshness = if stale { Freshness::Stale } else { Freshness::Live };
            })
        };
        for finding in [finding(&comfort(), twin()).await.0, verifying(&comfort(), twin()).await.0]
        {
            let Finding::DifferentPerson { candidate, differs } = finding else {
                panic!("{finding:?}")
            };
            assert_eq!((candidate.nhs_number, differs), (NUMBER, Field::Given));
        }
    }
    // A number other than the queried one belongs to another person, whatever else agrees.
    let other = found(|found| found.nhs_number = OTHER);
    let (finding, _) = verifying(&comfort(), other).await;
    let Finding::DifferentPerson { differs, .. } = finding else { panic!("{finding:?}") };
    assert_eq!(differs, Field::NhsNumber);
}

/// A namesake would agree in all of these fields.
#[tokio::test]
async fn without_a_postcode_a_given_name_or_a_field_nothing_is_confirmed() {
    let postcode = || "KT17 1NA".parse().unwrap();
    let no_given =
        FindPerson::new("Aindow".parse().unwrap(), Gender::Female, comfort().date_of_birth())
            .with_postcode(postcode());
    let pseudo = without_postcode().with_postcode("ZZ99 3VZ".parse().unwrap());
    for person in [without_postcode(), no_given.clone(), pseudo.clone()] {
        let (finding, question) = finding(&person, found(|_| ())).await;
        let Finding::Unconfirmed(candidate) = finding else { panic!("{finding:?}") };
        assert_eq!(candidate.nhs_number, NUMBER);
        let Question::Find(question) = question else { panic!("{question:?}") };
        assert!(question.postcode().is_none_or(|postcode| !postcode.is_pseudo()));
    }
    let unknown: [fn(&mut Match); 4] = [
        |found| found.person = None,
        |found| found.person.as_mut().unwrap().name = None,
        |found| found.person.as_mut().unwrap().date_of_birth = Recorded::NotReturned,
        |found| found.person.as_mut().unwrap().gender = Recorded::NotReturned,
    ];
    for change in unknown {
        for finding in [
            finding(&comfort(), found(change)).await.0,
            verifying(&comfort(), found(change)).await.0,
        ] {
            assert!(matches!(finding, Finding::Unconfirmed(_)), "{finding:?}");
        }
    }
    assert!(matches!(verifying(&no_given, found(|_| ())).await.0, Finding::Unconfirmed(_)));
    assert!(matches!(verifying(&pseudo, found(|_| ())).await.0, Finding::Verified(_)));
}

#[tokio::test]
async fn every_other_answer_has_a_finding_of_its_own() {
    let several = vec![Candidate::new("9434765919")];
    let successor = || Some(Box::new(person()));
    for (outcome, expected) in [
        (Outcome::None, Finding::None),
        (Outcome::Ambiguous(several.clone()), Finding::Ambiguous(several)),
        (
            Outcome::Superseded { by: Some(OTHER), person: successor() },
            Finding::Superseded { by: Some(OTHER), person: successor() },
        ),
        (Outcome::Invalidated, Finding::Invalidated),
        (Outcome::NotVerified, Finding::NotVerified),
    ] {
        assert_eq!(finding(&comfort(), outcome.clone()).await.0, expected);
        assert_eq!(verifying(&comfort(), outcome).await.0, expected);
    }
    let tracer = ScriptedTracer::new([Err(ErrorKind::Unavailable), Err(ErrorKind::Rejected)]);
    let id = || MessageId::fresh(&RandomIds);
    let failed = find(&tracer, &us(), &comfort(), id()).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    let failed = verify(&tracer, &us(), NUMBER, &comfort(), id()).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Rejected);
}
