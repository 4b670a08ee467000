//! How fast one service is asked, by all who ask it.
//!
//! Whoever provides a service allows so many requests a second, and punishes more. A
//! [`RateLimiter`] hands out turns by a [`RateLimit`]: so many a second, so many at once after a quiet time, and so
//! many under way together. It is for one process; several that share an allowance have to divide it.
//!
//! Somebody who waits at a screen ([`Priority::Foreground`]) goes before the worker
//! ([`Priority::Background`]), which yields. But not for ever: while both wait, one turn in
//! ten is the background's. Within a priority it is first come, first served.
//!
//! No window of one second holds more than rate + burst − 1 turns, and at least 98 % of the rate is kept as
//! long as somebody waits; see [`RateLimit`] for how both can be.

pub(crate) mod limiter;
pub(crate) mod rate;
