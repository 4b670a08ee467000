//! Asking again what was not answered.
//!
//! The Spine is often too busy for a moment, and connections break. A question that fails for such a
//! reason is worth asking again after a while; [`Retry`] does that. It stands above the codec and not in
//! the [transport](crate::transport), because "could not connect to the Spine" (SMSP-0004) is a code
//! inside a good response, and because each message needs an identifier and a time of its own.
//!
//! What is asked again is exactly what [`Error::is_transient`](crate::trace::Error::is_transient) says.
//! Doing so is safe, since the three [questions](crate::trace::Question) only read. Not asked again is
//! what was never sent because asking is [suspended](crate::resilience).
//!
//! One repeat of each call is free: after the server closed a kept connection in place of a response
//! ([`RetryPolicy::is_free`]). It has an identifier, a record and a rate-limit permit like any other, but no
//! pause, and it costs neither an attempt nor a share of the budget.
//!
//! An outage must not be multiplied: all who share a `Retry` share a *budget*, a small share of what they
//! ask, and when it is used up a failure is final. [`RetryPolicy`] has the numbers.
//!
//! ```
//! use nhs_pds::ids::CountingIds;
//! use nhs_pds::resilience::{Retry, RetryPolicy, Retrying};
//! use nhs_pds::trace::{
//!     Caller, ErrorKind, LocalIdentity, MessageId, NameText, Outcome, ScriptedTracer, Tracer,
//!     VerifyNumber,
//! };
//! use nhs_pds::NhsNumber;
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In earnest a client of a service; here one that does not answer at first.
//! let service = ScriptedTracer::new([Err(ErrorKind::Unavailable), Ok(Outcome::None)]);
//! let tracer = Retrying::new(Arc::new(service), Retry::new(RetryPolicy::default()));
//!
//! let us = Caller::System(LocalIdentity::new("RHM".parse()?, "case-management")?);
//! let question = VerifyNumber::new("9434765919".parse::<NhsNumber>()?, "1984-02-29".parse()?);
//! let id = MessageId::fresh(&CountingIds::default());
//! let answer = tracer.trace(&us, &question.into(), id).await?;
//! assert_eq!(answer.outcome, Outcome::None);
//! # Ok(())
//! # }
//! ```

pub(crate) mod attempts;
pub(crate) mod budget;
pub(crate) mod policy;
pub(crate) mod tracer;
