use crate::audit::{Actor, AuditLog};
use crate::case::{Case, CaseId, CaseStore, Lease};
use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::process::alert::AlertSink;
use crate::process::pass::Pass;
use crate::process::report::PageFaults;
use crate::process::tally::Tally;
use crate::process::turn::Turn;
use crate::process::{
    CaseReport, Eligibility, Error, Plan, Policy, Reason, RunReport, Scope, plan,
};
use crate::resilience::Retry;
use crate::trace::{Caller, CriterionError, LocalIdentifier, Tracer};
use chrono::{DateTime, Utc};
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::{Instrument, debug_span};

/// The default number of cases in memory at a time, and the default length of a lease.
const PAGE_SIZE: NonZeroUsize = NonZeroUsize::new(100).unwrap();
const LEASE: Duration = Duration::from_secs(10);

/// Finds and verifies the NHS Numbers of a store's cases (HAV-1).
///
/// ```
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::audit::MemoryLog;
/// use nhs_pds::case::{Case, CaseStore, MemoryStore, RecordType};
/// use nhs_pds::trace::{Caller, LocalIdentity, ScriptedTracer};
/// use nhs_pds::process::{Reason, Worker};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let store = Arc::new(MemoryStore::new());
/// store.insert_all(vec![Case::new("1".parse()?, RecordType::Review)]).await?;
/// let tracer = Arc::new(ScriptedTracer::new([]));
/// let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let worker = Worker::new(tracer, store, audit, alerts, caller);
/// let report = worker.run_once(&mut |_| ()).await?;
/// assert_eq!(report.ineligible.get(&Reason::NotAllocated), Some(&1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Worker {
    pub(super) tracer: Arc<dyn Tracer>,
    /// Through which it asks about one case out of turn, when that is another one.
    pub(super) foreground: Option<Arc<dyn Tracer>>,
    pub(super) retry: Option<Retry>,
    pub(super) store: Arc<dyn CaseStore>,
    pub(super) audit: Arc<dyn AuditLog>,
    pub(super) alerts: Arc<dyn AlertSink>,
    pub(super) caller: Caller,
    pub(super) actor: Actor,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) scope: Scope,
    pub(super) policy: Policy,
    pub(super) page_size: NonZeroUsize,
    pub(super) in_flight: NonZeroUsize,
    pub(super) lease: Duration,
    pub(super) local_root: String,
    /// The name under which cases are claimed: another one for each pass, so that what a pass has left
    /// behind is nobody's.
    pub(super) owner: String,
}

impl Worker {
    /// A worker that asks `tracer` about the cases in `store` on behalf of `caller`, the audit
    /// identity that goes with every message (MSCA-AUD-04). What it does stands in `audit` before it is
    /// done (MSCA-AUD-01), and whom the back office has to know about goes to `alerts`.
    #[must_use]
    pub fn new(
        tracer: Arc<dyn Tracer>,
        store: Arc<dyn CaseStore>,
        audit: Arc<dyn AuditLog>,
        alerts: Arc<dyn AlertSink>,
        caller: Caller,
    ) -> Self {
        Self {
            tracer,
            foreground: None,
            retry: None,
            store,
            audit,
            alerts,
            actor: Actor::new(&caller, "Get NHS Number"),
            caller,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            scope: Scope::default(),
            policy: Policy::default(),
            page_size: PAGE_SIZE,
            in_flight: NonZeroUsize::MIN,
            lease: LEASE,
            local_root: LocalIdentifier::LOCAL_PATIENT_ROOT.to_owned(),
            owner: String::new(),
        }
    }

    /// The same worker, as the audit trail is to know it: with the role and the organisation of the
    /// process, who authorised it, and on what machine it runs (MSCA-AUD-03).
    #[must_use]
    pub fn with_actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// The same worker, asking again what was not answered; each message is on record before it is sent
    /// (MSCA-AUD-02). Without this a case that was not answered waits for the next run.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// The same worker, asking about one case out of turn ([`refresh`](Self::refresh)) through `tracer`: the
    /// foreground of the [`Gate`](crate::resilience::Gateway) in whose background it runs.
    #[must_use]
    pub fn with_foreground(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.foreground = Some(tracer);
        self
    }

    /// The same worker, with another source of identifiers.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// The same worker, with other times to ask again.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same worker, with so many questions under way at a time (one, unless told otherwise). What
    /// follows from the answers is decided in the order of the cases all the same.
    #[must_use]
    pub const fn with_in_flight(mut self, in_flight: NonZeroUsize) -> Self {
        self.in_flight = in_flight;
        self
    }

