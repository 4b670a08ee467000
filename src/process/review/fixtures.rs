//! Cases with review items, for the tests of this module.

use crate::case::{
    Candidate, Case, CaseId, Evidence, NumberSource, NumberStatus, RecordType, RecordedNumber,
    ReviewReason,
};
use crate::demographics::{Demographics, PersonName};
use crate::matching::{Criteria, Local, NameTables, Risk, Veto, relate};
use crate::nhs_number::NhsNumber;
use crate::process::review::context::Context;
use crate::trace::Exchange;
use chrono::{DateTime, Utc};

pub(super) const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
pub(super) const OTHER: NhsNumber = NhsNumber::constant(9_434_765_919);

pub(super) const THIRD: NhsNumber = NhsNumber::constant(5_990_000_030);

pub(super) fn now() -> DateTime<Utc> {
    "2026-11-24T09:30:00Z".parse().unwrap()
}

pub(super) fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

pub(super) fn context() -> Context<'static> {
    Context::new("j.doe", now())
}

pub(super) fn recorded(number: NhsNumber, status: NumberStatus) -> RecordedNumber {
    let mut recorded = RecordedNumber::new(number, NumberSource::Imported(None));
    recorded.status = status;
    recorded
}

/// Creates a case with one open item, in which `number` was found.
pub(super) fn case(text: &str, reason: ReviewReason, number: Option<NhsNumber>) -> Case {
    let mut case = Case::new(id(text), RecordType::AdultCase);
    case.surname = Some("Aindow".into());
    case.version = 7;
    let asked = Criteria::new("Aindow", "1943-05-19".parse().unwrap());
    case.asking.asked = Some(asked.clone());
    case.asking.until_corrected = true;
    let evidence = Evidence {
        asked: Some(asked),
        nhs_number: number,
        exchange: Some(Exchange::new("SMSP", "getPatientDetails", "M-1", now())),
        ..Evidence::default()
    };
    case.open_item(reason, &evidence, now());
    case
}

pub(super) fn duplicates(a: &str, b: &str, number: NhsNumber) -> (Case, Case) {
    let flagged = |text: &str, other: &str| {
        let mut case = case(text, ReviewReason::Duplicate, Some(number));
        case.review.iter_mut().for_each(|item| item.evidence.others = vec![id(other)]);
        case
    };
    (flagged(a, b), flagged(b, a))
}

/// A person returned with this given name, who is a different person with this probability.
pub(super) fn candidate(number: NhsNumber, given: &str, risk: f64) -> Candidate {
    let name = Some(PersonName::new(given, "AINDOW"));
    let person = Demographics { name, ..Demographics::default() };
    let mut local = Local::default();
    (local.family, local.given) = (Some("Aindow"), Some("Comfort"));
    let relations = relate(&local, &person, &NameTables::shipped());
    let exchange = Exchange::new("SMSP", "getPatientDetailsBySearch", given, now());
    Candidate::new(number, person, relations, Risk::of(risk), Vec::new(), "no_postcode", exchange)
}

/// Creates a case with one open item, which has these candidates and is about the first.
pub(super) fn with_candidates(text: &str, reason: ReviewReason, all: &[Candidate]) -> Case {
    let mut case = case(text, reason, all.first().map(|first| first.nhs_number));
    case.forename = Some("Comfort".into());
    for evidence in case.review.iter_mut().map(|item| &mut item.evidence) {
        evidence.candidates = all.to_vec();
        evidence.returned = all.first().map(|first| first.person.clone());
        evidence.exchange = all.first().map(|first| first.exchange.clone());
        if let [first, _, ..] = &mut evidence.candidates[..] {
            first.vetoes.push(Veto::AnotherCandidate);
        }
    }
    case
}
