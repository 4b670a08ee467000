//! What is asked about one case in one go, and what follows. Pure.

use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{Case, CaseId, HeldNumber};
use crate::nhs_number::NhsNumber;
use crate::trace::{Answer, Error, ErrorKind, MessageId, Question};
use crate::worker::decide::{exchange, subject};
use crate::worker::plan::ask;
use crate::worker::{Again, Context, Decision, Plan, Policy, apply, decide};
use chrono::{DateTime, Utc};

/// One question about a case, and what came back.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) plan: Plan,
    pub(super) message_id: MessageId,
    /// `None` when asking had ended before this question's turn.
    pub(super) reply: Option<Result<Answer, Error>>,
    /// When it was dealt with.
    pub(super) at: DateTime<Utc>,
}

/// A case that was claimed, and what was asked about it: one question, and another when the first shows
/// that the number held is not to be relied upon.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) claimed: Case,
    pub(super) steps: Vec<Step>,
}

impl Turn {
    pub(super) const fn id(&self) -> &CaseId {
        &self.claimed.id
    }

    /// What is asked next, in the same turn.
    pub(super) fn follow_up(&self, policy: &Policy, local_root: &str) -> Option<Plan> {
        let step = self.steps.last()?;
        let reply = step.reply.as_ref()?.as_ref();
        let before = self.before_last(&self.claimed, policy);
        let decision =
            decide(&before, reply, &Context::new(&step.plan.asked, &[], policy), step.at);
        if decision.effects().again != Again::Afresh {
            return None;
        }
        ask(&apply(&before, &decision, policy)?, None, local_root).ok()
    }

    /// `case` as it is when the last reply is decided upon: after what the earlier ones changed, none of
    /// which depends on other cases.
    pub(super) fn before_last(&self, case: &Case, policy: &Policy) -> Case {
        let mut case = case.clone();
        let earlier = self.steps.split_last().map_or(&[][..], |(_, earlier)| earlier);
        for step in earlier {
            let Some(reply) = &step.reply else { continue };
            let context = Context::new(&step.plan.asked, &[], policy);
            let decision = decide(&case, reply.as_ref(), &context, step.at);
            case = apply(&case, &decision, policy).unwrap_or(case);
        }
        case
    }

    /// The number that the last reply names, of which it matters who holds it.
    pub(super) fn number(&self) -> Option<NhsNumber> {
        let reply = self.steps.last()?.reply.as_ref()?;
        subject(reply.as_ref()).0
    }

    /// What follows for `case`, as it is before the last reply.
    pub(super) fn decide(
        &self,
        case: &Case,
        holders: &[CaseId],
        policy: &Policy,
    ) -> Option<Decision> {
        let step = self.steps.last()?;
        let reply = step.reply.as_ref()?.as_ref();
        Some(decide(case, reply, &Context::new(&step.plan.asked, holders, policy), step.at))
    }

    /// Why asking has to end: the service refused our configuration.
    pub(super) fn refusal(self) -> Option<Error> {
        let replies = self.steps.into_iter().filter_map(|step| step.reply);
        replies.filter_map(Result::err).find(|error| error.kind() == ErrorKind::Configuration)
    }

    /// Whether `case` would still be asked about as this one was: nothing that was asked by has changed.
    pub(super) fn is_still_about(&self, case: &Case) -> bool {
        let same_number = |held: &Option<HeldNumber>| held.as_ref().map(|held| held.number);
        let number = same_number(&case.nhs_number) == same_number(&self.claimed.nhs_number);
        self.steps.first().is_none_or(|step| match step.plan.asked.nhs_number {
            Some(_) => number,
            None => true,
        })
    }
}

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
    let question = match plan.question {
        Question::Verify(_) => "verify",
        Question::Find(_) => "find",
        Question::Fetch(_) => "fetch",
    };
    Entry::new(EventKind::MessageSent, at, actor)
        .with_message_id(id.to_string())
        .with_detail("question", question)
        .about(subject)
}

/// The record of what came back, be it nothing.
pub(super) fn received(actor: &Actor, case: &CaseId, step: &Step) -> Entry {
    let entry = Entry::new(EventKind::MessageReceived, step.at, actor)
        .with_message_id(step.message_id.to_string());
    let Some(reply) = step.reply.as_ref().map(Result::as_ref) else {
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
