//! The way of one case through a pass: next question, trace, decide, commit, release.

use crate::case::{Case, Due, Planned};
use crate::process::decision::plan::Plan;
use crate::process::error::Error;
use crate::process::run::engine::Engine;
use crate::process::run::record::{came_back, received, sent};
use crate::process::run::report::CaseReport;
use crate::process::run::turn::{Step, Turn};
use crate::trace::MessageId;
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
        let mut turn = Turn { claimed: case, steps: Vec::new() };
        let (mut next, mut recorded, mut failed) = (Some(first), Vec::new(), None);
        // Until when the case waits whose question was not sent because it failed before.
        let mut waits_until = None;
        while let Some(plan) = next.take() {
            if self.halt.is_set() {
                break;
            }
            let id = MessageId::fresh(&*self.settings.ids);
            let entry = sent(self.actor(), turn.id(), &plan, id, self.now());
            let entries = recorded.iter().cloned().chain([entry]).collect();
            match self.record(entries).await {
                Ok(()) => recorded.clear(),
                Err(error) if turn.steps.is_empty() => return Err(error),
                // The question is not sent. The answer before it is settled first.
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
            let reply = match self.exchange(turn.id(), &plan, id, admitted.take()).await {
                Ok(Some(reply)) => reply,
                // The run was told to stop before its turn came.
                Ok(None) => {
                    recorded.push(came_back(self.actor(), turn.id(), id, None, self.now()));
                    break;
                }
                Err(error) if turn.steps.is_empty() => return Err(error),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            let at = self.now();
            self.halt.note(turn.id(), &reply.result);
            match reply.result {
                // Not sent: it is no answer about this case.
                Err(error) if error.suspended_until().is_some() => {
                    let entry = came_back(self.actor(), turn.id(), reply.message_id, None, at);
                    recorded.push(entry);
                    if !error.is_suspended_alone() {
                        self.halt.keep(error);
                    } else if reply.message_id == id {
                        waits_until = error.suspended_until();
                    } else {
                        // The question was sent before, and got no response.
                        let (message_id, reply) = (reply.message_id, Some(Err(error)));
                        turn.steps.push(Step { plan, message_id, reply, at });
                    }
                }
                result => {
                    let (message_id, reply) = (reply.message_id, Some(result));
                    let step = Step { plan, message_id, reply, at };
                    recorded.push(received(self.actor(), turn.id(), &step));
                    turn.steps.push(step);
                    next = turn.follow_up(&self.settings.policy, &self.settings.local_root);
                }
            }
        }
        drop(admitted);
        if turn.steps.is_empty() {
            let id = turn.id().clone();
            if let Some(until) = waits_until {
                let due = Due { at: until, ..self.due_later(&turn.claimed) };
                let planned = Planned::new(id.clone(), turn.claimed.version, due);
                self.cases().set_due(vec![planned]).await?;
            }
            let mut commit = self.commit().release(&self.owner, vec![id]);
            commit.recorded = recorded;
            self.write(commit).await?;
            return Ok(CaseReport::not_asked(&turn.claimed));
        }
        let report = self.settle(&turn, recorded).await?;
        if let Some(error) = turn.refusal() {
            self.halt.keep(error);
        }
        failed.map_or(Ok(report), Err)
    }
}
