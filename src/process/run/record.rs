//! The audit records of a question and its response (MSCA-AUD-02).

use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::CaseId;
use crate::demographics::{Gender, PartialDate};
use crate::nhs_number::NhsNumber;
use crate::process::decision::attended::ATTENDED;
use crate::process::decision::decide::{exchange, subject};
use crate::process::decision::plan::Plan;
use crate::process::decision::reply::Reply;
use crate::process::run::turn::Step;
use crate::trace::{
    Answer, Attended, FindPerson, MessageId, Mode, NamePattern, Outcome, Question, VerifyNumber,
};
use chrono::{DateTime, Utc};

/// The record of a question that is about to be sent (MSCA-AUD-02).
pub(in crate::process) fn sent(
    actor: &Actor,
    case: &CaseId,
    plan: &Plan,
    id: MessageId,
    at: DateTime<Utc>,
) -> Entry {
    let subject = match &plan.question {
        Question::Find(find) => searched(Subject::new(case.clone()), find),
        // A question by number does not contain the other criteria.
        _ => {
            let asked = &plan.asked;
            let subject = Subject::new(case.clone())
                .with_personal("family", asked.family.as_str())
                .with_personal("date_of_birth", asked.date_of_birth.to_string());
            asked.nhs_number.into_iter().fold(subject, Subject::with_number)
        }
    };
    let entry = Entry::new(EventKind::MessageSent, at, actor)
        .with_message_id(id.to_string())
        .with_detail("question", plan.question.as_str())
        .with_detail("step", plan.step.as_str());
    let entry = match &plan.question {
        Question::Find(find) if !find.is_exact() => entry
            .with_detail("breadth", find.breadth().as_str())
            .with_detail("birth_years", find.birth_years().to_string()),
        _ => entry,
    };
    // For services that identify a retry by the request it repeats.
    let entry = match id.request() {
        request if request != id.uuid() => entry.with_detail("request", format!("{request:X}")),
        _ => entry,
    };
    entry.about(subject)
}

/// The criteria of a search, as they are sent.
fn searched<M: Mode>(subject: Subject, find: &FindPerson<M>) -> Subject {
    criteria(find)
        .into_iter()
        .fold(subject, |subject, (key, value)| subject.with_personal(key, value))
}

