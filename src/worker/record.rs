//! What stands in the audit trail about a question, its answer, and a change (MSCA-AUD-02).

use crate::audit::{Actor, AuditLog, Entry, EventKind, Subject};
use crate::case::{Case, CaseId, CaseStore};
use crate::trace::MessageId;
use crate::worker::decide::{exchange, subject};
use crate::worker::turn::Step;
use crate::worker::{Error, Plan, Reply};
use chrono::{DateTime, Utc};

/// The record of a question that is about to be sent (MSCA-AUD-02).
pub(super) fn sent(
    actor: &Actor,
    case: &CaseId,
    plan: &Plan,
    id: MessageId,
    at: DateTime<Utc>,
) -> Entry {
    let asked = &plan.asked;
    let mut subject = Subject::new(case.clone())
        .with_personal("family", asked.family.as_str())
        .with_personal("date_of_birth", asked.date_of_birth.to_string());
    if let Some(number) = asked.nhs_number {
        subject = subject.with_number(number);
    } else {
        // The question by number goes without these.
        for (key, value) in [
            ("given", asked.given.clone()),
            ("gender", asked.gender.map(|gender| gender.code().to_owned())),
            ("postcode", asked.postcode.map(|postcode| postcode.to_string())),
        ] {
            if let Some(value) = value {
                subject = subject.with_personal(key, value);
            }
        }
    }
    Entry::new(EventKind::MessageSent, at, actor)
        .with_message_id(id.to_string())
        .with_detail("question", plan.question.word())
        .about(subject)
}

/// The record of what came back, be it nothing.
pub(super) fn received(actor: &Actor, case: &CaseId, step: &Step) -> Entry {
    let reply = step.reply.as_ref().map(Result::as_ref);
    came_back(actor, case, step.message_id, reply, step.at)
}

/// The same, of the message `id`, which brought `reply`; `None` when it was not sent after all.
pub(super) fn came_back(
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
        Ok(answer) => entry.with_detail("outcome", answer.outcome.name()),
        Err(error) => entry.with_detail("error", error.kind().name()),
    };
    if let Some(exchange) = exchange(reply) {
        entry = entry
            .with_detail("service", exchange.service.as_str())
            .with_detail("operation", exchange.operation.as_str());
        entry = entry.with_detail("sent_at", exchange.sent_at.to_rfc3339());
        if let Some(code) = &exchange.code {
            entry = entry.with_detail("code", code.as_str());
        }
    }
    let mut about = Subject::new(case.clone());
    if let Some(number) = subject(reply).0 {
        about = about.with_number(number);
    }
    entry.about(about)
}

/// The record of a change that is about to be saved, with the case as it will be.
pub(super) fn changed(
    actor: &Actor,
    case: &Case,
    why: &[(&str, &str)],
    at: DateTime<Utc>,
) -> Entry {
    let mut after = case.clone();
    after.version += 1;
    let entry = Entry::new(EventKind::CaseChanged, at, actor).about(Subject::snapshot(&after));
    why.iter().fold(entry, |entry, (key, value)| entry.with_detail(*key, *value))
}

/// Records the cases `ids` as they are stored, because what was recorded of them was not saved: of one
/// version, the last record counts.
pub(super) async fn withdraw(
    store: &dyn CaseStore,
    audit: &dyn AuditLog,
    actor: &Actor,
    ids: impl Iterator<Item = &CaseId>,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let mut entries = Vec::new();
    for id in ids {
        if let Some(stored) = store.get(id).await? {
            let entry = Entry::new(EventKind::CaseChanged, at, actor)
                .with_detail("decision", "not_saved")
                .about(Subject::snapshot(&stored));
            entries.push(entry);
        }
    }
    if !entries.is_empty() {
        audit.append(entries).await?;
    }
    Ok(())
}
