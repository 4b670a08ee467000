//! PostgreSQL: the connection that stores of many tenants share (feature `postgres`).
//!
//! [`Database::prepare`] makes the schema, as the role that owns it. [`Database::connect`] connects a program, as a
//! role that is neither the owner nor a superuser. [`Database::tenant`] is the part of one tenant: every
//! transaction on it names the tenant, and row-level security shows it only that tenant's rows.
//! `process::store::Postgres` keeps the cases, trail and alerts of a tenant there.
//!
//! PostgreSQL 15 or later. The crate connects directly or through a pooler that keeps sessions: it prepares
//! statements, and [`Database::listen`] needs a session.

mod config;
mod database;
mod error;
mod group;
mod listen;
mod rewrite;
mod schema;
mod session;
mod tls;
mod work;

pub use config::Config;
pub use database::{Database, TenantDatabase};
pub use error::{Error, ErrorKind};
pub(crate) use group::Group;
pub(crate) use work::{Tx, Work};
