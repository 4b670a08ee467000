//! What all PDS services share: one [`Error`], what an HTTP status means, and the clock of the service.
//!
//! A caller meets three errors, from the general to the particular:
//!
//! * [`trace::Error`](crate::trace::Error) says what to do. Its four kinds are the same for every service.
//! * [`Error`] says what happened in one call to one service. [`Error::find_in`] finds it behind a
//!   [`trace::Error`](crate::trace::Error).
//! * [`transport::Error`](crate::transport::Error) says why there was no complete response.

#[cfg(feature = "blocking")]
pub(crate) mod blocking;
#[cfg(all(feature = "http", any(feature = "fhir", feature = "smsp")))]
pub(crate) mod builder;
#[cfg(any(feature = "fhir", feature = "smsp"))]
mod error;
#[cfg(any(feature = "fhir", feature = "smsp"))]
pub(crate) mod failure;
pub(crate) mod pds;
#[cfg(any(feature = "fhir", feature = "smsp"))]
pub(crate) mod skew;

#[cfg(feature = "fhir")]
#[doc(hidden)]
pub mod fhir;
#[cfg(feature = "smsp")]
#[doc(hidden)]
pub mod smsp;

#[cfg(any(feature = "fhir", feature = "smsp"))]
pub use error::{Error, ErrorKind};
