use crate::audit::{Actor, Entry, EventKind};
use crate::ids::random;
#[cfg(feature = "batch")]
use crate::process::batch::step::ByBatch;
use crate::process::control::handle::Control;
use crate::process::control::next::Next;
use crate::process::control::workers::{self, SIGN};
use crate::process::error::Error;
use crate::process::run::report::CaseReport;
use crate::process::run::status::{Progress, State, Status};
use crate::process::run::worker::Worker;
use crate::process::schedule::Schedule;
use crate::process::shared::{LONGEST_WAIT, Shared, Woken};
use crate::process::store::commit::Commit;
use crate::process::waiting::{beside, fused};
use crate::trace::{self, causes};
use chrono::{DateTime, TimeDelta, Utc};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
#[cfg(feature = "batch")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

/// The shortest wait after a run that ended because queries are suspended. The circuit breaker may
/// use another clock, by which the suspension has already ended.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(1);

/// How old the controls may get while no run is in progress.
const LONGEST_CONTROLS_INTERVAL: Duration = Duration::from_secs(30);

/// "Get NHS Number" as a process: runs unattended on a schedule, under external control (HAV-1,
/// HAV-6).
///
/// Obeys what users want of all processes on its store, within five seconds: see [`Control`]. (A process with
/// another [interval](Process::with_controls_interval) must be woken for that.) Writes its
/// status to the store, for screens of other programs. Clones show and wake the same process. The audit
/// trail records each pause, resume and immediate run, with the user who asked for it.
///
/// ```
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::audit::MemoryLog;
/// use nhs_pds::case::MemoryStore;
/// use nhs_pds::trace::{Caller, LocalIdentity, ScriptedTracer};
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::process::{Process, Schedule, Settings, State, Worker};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let store = Arc::new(Joined::new(
///     Arc::new(MemoryStore::new()),
///     Arc::new(MemoryLog::new()),
///     Arc::new(MemoryAlerts::default()),
/// ));
/// let worker = Worker::new(Arc::new(ScriptedTracer::new([])), store, Settings::new(caller));
/// let process = Process::new(worker, Schedule::every(Duration::from_secs(30 * 60))?);
/// process.run_until(async {}, &mut |_| ()).await?;
/// assert_eq!(process.status().state, State::Stopped);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Process {
    pub(in crate::process) worker: Worker,
    pub(in crate::process) schedule: Schedule,
    pub(in crate::process) controls_interval: Duration,
    name: Arc<str>,
    #[cfg(feature = "batch")]
    pub(in crate::process) by_batch: Arc<OnceLock<ByBatch>>,
    pub(in crate::process) shared: Arc<Shared>,
}

/// Logs why a run ended early or did not start. An outage may end many runs, one after the other: only the
/// first is a warning.
fn report(error: &Error, is_repeated: bool) {
    let (kind, cause) = (error.kind().to_string(), causes(error));
    if is_repeated {
        tracing::debug!(kind, cause, "a run ended early or did not start, as before");
    } else {
        tracing::warn!(kind, cause, "a run ended early or did not start");
    }
}

/// Marks the process as ended, in any case: it may be dropped, or its observer may panic.
struct Ending<'a>(&'a Process);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let ended = self.0.now();
        #[cfg(feature = "batch")]
        self.0.end_batches();
        self.0.worker.alive.end();
        let mut status = self.0.shared();
        (status.state, status.next_run) = (State::Stopped, None);
        if let Some(progress) = status.current.take() {
            status.last = Some(progress.ended(ended));
        }
    }
}

impl Process {
    /// Creates a process that runs `worker` by `schedule`, unless a user sets another schedule.
    #[must_use]
    pub fn new(mut worker: Worker, schedule: Schedule) -> Self {
        worker.alive = Arc::default();
        let (name, shared) = (Arc::from("worker"), Arc::default());
        Self {
            worker,
            schedule,
            controls_interval: LONGEST_WAIT,
            name,
            #[cfg(feature = "batch")]
            by_batch: Arc::default(),
            shared,
        }
    }

