//! The suite catches tracers that break one clause each.

use super::population;
use crate::support::services::{Face, user};
use async_trait::async_trait;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::ids::RandomIds;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::conformance::{self, Trouble};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, LocalIdentifier, Match, MessageId, Mode,
    Outcome, Question, Restriction, Tracer, User,
};
use nhs_pds_simulator::Simulator;
use std::sync::{Arc, Mutex};

/// The change of a correct tracer's answer.
type Change = fn(&mut Answer, &State);

#[derive(Default)]
struct State {
    /// The name of the query, and its number.
    asked: Mutex<(&'static str, Option<NhsNumber>)>,
    /// The last fetched person.
    last: Mutex<Option<Match>>,
    /// The output of the tracer.
    seen: Mutex<String>,
}

struct Broken(Arc<dyn Tracer>, Change, State);

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Broken({:?})", self.2.seen.lock().unwrap())
    }
}

impl Broken {
    fn spoilt(&self, answer: Result<Answer, Error>) -> Result<Answer, Error> {
        answer.map(|mut answer| {
            (self.1)(&mut answer, &self.2);
            answer
        })
    }
}

#[async_trait]
impl Tracer for Broken {
    async fn trace(&self, c: &Caller, q: &Question, id: MessageId) -> Result<Answer, Error> {
        *self.2.asked.lock().unwrap() = asked(q);
        self.spoilt(self.0.trace(c, q, id).await)
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        *self.2.asked.lock().unwrap() = asked(question);
        self.spoilt(self.0.trace_attended(user, question, id).await)
    }
}

fn asked<M: Mode>(question: &Question<M>) -> (&'static str, Option<NhsNumber>) {
    let number = match question {
        Question::Verify(verify) => Some(verify.nhs_number()),
        Question::Fetch(fetch) => Some(fetch.nhs_number()),
        _ => None,
    };
    (question.as_str(), number)
}

/// The found person, if there is one.
fn found(answer: &mut Answer) -> Option<&mut Match> {
    match &mut answer.outcome {
        Outcome::Found(found) => Some(found),
        _ => None,
    }
}

/// The fatal mistake: a superseded number is returned as found.
fn take_for_found(answer: &mut Answer, number: Option<NhsNumber>) {
    if let (Outcome::Superseded { person, .. }, Some(number)) = (&answer.outcome, number) {
        let person = person.as_deref().cloned().unwrap_or_default();
        answer.outcome = Outcome::Found(Box::new(Match::new(number).with_person(person)));
    }
}

const IN_OLD_RECORDS: &str = "no person is found under a replaced number";

