//! Many tenants in one program: a directory of them, and a fleet of processes.
//!
//! A tenant is one organisation, with its own cases, trail, identity, keys, schedule and share of a rate limit.
//! A directory ([`Tenants`]) lists the tenants. A [`Fleet`] keeps one [`Process`](crate::process::Process) for
//! each of them, in one Tokio runtime. The program says how the worker of a tenant is made
//! ([`WorkerFactory`]). It understands the tenant's [settings](TenantSettings), and reads its secrets from where
//! they say.
//!
//! Processes share threads. A store, client or observer that blocks a thread delays other tenants.

#[cfg(feature = "batch")]
mod by_batch;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod directory;
mod error;
mod factory;
mod fleet;
mod known;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod slot;
mod status;
mod supervise;
mod tenant;

pub use directory::{Listing, Tenants};
pub use error::{Error, ErrorKind};
pub use factory::{StartError, WorkerFactory};
pub use fleet::Fleet;
pub use memory::MemoryTenants;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use postgres::PostgresTenants;
pub use status::{FleetStatus, TenantRun, TenantStatus};
pub use tenant::{Tenant, TenantSettings, TenantState};
