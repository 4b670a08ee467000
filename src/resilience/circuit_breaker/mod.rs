//! Leaving a service alone that does not work, and finding out when it works again.
//!
//! After sustained failure nothing is asked any more (the circuit is *open*); after a pause one question
//! goes through, to probe; when that is answered asking goes on, when not the next pause is longer.
//! [`CircuitBreakerPolicy`] has the numbers. A failure is that the service or the way to it did not work, or that what
//! came back could not be understood; that a question was refused is an answer as far as this goes. Whoever
//! gives up waiting after ten seconds or more was not answered; sooner, it says nothing, and neither does a
//! configuration that is refused, or a kept connection that the server closed just when it was used again.
//!
//! A service that asks to be left alone for a time (`Retry-After`) is, at once.
//!
//! A [`Gate`](crate::resilience::Gateway) has a circuit and keeps to it.

pub(crate) mod breaker;
pub(crate) mod policy;
pub(crate) mod state;