/// A mistake of a tracer, and the clause that the suite names.
const MISTAKES: &[(&str, Change)] = &[
    ("the exchange repeats the identifier given", |answer, _| {
        answer.exchange.message_id = MessageId::fresh(&RandomIds).to_string();
    }),
    ("the exchange names the service", |answer, _| answer.exchange.service.clear()),
    ("the exchange names the operation", |answer, _| answer.exchange.operation.clear()),
    ("the exchange contains no personal data", |answer, _| {
        let exchange = answer.exchange.clone();
        answer.exchange = exchange.with_reference("query", "family=eq:AINSLEY");
    }),
    ("a found or fetched person has demographics", |answer, _| {
        if let Some(found) = found(answer) {
            found.person = None;
        }
    }),
    ("an answer repeats only the local identifier of the question", |answer, _| {
        let other = LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, "OTHER").unwrap();
        if let Some(found) = found(answer) {
            found.local_identifier = Some(other);
        }
    }),
    ("an answer is about the number of the question", |answer, state| {
        // The previous one.
        let fetched = state.asked.lock().unwrap().0 == "fetch";
        let Some(found) = found(answer).filter(|_| fetched) else { return };
        if let Some(last) = state.last.lock().unwrap().replace(found.clone()) {
            *found = last;
            found.local_identifier = None;
        }
    }),
    ("a family name is returned as it is recorded", |answer, _| {
        let name = found(answer).and_then(|found| found.person.as_mut()?.name.as_mut());
        if let Some(name) = name {
            // As a codec reads it with the wrong encoding.
            let spoilt = name.family.known().map(|family| family.replace('é', "Ã©"));
            name.family = spoilt.into_iter().map(Into::into).next().unwrap_or_default();
        }
    }),
    ("a replaced number is superseded", |answer, state| {
        let number = state.asked.lock().unwrap().1;
        take_for_found(answer, number);
    }),
    ("an answer is about the number of the question", |answer, _| {
        if let Outcome::Superseded { by, .. } = answer.outcome {
            take_for_found(answer, by);
        }
    }),
    (IN_OLD_RECORDS, |answer, state| {
        // As a search in old records would.
        if state.asked.lock().unwrap().0 == "find" {
            take_for_found(answer, Some(NhsNumber::constant(9_449_306_613)));
        }
    }),
    ("a replaced number is returned with its replacement", |answer, _| {
        if let Outcome::Superseded { by, .. } = &mut answer.outcome {
            *by = None;
        }
    }),
    ("a number that is no longer valid is invalidated", |answer, _| {
        if answer.outcome == Outcome::Invalidated {
            answer.outcome = Outcome::NotVerified;
        }
    }),
    ("a number is not verified for other demographics", |answer, _| {
        if answer.outcome == Outcome::NotVerified {
            answer.outcome = Outcome::None;
        }
    }),
    ("several matching people are ambiguous", |answer, _| {
        if matches!(answer.outcome, Outcome::Ambiguous(_)) {
            answer.outcome = Outcome::None;
        }
    }),
    ("demographics say whether the person has died", |answer, _| {
        if let Some(person) = found(answer).and_then(|found| found.person.as_mut()) {
            person.date_of_death = Default::default();
        }
    }),
    ("a withheld address, telecom or GP practice is not returned", |answer, _| {
        let person = found(answer).and_then(|found| found.person.as_mut());
        if let Some(person) = person.filter(|person| person.addresses.is_empty()) {
            person.addresses.push(Default::default());
        }
    }),
    ("an address that is not withheld is returned", |answer, _| {
        if let Some(found) = found(answer) {
            found.restriction = Restriction::Restricted;
        }
    }),
    ("the debug output of a tracer contains no personal data", |answer, state| {
        let Some(person) = found(answer).and_then(|found| found.person.as_ref()) else { return };
        if let Some(family) = person.name.as_ref().and_then(|name| name.family.known()) {
            *state.seen.lock().unwrap() = family.clone();
        }
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tracer_that_breaks_a_clause_is_caught() {
    for face in Face::UNATTENDED {
        let (register, population) = population(*face);
        for (clause, change) in MISTAKES {
            // Only if a search finds superseded records can one be returned as found.
            if *clause == IN_OLD_RECORDS && !face.finds_superseded() {
                continue;
            }
            let good = face.in_process(&Simulator::new(register.clone()));
            let broken = Arc::new(Broken(good, *change, State::default()));
            let checked = conformance::check(broken, &face.caller(), &user(), &population).await;
            let breach = checked.expect_err(clause);
            assert_eq!(breach.clause(), *clause, "{face:?}: {breach:?}");
        }
    }
}

/// Always answers that there is no match.
#[derive(Debug)]
struct Optimist(Arc<dyn Tracer>);

#[async_trait]
impl Tracer for Optimist {
    async fn trace(&self, c: &Caller, q: &Question, id: MessageId) -> Result<Answer, Error> {
        let exchange = Exchange::new("test", "trace", id.to_string(), SystemClock.now());
        let answer = self.0.trace(c, q, id).await;
        Ok(answer.unwrap_or_else(|_| Answer::new(Outcome::None, exchange)))
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.0.trace_attended(user, question, id).await
    }
}

/// Fails correctly, or not, for every query.
#[derive(Debug)]
struct Failing(Trouble, fn(Trouble) -> Error);

#[async_trait]
impl Tracer for Failing {
    async fn trace(&self, _: &Caller, _: &Question, _: MessageId) -> Result<Answer, Error> {
        Err((self.1)(self.0))
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, Error> {
        Err((self.1)(self.0))
    }
}

#[tokio::test]
async fn a_tracer_that_misreports_a_failure_is_caught() {
    let face = Face::Smsp;
    let (_, population) = population(face);
    let person = &population.ordinary;
    let honest: fn(Trouble) -> Error = |trouble| Error::new(trouble.kind());
    let optimist = async |trouble| {
        Some(Arc::new(Optimist(Arc::new(Failing(trouble, honest)))) as Arc<dyn Tracer>)
    };
    let checked = conformance::check_failing(optimist, &face.caller(), &user(), person).await;
    assert_eq!(checked.unwrap_err().clause(), "an unreachable service is unavailable");

    for (clause, mistaken) in [
        ("a response that is too late is unavailable", Trouble::Late),
        ("garbage is unreadable", Trouble::Garbage),
        ("a refused identity is a configuration error", Trouble::Refused),
        ("rejected data are a rejection", Trouble::Rejected),
    ] {
        let wrong = async |trouble| {
            let other: fn(Trouble) -> Error = |trouble| {
                Error::new(match trouble.kind() {
                    ErrorKind::Unavailable => ErrorKind::Unreadable,
                    _ => ErrorKind::Unavailable,
                })
            };
            let error = if trouble == mistaken { other } else { honest };
            Some(Arc::new(Failing(trouble, error)) as Arc<dyn Tracer>)
        };
        let checked = conformance::check_failing(wrong, &face.caller(), &user(), person).await;
        let breach = checked.unwrap_err();
        assert_eq!(breach.clause(), clause);
        assert!(std::error::Error::source(&breach).is_some(), "it names the actual kind");
    }

    // What a library says in an error may quote what it was given.
    let quoting: fn(Trouble) -> Error =
        |trouble| Error::new(trouble.kind()).with_source("invalid value: Ainsley");
    let told = async |trouble| Some(Arc::new(Failing(trouble, quoting)) as Arc<dyn Tracer>);
    let checked = conformance::check_failing(told, &face.caller(), &user(), person).await;
    assert_eq!(checked.unwrap_err().clause(), "an error contains no personal data");
}
