//! The services that answer: Spine Mini Services and the PDS FHIR API.
//!
//! What they share is here: what a failure means, and how far this machine's clock is from the service's.

pub(crate) mod failure;
pub(crate) mod skew;

#[cfg(feature = "fhir")]
#[cfg_attr(docsrs, doc(cfg(feature = "fhir")))]
pub mod fhir;
#[cfg(feature = "smsp")]
#[cfg_attr(docsrs, doc(cfg(feature = "smsp")))]
pub mod smsp;
