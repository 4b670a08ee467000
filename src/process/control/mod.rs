//! What users want of the processes on a store, and what these processes do.

pub(super) mod handle;
pub(super) mod next;
pub(super) mod wanted;
pub(super) mod workers;
