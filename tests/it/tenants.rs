//! The directory of tenants in memory meets the contract, and the suite finds each flaw.

use async_trait::async_trait;
use nhs_pds::process::tenants::{
    Error, ErrorKind, Listing, MemoryTenants, Tenant, TenantState, Tenants, conformance,
};
use nhs_pds::tenant::TenantName;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_memory_meets_the_contract() {
    let new = async || Arc::new(MemoryTenants::new()) as Arc<dyn Tenants>;
    conformance::check(new).await.unwrap();
}

/// How a directory breaks the contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flaw {
    ForgetsSchedules,
    ReturnsTheGivenVersion,
    KnowsEveryName,
    ListsActiveOnes,
    ListsBackwards,
    NamesUnreadableOnes,
    AddsOverWhatExists,
    UpdatesOverAnything,
    UpdatesTheUnknown,
    UpdatesAll,
    LooksBeforeItStores,
}

#[derive(Debug)]
struct Flawed(MemoryTenants, Flaw);

impl Flawed {
    async fn version(&self, name: &TenantName) -> u64 {
        self.0.get(name).await.unwrap().map_or(0, |tenant| tenant.version)
    }
}

#[async_trait]
impl Tenants for Flawed {
    async fn list(&self) -> Result<Listing, Error> {
        let mut listing = self.0.list().await?;
        match self.1 {
            Flaw::ListsActiveOnes => {
                listing.tenants.retain(|tenant| tenant.state == TenantState::Active);
            }
            Flaw::ListsBackwards => listing.tenants.reverse(),
            Flaw::NamesUnreadableOnes => {
                listing = listing.with_unreadable(vec!["york".parse().unwrap()]);
            }
            _ => {}
        }
        Ok(listing)
    }

    async fn get(&self, name: &TenantName) -> Result<Option<Tenant>, Error> {
        let known = self.0.get(name).await?;
        let any = || Tenant::new(name.clone(), "RHM".parse().unwrap());
        Ok(if self.1 == Flaw::KnowsEveryName { Some(known.unwrap_or_else(any)) } else { known })
    }

    async fn add(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        let mut tenant = tenant.clone();
        match self.1 {
            Flaw::ForgetsSchedules => {
                tenant.schedule = Tenant::new(tenant.name.clone(), "RHM".parse().unwrap()).schedule;
            }
            Flaw::AddsOverWhatExists if self.version(&tenant.name).await > 0 => {
                tenant.version = self.version(&tenant.name).await;
                return self.0.update(&tenant).await;
            }
            _ => {}
        }
        let stored = self.0.add(&tenant).await?;
        Ok(if self.1 == Flaw::ReturnsTheGivenVersion { tenant } else { stored })
    }

    async fn update(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        let mut tenant = tenant.clone();
        let known = self.version(&tenant.name).await;
        match self.1 {
            Flaw::UpdatesOverAnything => tenant.version = known,
            Flaw::UpdatesTheUnknown if known == 0 => return self.0.add(&tenant).await,
            Flaw::UpdatesAll => {
                for other in self.0.list().await?.tenants {
                    if other.name != tenant.name && known == tenant.version {
                        self.0.update(&other).await?;
                    }
                }
            }
            Flaw::LooksBeforeItStores => {
                if known != tenant.version || known == 0 {
                    return Err(Error::new(ErrorKind::Conflict));
                }
                tokio::task::yield_now().await;
                tenant.version = self.version(&tenant.name).await;
            }
            _ => {}
        }
        self.0.update(&tenant).await
    }
}

#[tokio::test]
async fn the_suite_finds_every_flaw() {
    let as_given = "a tenant is stored as it was given, with version 1";
    let order = "all tenants are listed once, paused ones too, in the order of their names";
    let read = "an update applies to the version that was read";
    for (flaw, clause) in [
        (Flaw::ForgetsSchedules, as_given),
        (Flaw::ReturnsTheGivenVersion, as_given),
        (Flaw::KnowsEveryName, "there is no tenant that was not added"),
        (Flaw::ListsActiveOnes, order),
        (Flaw::ListsBackwards, order),
        (Flaw::NamesUnreadableOnes, "a new directory has no tenants"),
        (Flaw::AddsOverWhatExists, "a name is added once"),
        (Flaw::UpdatesOverAnything, read),
        (Flaw::UpdatesTheUnknown, "a tenant that was not added is not updated"),
        (Flaw::UpdatesAll, "an update changes one tenant"),
        (Flaw::LooksBeforeItStores, "of several updates of one version, one is stored"),
    ] {
        let new = async || Arc::new(Flawed(MemoryTenants::new(), flaw)) as Arc<dyn Tenants>;
        let breach = conformance::check(new).await.unwrap_err();
        assert_eq!(breach.clause(), clause, "{flaw:?}");
    }
}
