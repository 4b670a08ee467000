//! Pure decisions: which cases are traced, what is queried, and what follows from the response.

pub(super) mod apply;
pub(super) mod attended;
mod choose;
pub(super) mod context;
pub(super) mod decide;
pub(super) mod due;
pub(super) mod eligibility;
pub(super) mod hear;
mod no_response;
pub(super) mod plan;
pub(super) mod plausible;
pub(super) mod policy;
pub(super) mod purpose;
pub(super) mod reply;
pub(super) mod result;
pub(super) mod row;
pub(super) mod rows;
pub(super) mod strategy;
pub(super) mod table;
