//! The tenants as this program sees them: with the options of its command line, and with shared rate limits.

use super::factory::Given;
use super::limits::{Limits, allowance};
use super::settings::Settings;
use crate::console::{Failed, warn};
use async_trait::async_trait;
use nhs_pds::process::tenants::{
    Error, ErrorKind, Listing, PostgresTenants, Tenant, TenantState, Tenants,
};
use nhs_pds::tenant::TenantName;
use std::fmt;
use std::sync::Arc;

/// Where the number of changes of a shared limit begins in a version.
const CHANGES: u32 = 32;

/// The directory of a worker. A tenant gets another version when the limit changes that it shares with others, so that
/// its process starts again with the new one.
#[derive(Clone)]
pub(crate) struct View {
    directory: PostgresTenants,
    limits: Arc<Limits>,
    given: Arc<Given>,
}

impl View {
    pub(crate) fn new(directory: PostgresTenants, limits: Arc<Limits>, given: Given) -> Self {
        Self { directory, limits, given: Arc::new(given) }
    }

    /// The tenant with the options of the command line, if they are for it.
    fn with_options(&self, mut tenant: Tenant) -> Result<(Tenant, Settings), Failed> {
        let mut settings = Settings::of(&tenant)?;
        if self.given.only.as_ref().is_none_or(|only| *only == tenant.name) {
            settings = settings.changed(&self.given.settings, &[])?;
            tenant.settings = settings.stored()?;
            tenant.schedule = self.given.times.changed(&tenant.schedule, &[])?;
        }
        Ok((tenant, settings))
    }
}

#[async_trait]
impl Tenants for View {
    async fn list(&self) -> Result<Listing, Error> {
        let Listing { tenants, unreadable, .. } = self.directory.list().await?;
        let (mut read, mut listed) = (Vec::new(), Vec::new());
        for tenant in tenants {
            match self.with_options(tenant.clone()) {
                Ok(both) => read.push(both),
                // The factory says what is wrong with it.
                Err(_) => listed.push(tenant),
            }
        }
        for news in self.limits.learn(&read) {
            warn(format!("worker: {news}"));
        }
        for (mut tenant, settings) in read {
            let shared = allowance(&settings).and_then(|name| self.limits.get(&name));
            tenant.version += shared.map_or(0, |(_, changes)| changes << CHANGES);
            listed.push(tenant);
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Listing::new(listed).with_unreadable(unreadable))
    }

    async fn get(&self, name: &TenantName) -> Result<Option<Tenant>, Error> {
        let Listing { tenants, unreadable, .. } = self.list().await?;
        if unreadable.contains(name) {
            return Err(Error::new(ErrorKind::Corrupt));
        }
        Ok(tenants.into_iter().find(|tenant| tenant.name == *name))
    }

    async fn add(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        self.directory.add(tenant).await
    }

    async fn update(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        self.directory.update(tenant).await
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

/// Whether the tenant has a process.
pub(crate) fn is_active(tenant: &Tenant) -> bool {
    tenant.state == TenantState::Active
}
