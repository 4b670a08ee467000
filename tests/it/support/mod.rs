//! Helpers that tests of several files use.

#[cfg(feature = "sqlite")]
pub(crate) mod kept;
pub(crate) mod layer;
#[cfg(all(feature = "postgres", unix))]
pub(crate) mod postgres;
pub(crate) mod service;
#[cfg(feature = "smsp")]
pub(crate) mod services;

use nhs_pds::process::{Policy, Strategy};
use nhs_pds::trace::ScriptedTracer;

/// The default policy with one question about each case, for tests about other things than matching.
pub(crate) fn one_question() -> Policy {
    let exact_only = ScriptedTracer::new([]);
    Policy::default().with_strategy(Strategy::exact(), &exact_only).unwrap()
}
