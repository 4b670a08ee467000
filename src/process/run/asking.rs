//! Traces a batch of cases. Records each question before it is sent, and each response before any
//! effect.

use crate::audit::{Actor, AuditLog};
use crate::case::CaseId;
use crate::clock::Clock;
use crate::process::decision::plan::Plan;
use crate::process::error::Error;
use crate::process::run::claim::Claims;
use crate::process::run::pass::Pass;
use crate::process::run::record::{came_back, received, sent};
use crate::process::run::turn::{Step, Turn};
use crate::process::run::worker::Worker;
use crate::resilience::{RetryObserver, Unrecorded};
use crate::trace::{self, Answer, MessageId};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument;

/// The progress of a batch.
pub(in crate::process) struct Came {
    /// The number of turns, from the first on, that are complete.
    pub(in crate::process) to: usize,
    /// Why later turns were not traced, if queries are suspended.
    pub(in crate::process) suspended: Option<trace::Error>,
}

/// A reply, its message, and when it arrived.
struct Reply {
    message_id: MessageId,
    at: DateTime<Utc>,
    /// `None` when the message was not sent.
    result: Option<Result<Answer, trace::Error>>,
}

/// The replies to a round of questions, and why some were not sent.
struct Round {
    replies: Vec<Option<Reply>>,
    ended: bool,
    suspended: Option<trace::Error>,
}

/// One question, its retries, and its result.
struct Asked {
    message_id: MessageId,
    result: Result<Answer, trace::Error>,
    /// Why a retry could not be recorded, and so was not sent.
    unrecorded: Option<Error>,
}

