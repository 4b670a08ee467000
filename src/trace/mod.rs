//! The crate's one question, whoever answers it: who is this person, and is this their NHS Number?
//!
//! A [`Tracer`] puts a [`Question`] to a service and returns an [`Answer`]. Three questions exist:
//! verify a number ([`VerifyNumber`]), find a person ([`FindPerson`]) and fetch the details held
//! under a number ([`FetchDetails`]). Each exists in two modes that are different types:
//!
//! * [`Unattended`]: nobody looks at the answer before it is used, so names and postcodes are
//!   literal and the date of birth is full;
//! * [`Attended`]: a person confirms the match, so wildcards and partial dates may be used. Asking
//!   takes a [`User`], never a system's own identity (MSCA-PDS-07).
//!
//! Who asks ([`Caller`]) is an argument of every call, because every message carries the audit
//! identity of the user or system on whose behalf it is sent (MSCA-AUD-04).
//!
//! **An answer is not an error.** That nobody matches, or several do, or that a number was
//! superseded, are [`Outcome`]s; an [`Error`] means that the question was not answered, and its kind
//! says what to do about it. Superseded is not a kind of found: whoever took it for one would go on
//! using a number that is no longer the person's.
//!
//! Whoever implements a tracer runs `conformance::check` and `conformance::check_failing` (feature
//! `simulator`) against it.

mod answer;
mod caller;
#[cfg(feature = "simulator")]
pub mod conformance;
mod criteria;
mod error;
mod message_id;
mod question;
mod scripted;
mod tracer;

pub use answer::{
    Answer, Candidate, Exchange, Freshness, Match, Outcome, Restriction, Score, ScoreError,
};
pub use caller::{Caller, CallerError, LocalIdentity, SmartcardIdentity, User};
#[cfg(any(feature = "process", feature = "smsp"))]
pub(crate) use criteria::is_sendable;
pub use criteria::{CriterionError, LocalIdentifier, NamePattern, NameText, PostcodePattern};
#[cfg(feature = "process")]
pub(crate) use error::causes;
pub use error::{Error, ErrorKind};
pub use message_id::MessageId;
pub use question::{Attended, FetchDetails, FindPerson, Mode, Question, Unattended, VerifyNumber};
pub use scripted::ScriptedTracer;
pub use tracer::Tracer;
