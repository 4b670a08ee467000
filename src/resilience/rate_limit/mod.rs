//! The rate limit of one application at one provider, for all callers.
//!
//! A provider allows a number of requests a second, and penalises more. An
//! [`Allowance`](crate::resilience::Allowance) issues permits by a [`RateLimit`](crate::resilience::RateLimit): a
//! number a second, a burst after a quiet time, and a number of questions in progress at the same time.
//!
//! A user who waits (the foreground) goes before the worker (the background).
//! While both wait, the background still gets one permit in ten. Within a priority, tenants get permits by the weights
//! of their shares. Within a share, the first caller is served first.
//!
//! No window of one second has more than rate + burst − 1 permits. While callers wait, at least
//! 98% of the rate is used. [`RateLimit`](crate::resilience::RateLimit) has both limits.
//!
//! Processes share a limit through a [`SharedRate`](crate::resilience::SharedRate). A second then has at most
//! rate + burst permits, by the clock of the place that keeps the rate.

pub(crate) mod allowance;
mod fair;
pub(crate) mod limiter;
pub(crate) mod memory;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod priority;
mod queue;
pub(crate) mod rate;
mod reservation;
mod reserved;
pub(crate) mod shared;
