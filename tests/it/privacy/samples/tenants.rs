//! `tenant` and `process::tenants`.

use super::{found, us};
use crate::privacy::person::{CASE, FAMILY, NUMBER};
use crate::privacy::walk::Shown;
use async_trait::async_trait;
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::{CaseStore, MemoryStore};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::tenants::{
    Error, ErrorKind, Fleet, Listing, MemoryTenants, StartError, Tenant, TenantRun, Tenants,
    WorkerFactory,
};
use nhs_pds::process::{Settings, Worker};
use nhs_pds::trace::{Caller, ScriptedTracer};
use std::sync::Arc;
use std::time::Duration;

/// Makes the worker of a tenant with a case, but not of the tenant `york`.
#[derive(Debug)]
struct Factory;

#[async_trait]
impl WorkerFactory for Factory {
    async fn worker(&self, tenant: &Tenant) -> Result<Worker, StartError> {
        if tenant.name.as_str() == "york" {
            return Err(StartError::broken("no certificate"));
        }
        let cases = MemoryStore::new();
        cases.insert_all(vec![super::person_case(CASE)]).await.unwrap();
        let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
        let store = Arc::new(Joined::new(Arc::new(cases), audit, alerts));
        let tracer = Arc::new(ScriptedTracer::new([Ok(found(NUMBER))]));
        Ok(Worker::new(tracer, store, Settings::new(Caller::System(us()))))
    }
}

/// A configuration is not about a person. If an operator writes one into it, it is not shown.
fn tenant(name: &str) -> Tenant {
    let mut tenant = Tenant::new(name.parse().unwrap(), "RHM".parse().unwrap());
    tenant.settings = format!(r#"{{"note":"{FAMILY}"}}"#).parse().unwrap();
    tenant
}

pub(super) async fn show(shown: &mut Shown) {
    let directory = Arc::new(MemoryTenants::new());
    for name in ["leeds", "york"] {
        let stored = directory.add(&tenant(name)).await.unwrap();
        shown.value(&stored);
        shown.value(&stored.settings);
        shown.value(&stored.name);
    }
    shown.value(&*directory);
    let listing: Listing = directory.list().await.unwrap();
    shown.value(&listing.with_unreadable(vec!["hull".parse().unwrap()]));
    shown.error(&StartError::broken("no certificate"));
    let cause = std::io::Error::other("refused");
    shown.error(&Error::new(ErrorKind::Unavailable).with_source(cause));
    #[cfg(feature = "conformance")]
    {
        use nhs_pds::process::tenants::conformance::Breach;
        shown.error(&Breach::from(Error::new(ErrorKind::Unavailable)));
    }
    let fleet = Fleet::new(directory, Arc::new(Factory));
    let watched = fleet.clone();
    let mut during = None;
    let until_run = async {
        let has_run = |fleet: &Fleet| {
            let status = fleet.status();
            let leeds = status.tenants.first().and_then(|tenant| tenant.process.clone());
            let is_broken = status.broken().count() == 1;
            is_broken && leeds.is_some_and(|process| process.last.is_some())
        };
        while !has_run(&watched) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        during = Some(watched.status());
    };
    fleet.run_until(until_run).await;
    shown.value(&fleet);
    during.iter().flat_map(|status| &status.tenants).for_each(|tenant| shown.value(tenant));
    let status = fleet.status();
    assert!(status.tenants.iter().any(|tenant| tenant.state == TenantRun::Broken));
    status.tenants.iter().for_each(|tenant| shown.value(tenant));
    shown.value(&status);
}
