//! Tests an audit log, a storage of audit rows or a sink of events against its contract.
//!
//! * [`check`]: an [`AuditLog`](crate::audit::AuditLog) of your own, or one in front of another;
//! * [`check_storage`]: an [`AuditStorage`](crate::audit::AuditStorage), and the trail above it;
//! * [`check_sink`]: an [`EventSink`](crate::audit::EventSink).
//!
//! ```
//! use nhs_pds::audit::{AuditStorage, MemoryRows, conformance};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! conformance::check_storage(async || Arc::new(MemoryRows::new()) as Arc<dyn AuditStorage>).await
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What must survive (a crash, a full disk), and that erased data are gone from the medium, each
//! implementation promises and tests itself. That a trail detects tampering follows from a storage
//! that returns each row exactly.

mod breach;
mod log;
mod own;
mod sink;
mod storage;

pub use breach::Breach;
pub use log::check;
pub use sink::check_sink;
pub use storage::check_storage;
