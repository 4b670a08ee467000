//! Makes the worker of a tenant from its settings.

use super::by_batch::check_is_alone;
use super::limits::{Limits, allowance};
use super::settings::Settings;
use super::times::Times;
use crate::console::because;
use crate::database::{Opened, opened};
use crate::device;
use crate::service::Reached;
use crate::trail::Trail;
use async_trait::async_trait;
use nhs_pds::audit::Actor;
use nhs_pds::postgres::{self, Database, ErrorKind};
use nhs_pds::process::batch::{Batches, ByBatch};
use nhs_pds::process::store::Store;
use nhs_pds::process::tenants::{PostgresTenants, StartError, Tenant, Tenants, WorkerFactory};
use nhs_pds::process::{self, Worker};
use nhs_pds::resilience::{
    self, Allowance, Gateway, PostgresSharedRate, RateLimit, Retry, SharedRate,
};
use nhs_pds::tenant::{Labels, TenantName};
use nhs_pds::trace::{Caller, LocalIdentity};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The options of the command line that are in place of those of a tenant, or of all.
#[derive(Clone, Default)]
pub(crate) struct Given {
    /// The only tenant that they are for.
    pub(crate) only: Option<TenantName>,
    pub(crate) settings: Settings,
    pub(crate) times: Times,
}

/// Makes workers over one database.
pub(crate) struct Factory {
    database: Database,
    limits: Arc<Limits>,
    lease: Duration,
    shared: Mutex<Shared>,
}

/// What the workers of a program share, and what lives as long as they do.
#[derive(Default)]
struct Shared {
    rates: BTreeMap<TenantName, Arc<dyn SharedRate>>,
    allowances: BTreeMap<TenantName, Allowance>,
    kept: BTreeMap<TenantName, Kept>,
}

/// What is open for a tenant.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) trail: Arc<Trail>,
    /// A simulator serves until this is dropped.
    pub(crate) reached: Arc<Reached>,
}

impl Factory {
    pub(crate) fn new(database: Database, limits: Arc<Limits>, lease: Duration) -> Self {
        Self { database, limits, lease, shared: Mutex::default() }
    }

    /// What was opened for each tenant.
    pub(crate) fn kept(&self) -> BTreeMap<TenantName, Kept> {
        self.shared().kept.clone()
    }

    /// What was opened for a tenant.
    pub(crate) fn kept_for(&self, tenant: &TenantName) -> Option<Kept> {
        self.shared().kept.get(tenant).cloned()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenant's part of the rate limit.
    fn share(
        &self,
        tenant: &Tenant,
        settings: &Settings,
    ) -> Result<resilience::Share, postgres::Error> {
        let weight = NonZeroU32::new(tenant.weight.get().into()).unwrap_or(NonZeroU32::MIN);
        let Some(name) = allowance(settings) else {
            return Ok(Allowance::new(self.own_limit(settings)).share(weight));
        };
        let limit = self.limits.get(&name).map_or(self.own_limit(settings), |(limit, _)| limit);
        let mut shared = self.shared();
        if let Some(known) = shared.allowances.get(&name)
            && *known.limit() == limit
        {
            return Ok(known.share(weight));
        }
        let rate = match shared.rates.get(&name) {
            Some(rate) => Arc::clone(rate),
            None => Arc::new(PostgresSharedRate::new(&self.database, name.clone())?),
        };
        shared.rates.insert(name.clone(), Arc::clone(&rate));
        let allowance = Allowance::shared(limit, rate);
        let share = allowance.share(weight);
        shared.allowances.insert(name, allowance);
        Ok(share)
    }

    fn own_limit(&self, settings: &Settings) -> RateLimit {
        let in_flight = NonZeroU32::try_from(settings.in_flight()).unwrap_or(NonZeroU32::MAX);
        settings.limit(settings.service.address().is_none()).with_in_flight(in_flight)
    }
}

/// What is opened for a tenant, for a worker and for screens.
pub(crate) struct OpenedTenant {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gateway: Gateway,
    pub(crate) worker: Worker,
    pub(crate) reached: Arc<Reached>,
}

impl Factory {
    /// Opens everything for a tenant with these settings.
    pub(crate) async fn open(
        &self,
        tenant: &Tenant,
        settings: &Settings,
    ) -> Result<OpenedTenant, StartError> {
        settings.check_single().map_err(broken)?;
        let reached = Arc::new(settings.service.reach().await.map_err(broken)?);
        let database = self.database.tenant(&tenant.name).await.map_err(unopened)?;
        let Opened { store, trail, .. } = opened(database, settings.anchors.as_deref());
        let share = self.share(tenant, settings).map_err(unopened)?;
        let us = settings.service.us().map_err(broken)?;
        let parts = Parts { settings, us, lease: self.lease };
        let gateway = parts.gateway(Gateway::new(Arc::clone(&reached.client)).with_share(share));
        let worker = parts.worker(gateway.clone(), Arc::clone(&store)).map_err(broken)?;
        let kept = Kept {
            store: Arc::clone(&store),
            trail: Arc::new(trail),
            reached: Arc::clone(&reached),
        };
        self.shared().kept.insert(tenant.name.clone(), kept);
        Ok(OpenedTenant { store, gateway, worker, reached })
    }
}

#[async_trait]
impl WorkerFactory for Factory {
    async fn worker(&self, tenant: &Tenant) -> Result<Worker, StartError> {
        let settings = Settings::of(tenant).map_err(broken)?;
        Ok(self.open(tenant, &settings).await?.worker)
    }

