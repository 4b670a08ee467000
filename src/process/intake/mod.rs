//! What the local system says, taken into the store.

pub(super) mod duplicates;
pub(super) mod import;
