use crate::resilience::{Retry, RetryObserver, Unrecorded};
use crate::trace::{Answer, Attended, Caller, Error, MessageId, Question, Tracer, User};
use async_trait::async_trait;
use chrono::TimeDelta;
use std::fmt;
use std::future;
use std::sync::Arc;

/// A tracer that asks another one again when it is not answered.
///
/// The first message has the identifier that was given; the answer's
/// [`Exchange`](crate::trace::Exchange) names the one that was answered. Whoever keeps an audit trail has to
/// know of the messages in between: give a [`RetryObserver`]. The [`Worker`](crate::process::Worker) has retries
/// of its own, which do that; do not give it this as well.
#[derive(Clone)]
pub struct Retrying {
    tracer: Arc<dyn Tracer>,
    retry: Retry,
    repeats: Arc<dyn RetryObserver>,
}

impl Retrying {
    /// Asks `tracer`, again where `retry` says so.
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>, retry: Retry) -> Self {
        Self { tracer, retry, repeats: Arc::new(Untold) }
    }

    /// The same, telling `repeats` of each message after the first, before it is sent.
    #[must_use]
    pub fn with_repeats(mut self, repeats: Arc<dyn RetryObserver>) -> Self {
        self.repeats = repeats;
        self
    }
}

impl fmt::Debug for Retrying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrying")
            .field("tracer", &self.tracer)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Tracer for Retrying {
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.retry.trace(&*self.tracer, caller, question, id, &*self.repeats).await.result
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.retry.trace_attended(&*self.tracer, user, question, id, &*self.repeats).await.result
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        self.tracer.clock_skew()
    }
}

/// Nobody keeps a record.
struct Untold;

#[async_trait]
impl RetryObserver for Untold {
    async fn before_retry(&self, _: MessageId, _: &Error, _: MessageId) -> Result<(), Unrecorded> {
        Ok(())
    }

    async fn given_up(&self) {
        future::pending::<()>().await;
    }
}
