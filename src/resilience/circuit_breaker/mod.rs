//! The circuit breaker: suspends queries to a service that fails, and finds out when it works
//! again.
//!
//! After repeated failures it *opens*, and no query is sent. After a pause, one query is sent as a
//! probe. If it is answered, queries resume; if not, the next pause is longer. [`CircuitBreakerPolicy`] sets the
//! numbers.
//!
//! A failure means that the service or the connection did not work, or that the response could not
//! be understood. A rejected question counts as answered. A call cancelled after ten seconds or
//! more counts as a failure. Three results do not count: a call cancelled earlier, a refused
//! configuration, and a connection that the server closed just as it was reused.
//!
//! When a service asks for a pause (`Retry-After`), queries are suspended at once.
//!
//! A [`Gateway`](crate::resilience::Gateway) contains a circuit breaker and obeys it.

pub(crate) mod breaker;
pub(crate) mod policy;
pub(crate) mod state;
