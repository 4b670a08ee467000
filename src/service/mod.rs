//! The services that answer: Spine Mini Services and the PDS FHIR API; and [`Pds`](pds::Pds), the front door to
//! either.
//!
//! What they share is here: what a failure means, and how far this machine's clock is from the service's.

#[cfg(feature = "blocking")]
pub(crate) mod blocking;
#[cfg(all(feature = "http", any(feature = "fhir", feature = "smsp")))]
pub(crate) mod builder;
#[cfg(any(feature = "fhir", feature = "smsp"))]
pub(crate) mod failure;
pub(crate) mod pds;
#[cfg(any(feature = "fhir", feature = "smsp"))]
pub(crate) mod skew;

#[cfg(feature = "fhir")]
#[cfg_attr(docsrs, doc(cfg(feature = "fhir")))]
pub mod fhir;
#[cfg(feature = "smsp")]
#[cfg_attr(docsrs, doc(cfg(feature = "smsp")))]
pub mod smsp;
