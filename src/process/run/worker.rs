use crate::audit::{Actor, AuditLog};
use crate::case::{Case, CaseId, CaseStore, Lease};
use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::process::alert::AlertSink;
use crate::process::decision::eligibility::{Eligibility, Reason, Scope};
use crate::process::decision::plan::{Plan, plan};
use crate::process::decision::policy::Policy;
use crate::process::error::Error;
use crate::process::run::pass::Pass;
use crate::process::run::report::{CaseReport, PageFaults, RunReport};
use crate::process::run::tally::Tally;
use crate::process::run::turn::Turn;
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

/// The default number of cases in memory at a time.
const PAGE_SIZE: NonZeroUsize = NonZeroUsize::new(100).unwrap();
/// The default time that a case stays leased after the worker's last sign of activity.
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
    pub(in crate::process) tracer: Arc<dyn Tracer>,
    /// The tracer for tracing one case at once, if it is a different one.
    pub(in crate::process) foreground: Option<Arc<dyn Tracer>>,
    pub(in crate::process) retry: Option<Retry>,
    pub(in crate::process) store: Arc<dyn CaseStore>,
    pub(in crate::process) audit: Arc<dyn AuditLog>,
    pub(in crate::process) alerts: Arc<dyn AlertSink>,
    pub(in crate::process) caller: Caller,
    pub(in crate::process) actor: Actor,
    pub(in crate::process) clock: Arc<dyn Clock>,
    pub(in crate::process) ids: Arc<dyn Ids>,
    pub(in crate::process) scope: Scope,
    pub(in crate::process) policy: Policy,
    pub(in crate::process) page_size: NonZeroUsize,
    pub(in crate::process) in_flight: NonZeroUsize,
    pub(in crate::process) lease: Duration,
    pub(in crate::process) local_root: String,
    /// The name on the leases; each pass has a new one, so that earlier leases are not its own.
    pub(in crate::process) owner: String,
}

impl Worker {
    /// Creates a worker that traces the cases in `store` through `tracer`, on behalf of `caller`.
    /// Every message carries the caller's audit identity (MSCA-AUD-04). Records each action in
    /// `audit` before it is done (MSCA-AUD-01), and sends the back office's alerts to `alerts`.
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

    /// Sets the identity for the audit trail: the role and organisation of the process, the person
    /// who authorised it, and the machine (MSCA-AUD-03).
    #[must_use]
    pub fn with_actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Retries questions without an answer; each message is on record before it is sent
    /// (MSCA-AUD-02). Without this, such a case waits for the next run.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Traces one case at once ([`refresh`](Self::refresh)) through `tracer`: the foreground of the
    /// [`Gateway`](crate::resilience::Gateway) that this worker uses in the background.
    #[must_use]
    pub fn with_foreground(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.foreground = Some(tracer);
        self
    }

    /// Sets the source of identifiers.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets the policy for tracing again.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the number of questions in progress at a time (default: one). Effects are still decided
    /// in the order of the cases.
    #[must_use]
    pub const fn with_in_flight(mut self, in_flight: NonZeroUsize) -> Self {
        self.in_flight = in_flight;
        self
    }

    /// Sets how long a case stays leased after the worker has died. Default: ten seconds; maximum:
    /// [`Lease::LONGEST`]. A live worker renews its leases three times as often.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        let longest = Lease::LONGEST.to_std().unwrap_or(LEASE);
        self.lease = lease.clamp(Duration::from_millis(1), longest);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets record types other than those of HAV-4.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the number of cases in memory at a time (default: 100).
    #[must_use]
    pub const fn with_page_size(mut self, page_size: NonZeroUsize) -> Self {
        self.page_size = page_size;
        self
    }

    /// Sends case ids under the OID `root` instead of [`LocalIdentifier::LOCAL_PATIENT_ROOT`].
    ///
    /// # Errors
    ///
    /// [`CriterionError::Oid`] when `root` is not numbers joined by full stops.
    pub fn with_local_root(mut self, root: &str) -> Result<Self, CriterionError> {
        root.clone_into(&mut self.local_root);
        LocalIdentifier::new(root, "1").map(|_| self)
    }

    /// Goes through all cases once, in the order of their ids, and calls `observer` for each.
    ///
    /// For each case: record the question, send it, record its answer, record the effects, save,
    /// deliver the alert. Each step can be repeated, so a run may be dropped, or the process
    /// killed, at any point. The next run has the same result.
    ///
    /// Cases are leased before they are traced, in order, so that no other worker traces them too.
    /// If another worker has the next case, this worker waits until that worker has finished or its
    /// lease expires. A number is written only if no other case has it, even with several writers.
    /// If another program has changed a case, it is read again. If it would still be traced with
    /// the same criteria, it is decided again and saved; else it is left for the next run.
    ///
    /// Queries end when the service refuses the configuration, when it rejects the questions about
    /// five cases in a row for the same reason, or when they are [suspended](crate::resilience). The
    /// remaining eligible cases then count as
    /// [`TraceResult::NotAsked`](crate::process::TraceResult::NotAsked); see [`RunReport::stopped`].
    /// Cases that cannot be read are skipped and counted ([`RunReport::unreadable`]). Cases
    /// inserted during the run before the current one are left for the next run.
    ///
    /// Needs a Tokio runtime with its timer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the store or the audit trail fails. A question
    /// without an answer is not an error: see [`CaseReport::result`].
    pub async fn run_once(
        &self,
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> Result<RunReport, Error> {
        self.sweep(observer, &|| false).instrument(debug_span!("pass")).await
    }

    /// As [`run_once`](Self::run_once), until `shutdown` completes. Then no more questions are
    /// sent; the run waits for those in progress, and settles their answers. The remaining cases of
    /// the batch count as [`TraceResult::NotAsked`](crate::process::TraceResult::NotAsked), and the
    /// report says that the run was [`interrupted`](RunReport::interrupted).
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

    /// As above. Calls `stopping` when `shutdown` completes, and returns whether it did.
    pub(in crate::process) async fn sweep_until(
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

    /// As above. Ends early, between questions, when `stop` returns true.
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

    /// Selects, traces and settles a page of cases. Stores in `pass` why queries end.
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
        // Alerts that an earlier run has saved and not delivered.
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
                // Released in every case, so that other workers need not wait for the lease to
                // expire.
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
                // Another worker has traced it since this pass began.
                CaseReport::new(case, Eligibility::default().and([Reason::NotDue]))
            } else {
                CaseReport::not_asked(case)
            }
        }));
        faults.add_to(&mut reports);
        Ok(reports)
    }

    /// Traces and settles leased cases. Puts into `left` the cases that were not traced.
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
            // The case may have changed since its page was read.
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
        self.end_if_refused(turns, came.suspended, pass).await?;
        Ok(reports)
    }

    fn plan(&self, case: &Case) -> Result<Plan, Eligibility> {
        plan(case, &self.scope, &self.policy, &self.local_root, self.clock.now())
    }
}
