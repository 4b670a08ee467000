//! The contract of every service: verify an NHS Number, find a person, fetch the details of a
//! number.
//!
//! A [`Tracer`] sends a [`Question`] to a service and returns an [`Answer`]. Three questions exist:
//! verify a number ([`VerifyNumber`]), find a person ([`FindPerson`]) and fetch the details
//! recorded under a number ([`FetchDetails`]). Each exists in two modes, which are different types:
//!
//! * [`Unattended`]: no person checks the answer before it is used. Names and postcodes are
//!   literal, and the date of birth is full.
//! * [`Attended`]: a person confirms the match, so wildcards and partial dates are allowed. The
//!   call takes a [`User`], never a system identity (MSCA-PDS-07).
//!
//! Every call takes a [`Caller`], because every message carries the audit identity of the user or
//! system on whose behalf it is sent (MSCA-AUD-04).
//!
//! **An answer is not an error.** No match, several matches and a superseded number are
//! [`Outcome`]s. An [`Error`] means that the question was not answered, and its kind says what to
//! do. Superseded is not a form of found: the number is no longer the person's, and must not be
//! used.
//!
//! To implement a tracer, run `conformance::check` and `conformance::check_failing` (feature
//! `conformance`) against it.

mod answer;
mod breadth;
mod caller;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod criteria;
mod error;
mod message_id;
mod mode;
mod question;
mod scripted;
mod service_status;
mod tracer;

pub use answer::{Answer, Candidate, Exchange, Freshness, Match, Outcome, Restriction, Score};
pub use breadth::Breadth;
pub use caller::{Caller, LocalIdentity, SmartcardIdentity, User};
#[cfg(any(feature = "process", feature = "smsp"))]
pub(crate) use criteria::is_sendable;
pub use criteria::{CriterionError, LocalIdentifier, NamePattern, NameText, PostcodePattern};
#[cfg(feature = "process")]
pub(crate) use error::causes;
pub use error::{Error, ErrorKind};
pub use message_id::MessageId;
pub use mode::{Attended, Mode, Unattended};
pub use question::{FetchDetails, FindPerson, Question, VerifyNumber};
pub use scripted::ScriptedTracer;
pub use service_status::{CircuitBreakerState, ServiceStatus};
pub use tracer::Tracer;
