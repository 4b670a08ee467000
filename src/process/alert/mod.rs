//! Where alerts go: the back office's inbox, whatever it is (MSCA-DQ-01, DQ-03, DQ-04).
//!
//! The worker decides that somebody has to be told, and saves the [`Alert`](crate::case::Alert) with the
//! case; an [`AlertSink`] delivers it. Because the process may end between delivering an alert and noting
//! that it was delivered, it may be delivered twice, under one id. [`MemoryAlerts`] and `SqliteAlerts`
//! (feature `sqlite`) keep alerts and take each once; a vendor's own may send mail or open a task.

mod error;
mod memory;
mod sink;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use error::{Error, ErrorKind};
pub use memory::MemoryAlerts;
pub use sink::AlertSink;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteAlerts;
