//! Traces cases by file: a first load, a re-verification, or whatever is due.
//!
//! [`Batches`] marks due cases as submitted and writes them into files ([`Batches::build`]). A user uploads a file, or
//! [`Batches::send`] sends it through a [`BatchTracer`](crate::batch::BatchTracer). [`Batches::import`] reads the
//! response: each row is decided by the same judge and the same [`table()`](crate::process::table()) as the answer of any
//! other service. A case without a row returns to the normal way when its batch counts as lost.
//!
//! The order of effects makes each step repeatable after a kill:
//!
//! 1. The batch is on record, then its cases are marked, and then the file is complete.
//! 2. That the file is about to leave is on record before it leaves.
//! 3. What arrives is on disk before the service is told so.
//! 4. A case is settled by one commit, which also ends its wait. A second row for it finds no case that waits.

pub(in crate::process) mod batches;
mod build;
mod exchange;
mod folder;
mod import;
mod inbox;
mod left;
mod list;
mod pause;
pub(in crate::process) mod policy;
mod question;
mod record;
pub(in crate::process) mod release;
mod rows;
mod settle;
pub(in crate::process) mod step;

pub use batches::Batches;
pub use exchange::{Collected, Sent};
pub use import::Imported;
pub use left::LeftOut;
pub use policy::BatchPolicy;
pub use record::{Batch, BatchState, Ending};
pub use rows::{RowFault, RowReport, Settled};
pub use step::ByBatch;
