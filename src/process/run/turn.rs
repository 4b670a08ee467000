//! The questions about one case in one pass, and their effects. Pure.

use crate::case::{Case, CaseId, RecordedNumber, Submission};
use crate::process::decision::apply::apply;
use crate::process::decision::context::Context;
use crate::process::decision::decide::{Decision, decide};
use crate::process::decision::plan::{Plan, ask, following};
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

/// A claimed case and its questions.
///
/// The questions by the same criteria are decided together: those about the number of the case, and, when the
/// first show that it is unreliable, those that search for the person.
#[derive(Debug)]
pub(in crate::process) struct Turn {
    pub(in crate::process) claimed: Case,
    pub(in crate::process) steps: Vec<Step>,
    /// The row of a batch that the steps come from, if they do.
    pub(in crate::process) submission: Option<Submission>,
    /// Whether the case does not go by file again, if that row has not settled it.
    pub(in crate::process) goes_singly: bool,
}

impl Turn {
    /// A case without questions so far.
    pub(in crate::process) const fn of(claimed: Case) -> Self {
        Self { claimed, steps: Vec::new(), submission: None, goes_singly: false }
    }

    pub(in crate::process) const fn id(&self) -> &CaseId {
        &self.claimed.id
    }

    /// Returns the next question of this turn.
    pub(in crate::process) fn follow_up(&self, policy: &Policy, local_root: &str) -> Option<Plan> {
        let step = self.steps.last()?;
        let reply = step.reply.as_ref()?.as_ref();
        let before = self.before_last(&self.claimed, policy);
        let context = Context::of(&step.plan, &[], policy);
        if context.leaves_open(reply) {
            let known = context.known_with(&before, reply, step.at);
            let next = following(&before, &step.plan.asked, &known, policy, local_root, step.at);
            if next.is_some() {
                return next;
            }
        }
        let decision = decide(&before, reply, &context, step.at);
        if decision.effects().next_query != NextQuery::AtOnce {
            return None;
        }
        ask(&apply(&before, &decision, policy)?, None, policy, local_root, step.at).ok()
    }

    /// Returns `case` after all replies before those that are decided together with the last, none of which
    /// depends on other cases.
    pub(in crate::process) fn before_last(&self, case: &Case, policy: &Policy) -> Case {
        decided_each(&self.without_submission(case), self.stages().0, policy)
    }

    /// Returns `case` without the row that these answers come from: whatever they say, it is not awaited any more.
    fn without_submission(&self, case: &Case) -> Case {
        let mut case = case.clone();
        if self.submission.is_some() {
            (case.asking.submitted, case.asking.one_by_one) = (None, self.goes_singly);
        }
        case
    }

    /// The questions that are decided together with the last, and those before them.
    fn stages(&self) -> (&[Step], &[Step]) {
        let last = self.steps.last().map(|step| step.plan.asked.nhs_number);
        let same = |step: &&Step| Some(step.plan.asked.nhs_number) == last;
        let count = self.steps.iter().rev().take_while(same).count();
        self.steps.split_at(self.steps.len() - count)
    }

    /// Decides about `case`, which is as it was before the questions that are decided together.
    pub(in crate::process) fn decide(
        &self,
        case: &Case,
        holders: &[CaseId],
        policy: &Policy,
    ) -> Option<Decision> {
        decided(case, self.stages().1, holders, policy)
    }

    /// Returns the error by which the service refused the configuration, if any.
    pub(in crate::process) fn refusal(self) -> Option<Error> {
        let replies = self.steps.into_iter().filter_map(|step| step.reply);
        replies.filter_map(Result::err).find(|error| error.kind() == ErrorKind::Configuration)
    }

    /// Whether `case` would still be traced in the same way: its criteria have not changed.
    pub(in crate::process) fn is_still_about(&self, case: &Case) -> bool {
        if self.submission.is_some() && case.asking.submitted != self.submission {
            return false;
        }
        let same_number =
            |recorded: &Option<RecordedNumber>| recorded.as_ref().map(|recorded| recorded.number);
        let number = same_number(&case.nhs_number) == same_number(&self.claimed.nhs_number);
        self.steps.first().is_none_or(|step| match step.plan.asked.nhs_number {
            Some(_) => number,
            // A row of a file is days old. A number that the case has got since is verified first.
            None => self.submission.is_none() || number,
        })
    }
}

/// `case` after each group of `steps` with the same number.
fn decided_each(case: &Case, steps: &[Step], policy: &Policy) -> Case {
    let mut case = case.clone();
    for group in steps.chunk_by(|a, b| a.plan.asked.nhs_number == b.plan.asked.nhs_number) {
        if let Some(decision) = decided(&case, group, &[], policy) {
            case = apply(&case, &decision, policy).unwrap_or(case);
        }
    }
    case
}

/// Decides about the last of `stage`, after what the others have shown.
fn decided(case: &Case, stage: &[Step], holders: &[CaseId], policy: &Policy) -> Option<Decision> {
    let step = stage.last()?;
    let reply = step.reply.as_ref()?.as_ref();
    Some(decide(case, reply, &Context::of(&step.plan, holders, policy), step.at))
}
