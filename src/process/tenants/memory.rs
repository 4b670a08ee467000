use crate::process::tenants::directory::{Listing, Tenants};
use crate::process::tenants::error::{Error, ErrorKind};
use crate::process::tenants::tenant::Tenant;
use crate::tenant::TenantName;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A directory of tenants in memory, for tests and for programs with fixed tenants.
///
/// ```
/// use nhs_pds::process::tenants::{MemoryTenants, Tenant, TenantState, Tenants};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let directory = MemoryTenants::new();
/// let mut leeds = directory.add(&Tenant::new("leeds".parse()?, "RHM".parse()?)).await?;
/// leeds.state = TenantState::Paused;
/// assert_eq!(directory.update(&leeds).await?.version, 2);
/// assert_eq!(directory.list().await?.tenants.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryTenants(Mutex<BTreeMap<TenantName, Tenant>>);

impl MemoryTenants {
    /// Creates a directory without tenants.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<TenantName, Tenant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores `tenant` with the next version.
    fn store(&self, tenant: &Tenant, refusal: ErrorKind) -> Result<Tenant, Error> {
        let mut rows = self.rows();
        let known = rows.get(&tenant.name).map(|known| known.version);
        let version = if refusal == ErrorKind::Exists { None } else { Some(tenant.version) };
        if known != version {
            return Err(Error::new(refusal));
        }
        let stored = Tenant { version: known.unwrap_or(0) + 1, ..tenant.clone() };
        rows.insert(stored.name.clone(), stored.clone());
        Ok(stored)
    }
}

#[async_trait]
impl Tenants for MemoryTenants {
    async fn list(&self) -> Result<Listing, Error> {
        Ok(Listing::new(self.rows().values().cloned().collect()))
    }

    async fn get(&self, name: &TenantName) -> Result<Option<Tenant>, Error> {
        Ok(self.rows().get(name).cloned())
    }

    async fn add(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        self.store(tenant, ErrorKind::Exists)
    }

    async fn update(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        self.store(tenant, ErrorKind::Conflict)
    }
}
