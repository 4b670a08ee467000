//! One pass: leases due cases and works on several at a time, in no order among them.

use crate::case::{Case, CaseId, Claim, Due, Planned};
use crate::process::decision::eligibility::faults;
use crate::process::decision::plan::Plan;
use crate::process::decision::result::TraceResult;
use crate::process::error::Error;
use crate::process::run::engine::{Engine, LEFT};
use crate::process::run::report::{CaseReport, RunReport};
use crate::process::run::tally::Tally;
use crate::trace;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tracing::Instrument;

/// How many cases are leased at a time: for each question in progress, at least, and at most.
const AHEAD: usize = 4;
const LEAST: usize = 16;
const MOST: usize = 512;

/// A look for due cases so soon after the one before takes more of them: each look makes the work wait.
const SOON: TimeDelta = TimeDelta::milliseconds(100);

/// How many cases may be in work for each question in progress. The others wait for a retry, or are
/// being committed.
const IN_WORK: usize = 16;

/// The progress of a pass.
struct Pass<'a> {
    engine: Arc<Engine>,
    observer: &'a mut (dyn FnMut(&CaseReport) + Send),
    tasks: JoinSet<Result<CaseReport, Error>>,
    /// Plans all cases again beside the pass, if the rules have changed.
    planning: JoinSet<Result<(), Error>>,
    /// Leased cases that wait for their first question.
    ready: VecDeque<(Case, Plan)>,
    /// The cases that are ready or in work.
    working: HashSet<CaseId>,
    /// Those of them that were leased again: their lease had expired, or a store that released them has
    /// not yet delivered their alerts.
    again: HashSet<CaseId>,
    /// How many cases are leased next.
    batch: usize,
    /// When cases were leased last.
    looked: Option<DateTime<Utc>>,
    /// Cases that another program keeps changing.
    left: HashSet<CaseId>,
    /// The versions of cases whose alerts of an earlier run this pass has delivered, or tried to.
    delivered: HashMap<CaseId, u64>,
    renewed: DateTime<Utc>,
    report: RunReport,
    tally: Tally,
    /// The results of which one failure is logged already.
    logged: Vec<&'static str>,
    failed: Option<Error>,
}

/// Why a wait ended.
enum Woken {
    /// A question may be sent.
    Slot(Option<OwnedSemaphorePermit>),
    Finished(Box<Result<CaseReport, Error>>),
    Time,
}

