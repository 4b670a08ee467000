//! One pass of the worker over the cases that are due, each on its own.
//!
//! `pass` leases due cases and starts a `pipeline` for each. A pipeline asks (`exchange`), decides and
//! commits (`settle`), whatever the other cases do.

pub(super) mod alive;
pub(super) mod attended;
pub(super) mod caught;
pub(super) mod engine;
pub(super) mod exchange;
pub(super) mod halt;
pub(super) mod pass;
pub(super) mod pipeline;
pub(super) mod record;
pub(super) mod refresh;
pub(super) mod refusals;
pub(super) mod replan;
pub(super) mod report;
pub(super) mod settings;
pub(super) mod settle;
pub(super) mod status;
pub(super) mod tally;
pub(super) mod turn;
pub(super) mod worker;
