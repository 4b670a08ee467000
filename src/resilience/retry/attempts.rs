use crate::ids::{Ids, RandomIds, random};
use crate::resilience::retry::budget::Budget;
use crate::resilience::{RetryPolicy, telemetry};
use crate::trace::{Answer, Attended, Caller, Error, ErrorKind, MessageId, Question, Tracer, User};
use async_trait::async_trait;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, debug_span};

/// Asks again what was not answered; see the [module's words](crate::resilience).
///
/// Clones share one budget of repeats: have one for each service.
#[derive(Clone, Debug)]
pub struct Retry {
    policy: RetryPolicy,
    budget: Arc<Mutex<Budget>>,
    ids: Arc<dyn Ids>,
}

/// What asking came to, repeats included.
#[non_exhaustive]
#[derive(Debug)]
pub struct Retried {
    /// The identifier of the last message.
    pub message_id: MessageId,
    /// How many messages there were.
    pub attempts: u32,
    /// What the last one brought.
    pub result: Result<Answer, Error>,
}

/// What has to be known of repeats by whoever keeps the record (MSCA-AUD-02).
///
/// # Contract
///
/// * `before_retry` returns once it is on record that the message `failed` brought `error` and that `next`
///   is about to be sent. When that cannot be recorded, nothing is sent.
/// * `given_up` is ready when nobody wants the answer any more; while it is not, it is pending.
/// * Both may be dropped at any time.
#[async_trait]
pub trait RetryObserver: Send + Sync {
    /// Records a repeat before it is sent.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded. Then the question is not asked again.
    async fn before_retry(
        &self,
        failed: MessageId,
        error: &Error,
        next: MessageId,
    ) -> Result<(), Unrecorded>;

    /// Waits until nobody wants the answer any more. Ends a pause, but no attempt that is under way.
    async fn given_up(&self);
}

/// A repeat that could not be recorded, and so was not sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the repeat could not be recorded")]
pub struct Unrecorded;

/// A call for which there was no time left: nobody knows whether the last message arrived. Ask again later.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the time for the call was over")]
pub struct DeadlineExceeded;

impl Retry {
    /// Asks again by `policy`, with random pauses and identifiers.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        Self { budget: Arc::new(Mutex::new(Budget::of(&policy))), policy, ids: Arc::new(RandomIds) }
    }

    /// The same, with another source of identifiers, and of randomness.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// The same, by another policy, and out of the same budget.
    #[must_use]
    pub const fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// By which it asks again.
    #[must_use]
    pub const fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Asks `tracer`, first by the message `id`, then by others; `repeats` hears of each of these before it
    /// is sent. Needs a Tokio runtime with its timer.
    pub async fn trace(
        &self,
        tracer: &dyn Tracer,
        caller: &Caller,
        question: &Question,
        id: MessageId,
        repeats: &dyn RetryObserver,
    ) -> Retried {
        self.ask(id, repeats, |id| tracer.trace(caller, question, id)).await
    }

    /// The same, for somebody who will confirm the match.
    pub async fn trace_attended(
        &self,
        tracer: &dyn Tracer,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
        repeats: &dyn RetryObserver,
    ) -> Retried {
        self.ask(id, repeats, |id| tracer.trace_attended(user, question, id)).await
    }

    async fn ask<F: Future<Output = Result<Answer, Error>> + Send>(
        &self,
        id: MessageId,
        repeats: &dyn RetryObserver,
        send: impl Fn(MessageId) -> F + Send + Sync,
    ) -> Retried {
        let began = Instant::now();
        self.budget().call();
        let mut asked = Retried {
            message_id: id,
            attempts: 1,
            result: self.attempt(began, 1, id, &send).await,
        };
        let mut free = 0;
        loop {
            let Err(error) = &asked.result else { return asked };
            let elapsed = began.elapsed();
            let pause = if free == 0 && self.policy.is_free(error, elapsed) {
                free = 1;
                Some(Duration::ZERO)
            } else {
                self.pause(error, asked.attempts - free, elapsed)
            };
            let Some(pause) = pause else { return asked };
            if tokio::time::timeout(pause, repeats.given_up()).await.is_ok() {
                return asked;
            }
            let next = asked.message_id.repeat(&*self.ids);
            if repeats.before_retry(asked.message_id, error, next).await.is_err() {
                return asked;
            }
            telemetry::retried(error.kind());
            asked.message_id = next;
            asked.attempts += 1;
            asked.result = self.attempt(began, asked.attempts, next, &send).await;
        }
    }

    /// One attempt, given up when the call's time is over.
    async fn attempt<F: Future<Output = Result<Answer, Error>> + Send>(
        &self,
        began: Instant,
        number: u32,
        id: MessageId,
        send: &(impl Fn(MessageId) -> F + Sync),
    ) -> Result<Answer, Error> {
        let span = debug_span!("attempt", number, message_id = %id);
        let left = self.policy.total.saturating_sub(began.elapsed());
        match tokio::time::timeout(left, send(id).instrument(span)).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(ErrorKind::Unavailable).with_source(DeadlineExceeded)),
        }
    }

    fn pause(&self, error: &Error, failed: u32, elapsed: Duration) -> Option<Duration> {
        let pause = self.policy.pause(error, failed, elapsed, random(&*self.ids))?;
        let left = self.budget().take();
        if !left {
            telemetry::budget_spent();
        }
        left.then_some(pause)
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
