//! Cases that are traced by file.

mod arrivals;
mod build;
mod killed;
mod rig;
mod rows;
mod same_decisions;
