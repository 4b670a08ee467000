//! Sends bytes to a remote service and receives the response. Does not interpret them.
//!
//! [`Transport`] makes one attempt at one exchange. [`Scripted`] is a mock for tests. `http`
//! (feature `http`) is HTTPS with mutual TLS.

mod error;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod http;
mod message;
#[cfg(feature = "resilience")]
pub(crate) mod metric;
mod scripted;

pub use error::{Error, ErrorKind};
pub use message::{Request, Response};
pub use scripted::Scripted;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fmt::Debug;

/// Sends one request and returns the response.
///
/// # Contract
///
/// * Any HTTP status is a response, not an error: SOAP faults arrive as 500. Return a redirect; do
///   not follow it.
/// * One call makes one attempt. Retries are decided elsewhere, because "could not connect to the
///   Spine" is a code inside a good response, and each attempt needs a new message.
/// * Return the whole body. An incomplete body is [`ErrorKind::Interrupted`].
/// * Never log any part of the request or response, or put it into an error.
///
/// ```
/// use nhs_pds::async_trait;
/// use nhs_pds::transport::{Error, ErrorKind, Request, Response, Transport};
///
/// /// A transport that never connects.
/// #[derive(Debug)]
/// struct Down;
///
/// #[async_trait]
/// impl Transport for Down {
///     async fn send(&self, _: Request) -> Result<Response, Error> {
///         Err(Error::new(ErrorKind::Connect))
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: Debug + Send + Sync {
    /// Performs one exchange.
    ///
    /// # Errors
    ///
    /// When no complete response was received; see [`ErrorKind`].
    async fn send(&self, request: Request) -> Result<Response, Error>;

    /// Returns when the client certificate in use expires: the earliest of its own expiry and those of its issuers.
    /// `None` without a certificate, or when it is not known.
    ///
    /// A transport that wraps another one returns that transport's value.
    fn certificate_expires(&self) -> Option<DateTime<Utc>> {
        None
    }
}
