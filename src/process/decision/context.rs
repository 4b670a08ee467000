//! What a decision depends on.

use crate::case::{Case, CaseId, Heard};
use crate::matching::Criteria;
use crate::process::decision::hear::{Sent, hear, is_open};
use crate::process::decision::plan::Plan;
use crate::process::decision::policy::Policy;
use crate::process::decision::reply::Reply;
use crate::trace::{Error, ErrorKind};
use chrono::{DateTime, Utc};

/// What a decision depends on, besides the case and the reply.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The search criteria of the query.
    pub asked: &'a Criteria,
    /// The active cases that have the number of the reply. The case itself may be one of them.
    pub holders: &'a [CaseId],
    /// When a case is queried again, how many unreadable responses in a row are too many, and who counts as
    /// the person of the case.
    pub policy: &'a Policy,
    /// What earlier questions by the same criteria have shown.
    pub known: &'a [Heard],
    /// The question of the reply; `None` is one with every criterion.
    pub(super) sent: Option<Sent<'a>>,
}

impl<'a> Context<'a> {
    /// Returns the context of a reply to `asked`, whose number the cases `holders` have.
    #[must_use]
    pub const fn new(asked: &'a Criteria, holders: &'a [CaseId], policy: &'a Policy) -> Self {
        Self { asked, holders, policy, known: &[], sent: None }
    }

    /// Returns this context of a reply to the question of `plan`, after what is `known` from earlier ones.
    #[must_use]
    pub fn after(mut self, known: &'a [Heard], plan: &'a Plan) -> Self {
        self.known = known;
        self.sent =
            Some(Sent { step: &plan.step, question: &plan.question, doubted: plan.doubted });
        self
    }

    /// The context of a reply to the question of `plan`.
    pub(in crate::process) fn of(
        plan: &'a Plan,
        holders: &'a [CaseId],
        policy: &'a Policy,
    ) -> Self {
        Self::new(&plan.asked, holders, policy).after(&plan.known, plan)
    }

    /// Whether another question may follow the reply: a person was returned, no person matches, or several do.
    /// After the first question, the service may also refuse the changed criteria of a step, or lead to a record
    /// that is not in use. The other steps are taken all the same.
    pub(in crate::process) fn leaves_open(&self, reply: Reply<'_>) -> bool {
        match reply {
            Ok(answer) => is_open(answer) || !self.known.is_empty(),
            Err(error) => self.is_refused_step(error),
        }
    }

    /// Whether the service refused the criteria of a further step. The case's own criteria were accepted.
    pub(in crate::process) fn is_refused_step(&self, error: &Error) -> bool {
        !self.known.is_empty() && error.kind() == ErrorKind::Rejected && error.exchange().is_some()
    }

    /// What is known, with the reply.
    pub(in crate::process) fn known_with(
        &self,
        case: &Case,
        reply: Reply<'_>,
        now: DateTime<Utc>,
    ) -> Vec<Heard> {
        let judge = &self.policy.judge;
        let step = || self.sent.map_or("exact", |sent| sent.step).to_owned();
        let heard = match reply {
            Ok(answer) => hear(case, self.asked, self.sent, answer, judge, now)
                // A further question led to a record that is not in use, perhaps of another person: the same doubt
                // as about several people. It says nothing about a number that the case has.
                .or_else(|| (!self.known.is_empty()).then(|| Heard::several(step()))),
            Err(error) => self.is_refused_step(error).then(|| Heard::none(step())),
        };
        self.known.iter().cloned().chain(heard).collect()
    }

    /// Whether another active case has the number of the reply.
    pub(super) fn is_shared(&self, case: &Case) -> bool {
        self.holders.iter().any(|holder| *holder != case.id)
    }
}
