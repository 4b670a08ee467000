//! What an answer shows about the person of a case. Pure.

use crate::case::{Candidate, Case, Heard};
use crate::demographics::{Demographics, Postcode, name_form};
use crate::matching::{Assessed, Criteria, Judge, Local, Returned};
use crate::nhs_number::NhsNumber;
use crate::trace::{
    Answer, Breadth, Exchange, FindPerson, Freshness, Match, Outcome, Question, Restriction,
};
use chrono::{DateTime, Datelike, Utc};

/// The question behind an answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::process) struct Sent<'a> {
    /// The step of the strategy.
    pub(in crate::process) step: &'a str,
    pub(in crate::process) question: &'a Question,
    /// Whether the service itself is not certain of the person whom it returned.
    pub(in crate::process) doubted: bool,
}

/// What `answer` shows; `None` when it is about the number alone: that it is superseded, invalid or not verified.
pub(in crate::process) fn hear(
    case: &Case,
    asked: &Criteria,
    sent: Option<Sent<'_>>,
    answer: &Answer,
    judge: &Judge,
    now: DateTime<Utc>,
) -> Option<Heard> {
    let step = sent.map_or("exact", |sent| sent.step).to_owned();
    match &answer.outcome {
        Outcome::Found(found) => {
            let returned = returned(case, asked, sent, now);
            let blank = Demographics::default();
            let person = found.person.as_ref().unwrap_or(&blank);
            let Assessed { relations, risk, vetoes } =
                judge.assess(&local(case, asked), person, &returned);
            Some(Heard::person(Candidate {
                nhs_number: found.nhs_number,
                person: person.clone(),
                relations,
                risk,
                vetoes,
                step,
                exchange: answer.exchange.clone(),
                stale: found.freshness == Freshness::Stale,
                restricted: matches!(
                    found.restriction,
                    Restriction::Restricted | Restriction::VeryRestricted
                ),
            }))
        }
        Outcome::None => Some(Heard::none(step)),
        Outcome::Ambiguous(_) => Some(Heard::several(step)),
        // The search leads to another record of the same person.
        Outcome::Superseded { by: Some(by), .. }
            if is_beside(asked, sent) && Some(*by) == asked.nhs_number =>
        {
            Some(Heard::none(step))
        }
        Outcome::Superseded { .. } | Outcome::Invalidated | Outcome::NotVerified => None,
    }
}

/// Whether the question was a search for the person, beside the verification of the case's number.
const fn is_beside(asked: &Criteria, sent: Option<Sent<'_>>) -> bool {
    let is_search = matches!(sent, Some(Sent { question: Question::Find(_), .. }));
    asked.nhs_number.is_some() && is_search
}

/// The person whom the answer names as that of another number, the successor of a superseded one, with the
/// evidence.
pub(in crate::process) fn successor(
    case: &Case,
    asked: &Criteria,
    sent: Option<Sent<'_>>,
    answer: &Answer,
    judge: &Judge,
    now: DateTime<Utc>,
) -> Option<Candidate> {
    let Outcome::Superseded { by, person } = &answer.outcome else { return None };
    let person = person.as_deref().cloned().unwrap_or_default();
    let returned = returned(case, asked, sent, now);
    let Assessed { relations, risk, vetoes } =
        judge.assess(&local(case, asked), &person, &returned);
    let step = sent.map_or("exact", |sent| sent.step);
    let exchange = answer.exchange.clone();
    Some(Candidate::new((*by)?, person, relations, risk, vetoes, step, exchange))
}

/// Whether another question may follow: a person was returned, no person matches, or several do.
pub(in crate::process) const fn is_open(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Found(_) | Outcome::None | Outcome::Ambiguous(_))
}

/// How a person was reached.
fn returned(case: &Case, asked: &Criteria, sent: Option<Sent<'_>>, now: DateTime<Utc>) -> Returned {
    let find = match sent.map(|sent| sent.question) {
        Some(Question::Find(find)) => Some(find),
        _ => None,
    };
    let (year, doubted) = (now.year(), sent.is_some_and(|sent| sent.doubted));
    if asked.nhs_number.is_some() && find.is_none() {
        // A number that a search found, and that nothing else confirmed, says no more than a search.
        let recorded = case.nhs_number.as_ref();
        let by_number = recorded.is_none_or(|recorded| !recorded.is_only_from_a_search());
        return Returned { by_number, doubted, year, ..Returned::default() };
    }
    let matched = match find {
        Some(find) => matched_postcode(find),
        None => asked.postcode.is_some_and(|postcode| !postcode.is_pseudo()),
    };
    let wildcards = find.is_some_and(|find| find.breadth() == Breadth::Wildcard);
    Returned { by_number: false, wildcards, doubted, year, matched_postcode: matched }
}

/// Whether the service has compared a whole postcode, present or former, with those of the record.
fn matched_postcode(find: &FindPerson) -> bool {
    find.breadth().compares_whole_fields()
        && find.postcode().is_some_and(|postcode| !postcode.is_pseudo())
}

/// The case as far as the judge needs it: the criteria that were asked by, and what else is recorded.
fn local<'a>(case: &'a Case, asked: &'a Criteria) -> Local<'a> {
    let former = |text: &String| name_form(text).parse::<Postcode>().ok();
    Local {
        family: Some(&asked.family),
        former_families: &case.former_surnames,
        given: asked.given.as_deref(),
        other_given: &case.other_forenames,
        birth: Some(asked.date_of_birth.into()),
        gender: asked.gender,
        postcode: asked.postcode,
        former_postcodes: case.former_postcodes.iter().filter_map(former).collect(),
        address: &case.address,
        telephones: &case.telephones,
        emails: &case.emails,
    }
}

/// The answer that returned `candidate`.
pub(in crate::process) fn answer_of(candidate: &Candidate) -> Answer {
    let mut found = Match::new(candidate.nhs_number).with_person(candidate.person.clone());
    if candidate.stale {
        found.freshness = Freshness::Stale;
    }
    if candidate.restricted {
        found.restriction = Restriction::Restricted;
    }
    Answer::new(Outcome::Found(Box::new(found)), candidate.exchange.clone())
}

/// An answer without a person, in the exchange of the last question.
pub(in crate::process) const fn without_person(several: bool, exchange: Exchange) -> Answer {
    let outcome = if several { Outcome::Ambiguous(Vec::new()) } else { Outcome::None };
    Answer::new(outcome, exchange)
}

/// The candidate for `number` among `known`.
pub(in crate::process) fn candidate_of(known: &[Heard], number: NhsNumber) -> Option<&Candidate> {
    let mut all = known.iter().filter_map(|heard| heard.candidate.as_deref());
    all.find(|candidate| candidate.nhs_number == number)
}
