//! `trace`.

use super::{exchange, found, person, us};
use crate::privacy::person::{BORN, CASE, FAMILY, GIVEN, NEW_NUMBER, NUMBER, POSTCODE};
use crate::privacy::walk::Shown;
use nhs_pds::demographics::{Field, Gender};
use nhs_pds::trace::{
    Answer, Attended, Caller, Candidate, Error, ErrorKind, FetchDetails, FindPerson,
    LocalIdentifier, Match, MessageId, Mode, NamePattern, NameText, Outcome, PostcodePattern,
    Question, Score, ScriptedTracer, Tracer, Unattended, User, VerifyNumber,
};
use std::fmt::Debug;
use std::str::FromStr;

pub(super) fn local_identifier() -> LocalIdentifier {
    LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, CASE).unwrap()
}

fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(in crate::privacy) fn verify<M: Mode>() -> VerifyNumber<M> {
    VerifyNumber::in_mode(NUMBER, of(BORN)).with_given(of(GIVEN)).with_family(of(FAMILY))
}

pub(in crate::privacy) fn find<M: Mode>() -> FindPerson<M> {
    FindPerson::in_mode(of(FAMILY), Gender::Female, of(BORN))
        .with_given(of(GIVEN))
        .with_postcode(of(POSTCODE))
        .with_local_identifier(local_identifier())
}

pub(in crate::privacy) fn fetch<M: Mode>() -> FetchDetails<M> {
    FetchDetails::in_mode(NUMBER, of(BORN))
        .with_given(of(GIVEN))
        .with_family(of(FAMILY))
        .with_local_identifier(local_identifier())
}

fn candidate() -> Candidate {
    let mut candidate = Candidate::new("5990000014");
    candidate.person = Some(person());
    candidate.score = Score::new(0.5).ok();
    candidate
}

fn of_mode<M: Mode>(shown: &mut Shown) {
    shown.value(&verify::<M>());
    shown.value(&find::<M>());
    shown.value(&fetch::<M>());
    for question in [Question::from(verify::<M>()), find::<M>().into(), fetch::<M>().into()] {
        shown.value(&question);
    }
}

/// An error with every field.
pub(in crate::privacy) fn error() -> Error {
    Error::new(ErrorKind::Rejected)
        .with_exchange(exchange())
        .with_field(Field::NhsNumber)
        .with_source(FAMILY.parse::<nhs_pds::NhsNumber>().unwrap_err())
}

pub(super) fn show(shown: &mut Shown) {
    of_mode::<Unattended>(shown);
    of_mode::<Attended>(shown);
    shown.value(&of::<NameText>(FAMILY));
    shown.value(&of::<NamePattern>(FAMILY));
    shown.value(&of::<PostcodePattern>("KT17*"));
    shown.value(&local_identifier());
    let mut full = Match::new(NUMBER).with_person(person());
    full.local_identifier = Some(local_identifier());
    full.record_version = Some("7".into());
    shown.value(&full);
    shown.value(&candidate());
    for outcome in [
        found(NUMBER),
        Outcome::Ambiguous(vec![candidate()]),
        Outcome::Superseded { by: Some(NEW_NUMBER), person: Some(Box::new(person())) },
    ] {
        shown.value(&outcome);
        shown.value(&Answer::new(outcome, exchange()));
    }
    shown.value(&Caller::System(us()));
    shown.value(&User::Local(us()));
    shown.error(&error());
    show_scripted(shown);
    show_findings(shown);
    #[cfg(feature = "conformance")]
    show_population(shown);
}

/// The population of a conformance suite.
#[cfg(feature = "conformance")]
fn show_population(shown: &mut Shown) {
    use nhs_pds::trace::conformance::{Breach, Known, Particulars, Population, Recognisable};
    let particulars = Particulars {
        family: of(FAMILY),
        given: of(GIVEN),
        gender: Gender::Female,
        date_of_birth: of(BORN),
        postcode: Some(of(POSTCODE)),
    };
    let known = Known { nhs_number: NUMBER, particulars: particulars.clone() };
    let recognisable = Recognisable {
        family: of(FAMILY),
        gender: Gender::Female,
        date_of_birth: of(BORN),
        person: known.clone(),
    };
    shown.value(&particulars);
    shown.value(&known);
    shown.value(&recognisable);
    shown.value(&Population {
        ordinary: known.clone(),
        deceased: known.clone(),
        restricted: known.clone(),
        very_restricted: Some(known.clone()),
        awkward: Some(known.clone()),
        superseded: known.clone(),
        replacement: known.clone(),
        invalidated: known.clone(),
        twins: (particulars, [NUMBER, NEW_NUMBER]),
        recognisable: Some(recognisable),
        absent: known,
    });
    shown.error(&Breach::from(error()));
}

/// Each finding that can contain a person.
fn show_findings(shown: &mut Shown) {
    use nhs_pds::matching::{Compared, Finding};
    let stranger = Match::new(NUMBER).with_person(nhs_pds::demographics::Demographics::default());
    let mut twin = person();
    twin.name.as_mut().unwrap().given = vec!["Twin".into()];
    let Outcome::Found(mut copy) = found(NUMBER) else { panic!() };
    copy.freshness = nhs_pds::trace::Freshness::Stale;
    let answers = [
        found(NUMBER),
        Outcome::Found(copy),
        Outcome::Found(Box::new(Match::new(NUMBER).with_person(twin))),
        Outcome::Found(Box::new(stranger)),
        Outcome::Ambiguous(vec![candidate()]),
        Outcome::Superseded { by: Some(NEW_NUMBER), person: Some(Box::new(person())) },
    ];
    let tracer = ScriptedTracer::new(answers.map(Ok));
    let caller = Caller::System(us());
    while tracer.left() > 0 {
        let id = MessageId::fresh(&nhs_pds::ids::CountingIds::default());
        let question = find();
        let asking = std::pin::pin!(nhs_pds::matching::find(&tracer, &caller, &question, id));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(compared) = asking.poll(&mut context) else { panic!() };
        let compared: Compared = compared.unwrap();
        shown.value(&compared);
        shown.value(&compared.finding);
        if let Finding::Verified(verified) = &compared.finding {
            shown.value(&**verified);
        }
    }
}

/// Queried once, with responses left.
fn show_scripted(shown: &mut Shown) {
    let tracer = ScriptedTracer::new([Ok(found(NUMBER)), Ok(found(NUMBER))]);
    let id = MessageId::fresh(&nhs_pds::ids::CountingIds::default());
    let (caller, question) = (Caller::System(us()), find().into());
    let mut asked = tracer.trace(&caller, &question, id);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(asked.as_mut().poll(&mut context).is_ready());
    drop(asked);
    assert!(tracer.left() == 1 && tracer.asked().len() == 1);
    shown.value(&tracer);
}