impl Engine {
    /// Makes one pass over all cases that were due when it began, and calls `observer` for each.
    pub(in crate::process) async fn pass(
        self: Arc<Self>,
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> Result<RunReport, Error> {
        let (began, labels) = (self.began, self.settings.labels.clone());
        let mut pass = Pass {
            engine: self,
            observer,
            tasks: JoinSet::new(),
            planning: JoinSet::new(),
            ready: VecDeque::new(),
            working: HashSet::new(),
            again: HashSet::new(),
            batch: LEAST,
            looked: None,
            left: HashSet::new(),
            delivered: HashMap::new(),
            renewed: began,
            report: RunReport::default(),
            tally: Tally::of(began, labels),
            logged: Vec::new(),
            failed: None,
        };
        let replan = Arc::clone(&pass.engine).replan();
        pass.planning.spawn(replan.in_current_span());
        let ran = pass.run().await;
        let ready: Vec<Case> = pass.ready.drain(..).map(|(case, _)| case).collect();
        let ids: Vec<CaseId> = ready.iter().map(|case| case.id.clone()).collect();
        let released = pass.engine.release(&ids).await;
        ready.iter().for_each(|case| pass.count(&CaseReport::not_asked(case)));
        ran.and(released)?;
        pass.end().await
    }
}

impl Pass<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let third = self.engine.settings.lease / 3;
        loop {
            let halted = self.engine.halt.is_set();
            if halted && self.tasks.is_empty() {
                return self.failed.take().map_or(Ok(()), Err);
            }
            match self.advance(third).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => self.fail(error),
            }
            let may_start = !self.ready.is_empty() && !self.engine.halt.is_set();
            if self.tasks.is_empty() && !may_start {
                // Nothing ends a wait. The look for due cases has waited, where that was necessary.
                continue;
            }
            match self.wait(third).await {
                Woken::Slot(slot) => self.start(slot),
                Woken::Finished(finished) => match *finished {
                    Ok(case) => {
                        self.count(&case);
                        if self.again.remove(&case.case_id) {
                            let ids = [case.case_id];
                            self.engine
                                .release(&ids)
                                .await
                                .unwrap_or_else(|error| self.fail(error));
                        }
                    }
                    Err(error) => self.fail(error),
                },
                Woken::Time => {}
            }
        }
    }

    /// Ends the run with `error`. The answers of the cases in work are settled before.
    fn fail(&mut self, error: Error) {
        self.engine.halt.set();
        self.failed = self.failed.take().or(Some(error));
    }

    /// Keeps the leases, also of cases whose answers are awaited before a stop. Leases more cases where
    /// there is room. Returns false when the pass is complete.
    async fn advance(&mut self, after: Duration) -> Result<bool, Error> {
        self.keep(after).await?;
        if self.engine.halt.is_set() || !self.ready.is_empty() || self.is_full() {
            return Ok(true);
        }
        self.refill().await
    }

    /// Whether no further case may be worked on.
    fn is_full(&self) -> bool {
        !self.has_room() || self.engine.admitted.available_permits() == 0
    }

    /// Whether fewer cases are in work than may be.
    fn has_room(&self) -> bool {
        self.tasks.len() < self.engine.settings.in_flight.get().saturating_mul(IN_WORK)
    }

    /// Leases more cases. Returns false when the pass is complete: no case is due, and no case is in
    /// work, here or at another worker.
    async fn refill(&mut self) -> Result<bool, Error> {
        let claim = self.engine.cases().claim_due(self.batch, &self.engine.lease()).await?;
        let Claim { cases, blocked_until, .. } = claim;
        if cases.is_empty() {
            if !self.tasks.is_empty() {
                return Ok(true);
            }
            if let Some(planned) = self.planning.join_next().await {
                planned.unwrap_or(Ok(()))?;
                return Ok(true);
            }
            let Some(until) = blocked_until else { return Ok(false) };
            self.engine.wait_for(until).await;
            return Ok(true);
        }
        let leased = cases.len();
        self.look(cases).await?;
        let least = self.engine.settings.in_flight.get().saturating_mul(AHEAD).clamp(LEAST, MOST);
        // Many cases that need no question, or have quick answers, are leased in few steps.
        let now = self.engine.now();
        let is_soon = self.looked.replace(now).is_some_and(|before| now - before < SOON);
        let more = is_soon || self.ready.len() * 2 < leased;
        self.batch = if more { (self.batch * 2).min(MOST) } else { least };
        Ok(true)
    }

    /// Plans the leased `cases`. Those that need no question are reported and released.
    async fn look(&mut self, cases: Vec<Case>) -> Result<(), Error> {
        let engine = Arc::clone(&self.engine);
        let (mut planned, mut done, mut reports) = (Vec::new(), Vec::new(), Vec::new());
        for case in cases {
            let id = case.id.clone();
            if self.working.contains(&id) {
                self.again.insert(id);
                continue;
            }
            if self.left.contains(&id) {
                let due = Due::new(engine.due(&case).priority, engine.now() + LEFT);
                planned.push(Planned::new(id.clone(), case.version, due));
                done.push(id);
                continue;
            }
            // Once for each version: while the sink fails, the case is traced with its alerts still on it.
            if !case.undelivered.is_empty()
                && self.delivered.insert(id.clone(), case.version) != Some(case.version)
            {
                // Alerts that an earlier run has saved and not delivered. The case changes; if it is to
                // be traced, it is leased again in this pass.
                let due = engine.due_in_pass(&case);
                let commit = engine.commit().release(&engine.owner, vec![id]).deliver(case, due);
                engine.write(commit).await?;
                continue;
            }
            match engine.plan(&case) {
                Ok(plan) => {
                    self.working.insert(id);
                    self.ready.push_back((case, plan));
                }
                Err(eligibility) => {
                    let mut report = CaseReport::new(&case, eligibility);
                    report.faults = faults(&case, engine.now());
                    let mut due = engine.due(&case);
                    if !case.undelivered.is_empty() {
                        due.at = due.at.min(engine.now() + LEFT);
                    }
                    planned.push(Planned::new(id.clone(), case.version, due));
                    done.push(id);
                    reports.push(report);
                }
            }
        }
        if !planned.is_empty() {
            engine.cases().set_due(planned).await?;
            engine.release(&done).await?;
        }
        reports.iter().for_each(|report| self.count(report));
        Ok(())
    }

    /// Begins to work on the next case.
    fn start(&mut self, slot: Option<OwnedSemaphorePermit>) {
        if let Some((case, plan)) = self.ready.pop_front() {
            let engine = Arc::clone(&self.engine);
            let work = async move { engine.work(case, plan, slot).await };
            self.tasks.spawn(work.in_current_span());
        }
    }

    /// Waits until a question may be sent, a case is finished, or the run is told to stop, for at most
    /// `time`.
    async fn wait(&mut self, time: Duration) -> Woken {
        let halted = self.engine.halt.is_set();
        let may_start = !halted && !self.ready.is_empty() && self.has_room();
        let admitted = Arc::clone(&self.engine.admitted);
        let halt = Arc::clone(&self.engine.halt);
        let mut slot = pin!(admitted.acquire_owned());
        let mut timer = pin!(tokio::time::sleep(time));
        let mut halting = pin!(halt.wait());
        let tasks = &mut self.tasks;
        poll_fn(|context| {
            if let Poll::Ready(Some(joined)) = tasks.poll_join_next(context) {
                return Poll::Ready(match joined {
                    Ok(finished) => Woken::Finished(Box::new(finished)),
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(_) => Woken::Time,
                    },
                });
            }
            if !halted && halting.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::Time);
            }
            if may_start && let Poll::Ready(slot) = slot.as_mut().poll(context) {
                return Poll::Ready(Woken::Slot(slot.ok()));
            }
            timer.as_mut().poll(context).map(|()| Woken::Time)
        })
        .await
    }

    /// Extends the leases when they are old enough.
    async fn keep(&mut self, after: Duration) -> Result<(), Error> {
        let now = self.engine.now();
        // A time before the last renewal means that the clock was set back.
        let gone = (now - self.renewed).to_std().ok();
        if gone.is_some_and(|gone| gone < after) {
            return Ok(());
        }
        self.engine.renew().await?;
        self.engine.alive.sign();
        self.renewed = now;
        // The machine slept, or the clock was set: other workers may have traced these cases.
        if gone.is_none_or(|gone| gone >= self.engine.settings.lease) {
            let ids: Vec<CaseId> = self.ready.drain(..).map(|(case, _)| case.id).collect();
            self.working.retain(|id| !ids.contains(id));
            self.engine.release(&ids).await?;
        }
        Ok(())
    }

    /// Ends the pass: alerts the back office of a refused configuration, and reports what was done.
    async fn end(mut self) -> Result<RunReport, Error> {
        let engine = Arc::clone(&self.engine);
        let cause = engine.halt.cause();
        self.report.interrupted = engine.halt.is_set() && cause.is_none();
        if let Some(error) = &cause {
            if error.kind() == trace::ErrorKind::Configuration {
                engine.alert_refusal(error).await?;
            }
            let (kind, cause) = (error.kind().as_str(), error.cause());
            tracing::warn!(kind, cause = cause.as_deref(), "the pass ended before its last case");
        }
        self.report.stopped = cause;
        engine.check_plan().await?;
        let counts = engine.cases().counts(engine.now()).await?;
        (self.report.unreadable, self.report.due) = (counts.unreadable, counts.due);
        if counts.unreadable > 0 {
            tracing::warn!(
                count = counts.unreadable,
                "stored cases are damaged and cannot be read"
            );
        }
        self.tally.report(engine.now(), &counts);
        Ok(self.report)
    }

    fn count(&mut self, case: &CaseReport) {
        self.engine.alive.sign();
        self.working.remove(&case.case_id);
        if case.result == Some(TraceResult::ConflictOnSave) {
            self.left.insert(case.case_id.clone());
        }
        self.report.count(case);
        self.log(case);
        self.tally.count(case);
        (self.observer)(case);
    }

    /// Logs why a query got no answer. Logs only the first failure of each result, so that an outage
    /// does not fill the log with a line for each case.
    fn log(&mut self, case: &CaseReport) {
        let (Some(result), Some(cause)) = (case.result, case.cause.as_deref()) else { return };
        let result = result.as_str();
        if !self.logged.contains(&result) {
            self.logged.push(result);
            let code = case.exchange.as_ref().and_then(|exchange| exchange.code.as_deref());
            tracing::warn!(result, code, cause, "a question was not answered");
        }
    }
}
