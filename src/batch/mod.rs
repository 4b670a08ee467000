//! Tracing many people by file: the files of PDS MESH and of its predecessors, and the contract of a service that
//! takes them.
//!
//! [`file`](mod@file) reads and writes the files, for users who upload and download them by hand. [`BatchTracer`] is a service that
//! takes them from a program, such as a MESH mailbox. `process::batch` decides which cases are traced by file, and what
//! follows from each row of a response.

mod error;
pub mod file;
mod finding;
mod reference;
mod tracer;

pub use error::{Error, ErrorKind};
pub use finding::Finding;
pub use reference::Reference;
pub use tracer::{Arrival, BatchTracer, Inbox, Journal, Outgoing};
