//! The audit records of a question and its response (MSCA-AUD-02).

use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::CaseId;
use crate::demographics::Gender;
use crate::process::decision::decide::{exchange, subject};
use crate::process::decision::plan::Plan;
use crate::process::decision::reply::Reply;
use crate::process::run::turn::Step;
use crate::trace::{FindPerson, MessageId, Question};
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
fn searched(subject: Subject, find: &FindPerson) -> Subject {
    let mut subject = subject
        .with_personal("family", find.family().as_str())
        .with_personal("date_of_birth", find.date_of_birth().to_string());
    let gender = Some(find.gender()).filter(|gender| *gender != Gender::NotKnown);
    for (key, value) in [
        ("given", find.given().map(|given| given.as_str().to_owned())),
        ("gender", gender.map(|gender| gender.code().to_owned())),
        ("postcode", find.postcode().map(ToString::to_string)),
    ] {
        if let Some(value) = value {
            subject = subject.with_personal(key, value);
        }
    }
    subject
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
    let entry = Entry::new(EventKind::MessageReceived, at, actor).with_message_id(id.to_string());
    let Some(reply) = reply else {
        return entry.with_detail("outcome", "not_sent").about(Subject::new(case.clone()));
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
    let mut about = Subject::new(case.clone());
    if let Some(number) = subject(reply).0 {
        about = about.with_number(number);
    }
    entry.about(about)
}
