use crate::process::error::Error;
use crate::process::run::alive::Alive;
use crate::process::run::engine::Engine;
use crate::process::run::halt::Halt;
use crate::process::run::report::{CaseReport, RunReport};
use crate::process::run::settings::Settings;
use crate::process::store::unit::Store;
use crate::trace::Tracer;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tracing::{Instrument, debug_span};

/// Finds and verifies the NHS Numbers of a store's cases (HAV-1).
///
/// ```
/// use nhs_pds::audit::MemoryLog;
/// use nhs_pds::case::{Case, CaseStore, MemoryStore, RecordType};
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::process::{Reason, Settings, Worker};
/// use nhs_pds::trace::{Caller, LocalIdentity, ScriptedTracer};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let cases = Arc::new(MemoryStore::new());
/// cases.insert_all(vec![Case::new("1".parse()?, RecordType::Review)]).await?;
/// let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
/// let store = Arc::new(Joined::new(cases, audit, alerts));
/// let tracer = Arc::new(ScriptedTracer::new([]));
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let worker = Worker::new(tracer, store, Settings::new(caller));
/// let report = worker.run_once(&mut |_| ()).await?;
/// assert_eq!(report.ineligible.get(&Reason::NotAllocated), Some(&1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Worker {
    pub(in crate::process) tracer: Arc<dyn Tracer>,
    pub(in crate::process) store: Arc<dyn Store>,
    pub(in crate::process) settings: Settings,
    pub(in crate::process) alive: Arc<Alive>,
}

impl Worker {
    /// Creates a worker that traces the cases in `store` through `tracer`. Records each action in the
    /// store's audit trail before it is done (MSCA-AUD-01).
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>, store: Arc<dyn Store>, mut settings: Settings) -> Self {
        settings.policy.set_strategy_of(&*tracer);
        Self { tracer, store, settings, alive: Arc::default() }
    }

    /// Works once on every case that is due, several at a time, and calls `observer` for each.
    ///
    /// Each case has its own sequence: lease, question, answer, decision, commit, release. No case waits for
    /// another, and their order is not defined; cases with a higher
    /// [priority](crate::case::Priority) begin first. Each message is on record before it is sent, and
    /// an answer is committed together with its effects. A run may be dropped, or the process killed, at
    /// any point; a later run has the same result.
    ///
    /// Several workers may work on one store at once, in one or several processes. A case is leased to
    /// one of them. At its end, a run waits until the others have finished with the cases that are due,
    /// or their leases expire. A number is written only if no other case has it: the case that commits
    /// second is decided again, and both are flagged. If another program has changed a case, it is read
    /// again. If it would still be traced with the same criteria, it is decided again and saved; else it
    /// is left for a later run.
    ///
    /// A case whose question gets no response waits for some minutes, and longer each time
    /// ([`Policy::retry_wait`](crate::process::Policy::retry_wait)). Questions end when the service
    /// refuses the configuration, when it rejects the questions about five cases in a row for the same
    /// reason, or when they are [suspended](crate::resilience); see [`RunReport::stopped`]. Answers that
    /// arrive after that are settled.
    ///
    /// Cases that cannot be read are counted ([`RunReport::unreadable`]). If scope, policy or rules have
    /// changed since the last run, all cases are planned again beside the run.
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
        let never = pin!(std::future::pending());
        let _ends = Running::of(&self.alive);
        self.run(never, &|| (), observer).await.0
    }

    /// As [`run_once`](Self::run_once), until `shutdown` completes. Then no new question is sent; the
    /// run waits for the answers to those that were sent, and settles them. A question that waits for the
    /// rate limit of its [`Gateway`](crate::resilience::Gateway) counts as sent. The report says that the run
    /// was [`interrupted`](RunReport::interrupted), and how many cases are [due](RunReport::due).
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
        let _ends = Running::of(&self.alive);
        self.run(shutdown, &|| (), observer).await.0
    }

    /// Returns whether a run of this worker or of a clone is in progress, and has not got any further for longer
    /// than `after`, or longer than the time of a lease. [`Process::is_stuck`](crate::process::Process::is_stuck)
    /// says what counts, and is for a worker on a schedule.
    #[must_use]
    pub fn is_stuck(&self, after: Duration) -> bool {
        let longest = after.max(self.settings.lease);
        self.alive.silent_for().is_some_and(|silent| silent > longest)
    }

    /// As above. Calls `stopping` when `shutdown` completes, and returns whether it did.
    pub(in crate::process) async fn run(
        &self,
        mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
        stopping: &(dyn Fn() + Sync),
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> (Result<RunReport, Error>, bool) {
        let halt = Arc::new(Halt::new());
        let engine = Arc::new(self.engine(Arc::clone(&halt)));
        let mut pass = pin!(engine.pass(observer).instrument(debug_span!("pass")));
        let mut stopped = false;
        let run = poll_fn(|context| {
            if !stopped && shutdown.as_mut().poll(context).is_ready() {
                stopped = true;
                halt.set();
                stopping();
            }
            pass.as_mut().poll(context)
        })
        .await;
        (run, stopped)
    }

    pub(in crate::process) fn engine(&self, halt: Arc<Halt>) -> Engine {
        let (tracer, store) = (Arc::clone(&self.tracer), Arc::clone(&self.store));
        Engine::new(tracer, store, self.settings.clone(), halt, Arc::clone(&self.alive))
    }
}

/// A run in progress, until it is dropped.
struct Running<'a>(&'a Alive);

impl<'a> Running<'a> {
    fn of(alive: &'a Alive) -> Self {
        alive.sign();
        Self(alive)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
