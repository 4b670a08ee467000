use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds, random};
use crate::process::run::report::CaseReport;
use crate::process::tenants::directory::{Listing, Tenants};
use crate::process::tenants::error::ErrorKind;
use crate::process::tenants::factory::WorkerFactory;
use crate::process::tenants::known::Known;
use crate::process::tenants::status::FleetStatus;
use crate::tenant::TenantName;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often the directory is read.
const INTERVAL: Duration = Duration::from_secs(5);

/// Over which time the starts of many tenants are spread.
const SPREAD: Duration = Duration::from_secs(5);

/// After which time without progress a process is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(5 * 60);

/// Is called for each case of each tenant.
type Observer = Arc<dyn Fn(&TenantName, &CaseReport) + Send + Sync>;

/// Many tenants in one program: keeps one [`Process`](crate::process::Process) running for each active tenant
/// of a directory.
///
/// Reads the directory every five seconds, and when it is [notified](Self::notify). Starts the processes of
/// new tenants, stops those of paused tenants, and starts a process again when its tenant has changed. A
/// tenant never has two processes in one fleet. Several programs, on several machines, may each have a fleet
/// over the same directory and the same stores.
///
/// A tenant whose process cannot start, fails, panics or is stuck does not affect the others: the fleet logs its name
/// and the cause, shows both in its [status](Self::status), and tries again. See
/// [`StartError`](crate::process::tenants::StartError) for the times. While the directory cannot be read,
/// all processes go on.
///
/// Clones show and notify the same fleet.
///
/// ```
/// use async_trait::async_trait;
/// use nhs_pds::audit::MemoryLog;
/// use nhs_pds::case::MemoryStore;
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::process::tenants::{
///     Fleet, MemoryTenants, StartError, Tenant, TenantRun, Tenants, WorkerFactory,
/// };
/// use nhs_pds::process::{Settings, Worker};
/// use nhs_pds::trace::{Caller, LocalIdentity, ScriptedTracer};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// #[derive(Debug)]
/// struct InMemory;
///
/// #[async_trait]
/// impl WorkerFactory for InMemory {
///     async fn worker(&self, tenant: &Tenant) -> Result<Worker, StartError> {
///         let us = LocalIdentity::new(tenant.organisation.clone(), "get-nhs-number")
///             .map_err(|error| StartError::broken(error.to_string()))?;
///         let store = Joined::new(
///             Arc::new(MemoryStore::new()),
///             Arc::new(MemoryLog::new()),
///             Arc::new(MemoryAlerts::default()),
///         );
///         let settings = Settings::new(Caller::System(us));
///         Ok(Worker::new(Arc::new(ScriptedTracer::new([])), Arc::new(store), settings))
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let directory = Arc::new(MemoryTenants::new());
/// directory.add(&Tenant::new("leeds".parse()?, "RHM".parse()?)).await?;
/// let fleet = Fleet::new(directory, Arc::new(InMemory)).with_name("machine-1");
/// let watched = fleet.clone();
/// let shutdown = async move {
///     while watched.status().tenants.iter().all(|tenant| tenant.state != TenantRun::Running) {
///         tokio::time::sleep(Duration::from_millis(1)).await;
///     }
/// };
/// fleet.run_until(shutdown).await;
/// assert!(!fleet.status().is_running);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Fleet {
    pub(in crate::process) directory: Arc<dyn Tenants>,
    pub(in crate::process) factory: Arc<dyn WorkerFactory>,
    pub(in crate::process) observer: Observer,
    pub(in crate::process) name: Arc<str>,
    pub(in crate::process) only: Option<TenantName>,
    pub(in crate::process) interval: Duration,
    pub(in crate::process) controls_interval: Duration,
    pub(in crate::process) stuck_after: Duration,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    pub(in crate::process) shared: Arc<Shared>,
}

/// What the clones of a fleet share.
#[derive(Debug, Default)]
pub(in crate::process) struct Shared {
    state: Mutex<State>,
    /// Wakes the fleet to read the directory, or to wake its processes.
    pub(in crate::process) changed: Notify,
    /// Only one call of `run_until` runs at a time.
    pub(in crate::process) runs: tokio::sync::Mutex<()>,
}

/// What a fleet knows.
#[derive(Debug, Default)]
pub(in crate::process) struct State {
    pub(in crate::process) is_running: bool,
    pub(in crate::process) known: Known,
    directory_read: Option<DateTime<Utc>>,
    directory_error: Option<ErrorKind>,
    /// Whether the directory may have changed since it was read.
    pub(in crate::process) must_read: bool,
    /// Whether all processes are to be woken.
    wakes_all: bool,
}

