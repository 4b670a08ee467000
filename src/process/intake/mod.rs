//! What the local system says, taken into the store.

pub(super) mod approved;
mod duplicates;
mod effect;
pub(super) mod import;
pub(super) mod plausibility;
pub(super) mod preview;
pub(super) mod row;
