//! What the cases of one pass have in common.

use crate::audit::{Actor, Entry};
#[cfg(feature = "batch")]
use crate::case::Priority;
use crate::case::{Alert, AlertKind, Case, CaseId, CaseStore, Due, Lease};
use crate::demographics::london_day;
use crate::process::decision::due::due;
#[cfg(feature = "batch")]
use crate::process::decision::due::priority;
use crate::process::decision::eligibility::Eligibility;
use crate::process::decision::plan::{Plan, plan};
use crate::process::error::Error;
use crate::process::run::alive::Alive;
use crate::process::run::halt::Halt;
use crate::process::run::settings::Settings;
use crate::process::store::commit::Commit;
use crate::process::store::deliver::{not_told, told};
use crate::process::store::unit::Store;
use crate::trace::{self, Tracer};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// When a case is looked at again that could not be settled, because another program keeps changing it.
pub(in crate::process) const LEFT: TimeDelta = TimeDelta::minutes(1);

/// How soon a worker checks again whether another worker has finished with a case.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The parts, the settings and the shared state of one pass.
#[derive(Debug)]
pub(in crate::process) struct Engine {
    pub(in crate::process) tracer: Arc<dyn Tracer>,
    pub(in crate::process) store: Arc<dyn Store>,
    pub(in crate::process) settings: Settings,
    /// The name on the leases; each pass has a new one, so that earlier leases are not its own.
    pub(in crate::process) owner: String,
    pub(in crate::process) began: DateTime<Utc>,
    pub(in crate::process) halt: Arc<Halt>,
    /// Where the pass notes that it gets further.
    pub(in crate::process) alive: Arc<Alive>,
    /// A permit for each question that may be in progress.
    pub(in crate::process) slots: Arc<Semaphore>,
    /// A permit for each case whose first question is in progress, or about to be. There are more than
    /// slots: a question is on record before its turn comes, and several share one commit.
    pub(in crate::process) admitted: Arc<Semaphore>,
}

impl Engine {
    pub(in crate::process) fn new(
        tracer: Arc<dyn Tracer>,
        store: Arc<dyn Store>,
        settings: Settings,
        halt: Arc<Halt>,
        alive: Arc<Alive>,
    ) -> Self {
        let owner = settings.ids.next().to_string();
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let in_flight = settings.in_flight.get();
        // With one question at a time, each is on record just before it is sent.
        let admitted = permits((in_flight - 1).saturating_mul(4) + 1);
        let (began, slots) = (settings.clock.now(), permits(in_flight));
        Self { tracer, store, settings, owner, began, halt, alive, slots, admitted }
    }

    pub(in crate::process) fn now(&self) -> DateTime<Utc> {
        self.settings.clock.now()
    }

    pub(in crate::process) const fn actor(&self) -> &Actor {
        &self.settings.actor
    }

    pub(in crate::process) fn cases(&self) -> &dyn CaseStore {
        self.store.cases()
    }

    pub(in crate::process) fn plan(&self, case: &Case) -> Result<Plan, Eligibility> {
        let Settings { scope, policy, local_root, .. } = &self.settings;
        plan(case, scope, policy, local_root, self.now())
    }

    /// When `case` is due.
    pub(in crate::process) fn due(&self, case: &Case) -> Due {
        let Settings { scope, policy, local_root, .. } = &self.settings;
        due(case, scope, policy, local_root, self.now())
    }

    /// The priority of `case`, which is due.
    #[cfg(feature = "batch")]
    pub(in crate::process) fn priority(&self, case: &Case) -> Priority {
        priority(case, &self.settings.policy, self.now())
    }

    /// When `case`, which was not yet traced in this pass, is due: in this pass, if it is due now.
    pub(in crate::process) fn due_in_pass(&self, case: &Case) -> Due {
        let due = self.due(case);
        if due.at <= self.now() { Due { at: due.at.min(self.began), ..due } } else { due }
    }

    /// When `case`, which was just traced, is due: not in this pass, even if its wait is zero.
    pub(in crate::process) fn due_later(&self, case: &Case) -> Due {
        let due = self.due(case);
        Due { at: due.at.max(self.began + TimeDelta::milliseconds(1)), ..due }
    }

    /// When `case`, which this pass leaves to others, is due: at once for others, and not again in this pass.
    #[cfg(feature = "batch")]
    pub(in crate::process) fn due_for_others(&self, case: &Case) -> Due {
        let due = self.due(case);
        Due { at: due.at.max(self.began + TimeDelta::microseconds(1)), ..due }
    }

    /// When `case`, which changes because of another case, is due. If it was not traced in this pass,
    /// it still is.
    pub(in crate::process) fn due_beside(&self, case: &Case) -> Due {
        let traced = case.last_trace.as_ref().is_some_and(|last| last.at >= self.began);
        if traced { self.due_later(case) } else { self.due_in_pass(case) }
    }

    pub(in crate::process) fn lease(&self) -> Lease {
        let now = self.now();
        Lease::new(self.owner.as_str(), now, now + self.settings.lease).with_due_by(self.began)
    }

    /// Extends the leases.
    pub(in crate::process) async fn renew(&self) -> Result<(), Error> {
        self.cases().renew(&self.lease()).await?;
        Ok(())
    }

    pub(in crate::process) async fn release(&self, ids: &[CaseId]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        Ok(self.cases().release(&self.owner, ids).await?)
    }

    pub(in crate::process) fn commit(&self) -> Commit {
        Commit::new(self.actor(), self.now())
    }

    /// Commits what has no changes, which no other program can refuse.
    pub(in crate::process) async fn write(&self, commit: Commit) -> Result<(), Error> {
        let _done = self.store.commit(commit).await?;
        Ok(())
    }

    /// Records `entries`.
    pub(in crate::process) async fn record(&self, entries: Vec<Entry>) -> Result<(), Error> {
        let mut commit = self.commit();
        commit.recorded = entries;
        self.write(commit).await
    }

    /// Alerts the back office that the service refuses the configuration: once a day, not once per
    /// case or pass. If the delivery fails, the next pass tries again.
    pub(in crate::process) async fn alert_refusal(
        &self,
        error: &trace::Error,
    ) -> Result<(), Error> {
        let now = self.now();
        let code = error.exchange().and_then(|exchange| exchange.code.clone());
        let id = format!(
            "{}/{}/{}",
            AlertKind::Configuration,
            code.as_deref().unwrap_or("-"),
            london_day(now)
        );
        let mut alert = Alert::new(id, AlertKind::Configuration, now);
        alert.code = code;
        self.record(vec![told(self.actor(), &alert, now)]).await?;
        if self.store.alerts().deliver(std::slice::from_ref(&alert)).await.is_err() {
            self.record(vec![not_told(self.actor(), &alert, self.now())]).await?;
        }
        Ok(())
    }

    /// Waits until another worker's lease is released or expires, but only for a short time per
    /// call.
    pub(in crate::process) async fn wait_for(&self, until: DateTime<Utc>) {
        let left = (until - self.now()).to_std().unwrap_or_default();
        tokio::time::sleep(left.clamp(Duration::from_millis(1), LOOK_AGAIN)).await;
    }
}
