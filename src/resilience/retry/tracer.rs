use crate::resilience::retry::attempts::{Retry, RetryObserver, Unrecorded};
use crate::trace::{
    Answer, Attended, Breadth, Caller, Error, MessageId, Question, ServiceStatus, Tracer, User,
};
use async_trait::async_trait;
use chrono::TimeDelta;
use std::fmt;
use std::future;
use std::sync::Arc;

/// A tracer that retries questions through another tracer.
///
/// The first message has the given identifier. The answer's [`Exchange`](crate::trace::Exchange)
/// names the message that was answered. An audit trail also needs the messages in between: set a
/// [`RetryObserver`]. The [`Worker`](crate::process::Worker) has its own retries, which record them; do
/// not wrap its tracer in this one.
#[derive(Clone)]
pub struct Retrying {
    tracer: Arc<dyn Tracer>,
    retry: Retry,
    repeats: Arc<dyn RetryObserver>,
}

impl Retrying {
    /// Creates a tracer that sends questions to `tracer`, and retries by `retry`.
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>, retry: Retry) -> Self {
        Self { tracer, retry, repeats: Arc::new(NoObserver) }
    }

    /// Calls `repeats` for each message after the first, before it is sent.
    #[must_use]
    pub fn with_observer(mut self, repeats: Arc<dyn RetryObserver>) -> Self {
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

    fn permits(&self, breadth: Breadth) -> bool {
        self.tracer.permits(breadth)
    }

    fn serves_users(&self) -> bool {
        self.tracer.serves_users()
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        self.tracer.clock_skew()
    }

    fn service_status(&self) -> ServiceStatus {
        self.tracer.service_status()
    }
}

/// Records nothing.
struct NoObserver;

#[async_trait]
impl RetryObserver for NoObserver {
    async fn before_retry(&self, _: MessageId, _: &Error, _: MessageId) -> Result<(), Unrecorded> {
        Ok(())
    }

    async fn given_up(&self) {
        future::pending::<()>().await;
    }
}
