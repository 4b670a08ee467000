//! The questions about one case in one pass, and their effects. Pure.

use crate::case::{Case, CaseId, RecordedNumber};
use crate::nhs_number::NhsNumber;
use crate::process::decision::apply::apply;
use crate::process::decision::decide::{Context, Decision, decide, subject};
use crate::process::decision::plan::{Plan, ask};
use crate::process::decision::policy::Policy;
use crate::process::decision::row::NextQuery;
use crate::trace::{Answer, Error, ErrorKind, MessageId};
use chrono::{DateTime, Utc};

/// One question about a case, and its reply.
#[derive(Debug)]
pub(in crate::process) struct Step {
    pub(in crate::process) plan: Plan,
    pub(in crate::process) message_id: MessageId,
    /// `None` when queries had ended before this question was sent.
    pub(in crate::process) reply: Option<Result<Answer, Error>>,
    /// When it was processed.
    pub(in crate::process) at: DateTime<Utc>,
}

/// A claimed case and its questions: one, and a second when the first shows that the case's number
/// is unreliable.
#[derive(Debug)]
pub(in crate::process) struct Turn {
    pub(in crate::process) claimed: Case,
    pub(in crate::process) steps: Vec<Step>,
}

impl Turn {
    pub(in crate::process) const fn id(&self) -> &CaseId {
        &self.claimed.id
    }

    /// Returns the next question of this turn.
    pub(in crate::process) fn follow_up(&self, policy: &Policy, local_root: &str) -> Option<Plan> {
        let step = self.steps.last()?;
        let reply = step.reply.as_ref()?.as_ref();
        let before = self.before_last(&self.claimed, policy);
        let decision =
            decide(&before, reply, &Context::new(&step.plan.asked, &[], policy), step.at);
        if decision.effects().next_query != NextQuery::AtOnce {
            return None;
        }
        ask(&apply(&before, &decision, policy)?, None, local_root, step.at).ok()
    }

    /// Returns `case` after all replies before the last, none of which depends on other cases.
    pub(in crate::process) fn before_last(&self, case: &Case, policy: &Policy) -> Case {
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

    /// Returns the number in the last reply.
    pub(in crate::process) fn number(&self) -> Option<NhsNumber> {
        let reply = self.steps.last()?.reply.as_ref()?;
        subject(reply.as_ref()).0
    }

    /// Decides about `case`, which is as it was before the last reply.
    pub(in crate::process) fn decide(
        &self,
        case: &Case,
        holders: &[CaseId],
        policy: &Policy,
    ) -> Option<Decision> {
        let step = self.steps.last()?;
        let reply = step.reply.as_ref()?.as_ref();
        Some(decide(case, reply, &Context::new(&step.plan.asked, holders, policy), step.at))
    }

    /// Returns the error by which the service refused the configuration, if any.
    pub(in crate::process) fn refusal(self) -> Option<Error> {
        let replies = self.steps.into_iter().filter_map(|step| step.reply);
        replies.filter_map(Result::err).find(|error| error.kind() == ErrorKind::Configuration)
    }

    /// Whether `case` would still be traced in the same way: its criteria have not changed.
    pub(in crate::process) fn is_still_about(&self, case: &Case) -> bool {
        let same_number =
            |recorded: &Option<RecordedNumber>| recorded.as_ref().map(|recorded| recorded.number);
        let number = same_number(&case.nhs_number) == same_number(&self.claimed.nhs_number);
        self.steps.first().is_none_or(|step| match step.plan.asked.nhs_number {
            Some(_) => number,
            None => true,
        })
    }
}
