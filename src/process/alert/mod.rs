//! Where alerts go: to the back office's inbox, of any kind (MSCA-DQ-01, DQ-03, DQ-04).
//!
//! The worker decides that the back office must be notified, and saves the
//! [`Alert`](crate::case::Alert) with the case. An [`AlertSink`] delivers it. The process may end
//! after delivering an alert and before noting the delivery, so an alert may be delivered twice,
//! with the same id. [`MemoryAlerts`] and `SqliteAlerts` (feature `sqlite`) store each alert once.
//! A vendor's own sink may send mail or open a task.

mod error;
mod memory;
#[cfg(feature = "postgres")]
pub(super) mod postgres;
mod sink;
#[cfg(feature = "sqlite")]
pub(super) mod sqlite;

pub use error::{Error, ErrorKind};
pub use memory::MemoryAlerts;
#[cfg(feature = "postgres")]
pub use postgres::PostgresAlerts;
pub use sink::AlertSink;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteAlerts;
