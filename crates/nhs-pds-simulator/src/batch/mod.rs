//! Tracing by file: a PDS MESH request, or one of the Master Patient Trace (MPT), and its response.
//!
//! Has a parser and a writer of its own, so that it does not share a mistake with the library's.

mod answer;
mod check;
mod columns;
mod damage;
mod exchange;
mod face;
mod fault;
mod own_answer;
mod request;
mod response;
mod style;
mod summary;

pub(crate) use face::BatchFace;
pub use fault::{BatchFault, BatchFaultMix};
pub use style::BatchStyle;
pub use summary::BatchSummary;
