use crate::resilience::rate_limit::rate::RateLimit;
use async_trait::async_trait;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The permits of an [`Allowance`](crate::resilience::Allowance) that processes on several machines share.
///
/// # Contract
///
/// * Permits follow the limit, over all processes: no window of one second has slots for more than rate + burst.
/// * A process that reserved a permit and died costs that permit, and nothing else.
/// * Users go before the background, and the background is not starved.
/// * Rate and burst come with each call. The shared place keeps the state only, so that a new rate needs no change there.
/// * The future may be dropped at any time. A permit that was reserved is then lost.
///
/// [`MemorySharedRate`](crate::resilience::MemorySharedRate) is the rule within one process.
///
/// ```
/// use async_trait::async_trait;
/// use nhs_pds::resilience::{PermitReply, PermitRequest, RateLimit, SharedRate, SharedRateError};
/// use std::time::Duration;
///
/// /// For a service without a limit.
/// #[derive(Debug)]
/// struct Unlimited;
///
/// #[async_trait]
/// impl SharedRate for Unlimited {
///     async fn next(
///         &self,
///         _: &RateLimit,
///         _: &PermitRequest,
///     ) -> Result<PermitReply, SharedRateError> {
///         Ok(PermitReply::Granted(Duration::ZERO))
///     }
/// }
/// ```
#[async_trait]
pub trait SharedRate: fmt::Debug + Send + Sync {
    /// Asks for the next permit.
    ///
    /// # Errors
    ///
    /// When the place that keeps the rate does not answer. No question is then sent.
    async fn next(
        &self,
        limit: &RateLimit,
        request: &PermitRequest,
    ) -> Result<PermitReply, SharedRateError>;
}

/// A request for one permit of a [`SharedRate`].
///
/// ```
/// use nhs_pds::resilience::PermitRequest;
/// use std::time::Duration;
///
/// let request = PermitRequest::new(true).with_late(Duration::from_millis(20));
/// assert!(request.is_foreground);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PermitRequest {
    /// Whether a user waits for the answer.
    pub is_foreground: bool,
    /// How much later than allowed this process may use its permits. Mostly zero. The rate must be lower by as much, or a
    /// second could have too many permits.
    pub late: Duration,
}

impl PermitRequest {
    /// Creates a request for a user, or for the background.
    #[must_use]
    pub const fn new(is_foreground: bool) -> Self {
        Self { is_foreground, late: Duration::ZERO }
    }

    /// Sets the delay that this process announces.
    #[must_use]
    pub const fn with_late(mut self, late: Duration) -> Self {
        self.late = late;
        self
    }
}

/// The reply of a [`SharedRate`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PermitReply {
    /// One permit is reserved. Use it after this wait.
    Granted(Duration),
    /// No permit is reserved. Ask again after this wait.
    AskAgain(Duration),
}

/// The place that keeps a shared rate limit does not answer. No question was sent.
///
/// ```
/// use nhs_pds::resilience::SharedRateError;
/// use std::error::Error;
///
/// let error = SharedRateError::new("connection refused");
/// assert_eq!(error.source().ok_or("no cause")?.to_string(), "connection refused");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("the shared rate limit does not answer: check the database that keeps it")]
pub struct SharedRateError(#[source] Arc<dyn Error + Send + Sync>);

impl SharedRateError {
    /// Creates an error with its cause. The cause must not contain personal data.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}
