//! The rate limit of one service, for all callers in the process.
//!
//! A provider allows a number of requests a second, and penalises more. A rate limiter issues
//! permits by a [`RateLimit`]: a number a second, a burst after a quiet time, and a number of questions
//! in progress at the same time. It works within one process. Processes that share a rate limit
//! must divide it between them.
//!
//! A user who waits (the foreground) goes before the worker (the background).
//! While both wait, the background still gets one permit in ten. Within a priority, the first
//! caller is served first.
//!
//! No window of one second has more than rate + burst − 1 permits. While callers wait, at least
//! 98% of the rate is used. [`RateLimit`] has both limits.

pub(crate) mod limiter;
pub(crate) mod rate;
