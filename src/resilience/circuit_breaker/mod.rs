//! The circuit breaker: suspends queries to a service that fails, and finds out when it works
//! again.
//!
//! After failures of different subjects it *opens*, and no query is sent. After a pause, one query is
//! sent as a probe. If it is answered, queries resume; if not, the next pause is longer.
//! [`CircuitBreakerPolicy`] sets the numbers.
//!
//! The *subject* of a query is its local identifier, which names the case. A query without one is its
//! own subject. All failures of one subject count once until the service answers any query. A case
//! whose queries always fail therefore cannot suspend the service for the others:
//!
//! * Its own failures never open the circuit breaker. Its retries and its next time limit its queries.
//! * Three subjects that fail in a minute of silence open it, but the cause is in doubt. A query about
//!   a subject that did not fail is then sent at once, one at a time. Its answer closes the circuit
//!   breaker. When as many subjects have failed as the policy says, all are suspended.
//! * A failed probe puts its subject last. If another subject asks, that one is the next probe.
//!
//! A service that does not work gets few queries. Sent one after the other, they are at most those of
//! ten subjects with their retries, by the default policy; the retry budget and the rule of three
//! reduce them. Queries in progress at that time add to them.
//!
//! A subject is recorded as a keyed hash, and only as many as the policy has failures.
//!
//! A failure means that the service or the connection did not work, or that the response could not
//! be understood. A rejected question counts as answered. A call cancelled after ten seconds or
//! more counts as a failure. Three results do not count: a call cancelled earlier, a refused
//! configuration, and a connection that the server closed just as it was reused.
//!
//! When a service asks for a pause (`Retry-After`), all queries are suspended at once, whichever
//! subject failed.
//!
//! A [`Gateway`](crate::resilience::Gateway) contains a circuit breaker and obeys it.

pub(crate) mod breaker;
pub(crate) mod failures;
pub(crate) mod policy;
pub(crate) mod state;
pub(crate) mod subject;
