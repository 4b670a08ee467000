use crate::resilience::circuit_breaker::state::{CircuitBreaker, Suspended, Ticket};
use crate::resilience::circuit_breaker::subject::Subject;
use crate::resilience::rate_limit::limiter::{Lane, Permit};
use crate::resilience::rate_limit::priority::Priority;
use crate::resilience::rate_limit::shared::SharedRateError;
use crate::resilience::telemetry;
use crate::tenant::Labels;
use crate::trace::{
    Answer, Attended, Breadth, Caller, Error, ErrorKind, Exchange, MessageId, Mode, Question,
    ServiceStatus, Tracer, User,
};
use async_trait::async_trait;
use chrono::TimeDelta;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, Span, debug, debug_span, field};

/// How long a call waits for a suspension to end.
const FOREGROUND_PATIENCE: Duration = Duration::from_secs(1);
const BACKGROUND_PATIENCE: Duration = Duration::from_secs(10);

/// When to send a question again that got no permit, because the shared rate limit did not answer.
const NO_PERMIT: TimeDelta = TimeDelta::seconds(2);

/// The gateway for callers of one priority.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) tracer: Arc<dyn Tracer>,
    pub(super) lane: Lane,
    pub(super) circuit: CircuitBreaker,
    pub(super) priority: Priority,
    pub(super) labels: Labels,
}

/// Why a question was not sent.
enum NotSent {
    Suspended(Suspended),
    NoPermit(SharedRateError),
}

impl Handle {
    /// Waits for a rate-limit permit and for the circuit breaker. Returns a permit that arrives
    /// during a suspension, so that waiting callers do not all start at once when it ends.
    async fn enter(
        &self,
        subject: Subject,
        patience: Duration,
    ) -> Result<(Permit, Ticket), NotSent> {
        let began = Instant::now();
        loop {
            let left = patience.saturating_sub(began.elapsed());
            self.circuit.wait(subject, left).await.map_err(NotSent::Suspended)?;
            let permit = self.turn(subject, patience).await?;
            match self.circuit.enter(subject) {
                Ok(ticket) => return Ok((permit, ticket)),
                Err(suspended) if began.elapsed() >= patience => {
                    return Err(NotSent::Suspended(suspended));
                }
                Err(_) => {}
            }
        }
    }

    /// Waits for a permit. If queries are suspended meanwhile, returns at once, also to callers far
    /// back in the queue.
    async fn turn(&self, subject: Subject, patience: Duration) -> Result<Permit, NotSent> {
        let mut turn = pin!(self.lane.enter(self.priority, patience, &self.labels));
        let mut suspension = pin!(self.circuit.suspension(subject, patience));
        poll_fn(|context| match turn.as_mut().poll(context) {
            Poll::Ready(permit) => Poll::Ready(permit.map_err(NotSent::NoPermit)),
            Poll::Pending => {
                suspension.as_mut().poll(context).map(|why| Err(NotSent::Suspended(why)))
            }
        })
        .await
    }

    fn not_sent(&self, why: NotSent) -> Error {
        match why {
            NotSent::Suspended(suspended) => suspended.into(),
            NotSent::NoPermit(error) => Error::new(ErrorKind::Unavailable)
                .with_suspended_until(self.circuit.now() + NO_PERMIT)
                .with_source(error),
        }
    }

    /// Waits, sends, and reports the result to the circuit breaker, the span and the metrics.
    async fn ask<M: Mode, F: Future<Output = Result<Answer, Error>> + Send>(
        &self,
        question: &Question<M>,
        id: MessageId,
        send: impl FnOnce() -> F + Send,
    ) -> Result<Answer, Error> {
        let subject = self.circuit.subject(question);
        let (question, priority) = (question.as_str(), self.priority.as_str());
        let span = debug_span!(
            "request",
            message_id = %id,
            question,
            priority,
            service = field::Empty,
            operation = field::Empty,
            code = field::Empty,
            outcome = field::Empty,
            duration_ms = field::Empty,
        );
        let asking = async {
            let patience = match self.priority {
                Priority::Foreground => FOREGROUND_PATIENCE,
                Priority::Background => BACKGROUND_PATIENCE,
            };
            let (permit, ticket) =
                self.enter(subject, patience).await.map_err(|why| self.not_sent(why))?;
            let began = Instant::now();
            let result = send().await;
            let took = began.elapsed();
            ticket.settle(&result);
            drop(permit);
            record(&result, took);
            telemetry::requested(&self.labels, question, telemetry::outcome(&result), took);
            #[cfg(feature = "transport")]
            if let Some(skew) = self.tracer.clock_skew() {
                telemetry::clock_skew(&self.labels, skew);
            }
            result
        };
        let result = asking.instrument(span).await;
        if let Err(error) = &result
            && error.suspended_until().is_some()
        {
            telemetry::held_back(&self.labels, priority);
        }
        result
    }
}

/// Records a message's codes and times on the current span. Records no personal data.
fn record(result: &Result<Answer, Error>, took: Duration) {
    let span = Span::current();
    let exchange = match result {
        Ok(answer) => Some(&answer.exchange),
        Err(error) => error.exchange(),
    };
    if let Some(Exchange { service, operation, code, .. }) = exchange {
        span.record("service", service.as_str());
        span.record("operation", operation.as_str());
        if let Some(code) = code {
            span.record("code", code.as_str());
        }
    }
    let outcome = telemetry::outcome(result);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.record("outcome", outcome);
    span.record("duration_ms", duration_ms);
    debug!(outcome, duration_ms, "answered");
}

#[async_trait]
impl Tracer for Handle {
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.ask(question, id, || self.tracer.trace(caller, question, id)).await
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.ask(question, id, || self.tracer.trace_attended(user, question, id)).await
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
        let (limit, circuit) = (self.lane.limit(), self.circuit.status());
        let mut status = self.tracer.service_status();
        status.per_second = Some(limit.per_second.get());
        status.in_flight = Some(limit.in_flight.get());
        status.circuit_breaker = Some(circuit.state);
        status.suspended_since = circuit.suspended.as_ref().map(|suspended| suspended.since);
        status.suspended_until = circuit.suspended.as_ref().map(|suspended| suspended.until);
        status
    }
}
