//! Helpers that tests of several files use.

#[cfg(feature = "sqlite")]
pub(crate) mod kept;
pub(crate) mod layer;
pub(crate) mod service;
#[cfg(feature = "smsp")]
pub(crate) mod services;
