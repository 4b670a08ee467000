use crate::trace::{Answer, Attended, Caller, Error, MessageId, Question, User};
use async_trait::async_trait;
use chrono::TimeDelta;
use std::fmt::Debug;

/// A service that can trace people.
///
/// # Contract
///
/// * An outcome is returned only when the service gave it; whatever goes wrong on the way is an
///   [`Error`], never [`Outcome::None`](crate::trace::Outcome::None).
/// * One call asks once, by a message that carries the identifier given, which no other message may
///   have; the [`Exchange`](crate::trace::Exchange) repeats it. (What asks another tracer again, like
///   [`Retrying`](crate::resilience::Retrying), draws identifiers for the further messages, and its exchange
///   names the last.)
/// * An answer is about the number and the local identifier that were asked about: one that names
///   another is refused as [`ErrorKind::Unreadable`](crate::trace::ErrorKind::Unreadable).
/// * [`Outcome::Found`](crate::trace::Outcome::Found) for a [`Question::Find`] or a
///   [`Question::Fetch`] carries the person's particulars, so that whoever asked can check them; for a
///   [`Question::Verify`] it need not.
/// * [`Outcome::Found`](crate::trace::Outcome::Found) for an unattended [`Question::Find`] matches everything
///   that the question has, the postcode included: the search is not fuzzy. Callers rely on it as evidence.
/// * The caller is sent along, and nothing about the person is logged or put into an error.
///
/// `conformance::check` (feature `simulator`) holds a tracer against this.
///
/// ```
/// use nhs_pds::async_trait;
/// use nhs_pds::trace::{
///     Answer, Attended, Caller, Error, ErrorKind, Exchange, MessageId, Outcome, Question, Tracer, User,
/// };
///
/// /// A service that knows nobody, and serves nobody at a screen.
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
    /// Asks `question` for `caller`, by the message `id`.
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

    /// Asks `question` for `user`, who will confirm the match.
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

    /// How far this machine's clock is ahead of the service's, by the service's last response
    /// (MSCA-AUD-06); negative when it is behind. `None` when that is not known.
    ///
    /// A tracer that passes questions on to another one returns what that one says.
    fn clock_skew(&self) -> Option<TimeDelta> {
        None
    }
}
