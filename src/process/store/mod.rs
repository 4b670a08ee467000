//! One unit of work: what a step of the process records, saves and delivers.
//!
//! The process writes through a [`Store`]. It joins the cases ([`CaseStore`]), the audit trail
//! ([`AuditLog`]) and the alerts ([`AlertSink`]), and takes a [`Commit`] as a whole. A vendor
//! implements those three, and [`Joined`] makes a `Store` of them: it does the effects in an order in
//! which the process can be killed at any point. A database that holds all three can implement
//! `Store` itself, and then a commit is atomic: `Sqlite` (feature `sqlite`) and `Postgres`
//! (feature `postgres`) do.
//! The module `transfer` moves everything from one of these two to the other.
//! Run `conformance::check` (feature `conformance`) against a store of your own.
//!
//! [`CaseStore`]: crate::case::CaseStore
//! [`AuditLog`]: crate::audit::AuditLog
//! [`AlertSink`]: crate::process::alert::AlertSink

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod apply;
pub(super) mod commit;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
pub(super) mod deliver;
pub(super) mod joined;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
pub(super) mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "postgres", feature = "sqlite"))))]
pub mod transfer;
pub(super) mod unit;

pub use commit::{Commit, Committed, Save, Set};
pub use joined::Joined;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
pub use unit::Store;
