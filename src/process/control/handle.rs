use crate::audit::{Actor, Entry, EventKind};
use crate::clock::{Clock, SystemClock};
use crate::process::control::wanted::{self, CONTROLS, ControlChange, Controls};
use crate::process::control::workers::{self, WorkerStatus};
use crate::process::error::{Error, ErrorKind};
use crate::process::schedule::Schedule;
use crate::process::store::commit::Commit;
use crate::process::store::unit::Store;
use std::sync::Arc;

/// How often a change is decided again when other users change the controls.
const ATTEMPTS: usize = 32;

/// Controls all processes on a store, and shows what they do (HAV-6). For a program that need not run a
/// process itself, such as one with screens.
///
/// What users want is stored, and stays after a restart. Each [`Process`](crate::process::Process) on the
/// store obeys within five seconds, unless it has a longer
/// [interval](crate::process::Process::with_controls_interval) and is not woken. Each change is on record with
/// its user.
///
/// ```
/// use nhs_pds::audit::{Actor, MemoryLog};
/// use nhs_pds::case::MemoryStore;
/// use nhs_pds::process::Control;
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::trace::{LocalIdentity, User};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
/// let control =
///     Control::new(Arc::new(Joined::new(cases, audit, Arc::new(MemoryAlerts::default()))));
/// let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
/// control.pause(&Actor::new(&user.into(), "Jo Doe")).await?;
/// assert!(control.wanted().await?.paused);
/// assert!(control.workers().await?.is_empty(), "none has run");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Control {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Control {
    /// Controls the processes on `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, clock: Arc::new(SystemClock) }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Stops scheduling runs. A run in progress sends no new question within five seconds, settles the
    /// answers to those that were sent, and ends.
    ///
    /// The pause is of the store's users, and on its trail. An operator of a program with many tenants pauses a
    /// tenant in the directory: see [`TenantState`](crate::process::tenants::TenantState).
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], when it cannot be recorded and saved; nothing changes then.
    pub async fn pause(&self, by: &Actor) -> Result<(), Error> {
        self.change(by, "pause", &|wanted| wanted.paused = true).await
    }

    /// Starts scheduling runs again. A missed run starts at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], when it cannot be recorded and saved; nothing changes then.
    pub async fn resume(&self, by: &Actor) -> Result<(), Error> {
        self.change(by, "resume", &|wanted| wanted.paused = false).await
    }

    /// Starts a run of each process at once, even when paused or in quiet hours; after its current run, if
    /// there is one. A process that starts later does not make up for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], when it cannot be recorded and saved; nothing changes then.
    pub async fn run_now(&self, by: &Actor) -> Result<(), Error> {
        self.change(by, "run_now", &|wanted| wanted.runs = wanted.runs.saturating_add(1)).await
    }

    /// Sets the schedule of every process, with its jitter and its quiet hours. `None` returns to the
    /// schedule with which each process was started.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], when it cannot be recorded and saved; nothing changes then.
    pub async fn set_schedule(&self, schedule: Option<&Schedule>, by: &Actor) -> Result<(), Error> {
        self.change(by, "schedule", &|wanted| wanted.schedule = schedule.cloned()).await
    }

    /// As [`set_schedule`](Self::set_schedule), over the schedule `shown` that a user has seen. Returns false, and
    /// changes nothing, if another user has set another schedule meanwhile.
    ///
    /// ```
    /// # use nhs_pds::audit::{Actor, MemoryLog};
    /// # use nhs_pds::case::MemoryStore;
    /// # use nhs_pds::process::{Control, Schedule, alert::MemoryAlerts, store::Joined};
    /// # use nhs_pds::trace::{LocalIdentity, User};
    /// # use std::{sync::Arc, time::Duration};
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    /// # let store = Joined::new(cases, audit, Arc::new(MemoryAlerts::default()));
    /// # let control = Control::new(Arc::new(store));
    /// # let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
    /// # let jo = Actor::new(&user.into(), "Jo Doe");
    /// let ten_minutes = Schedule::every(Duration::from_secs(600))?;
    /// assert!(control.replace_schedule(None, Some(&ten_minutes), &jo).await?);
    /// assert!(!control.replace_schedule(None, None, &jo).await?, "it is every ten minutes by now");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`set_schedule`](Self::set_schedule).
    pub async fn replace_schedule(
        &self,
        shown: Option<&Schedule>,
        schedule: Option<&Schedule>,
        by: &Actor,
    ) -> Result<bool, Error> {
        let replace = |wanted: &mut Controls| {
            let is_as_shown = wanted.schedule.as_ref() == shown;
            if is_as_shown {
                wanted.schedule = schedule.cloned();
            }
            is_as_shown
        };
        self.change_if(by, "schedule", &replace).await
    }

    /// What users want of the processes.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](ErrorKind::StoreUnavailable) and [`StoreBroken`](ErrorKind::StoreBroken).
    pub async fn wanted(&self) -> Result<Controls, Error> {
        Ok(wanted::read(self.store.cases()).await?.0)
    }

    /// The status of each process that ever ran on the store, at most 100. Contains no personal data.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](ErrorKind::StoreUnavailable) and [`StoreBroken`](ErrorKind::StoreBroken).
    pub async fn workers(&self) -> Result<Vec<WorkerStatus>, Error> {
        workers::all(self.store.cases()).await
    }

    async fn change(
        &self,
        by: &Actor,
        what: &str,
        change: &(dyn Fn(&mut Controls) + Sync),
    ) -> Result<(), Error> {
        let always = |wanted: &mut Controls| {
            change(wanted);
            true
        };
        self.change_if(by, what, &always).await.map(drop)
    }

    /// Changes the controls, unless `change` returns false. Returns what it returned.
    async fn change_if(
        &self,
        by: &Actor,
        what: &str,
        change: &(dyn Fn(&mut Controls) -> bool + Sync),
    ) -> Result<bool, Error> {
        for _ in 0..ATTEMPTS {
            let (mut wanted, setting) = wanted::read(self.store.cases()).await?;
            if !change(&mut wanted) {
                return Ok(false);
            }
            let now = self.clock.now();
            let (what, by_name) = (what.to_owned(), by.name().to_owned());
            wanted.last_change = Some(ControlChange { what: what.clone(), by: by_name, at: now });
            let mut entry =
                Entry::new(EventKind::ProcessControlled, now, by).with_detail("process", &*what);
            if let Some(schedule) = wanted.schedule.as_ref().filter(|_| what == "schedule") {
                entry = entry.with_detail("schedule", schedule.to_string());
            }
            let setting = wanted::with(setting, &wanted)?;
            let commit = Commit::of_a_person(by, now).set(CONTROLS, setting, entry);
            if self.store.commit(commit).await?.is_done() {
                return Ok(true);
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}
