use crate::trace::answer::Answer;
use crate::trace::breadth::Breadth;
use crate::trace::caller::{Caller, User};
use crate::trace::error::Error;
use crate::trace::message_id::MessageId;
use crate::trace::mode::Attended;
use crate::trace::question::Question;
use crate::trace::service_status::ServiceStatus;
use async_trait::async_trait;
use chrono::TimeDelta;
use std::fmt::Debug;

/// A service that can trace people.
///
/// # Contract
///
/// * Return an outcome only if the service returned it. Every other failure is an [`Error`], never
///   [`Outcome::None`](crate::trace::Outcome::None).
/// * One call sends one message, with the given identifier; no other message has that identifier.
///   The [`Exchange`](crate::trace::Exchange) repeats it. (A tracer that retries through another
///   tracer, like [`Retrying`](crate::resilience::Retrying), draws identifiers for the retries, and its
///   exchange names the last.)
/// * An answer is about the requested number and local identifier. Reject any other as
///   [`ErrorKind::Unreadable`](crate::trace::ErrorKind::Unreadable).
/// * [`Outcome::Found`](crate::trace::Outcome::Found) for a [`Question::Find`] or a
///   [`Question::Fetch`] carries the person's demographics, so that the caller can compare them.
///   For a [`Question::Verify`] they are optional.
/// * [`Outcome::Found`](crate::trace::Outcome::Found) for an unattended [`Question::Find`] of the breadth
///   [`Exact`](Breadth::Exact) matches every criterion of the question, including the postcode. With
///   [`History`](Breadth::History), a criterion may be a former field. Callers use this as evidence.
/// * Refuse a breadth that [`permits`](Tracer::permits) does not name, with
///   [`ErrorKind::Configuration`](crate::trace::ErrorKind::Configuration). Never search more narrowly or more
///   widely instead.
/// * Send the caller's identity with the message. Never log personal data or put it into an error.
///
/// `conformance::check` (feature `conformance`) checks a tracer against this.
///
/// ```
/// use nhs_pds::async_trait;
/// use nhs_pds::trace::{
///     Answer, Attended, Caller, Error, ErrorKind, Exchange, MessageId, Outcome, Question, Tracer, User,
/// };
///
/// /// A service that finds no person, and does not support attended questions.
/// #[derive(Debug)]
/// struct Empty;
///
/// #[async_trait]
/// impl Tracer for Empty {
///     async fn trace(&self, _: &Caller, _: &Question, id: MessageId) -> Result<Answer, Error> {
///         let sent_at = chrono::DateTime::UNIX_EPOCH;
///         let exchange = Exchange::new("empty", "trace", id.to_string(), sent_at);
///         Ok(Answer::new(Outcome::None, exchange))
///     }
///
///     async fn trace_attended(
///         &self,
///         _: &User,
///         _: &Question<Attended>,
///         _: MessageId,
///     ) -> Result<Answer, Error> {
///         Err(Error::new(ErrorKind::Configuration))
///     }
/// }
/// ```
#[async_trait]
pub trait Tracer: Debug + Send + Sync {
    /// Sends `question` on behalf of `caller`, in the message `id`.
    ///
    /// # Errors
    ///
    /// Only when the question was not answered; see [`ErrorKind`](crate::trace::ErrorKind).
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, Error>;

    /// Sends `question` on behalf of `user`, who will confirm the match.
    ///
    /// # Errors
    ///
    /// As for [`Tracer::trace`].
    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error>;

    /// Whether the service has unattended searches of this breadth. By default only
    /// [`Breadth::Exact`], which every service has.
    ///
    /// A tracer that wraps another one returns that tracer's value.
    fn permits(&self, breadth: Breadth) -> bool {
        breadth == Breadth::Exact
    }

    /// Whether a user at a screen may see what this tracer returns. By default `true`.
    ///
    /// Some services require a user's own access for this. Their client returns `false`
    /// with application-restricted access, and a screen must then not search through it.
    ///
    /// A tracer that wraps another one returns that tracer's value.
    fn serves_users(&self) -> bool {
        true
    }

    /// Returns how far this machine's clock is ahead of the service's, from the service's last
    /// response (MSCA-AUD-06); negative when it is behind. `None` when it is not known.
    ///
    /// A tracer that wraps another one returns that tracer's value.
    fn clock_skew(&self) -> Option<TimeDelta> {
        None
    }

    /// Returns what is known of the connection to the service, for screens (HAV-6). Nothing by default.
    ///
    /// A tracer that wraps another one returns that tracer's value, with what it adds.
    fn service_status(&self) -> ServiceStatus {
        ServiceStatus::default()
    }
}