/// The criteria of a search by their names.
fn criteria<M: Mode>(find: &FindPerson<M>) -> Vec<(&'static str, String)> {
    let name = |name: &M::Name| -> NamePattern { name.clone().into() };
    let born: PartialDate = find.date_of_birth().into();
    let gender = Some(find.gender()).filter(|gender| *gender != Gender::NotKnown);
    [
        ("family", Some(name(find.family()).as_str().to_owned())),
        ("date_of_birth", Some(born.to_string())),
        ("given", find.given().map(|given| name(given).as_str().to_owned())),
        ("gender", gender.map(|gender| gender.code().to_owned())),
        ("postcode", find.postcode().map(ToString::to_string)),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect()
}

/// The record of a user's question that is about to be sent, about the case `about` if the user has one.
///
/// Without a case, the criteria of a search belong to no person whom an erasure could find. Then only their names
/// are recorded.
pub(in crate::process) fn sent_attended(
    actor: &Actor,
    about: Option<&CaseId>,
    question: &Question<Attended>,
    id: MessageId,
    at: DateTime<Utc>,
) -> Entry {
    let (number, sent) = match question {
        Question::Find(find) => (None, criteria(find)),
        Question::Verify(verify) => (Some(verify.nhs_number()), verified(verify)),
        Question::Fetch(fetch) => {
            (Some(fetch.verification().nhs_number()), verified(fetch.verification()))
        }
    };
    let subject = match (about, number) {
        (Some(case), number) => {
            Some(number.into_iter().fold(Subject::new(case.clone()), Subject::with_number))
        }
        (None, number) => number.map(Subject::person),
    };
    let names: Vec<&str> = sent.iter().map(|(name, _)| *name).collect();
    let wildcard = sent.iter().any(|(_, value)| value.contains('*'));
    let partial = sent.iter().any(|(name, value)| *name == "date_of_birth" && value.len() < 10);
    let mut entry = Entry::new(EventKind::MessageSent, at, actor)
        .with_message_id(id.to_string())
        .with_detail("question", question.as_str())
        .with_detail("step", ATTENDED)
        .with_detail("criteria", names.join(" "));
    for (name, is_set) in [("wildcard", wildcard), ("partial_date", partial)] {
        if is_set {
            entry = entry.with_detail(name, "yes");
        }
    }
    let with_all = |subject| {
        sent.into_iter()
            .fold(subject, |subject: Subject, (name, value)| subject.with_personal(name, value))
    };
    match subject {
        Some(subject) => entry.about(with_all(subject)),
        None => entry,
    }
}

fn verified(verify: &VerifyNumber<Attended>) -> Vec<(&'static str, String)> {
    [
        ("family", verify.family().map(|family| family.as_str().to_owned())),
        ("date_of_birth", Some(verify.date_of_birth().to_string())),
        ("given", verify.given().map(|given| given.as_str().to_owned())),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect()
}

/// The records of the reply to a user's question: the message, and each person whom the user will see.
pub(in crate::process) fn received_attended(
    actor: &Actor,
    about: Option<&CaseId>,
    id: MessageId,
    reply: Reply<'_>,
    at: DateTime<Utc>,
) -> Vec<Entry> {
    let numbers = people(reply);
    let subject = match (about, numbers.as_slice()) {
        (Some(case), _) => {
            Some(numbers.iter().copied().fold(Subject::new(case.clone()), Subject::with_number))
        }
        (None, [number]) => Some(Subject::person(*number)),
        // Several people, each of whom may be erased alone.
        (None, _) => None,
    };
    let entry =
        reply_to(actor, id, Some(reply), at).with_detail("people", numbers.len().to_string());
    let message = match subject {
        Some(subject) => entry.about(subject),
        None => entry,
    };
    let viewed = numbers.iter().map(|number| {
        Entry::new(EventKind::CaseViewed, at, actor)
            .with_message_id(id.to_string())
            .with_detail("event", "pds_search")
            .about(Subject::person(*number))
    });
    [message].into_iter().chain(viewed).collect()
}

/// The numbers of the people in a reply.
fn people(reply: Reply<'_>) -> Vec<NhsNumber> {
    match reply {
        Ok(Answer { outcome: Outcome::Ambiguous(candidates), .. }) => {
            candidates.iter().filter_map(|candidate| candidate.nhs_number).collect()
        }
        reply => subject(reply).0.into_iter().collect(),
    }
}

/// The record of a response, or that nothing was sent.
pub(in crate::process) fn received(actor: &Actor, case: &CaseId, step: &Step) -> Entry {
    let reply = step.reply.as_ref().map(Result::as_ref);
    came_back(actor, case, step.message_id, reply, step.at)
}

/// The same for the message `id` with its `reply`; `None` when it was not sent.
pub(in crate::process) fn came_back(
    actor: &Actor,
    case: &CaseId,
    id: MessageId,
    reply: Option<Reply<'_>>,
    at: DateTime<Utc>,
) -> Entry {
    let mut about = Subject::new(case.clone());
    if let Some(number) = reply.and_then(|reply| subject(reply).0) {
        about = about.with_number(number);
    }
    reply_to(actor, id, reply, at).about(about)
}

/// The record of the reply to the message `id`, without its subject.
fn reply_to(actor: &Actor, id: MessageId, reply: Option<Reply<'_>>, at: DateTime<Utc>) -> Entry {
    let entry = Entry::new(EventKind::MessageReceived, at, actor).with_message_id(id.to_string());
    let Some(reply) = reply else {
        return entry.with_detail("outcome", "not_sent");
    };
    let mut entry = match reply {
        Ok(answer) => entry.with_detail("outcome", answer.outcome.as_str()),
        Err(error) => entry.with_detail("error", error.kind().as_str()),
    };
    if let Some(exchange) = exchange(reply) {
        entry = entry
            .with_detail("service", exchange.service.as_str())
            .with_detail("operation", exchange.operation.as_str());
        entry = entry.with_detail("sent_at", exchange.sent_at.to_rfc3339());
        if let Some(code) = &exchange.code {
            entry = entry.with_detail("code", code.as_str());
        }
        for (name, value) in &exchange.references {
            entry = entry.with_detail(name.as_str(), value.as_str());
        }
    }
    entry
}