    /// The same worker, whose claimed cases come back so long after it has died (ten seconds, unless told
    /// otherwise, and no more than [`Lease::LONGEST`]). While it lives it renews its claims three times as
    /// often.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        let longest = Lease::LONGEST.to_std().unwrap_or(LEASE);
        self.lease = lease.clamp(Duration::from_millis(1), longest);
        self
    }

    /// The same worker, with another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same worker, with other record types than those of HAV-4.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The same worker, with at most so many cases in memory at a time (100 unless told otherwise).
    #[must_use]
    pub const fn with_page_size(mut self, page_size: NonZeroUsize) -> Self {
        self.page_size = page_size;
        self
    }

    /// The same worker, sending case ids under the OID `root` rather than
    /// [`LocalIdentifier::LOCAL_PATIENT_ROOT`].
    ///
    /// # Errors
    ///
    /// [`CriterionError::Oid`] when `root` is not numbers joined by full stops.
    pub fn with_local_root(mut self, root: &str) -> Result<Self, CriterionError> {
        root.clone_into(&mut self.local_root);
        LocalIdentifier::new(root, "1").map(|_| self)
    }

    /// Goes through all cases once, in the order of their ids, and tells `observer` of each.
    ///
    /// Of each case the order of effects is: the question on record, sent, its answer on record, what
    /// follows on record, saved, the alert delivered. Each can be done again, so a run may be dropped, or
    /// the process killed, at any point; the next run ends as this one would have.
    ///
    /// Cases are claimed before they are asked about, so that no other worker asks about them too, and
    /// always in order: where another worker has the next case, this one waits until it is done with it,
    /// or its lease has run out. A number is written only while no other case holds it, whoever else is
    /// writing. A case that cannot be saved because somebody else changed it meanwhile is read again; if
    /// it would still be asked about in the same words, it is decided again and saved, else left for the
    /// next run. When the service refuses the configuration, or the questions about five cases in a row for
    /// the same reason, or asking is [suspended](crate::resilience), nothing more is asked, and the eligible
    /// cases that are left count as [`TraceResult::NotAsked`](crate::process::TraceResult::NotAsked); see
    /// [`RunReport::stopped`]. Cases that cannot be read are passed over and counted
    /// ([`RunReport::unreadable`]). Cases inserted during the run behind the one at
    /// hand are the next run's.
    ///
    /// Needs a Tokio runtime with its timer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the store or the audit trail fails. A question
    /// without an answer is no error: see [`CaseReport::result`].
    pub async fn run_once(
        &self,
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> Result<RunReport, Error> {
        self.sweep(observer, &|| false).instrument(debug_span!("pass")).await
    }

    /// The same, until `shutdown` is ready. From then on no question is sent; those under way are waited for,
    /// and what was answered is settled. The cases of the batch at hand that asking did not come to count as
    /// [`TraceResult::NotAsked`](crate::process::TraceResult::NotAsked), and the report says that the run was
    /// [`interrupted`](RunReport::interrupted).
    ///
    /// # Errors
    ///
    /// Those of [`run_once`](Self::run_once).
    pub async fn run_once_until(
        &self,
        shutdown: impl Future<Output = ()> + Send,
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> Result<RunReport, Error> {
        let shutdown = pin!(shutdown);
        self.sweep_until(shutdown, &|| (), observer).await.0
    }

    /// The same; and whether `shutdown` became ready, of which `stopping` is told at once.
    pub(super) async fn sweep_until(
        &self,
        mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
        stopping: &(dyn Fn() + Sync),
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> (Result<RunReport, Error>, bool) {
        let stopped = AtomicBool::new(false);
        let stop = || stopped.load(Ordering::SeqCst);
        let span = debug_span!("pass");
        let mut sweep = pin!(self.sweep(observer, &stop).instrument(span));
        let run = poll_fn(|context| {
            if !stop() && shutdown.as_mut().poll(context).is_ready() {
                stopped.store(true, Ordering::SeqCst);
                stopping();
            }
            sweep.as_mut().poll(context)
        })
        .await;
        (run, stop())
    }

    /// The same, ending early, between questions, when `stop` says so.
    async fn sweep(
        &self,
        observer: &mut (dyn FnMut(&CaseReport) + Send),
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<RunReport, Error> {
        let mut report = RunReport::default();
        let began = self.clock.now();
        let owned = self.owning();
        let (mut tally, mut pass) = (Tally::of(began), Pass::default());
        let mut after: Option<CaseId> = None;
        loop {
            if stop() {
                report.interrupted = true;
                break;
            }
            let page = self.store.page(after.as_ref(), self.page_size.get()).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            let asked = Tally::asked(&page);
            let mut cases = owned.visit(page, began, &mut pass, stop).await?;
            cases.sort_by(|a, b| a.case_id.cmp(&b.case_id));
            for case in &cases {
                report.count(case);
                pass.log(case);
                tally.count(case, &asked);
                observer(case);
            }
        }
        if !report.interrupted {
            report.unreadable = self.unreadable().await?;
        }
        tally.report(self.clock.now());
        pass.log_end();
        report.stopped = pass.stopped;
        Ok(report)
    }

    /// Selects, asks and settles a page of cases; puts into `pass` what ends the asking.
    async fn visit(
        &self,
        page: Vec<Case>,
        began: DateTime<Utc>,
        pass: &mut Pass,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<CaseReport>, Error> {
        let faults = PageFaults::of(&page, self.clock.now());
        let mut reports = Vec::with_capacity(page.len());
        let mut due = Vec::new();
        let mut untold = Vec::new();
        for case in page {
            if !case.undelivered.is_empty() {
                untold.push(case.clone());
            }
            match self.plan(&case) {
                Err(eligibility) => reports.push(CaseReport::new(&case, eligibility)),
                Ok(_) => due.push(case),
            }
        }
        // What an earlier run has saved and not told.
        self.deliver(untold).await?;
        let mut come_to_all = false;
        while !due.is_empty() && pass.stopped.is_none() && !stop() {
            let ids: Vec<CaseId> = due.iter().map(|case| case.id.clone()).collect();
            let claim = self.store.claim(&ids, &self.lease(began)).await?;
            let claimed: Vec<CaseId> = claim.cases.iter().map(|case| case.id.clone()).collect();
            due.retain(|case| !claimed.contains(&case.id));
            let mut left = Vec::new();
            if !claim.cases.is_empty() {
                let settled = self.trace(claim.cases, &mut left, pass, stop).await;
                // Given back whatever happened, so that nobody has to wait for the lease to run out.
                let asked: Vec<CaseId> = claimed
                    .into_iter()
                    .filter(|id| left.iter().all(|case| case.id != *id))
                    .collect();
                let unasked: Vec<CaseId> = left.iter().map(|case| case.id.clone()).collect();
                self.give_back(&asked).await?;
                self.give_back_unasked(&unasked).await?;
                reports.extend(settled?);
            }
            come_to_all = left.is_empty() && claim.blocked_until.is_none();
            due.extend(left);
            due.sort_by(|a, b| a.id.cmp(&b.id));
            match claim.blocked_until {
                Some(until) => self.wait_for(until).await,
                None if come_to_all => break,
                None => {}
            }
        }
        reports.extend(due.iter().map(|case| {
            if come_to_all {
                // Another worker has asked about it since this pass began.
                CaseReport::new(case, Eligibility::default().and([Reason::NotDue]))
            } else {
                CaseReport::not_asked(case)
            }
        }));
        faults.add_to(&mut reports);
        Ok(reports)
    }

    /// Asks about claimed cases and settles them; puts into `left` those that asking did not come to.
    async fn trace(
        &self,
        cases: Vec<Case>,
        left: &mut Vec<Case>,
        pass: &mut Pass,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<CaseReport>, Error> {
        let mut reports = Vec::new();
        let claimed = cases.len();
        let (mut turns, mut plans) = (Vec::new(), Vec::new());
        for case in cases {
            // It may have changed since its page was read.
            match self.plan(&case) {
                Ok(plan) => {
                    plans.push(plan);
                    turns.push(Turn { claimed: case, steps: Vec::new() });
                }
                Err(eligibility) => reports.push(CaseReport::new(&case, eligibility)),
            }
        }
        let came = self.ask(&mut turns, plans, claimed, pass, stop).await?;
        left.extend(turns.drain(came.to..).map(|turn| turn.claimed));
        let settled = self.settle(&turns).await?;
        reports.extend(settled);
        self.end_if_refused(turns, came.held_back, pass).await?;
        Ok(reports)
    }

    fn plan(&self, case: &Case) -> Result<Plan, Eligibility> {
        plan(case, &self.scope, &self.policy, &self.local_root, self.clock.now())
    }
}
