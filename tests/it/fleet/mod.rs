//! A fleet of tenants over simulated time: tokio's paused time advances the clock.

mod by_batch;
mod faults;
mod life;
mod random;

use crate::process::TokioClock;
use crate::support::layer::{Layer, Layered};
use crate::support::one_question;
use crate::support::service::{Service, case};
use async_trait::async_trait;
use nhs_pds::audit::{AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{self, CaseStore, MemoryStore, Setting};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::batch::ByBatch;
use nhs_pds::process::store::Joined;
use nhs_pds::process::tenants::{
    Error, ErrorKind, Fleet, Listing, MemoryTenants, StartError, Tenant, TenantRun, TenantState,
    TenantStatus, Tenants, WorkerFactory,
};
use nhs_pds::process::{Schedule, Settings, Worker};
use nhs_pds::tenant::TenantName;
use nhs_pds::trace::{Caller, LocalIdentity, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// What happens when the worker of a tenant is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Making {
    Works,
    Broken,
    Unavailable,
    Panics,
    Hangs,
}

/// The parts of one tenant, which stay when its process ends.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) cases: Arc<Layered<Cases>>,
    pub(crate) audit: Arc<MemoryLog>,
    pub(crate) service: Mutex<Arc<Service>>,
    pub(crate) making: Mutex<Making>,
    /// When its worker was made, or not, and by which version.
    pub(crate) made: Mutex<Vec<(Duration, u64)>>,
    /// How it traces by file.
    pub(crate) mail: Mutex<Option<by_batch::Mail>>,
}

/// A store in memory that can be away, or not return.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    behind: MemoryStore,
    pub(crate) is_away: AtomicBool,
    pub(crate) hangs: AtomicBool,
    /// Whether the next call panics.
    pub(crate) panics: AtomicBool,
}

#[async_trait]
impl Layer for Cases {
    fn behind(&self) -> &dyn CaseStore {
        &self.behind
    }

    async fn setting(&self, name: &str) -> Result<Option<Setting>, case::Error> {
        assert!(!self.panics.swap(false, Ordering::Relaxed), "a defect of the store");
        if self.hangs.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        if self.is_away.load(Ordering::Relaxed) {
            return Err(case::Error::new(case::ErrorKind::Unavailable));
        }
        self.behind.setting(name).await
    }
}

/// All tenants' parts, and the directory.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Arc<TokioClock>,
    pub(crate) directory: MemoryTenants,
    pub(crate) is_away: AtomicBool,
    pub(crate) hangs: AtomicBool,
    pub(crate) unreadable: Mutex<BTreeSet<TenantName>>,
    gone: Mutex<BTreeSet<TenantName>>,
    pub(crate) read_at: Mutex<Vec<Duration>>,
    parts: Mutex<BTreeMap<TenantName, Arc<Parts>>>,
    began: Instant,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: TokioClock::new(),
            directory: MemoryTenants::new(),
            is_away: AtomicBool::default(),
            hangs: AtomicBool::default(),
            unreadable: Mutex::default(),
            gone: Mutex::default(),
            read_at: Mutex::default(),
            parts: Mutex::default(),
            began: Instant::now(),
        })
    }

    pub(crate) fn fleet(self: &Arc<Self>) -> Fleet {
        Fleet::new(Arc::clone(self) as _, Arc::clone(self) as _)
            .with_clock(Arc::clone(&self.clock) as _)
            .with_name("machine-1")
    }

    pub(crate) fn parts(&self, name: &TenantName) -> Arc<Parts> {
        let new = || {
            Arc::new(Parts {
                cases: Arc::new(Layered(Cases::default())),
                audit: Arc::new(MemoryLog::new()),
                service: Mutex::new(Service::new(|_| Ok(Outcome::None))),
                making: Mutex::new(Making::Works),
                made: Mutex::default(),
                mail: Mutex::default(),
            })
        };
        Arc::clone(self.parts.lock().unwrap().entry(name.clone()).or_insert_with(new))
    }

    pub(crate) fn of(&self, name: &str) -> Arc<Parts> {
        self.parts(&name.parse().unwrap())
    }

    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) async fn add(&self, name: &str) -> Tenant {
        self.directory.add(&tenant(name)).await.unwrap()
    }

    /// Changes a tenant.
    pub(crate) async fn change(&self, name: &str, change: impl FnOnce(&mut Tenant)) {
        let mut tenant = self.directory.get(&name.parse().unwrap()).await.unwrap().unwrap();
        change(&mut tenant);
        self.directory.update(&tenant).await.unwrap();
    }

    pub(crate) async fn directory_list(&self) -> Vec<Tenant> {
        self.directory.list().await.unwrap().tenants
    }

    pub(crate) async fn set(&self, name: &str, state: TenantState) {
        self.change(name, |tenant| tenant.state = state).await;
    }

    /// Takes a tenant out of the directory by hand.
    pub(crate) fn remove(&self, name: &str) {
        self.gone.lock().unwrap().insert(name.parse().unwrap());
    }
}

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant::new(name.parse().unwrap(), "RHM".parse().unwrap())
}

