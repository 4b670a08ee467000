//! Helpers that tests of several files use.

pub(crate) mod layer;
pub(crate) mod service;
#[cfg(feature = "smsp")]
pub(crate) mod services;