    /// Sets the name under which the status is written to the store (default: `worker`). Each process on
    /// the store needs a name of its own, which it keeps after a restart.
    #[must_use]
    pub fn with_name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Arc::from(name.as_ref());
        self
    }

    /// Sets how often the controls are read while no run is in progress. The default is four seconds, which
    /// is also the shortest; the longest is half a minute.
    ///
    /// A longer time spares a database with many stores. Choose it only where the database reports changes
    /// of the controls, and [`wake`](Self::wake) is called for each: otherwise the process obeys `resume`,
    /// `run_now` and a new schedule only after that time. It obeys `pause` within five seconds in any case:
    /// it reads the controls before each run, and every four seconds during a run.
    #[must_use]
    pub fn with_controls_interval(mut self, interval: Duration) -> Self {
        self.controls_interval = interval.clamp(LONGEST_WAIT, LONGEST_CONTROLS_INTERVAL);
        self
    }

    /// Starts a run at once, because another program has made cases due, and reads the controls at once.
    ///
    /// One more run starts two seconds later: the clock of the other program may be ahead. Several calls during
    /// a run count as one. While the process is paused, in quiet hours, or
    /// while queries are suspended, the run starts after that. Not recorded in the audit trail: no user
    /// has asked for it.
    pub fn wake(&self) {
        self.shared.wake();
    }

    /// Returns whether the process has not got any further for longer than `after`, or longer than the
    /// time of a lease.
    ///
    /// A process gets further when it finishes a case, renews its leases, or has read what users want. A
    /// process that waits for the service, for the rate limit or for the next run is therefore not stuck. A
    /// store that does not return from a call makes it stuck. False before the start and after the end.
    #[must_use]
    pub fn is_stuck(&self, after: Duration) -> bool {
        self.worker.is_stuck(after)
    }

    /// Returns the current status. Contains no personal data.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = self.shared().clone();
        status.service = self.worker.tracer.service_status();
        #[cfg(feature = "batch")]
        if let Some(by_batch) = self.by_batch.get() {
            status.batch_error = by_batch.error();
        }
        status
    }

    /// Pauses every process on the store: see [`Control::pause`].
    ///
    /// # Errors
    ///
    /// Those of [`Control::pause`].
    pub async fn pause(&self, by: &Actor) -> Result<(), Error> {
        self.woken(self.control().pause(by).await)
    }

    /// Resumes every process on the store: see [`Control::resume`].
    ///
    /// # Errors
    ///
    /// Those of [`Control::resume`].
    pub async fn resume(&self, by: &Actor) -> Result<(), Error> {
        self.woken(self.control().resume(by).await)
    }

    /// Starts a run of each process on the store at once: see [`Control::run_now`].
    ///
    /// # Errors
    ///
    /// Those of [`Control::run_now`].
    pub async fn run_now(&self, by: &Actor) -> Result<(), Error> {
        self.woken(self.control().run_now(by).await)
    }

    fn control(&self) -> Control {
        let clock = Arc::clone(&self.worker.settings.clock);
        Control::new(Arc::clone(&self.worker.store)).with_clock(clock)
    }

    /// Makes this process read the controls at once.
    fn woken(&self, changed: Result<(), Error>) -> Result<(), Error> {
        self.shared.changed.notify_one();
        changed
    }

    /// Runs by the schedule until `shutdown` completes, starting with a run at once. Calls
    /// `observer` for each case. At shutdown, a run in progress waits for its sent questions and
    /// settles their answers; see [`Worker::run_once_until`].
    ///
    /// A run ends when queries are [suspended](crate::resilience). The next starts at the end of the
    /// suspension, with the probe. A run also ends when the store or the audit trail is
    /// unavailable; see [`Status::last_error`]. The next starts after one second, then after two, four and
    /// at most eight, but not in quiet hours. If the machine slept through one or more runs, one starts as
    /// soon as it wakes.
    ///
    /// # Errors
    ///
    /// When the store or the audit trail cannot be used at all, or the start or stop cannot be
    /// recorded. Correct the cause, and start again.
    pub async fn run_until(
        &self,
        shutdown: impl Future<Output = ()> + Send,
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> Result<(), Error> {
        let mut shutdown = pin!(shutdown);
        let _ended = Ending(self);
        self.worker.alive.sign();
        self.record(&self.worker.settings.actor, "start").await?;
        if let Err(error) = workers::add(self.worker.store.cases(), &self.name).await {
            tracing::warn!(kind = %error.kind(), "the name of the process was not stored");
        }
        let mut next = Next::default();
        let ended = loop {
            let woken = self.wait(&mut next, shutdown.as_mut()).await;
            if matches!(woken, Ok(Woken::Shutdown)) {
                break Ok(());
            }
            let (run, stopped) = match woken {
                Ok(_) => {
                    let began = self.now();
                    let is_woken = self.shared.begin();
                    next.begin(began, self.random(), is_woken);
                    self.run(began, next.wanted.paused, shutdown.as_mut(), observer).await
                }
                // What users want cannot be read, so no run starts. It is read again soon.
                Err(error) => {
                    self.shared().last_error = Some(error.kind());
                    (Err(error), false)
                }
            };
            let now = self.now();
            next.probe = self.shared().suspended_until.map(|until| until.max(now + LOOK_AGAIN));
            if let Err(error) = &run {
                report(error, next.has_failed());
            }
            let random = if run.is_err() { self.random() } else { 0 };
            next.ended(run.is_err(), now, random);
            if let Err(error) = run
                && !error.is_transient()
            {
                break Err(error);
            }
            if stopped {
                break Ok(());
            }
        };
        #[cfg(feature = "batch")]
        self.ended_batches().await;
        self.set(State::Stopped, None);
        self.write().await;
        let recorded = self.record(&self.worker.settings.actor, "stop").await;
        ended.and(recorded)
    }

    /// Makes one run. Returns its result, and whether `shutdown` completed meanwhile.
    async fn run(
        &self,
        began: DateTime<Utc>,
        was_paused: bool,
        mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> (Result<(), Error>, bool) {
        self.set(State::Running, None);
        self.shared().current = Some(Progress::of(began));
        let mut cause = None;
        let mut observe = |case: &CaseReport| {
            let mut status = self.shared();
            if let Some(progress) = &mut status.current {
                progress.count(case);
            }
            status.clock_skew = self.worker.tracer.clock_skew();
            if case.cause.is_some() {
                cause.clone_from(&case.cause);
                status.last_cause.clone_from(&case.cause);
            }
            drop(status);
            observer(case);
        };
        let stopping = || self.shared().state = State::Stopping;
        let shut_down = AtomicBool::new(false);
        let ending = async {
            let mut paused = pin!(self.paused(was_paused));
            poll_fn(|context| match shutdown.as_mut().poll(context) {
                Poll::Ready(()) => {
                    shut_down.store(true, Ordering::SeqCst);
                    Poll::Ready(())
                }
                Poll::Pending => paused.as_mut().poll(context),
            })
            .await;
        };
        let ending = pin!(ending);
        let mut ending = pin!(fused(ending));
        #[cfg(feature = "batch")]
        self.trace_by_batch(ending.as_mut(), was_paused).await;
        let run = self.worker.run(ending.as_mut(), &stopping, &mut observe);
        let (run, _) = beside(run, self.give_signs()).await;
        let stopped = shut_down.load(Ordering::SeqCst);
        let mut status = self.shared();
        status.last_error = run.as_ref().err().map(Error::kind);
        let stopped_by = run.as_ref().ok().and_then(|report| report.stopped.as_ref());
        status.service_refused =
            stopped_by.is_some_and(|error| error.kind() == trace::ErrorKind::Configuration);
        status.suspended_until = stopped_by.and_then(trace::Error::suspended_until);
        status.clock_skew = self.worker.tracer.clock_skew();
        let ended_by = run.as_ref().err().and_then(|error| causes(error));
        status.last_cause = ended_by.or(stopped_by.and_then(trace::Error::cause)).or(cause);
        let ended = self.now();
        let unreadable = run.as_ref().map_or(0, |report| report.unreadable);
        let before = status.last.as_ref().and_then(|run| run.ended);
        status.keep_failure(before, ended);
        status.last = status.current.take().map(|progress| {
            let mut progress = progress.ended(ended);
            progress.unreadable = unreadable;
            progress
        });
        drop(status);
        (run.map(drop), stopped)
    }

    /// Writes the status during a run.
    pub(in crate::process) async fn give_signs(&self) {
        loop {
            self.write().await;
            tokio::time::sleep(SIGN).await;
        }
    }

    pub(in crate::process) async fn write(&self) {
        let (now, status) = (self.now(), self.status());
        if self.shared.signs.are_due(&status, now) {
            self.shared.signs.write(self.worker.store.cases(), &self.name, now, status).await;
        }
    }

    pub(in crate::process) fn set(&self, state: State, next_run: Option<DateTime<Utc>>) {
        let mut status = self.shared();
        (status.state, status.next_run) = (state, next_run);
    }

    pub(in crate::process) fn now(&self) -> DateTime<Utc> {
        self.worker.settings.clock.now()
    }

    /// Any number, which spreads the runs of several processes.
    fn random(&self) -> u64 {
        random(&*self.worker.settings.ids)
    }

    fn shared(&self) -> MutexGuard<'_, Status> {
        self.shared.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn record(&self, by: &Actor, what: &str) -> Result<(), Error> {
        let now = self.now();
        let entry = Entry::new(EventKind::ProcessControlled, now, by).with_detail("process", what);
        let commit = Commit::new(by, now).record(entry);
        let _done = self.worker.store.commit(commit).await?;
        Ok(())
    }
}