impl Parts {
    /// The starts and stops of its processes on record.
    pub(crate) async fn lives(&self) -> Vec<String> {
        let filter = Filter::new().with_kind(EventKind::ProcessControlled);
        let events = self.audit.page(&filter, 0, 9_999).await.unwrap();
        let details = events.iter().flat_map(|event| event.details.clone());
        details.map(|(_, value)| value).collect()
    }

    pub(crate) fn made_at(&self) -> Vec<u64> {
        self.made.lock().unwrap().iter().map(|(at, _)| at.as_secs()).collect()
    }

    pub(crate) fn set(&self, making: Making) {
        *self.making.lock().unwrap() = making;
    }

    pub(crate) fn asked(&self) -> usize {
        self.service.lock().unwrap().count()
    }

    pub(crate) async fn insert(&self, id: &str) {
        self.cases.0.behind.insert_all(vec![case(id)]).await.unwrap();
    }
}

#[async_trait]
impl Tenants for World {
    async fn list(&self) -> Result<Listing, Error> {
        self.read_at.lock().unwrap().push(self.now());
        if self.hangs.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable));
        }
        let mut listing = self.directory.list().await?;
        let unreadable = self.unreadable.lock().unwrap().clone();
        let gone = self.gone.lock().unwrap();
        listing
            .tenants
            .retain(|tenant| !unreadable.contains(&tenant.name) && !gone.contains(&tenant.name));
        Ok(listing.with_unreadable(unreadable.into_iter().collect()))
    }

    async fn get(&self, name: &TenantName) -> Result<Option<Tenant>, Error> {
        self.directory.get(name).await
    }

    async fn add(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        self.directory.add(tenant).await
    }

    async fn update(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        self.directory.update(tenant).await
    }
}

#[async_trait]
impl WorkerFactory for World {
    async fn worker(&self, tenant: &Tenant) -> Result<Worker, StartError> {
        let parts = self.parts(&tenant.name);
        parts.made.lock().unwrap().push((self.now(), tenant.version));
        let making = *parts.making.lock().unwrap();
        match making {
            Making::Works => {}
            Making::Broken => return Err(StartError::broken("no certificate: write one")),
            Making::Unavailable => return Err(StartError::unavailable("no database")),
            Making::Panics => panic!("a defect of the factory"),
            Making::Hangs => pending().await,
        }
        let us = LocalIdentity::new(tenant.organisation.clone(), "get-nhs-number");
        let us = Caller::System(us.map_err(|error| StartError::broken(error.to_string()))?);
        let settings =
            Settings::new(us).with_clock(Arc::clone(&self.clock) as _).with_policy(one_question());
        let alerts = Arc::new(MemoryAlerts::default());
        let store =
            Joined::new(Arc::clone(&parts.cases) as _, Arc::clone(&parts.audit) as _, alerts);
        let service = Arc::clone(&parts.service.lock().unwrap());
        Ok(Worker::new(service, Arc::new(store), settings))
    }

    async fn by_batch(
        &self,
        tenant: &Tenant,
        worker: &Worker,
    ) -> Result<Option<ByBatch>, StartError> {
        let mail = self.parts(&tenant.name).mail.lock().unwrap().clone();
        match mail {
            Some(mail) => mail.of(worker).await,
            None => Ok(None),
        }
    }
}

/// A fleet that runs.
pub(crate) struct Running {
    pub(crate) fleet: Fleet,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub(crate) fn run(fleet: Fleet) -> Running {
    let (stop, stopped) = oneshot::channel();
    let running = fleet.clone();
    let task = tokio::spawn(async move {
        let shutdown = async move { drop(stopped.await) };
        running.run_until(shutdown).await;
    });
    Running { fleet, stop, task }
}

impl Running {
    pub(crate) fn tenant(&self, name: &str) -> Option<TenantStatus> {
        let status = self.fleet.status();
        status.tenants.into_iter().find(|tenant| tenant.name.as_str() == name)
    }

    pub(crate) fn state(&self, name: &str) -> Option<TenantRun> {
        self.tenant(name).map(|tenant| tenant.state)
    }

    /// Stops the fleet. Returns how long that took.
    pub(crate) async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        began.elapsed()
    }
}

pub(crate) fn every(interval: Duration) -> Schedule {
    Schedule::every(interval).unwrap()
}

pub(crate) async fn seconds(count: u32) {
    sleep(SECOND * count).await;
}
