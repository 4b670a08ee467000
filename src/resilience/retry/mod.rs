//! Retries questions that were not answered.
//!
//! The Spine is often too busy for a moment, and connections break. [`Retry`] sends such a question
//! again after a pause. It works above the codec and not in the [transport](crate::transport), for
//! two reasons: "could not connect to the Spine" (SMSP-0004) is a code inside a good response, and
//! each message needs its own identifier and time.
//!
//! A failure is retried if [`Error::is_transient`](crate::trace::Error::is_transient) returns true.
//! This is safe, because the three [questions](crate::trace::Question) only read. A question that
//! was not sent because queries are [suspended](crate::resilience) is not retried.
//!
//! Each call has one free retry: after the server closed a reused connection instead of responding.
//! It has its own identifier, audit record and rate-limit permit, but no
//! pause. It costs neither an attempt nor a part of the budget.
//!
//! Retries must not multiply the load in an outage. All users of a `Retry` share a *budget*, which
//! is a small share of their calls. When it is used up, failures are final. [`RetryPolicy`] sets the
//! numbers.
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
//! // A real program uses a client of a service. This one fails at first.
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