    async fn by_batch(
        &self,
        tenant: &Tenant,
        worker: &Worker,
    ) -> Result<Option<ByBatch>, StartError> {
        let settings = Settings::of(tenant).map_err(broken)?;
        let by_batch = &settings.by_batch;
        let (Some(policy), Some(folder)) = (by_batch.policy(), &by_batch.folder) else {
            return settings.check().map(|()| None).map_err(broken);
        };
        settings.check().map_err(broken)?;
        let all = PostgresTenants::new(self.database.clone()).list().await;
        let all = all.map_err(|error| StartError::unavailable(because(&error)))?;
        check_is_alone(tenant, &settings, &all.tenants).map_err(broken)?;
        let mailbox = by_batch.mesh.mailbox(settings.service.labels()).map_err(broken)?;
        Ok(Some(ByBatch::new(Batches::beside(worker, folder), Arc::new(mailbox), policy)))
    }
}

/// An operator must correct the settings, or what they name.
fn broken(error: crate::console::Failed) -> StartError {
    StartError::broken(because(&*error))
}

/// What a worker is made of, beside its gateway and its store.
pub(crate) struct Parts<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) us: LocalIdentity,
    pub(crate) lease: Duration,
}

impl Parts<'_> {
    /// The worker, as the audit trail names it.
    pub(crate) fn actor(&self) -> Actor {
        let organisation = self.us.organisation().clone();
        Actor::new(&Caller::System(self.us.clone()), "Get NHS Number")
            .with_role("system process", organisation)
            .on_device(device::name())
    }

    /// The gateway with the labels of its metrics. Call it before its handles are used.
    pub(crate) fn gateway(&self, gateway: Gateway) -> Gateway {
        gateway.with_labels(self.settings.service.labels())
    }

    /// Who decides, and by which rules.
    pub(crate) fn decisions(&self) -> Result<process::Settings, crate::console::Failed> {
        let rules = &self.settings.rules;
        Ok(process::Settings::new(Caller::System(self.us.clone()))
            .with_actor(self.actor())
            .with_policy(rules.policy()?)
            .with_scope(rules.scope()))
    }

    /// A worker over a gateway of [`gateway`](Self::gateway).
    pub(crate) fn worker(
        &self,
        gateway: Gateway,
        store: Arc<dyn Store>,
    ) -> Result<Worker, crate::console::Failed> {
        let settings = self.settings;
        let labels: Labels = settings.service.labels();
        let policy = resilience::RetryPolicy::default().with_attempts(settings.attempts());
        let made = self
            .decisions()?
            .with_labels(labels)
            .with_retry(Retry::new(policy))
            .with_foreground(gateway.foreground())
            .with_lease(self.lease)
            .with_in_flight(settings.in_flight());
        Ok(Worker::new(gateway.background(), store, made))
    }
}

/// Whether the database may be back soon.
fn unopened(error: postgres::Error) -> StartError {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::ReadOnly => StartError::unavailable(because(&error)),
        _ => StartError::broken(because(&error)),
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Factory")
    }
}
