//! What is asked about one case in one go, and what follows. Pure.

use crate::case::{Case, CaseId, RecordedNumber};
use crate::nhs_number::NhsNumber;
use crate::process::decide::subject;
use crate::process::plan::ask;
use crate::process::{Again, Context, Decision, Plan, Policy, apply, decide};
use crate::trace::{Answer, Error, ErrorKind, MessageId};
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
        ask(&apply(&before, &decision, policy)?, None, local_root, step.at).ok()
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
        let same_number = |held: &Option<RecordedNumber>| held.as_ref().map(|held| held.number);
        let number = same_number(&case.nhs_number) == same_number(&self.claimed.nhs_number);
        self.steps.first().is_none_or(|step| match step.plan.asked.nhs_number {
            Some(_) => number,
            None => true,
        })
    }
}
