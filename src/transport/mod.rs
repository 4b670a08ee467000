//! Moves bytes to and from a remote service. Knows nothing of messages or patients.
//!
//! [`Transport`] is one attempt at one exchange. [`Scripted`] is the mock that is always there;
//! `http` (feature `http`) is HTTPS with mutual TLS.

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
use std::fmt::Debug;

/// Sends one request and returns whatever the other side answered.
///
/// # Contract
///
/// * Any HTTP status is a response, not an error: SOAP faults arrive as 500. A redirect is not
///   followed but returned.
/// * One call makes one attempt. Whether to try again is not decided here, because "could not
///   connect to the Spine" is a code inside a good response, and each attempt needs a fresh message.
/// * The response is the whole body; one that was cut off is [`ErrorKind::Interrupted`].
/// * Nothing of the request or the response is logged or put into an error.
///
/// ```
/// use nhs_pds::async_trait;
/// use nhs_pds::transport::{Error, ErrorKind, Request, Response, Transport};
///
/// /// A line that is down.
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
    /// When no complete response arrived; see [`ErrorKind`].
    async fn send(&self, request: Request) -> Result<Response, Error>;
}
