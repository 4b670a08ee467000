//! One pass of the worker over a store: queries, decisions, saves and deliveries, in their order.

pub(super) mod asking;
pub(super) mod batch;
pub(super) mod claim;
pub(super) mod deliver;
pub(super) mod pass;
pub(super) mod record;
pub(super) mod refresh;
pub(super) mod refusals;
pub(super) mod report;
pub(super) mod status;
pub(super) mod tally;
pub(super) mod turn;
pub(super) mod worker;