impl State {
    /// Whether the directory has never been read.
    pub(in crate::process) const fn knows_nothing(&self) -> bool {
        self.directory_read.is_none()
    }
}

impl Fleet {
    /// Creates a fleet for the tenants of `directory`, with the workers that `factory` makes.
    #[must_use]
    pub fn new(directory: Arc<dyn Tenants>, factory: Arc<dyn WorkerFactory>) -> Self {
        Self {
            directory,
            factory,
            observer: Arc::new(|_, _| ()),
            name: Arc::from("worker"),
            only: None,
            interval: INTERVAL,
            controls_interval: Duration::ZERO,
            stuck_after: STUCK_AFTER,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            shared: Arc::default(),
        }
    }

    /// Sets the name under which each process writes its status to the store of its tenant (default:
    /// `worker`). Each program with a fleet on the same stores needs a name of its own, which it keeps after
    /// a restart.
    #[must_use]
    pub fn with_name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Arc::from(name.as_ref());
        self
    }

    /// Calls `observer` for each case of each tenant, from the tenant's task. It must not block.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(&TenantName, &CaseReport) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Runs only the tenant `name`. Without this, all tenants of the directory.
    #[must_use]
    pub fn with_only(mut self, name: TenantName) -> Self {
        self.only = Some(name);
        self
    }

    /// Sets how often the directory is read. Default: five seconds.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets how often each process reads its controls while it waits, where the database reports changes:
    /// [`Process::with_controls_interval`](crate::process::Process::with_controls_interval).
    #[must_use]
    pub const fn with_controls_interval(mut self, interval: Duration) -> Self {
        self.controls_interval = interval;
        self
    }

    /// Sets after which time without progress a process is [stuck](crate::process::Process::is_stuck). It then
    /// ends, as if it were killed, and starts again. Default: five minutes.
    #[must_use]
    pub const fn with_stuck_after(mut self, time: Duration) -> Self {
        self.stuck_after = time;
        self
    }

    /// Sets the clock. Workers have their own.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the source of random numbers, which spread starts and attempts.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Reports that cases of `tenant` have become due, or that its controls or its entry in the directory
    /// have changed. `None`: of any tenant; also after notifications may have been lost.
    ///
    /// [Wakes](crate::process::Process::wake) the process, and reads the directory. Wakes of all processes
    /// are spread over five seconds.
    pub fn notify(&self, tenant: Option<&TenantName>) {
        let mut state = self.state();
        state.must_read = true;
        match tenant {
            Some(name) => {
                if let Some(slot) = state.known.0.get_mut(name) {
                    slot.wake();
                }
            }
            None => state.wakes_all = true,
        }
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Returns what the fleet does. Contains no personal data and no secrets.
    #[must_use]
    pub fn status(&self) -> FleetStatus {
        let (now, state) = (Instant::now(), self.state());
        let status = state.known.0.iter();
        let tenants = status.map(|(name, slot)| slot.status(name, now, self.stuck_after));
        FleetStatus {
            is_running: state.is_running,
            directory_read: state.directory_read,
            directory_error: state.directory_error,
            tenants: tenants.collect(),
        }
    }

    /// Takes what the directory has returned.
    pub(in crate::process) fn learn(&self, listing: Result<Listing, ErrorKind>) {
        let (now, random, read) = (Instant::now(), self.random(), self.clock.now());
        let mut state = self.state();
        let before = state.directory_error;
        match listing {
            Ok(listing) => {
                (state.directory_read, state.directory_error) = (Some(read), None);
                state.known.learn(listing, self.only.as_ref(), now, SPREAD, random);
            }
            Err(kind) => state.directory_error = Some(kind),
        }
        if let Some(kind) = state.directory_error.filter(|kind| before != Some(*kind)) {
            tracing::error!(%kind, "the directory of tenants could not be read");
        }
    }

    /// Forgets the tenants of an earlier run.
    pub(in crate::process) fn begin(&self) {
        *self.state() = State { is_running: true, ..State::default() };
    }

    /// Wakes the processes whose time has come.
    pub(in crate::process) fn wake(&self, now: Instant) {
        let random = self.random();
        let mut state = self.state();
        if std::mem::take(&mut state.wakes_all) {
            state.known.wake_all(now, SPREAD, random);
        }
        state.known.wake(now);
    }

    /// Any number.
    pub(in crate::process) fn random(&self) -> u64 {
        random(&*self.ids)
    }

    pub(in crate::process) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("name", &self.name).finish_non_exhaustive()
    }
}
