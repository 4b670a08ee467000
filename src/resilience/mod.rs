//! Calls to a service that is limited, busy or down: retry, rate limit, circuit breaker, and the gateway that
//! joins them.
//!
//! * A [`Gateway`] limits all calls to one service. All callers of the process go through it.
//! * It issues permits by a [`RateLimit`], and screens go before the worker. Gateways of several tenants share
//!   one limit as an [`Allowance`]. Processes on several machines share it through a [`SharedRate`].
//! * Its [`CircuitBreaker`] suspends queries after failures of different cases, and probes until the service
//!   answers.
//! * [`Retry`] sends a failed query again, within a budget that all callers share.
//! * [`telemetry`] lists the metrics.

pub(crate) mod backoff;
pub(crate) mod circuit_breaker;
pub(crate) mod gateway;
pub(crate) mod rate_limit;
pub(crate) mod retry;
pub mod telemetry;

pub use crate::trace::CircuitBreakerState;
pub use circuit_breaker::policy::CircuitBreakerPolicy;
pub use circuit_breaker::state::{CircuitBreaker, CircuitBreakerStatus, Suspended};
pub use gateway::{Gateway, GatewayStatus};
pub use rate_limit::allowance::{Allowance, Share};
pub use rate_limit::memory::MemorySharedRate;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use rate_limit::postgres::PostgresSharedRate;
pub use rate_limit::priority::Waiting;
pub use rate_limit::rate::RateLimit;
pub use rate_limit::shared::{PermitReply, PermitRequest, SharedRate, SharedRateError};
pub use retry::attempts::{DeadlineExceeded, Retry, RetryObserver, Unrecorded};
pub use retry::policy::RetryPolicy;
pub use retry::tracer::Retrying;
