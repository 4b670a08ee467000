//! The way of one case through a pass: next question, trace, decide, commit, release.

use crate::audit::Entry;
use crate::case::{Case, Due, Planned};
use crate::process::decision::plan::Plan;
use crate::process::error::Error;
use crate::process::run::engine::Engine;
use crate::process::run::exchange::Reply;
use crate::process::run::record::{came_back, received, sent};
use crate::process::run::report::CaseReport;
use crate::process::run::turn::{Step, Turn};
use crate::trace::{self, MessageId};
use chrono::{DateTime, Utc};
use tokio::sync::OwnedSemaphorePermit;

impl Engine {
    /// Traces the leased `case`, beginning with `first`, settles its answers, and releases it.
    ///
    /// Ends without an answer only when no question was sent. An answer is settled even if the run is
    /// told to stop: then no further question is sent.
    pub(in crate::process) async fn work(
        &self,
        case: Case,
        first: Plan,
        mut admitted: Option<OwnedSemaphorePermit>,
    ) -> Result<CaseReport, Error> {
        let mut course = Course::of(case);
        let mut next = Some(first);
        while let Some(plan) = next.take() {
            if self.halt.is_set() {
                course.leave(plan, MessageId::fresh(&*self.settings.ids), self.now());
                break;
            }
            next = match course.ask(self, plan.clone(), admitted.take()).await {
                Ok(next) => next,
                Err(error) if course.turn.steps.is_empty() => return Err(error),
                // The answers before this question are settled first.
                Err(error) => {
                    course.leave(plan, MessageId::fresh(&*self.settings.ids), self.now());
                    let report = course.conclude(self).await;
                    return report.and(Err(error));
                }
            };
        }
        course.conclude(self).await
    }
}

/// A case on its way.
struct Course {
    turn: Turn,
    /// What has happened and is not yet on record.
    recorded: Vec<Entry>,
    /// Until when the case waits whose question was not sent because it failed before.
    waits_until: Option<DateTime<Utc>>,
}

impl Course {
    const fn of(case: Case) -> Self {
        Self { turn: Turn::of(case), recorded: Vec::new(), waits_until: None }
    }

    /// Records and sends the question of `plan`. Returns the next question, if the answer needs one.
    async fn ask(
        &mut self,
        engine: &Engine,
        plan: Plan,
        admitted: Option<OwnedSemaphorePermit>,
    ) -> Result<Option<Plan>, Error> {
        let (turn, id) = (&self.turn, MessageId::fresh(&*engine.settings.ids));
        let entry = sent(engine.actor(), turn.id(), &plan, id, engine.now());
        let entries = self.recorded.iter().cloned().chain([entry]).collect();
        engine.record(entries).await?;
        self.recorded.clear();
        let answered = engine.halt.answered();
        let reply = engine.exchange(turn.id(), &plan, id, admitted).await?;
        let at = engine.now();
        let Some(reply) = reply else {
            // The run was told to stop before its turn came.
            self.recorded.push(came_back(engine.actor(), turn.id(), id, None, at));
            self.leave(plan, id, at);
            return Ok(None);
        };
        engine.halt.note(turn.id(), answered, &reply.result);
        Ok(self.take(engine, plan, id, reply, at))
    }

    /// Notes that the question of `plan` was not sent, if it follows other questions by the same criteria. Their
    /// answers alone must not decide: the case stays due, with what is known.
    fn leave(&mut self, plan: Plan, message_id: MessageId, at: DateTime<Utc>) {
        if self.turn.steps.is_empty() || plan.known.is_empty() {
            return;
        }
        let error = trace::Error::new(trace::ErrorKind::Unavailable);
        let reply = Some(Err(error.with_source("the question was not sent")));
        self.turn.steps.push(Step { plan, message_id, reply, at });
    }

    /// Takes the `reply` to the question of `plan`, whose first message was `id`.
    fn take(
        &mut self,
        engine: &Engine,
        plan: Plan,
        id: MessageId,
        reply: Reply,
        at: DateTime<Utc>,
    ) -> Option<Plan> {
        let (turn, Reply { message_id, result }) = (&mut self.turn, reply);
        match result {
            // Not sent: it is no answer about this case.
            Err(error) if error.suspended_until().is_some() => {
                let entry = came_back(engine.actor(), turn.id(), message_id, None, at);
                self.recorded.push(entry);
                if !error.is_suspended_alone() {
                    engine.halt.keep(error);
                    self.leave(plan, message_id, at);
                } else if message_id == id && turn.steps.is_empty() {
                    self.waits_until = error.suspended_until();
                } else {
                    // The question was sent before, and got no response.
                    turn.steps.push(Step { plan, message_id, reply: Some(Err(error)), at });
                }
                None
            }
            result => {
                let step = Step { plan, message_id, reply: Some(result), at };
                self.recorded.push(received(engine.actor(), turn.id(), &step));
                turn.steps.push(step);
                turn.follow_up(&engine.settings.policy, &engine.settings.local_root)
            }
        }
    }

    /// Settles the answers, if there are any, and releases the case.
    async fn conclude(self, engine: &Engine) -> Result<CaseReport, Error> {
        let Self { turn, recorded, waits_until } = self;
        if turn.steps.is_empty() {
            let id = turn.id().clone();
            if let Some(until) = waits_until {
                let due = Due { at: until, ..engine.due_later(&turn.claimed) };
                let planned = Planned::new(id.clone(), turn.claimed.version, due);
                engine.cases().set_due(vec![planned]).await?;
            }
            let mut commit = engine.commit().release(&engine.owner, vec![id]);
            commit.recorded = recorded;
            engine.write(commit).await?;
            return Ok(CaseReport::not_asked(&turn.claimed));
        }
        let report = engine.settle(&turn, recorded).await?;
        if let Some(error) = turn.refusal() {
            engine.halt.keep(error);
        }
        Ok(report)
    }
}
