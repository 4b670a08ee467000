use crate::process::tenants::error::Error;
use crate::process::tenants::tenant::Tenant;
use crate::tenant::TenantName;
use async_trait::async_trait;
use std::fmt::Debug;

/// The tenants of one installation.
///
/// A tenant cannot be removed: its cases and its audit trail are under its name, and a new tenant with the
/// name of an old one would read them. Set its state to
/// [`Paused`](crate::process::tenants::TenantState::Paused).
///
/// # Contract
///
/// - A tenant is stored as it was given, with its version counted up.
/// - An update applies to the version that was read. Of several updates of one version, one is stored, and
///   the others are a [`Conflict`](crate::process::tenants::ErrorKind::Conflict).
/// - A tenant whose row cannot be read does not hide the others.
/// - Each call may be dropped at any point. It is then done as a whole, or not at all.
///
/// `conformance::check` (feature `conformance`) checks an implementation.
#[async_trait]
pub trait Tenants: Debug + Send + Sync {
    /// Returns all tenants, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`Schema`](crate::process::tenants::ErrorKind::Schema) and
    /// [`Unavailable`](crate::process::tenants::ErrorKind::Unavailable).
    async fn list(&self) -> Result<Listing, Error>;

    /// Returns the tenant `name`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`list`](Self::list), and [`Corrupt`](crate::process::tenants::ErrorKind::Corrupt).
    async fn get(&self, name: &TenantName) -> Result<Option<Tenant>, Error>;

    /// Adds a tenant. Returns it as it is stored, with version 1.
    ///
    /// # Errors
    ///
    /// As for [`list`](Self::list), and [`Exists`](crate::process::tenants::ErrorKind::Exists).
    async fn add(&self, tenant: &Tenant) -> Result<Tenant, Error>;

    /// Stores `tenant` over its version. Returns it as it is stored, with the next version.
    ///
    /// # Errors
    ///
    /// As for [`list`](Self::list), and [`Conflict`](crate::process::tenants::ErrorKind::Conflict).
    async fn update(&self, tenant: &Tenant) -> Result<Tenant, Error>;
}

/// All tenants of a directory.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listing {
    /// The tenants, in the order of their names.
    pub tenants: Vec<Tenant>,
    /// The names of tenants whose rows cannot be read. They have no process until their rows are corrected.
    pub unreadable: Vec<TenantName>,
}

impl Listing {
    /// Lists `tenants`.
    #[must_use]
    pub const fn new(tenants: Vec<Tenant>) -> Self {
        Self { tenants, unreadable: Vec::new() }
    }

    /// Names the tenants whose rows cannot be read.
    #[must_use]
    pub fn with_unreadable(mut self, names: Vec<TenantName>) -> Self {
        self.unreadable = names;
        self
    }
}
