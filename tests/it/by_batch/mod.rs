//! Cases that are traced by file.
#![expect(clippy::indexing_slicing, reason = "an index that is wrong must fail the test")]

mod arrivals;
mod build;
mod faults;
mod killed;
pub(crate) mod rig;
mod rows;
mod same_decisions;
