use crate::ids::{Ids, RandomIds, random};
use crate::resilience::retry::budget::Budget;
use crate::resilience::retry::policy::RetryPolicy;
use crate::resilience::telemetry;
use crate::tenant::Labels;
use crate::trace::{Answer, Attended, Caller, Error, ErrorKind, MessageId, Question, Tracer, User};
use async_trait::async_trait;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, debug_span};

/// Retries questions that were not answered; see the [module](crate::resilience).
///
/// Clones share one budget: use one `Retry` for each service.
#[derive(Clone, Debug)]
pub struct Retry {
    policy: RetryPolicy,
    budget: Arc<Mutex<Budget>>,
    ids: Arc<dyn Ids>,
    labels: Labels,
}

/// The result of a call, including its retries.
#[derive(Debug)]
pub(crate) struct Retried {
    /// The identifier of the last message.
    pub message_id: MessageId,
    /// The number of messages sent.
    pub attempts: u32,
    /// The result of the last message.
    pub result: Result<Answer, Error>,
}

/// Informs the caller of retries, for the audit trail (MSCA-AUD-02).
///
/// # Contract
///
/// * `before_retry` returns when two facts are on record: the message `failed` ended with `error`,
///   and `next` is about to be sent. If it returns an error, nothing is sent.
/// * `given_up` completes when the caller no longer wants the answer. Until then it stays pending.
/// * Both futures may be dropped at any time.
#[async_trait]
pub trait RetryObserver: Send + Sync {
    /// Records a retry before it is sent.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded. The question is then not retried.
    async fn before_retry(
        &self,
        failed: MessageId,
        error: &Error,
        next: MessageId,
    ) -> Result<(), Unrecorded>;

    /// Waits until the caller no longer wants the answer. Ends a pause, but not an attempt in
    /// progress. A retry without a pause does not call it.
    async fn given_up(&self);
}

/// A retry that could not be recorded, and so was not sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the retry could not be recorded")]
pub struct Unrecorded;

/// The call's deadline has passed. It is not known whether the last message arrived. Try again
/// later.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the deadline of the call was exceeded")]
pub struct DeadlineExceeded;

impl Retry {
    /// Creates a `Retry` with this policy, and random pauses and identifiers.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        Self {
            budget: Arc::new(Mutex::new(Budget::of(&policy))),
            policy,
            ids: Arc::new(RandomIds),
            labels: Labels::default(),
        }
    }

    /// Sets the source of identifiers and of randomness.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets the labels of its [metrics](crate::resilience::telemetry).
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Replaces the policy. Keeps the budget.
    #[must_use]
    pub const fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Returns the policy.
    #[must_use]
    pub const fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Sends `question` to `tracer`, first in the message `id`, then in others. Calls `repeats`
    /// before each of these. Needs a Tokio runtime with its timer.
    pub(crate) async fn trace(
        &self,
        tracer: &dyn Tracer,
        caller: &Caller,
        question: &Question,
        id: MessageId,
        repeats: &dyn RetryObserver,
    ) -> Retried {
        self.ask(id, repeats, |id| tracer.trace(caller, question, id)).await
    }

    /// As [`trace`](Self::trace), on behalf of a user who will confirm the match.
    pub(crate) async fn trace_attended(
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
            if !pause.is_zero() && tokio::time::timeout(pause, repeats.given_up()).await.is_ok() {
                return asked;
            }
            let next = asked.message_id.repeat(&*self.ids);
            if repeats.before_retry(asked.message_id, error, next).await.is_err() {
                return asked;
            }
            telemetry::retried(&self.labels, error.kind());
            asked.message_id = next;
            asked.attempts += 1;
            asked.result = self.attempt(began, asked.attempts, next, &send).await;
        }
    }

    /// Makes one attempt, and cancels it at the call's deadline.
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
            telemetry::budget_spent(&self.labels);
        }
        left.then_some(pause)
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