impl Worker {
    /// Sends the questions of each turn, including a second question where the first answer needs
    /// one.
    ///
    /// Ends early if `stop` returns true, queries are suspended, or another worker has taken
    /// `claimed` cases. Discards responses behind a case that needs a second query: if two cases
    /// match one number, the earlier case gets it.
    pub(in crate::process) async fn ask(
        &self,
        turns: &mut [Turn],
        first: Vec<Plan>,
        claimed: usize,
        pass: &mut Pass,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Came, Error> {
        let mut claims = Claims::new(claimed, self.clock.now());
        let mut waiting: Vec<(usize, Plan, MessageId)> = first
            .into_iter()
            .enumerate()
            .map(|(place, plan)| (place, plan, MessageId::fresh(&*self.ids)))
            .collect();
        loop {
            let Some((next_place, ..)) = waiting.first() else {
                return Ok(Came { to: turns.len(), suspended: None });
            };
            if stop() || claims.lost {
                return Ok(Came { to: *next_place, suspended: None });
            }
            let now = self.clock.now();
            let entries = waiting.iter().filter_map(|(place, plan, id)| {
                let turn = turns.get(*place)?;
                Some(sent(&self.actor, turn.id(), plan, *id, now))
            });
            self.audit.append(entries.collect()).await?;
            let questions = waiting
                .iter()
                .filter_map(|(place, plan, id)| Some((turns.get(*place)?.id(), plan, *id)))
                .collect::<Vec<_>>();
            let round = self.exchange(&questions, &mut claims, pass, stop).await?;
            let mut unasked = None;
            let at = self.clock.now();
            let mut entries = Vec::with_capacity(waiting.len());
            let mut next = Vec::new();
            for ((place, plan, message_id), reply) in waiting.into_iter().zip(round.replies) {
                let Some(turn) = turns.get_mut(place) else { continue };
                let reply = reply.unwrap_or(Reply { message_id, at, result: None });
                if round.ended && reply.result.is_none() {
                    unasked = unasked.or(Some(place));
                }
                let Reply { message_id, at, result } = reply;
                let step = Step { plan, message_id, reply: result, at };
                entries.push(received(&self.actor, turn.id(), &step));
                turn.steps.push(step);
                if let Some(plan) = turn.follow_up(&self.policy, &self.local_root) {
                    next.push((place, plan, MessageId::fresh(&*self.ids)));
                }
            }
            self.audit.append(entries).await?;
            if let Some(unasked) = unasked {
                let to = next.first().map_or(unasked, |(place, ..)| unasked.min(*place));
                return Ok(Came { to, suspended: round.suspended });
            }
            waiting = next;
        }
    }

    /// Sends the questions in order, several at a time. Stops after a refused configuration,
    /// several equal rejections or a suspension, when `stop` returns true, or when a claim is lost.
    async fn exchange(
        &self,
        questions: &[(&CaseId, &Plan, MessageId)],
        claims: &mut Claims,
        pass: &mut Pass,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Round, Error> {
        let mut replies: Vec<Option<Reply>> = questions.iter().map(|_| None).collect();
        let mut suspended = None;
        let mut tasks = JoinSet::new();
        let mut places = HashMap::new();
        let mut next = questions.iter().enumerate();
        let mut refused = false;
        let (give_up, given_up) = watch::channel(false);
        let third = self.lease / 3;
        loop {
            self.keep(claims, third).await?;
            let ended = claims.lost || stop() || suspended.is_some();
            if ended || refused {
                give_up.send_replace(true);
            }
            while tasks.len() < self.in_flight.get() && !refused && !ended {
                let Some((place, question)) = next.next() else { break };
                let latest = Arc::new(Mutex::new(question.2));
                let asking = self.put(*question, Arc::clone(&latest), given_up.clone());
                let task = tasks.spawn(asking.in_current_span());
                places.insert(task.id(), (place, latest));
            }
            match tokio::time::timeout(third, tasks.join_next_with_id()).await {
                Err(_) => self.keep(claims, Duration::ZERO).await?,
                Ok(None) => return Ok(Round { replies, ended: ended && !refused, suspended }),
                Ok(Some(joined)) => {
                    let task = joined.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
                    let Some((place, latest)) = places.remove(&task) else { continue };
                    let asked = joined.map_or_else(|_| Asked::panicked(&latest), |(_, it)| it);
                    if let Some(error) = asked.unrecorded {
                        return Err(error);
                    }
                    let is = |kind| matches!(&asked.result, Err(error) if error.kind() == kind);
                    if let Some((case, ..)) = questions.get(place) {
                        pass.refusals.note(case, &asked.result);
                    }
                    refused |=
                        is(trace::ErrorKind::Configuration) || pass.refusals.verdict().is_some();
                    let result = match asked.result {
                        Err(error) if error.suspended_until().is_some() => {
                            suspended = Some(error);
                            None
                        }
                        result => Some(result),
                    };
                    let (at, message_id) = (self.clock.now(), asked.message_id);
                    if let Some(slot) = replies.get_mut(place) {
                        *slot = Some(Reply { message_id, at, result });
                    }
                }
            }
        }
    }

    /// Sends one question, with retries, until `given_up` is set.
    fn put(
        &self,
        (case, plan, id): (&CaseId, &Plan, MessageId),
        latest: Arc<Mutex<MessageId>>,
        given_up: watch::Receiver<bool>,
    ) -> impl Future<Output = Asked> + Send + 'static {
        let (tracer, caller) = (Arc::clone(&self.tracer), self.caller.clone());
        let retry = self.retry.clone();
        let record = Record {
            audit: Arc::clone(&self.audit),
            clock: Arc::clone(&self.clock),
            actor: self.actor.clone(),
            case: case.clone(),
            plan: plan.clone(),
            latest,
            given_up,
            failed: Mutex::default(),
        };
        async move {
            let question = &record.plan.question;
            let Some(retry) = retry else {
                let result = tracer.trace(&caller, question, id).await;
                return Asked { message_id: id, result, unrecorded: None };
            };
            let asked = retry.trace(&*tracer, &caller, question, id, &record).await;
            let unrecorded = record.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
            Asked { message_id: asked.message_id, result: asked.result, unrecorded }
        }
    }
}

impl Asked {
    /// A panic in the tracer is a defect, and is reported like an unreadable response. Passed on,
    /// it would end every run at this case.
    fn panicked(latest: &Mutex<MessageId>) -> Self {
        let message_id = *latest.lock().unwrap_or_else(PoisonError::into_inner);
        let error = trace::Error::new(trace::ErrorKind::Unreadable);
        let result = Err(error.with_source("the tracer panicked"));
        Self { message_id, result, unrecorded: None }
    }
}

/// Records the retries of one question (MSCA-AUD-02).
struct Record {
    audit: Arc<dyn AuditLog>,
    clock: Arc<dyn Clock>,
    actor: Actor,
    case: CaseId,
    plan: Plan,
    /// The last message on record: the message of a task that panicked.
    latest: Arc<Mutex<MessageId>>,
    given_up: watch::Receiver<bool>,
    failed: Mutex<Option<Error>>,
}

#[async_trait]
impl RetryObserver for Record {
    async fn before_retry(
        &self,
        failed: MessageId,
        error: &trace::Error,
        next: MessageId,
    ) -> Result<(), Unrecorded> {
        if *self.given_up.borrow() {
            return Err(Unrecorded);
        }
        let now = self.clock.now();
        let entries = vec![
            came_back(&self.actor, &self.case, failed, Some(Err(error)), now),
            sent(&self.actor, &self.case, &self.plan, next, now)
                .with_detail("repeats", failed.to_string()),
        ];
        self.audit.append(entries).await.map_err(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
            Unrecorded
        })?;
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    async fn given_up(&self) {
        let mut given_up = self.given_up.clone();
        // If the sender no longer exists, the answer is not wanted either.
        let _ = given_up.wait_for(|given_up| *given_up).await;
    }
}
