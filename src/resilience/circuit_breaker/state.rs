use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds, random};
use crate::resilience::circuit_breaker::breaker::{Breaker, Leave, Phase};
use crate::resilience::circuit_breaker::policy::CircuitBreakerPolicy;
use crate::resilience::circuit_breaker::subject::{Key, Subject};
use crate::resilience::telemetry;
use crate::tenant::Labels;
use crate::trace::{Answer, CircuitBreakerState, Error, ErrorKind, Mode, Question};
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A circuit breaker. Clones share its state.
///
/// ```
/// use nhs_pds::resilience::{CircuitBreaker, CircuitBreakerPolicy, CircuitBreakerState};
///
/// let circuit = CircuitBreaker::new(CircuitBreakerPolicy::default());
/// assert_eq!(circuit.status().state, CircuitBreakerState::Closed);
/// ```
#[derive(Clone, Debug)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    labels: Labels,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    changed: Notify,
    key: Key,
}

#[derive(Debug)]
struct Inner {
    breaker: Breaker,
    /// When the circuit breaker's time began.
    began: Option<Instant>,
    last: Option<Failure>,
}

/// The last failure.
#[derive(Clone, Debug)]
struct Failure {
    kind: ErrorKind,
    code: Option<String>,
    cause: Option<String>,
}

/// The value of the gauge of a state.
const fn gauge(state: CircuitBreakerState) -> u32 {
    match state {
        CircuitBreakerState::Closed => 0,
        CircuitBreakerState::Probing => 1,
        CircuitBreakerState::Open => 2,
    }
}

/// Whether queries are sent, and if not, since when and why. Contains no personal data.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct CircuitBreakerStatus {
    /// The state.
    pub state: CircuitBreakerState,
    /// Why queries are suspended, unless the state is closed.
    pub suspended: Option<Suspended>,
}

/// Why a question was not sent: queries are suspended. Try again at `until`.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Suspended {
    /// When queries were suspended.
    pub since: DateTime<Utc>,
    /// When the next query may be sent.
    pub until: DateTime<Utc>,
    /// Why the last query failed.
    pub reason: ErrorKind,
    /// The service's code for that failure, if it returned one.
    pub code: Option<String>,
    /// The [causes](Error::cause) of that failure, if it had any.
    pub cause: Option<String>,
    /// Whether only the case of the question waits, because it failed before: see
    /// [`Error::is_suspended_alone`]. `Serialize` leaves it out.
    #[serde(skip)]
    pub alone: bool,
}

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: DateTime<Utc>| time.format("%H:%M:%SZ");
        write!(f, "queries are suspended since {}: {}", time(self.since), self.reason)?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        write!(f, "; again at {}", time(self.until))
    }
}

impl std::error::Error for Suspended {}

impl From<Suspended> for Error {
    fn from(suspended: Suspended) -> Self {
        let error = Self::new(ErrorKind::Unavailable).with_suspended_until(suspended.until);
        let error = if suspended.alone { error.with_suspended_alone() } else { error };
        error.with_source(suspended)
    }
}

/// A call cancelled after this long counts as a failure.
const IN_VAIN: Duration = Duration::from_secs(10);

/// Permission to send one query. Reports its result to the circuit breaker.
#[derive(Debug)]
pub(crate) struct Ticket {
    circuit: CircuitBreaker,
    leave: Option<Leave>,
    /// When it was given.
    at: Duration,
}

impl CircuitBreaker {
    /// Creates a closed circuit breaker that uses the machine's clock.
    #[must_use]
    pub fn new(policy: CircuitBreakerPolicy) -> Self {
        let inner = Inner { breaker: Breaker::new(policy), began: None, last: None };
        let shared =
            Shared { inner: Mutex::new(inner), changed: Notify::new(), key: Key::default() };
        Self {
            shared: Arc::new(shared),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            labels: Labels::default(),
        }
    }

    /// Sets the clock for the times it reports. (The runtime's timer measures the pauses.)
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the source of randomness.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets the labels of its metrics.
    #[must_use]
    pub(crate) fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// The current time, for what it reports.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Returns whether queries are sent. Contains no personal data.
    #[must_use]
    pub fn status(&self) -> CircuitBreakerStatus {
        let mut inner = self.inner();
        let now = inner.now();
        let state = inner.state();
        let due = match inner.breaker.phase {
            Phase::Open { until } => Some(until),
            Phase::Closed | Phase::Probing { .. } => None,
        };
        let suspended =
            (state != CircuitBreakerState::Closed).then(|| self.suspended(&inner, None, now, due));
        CircuitBreakerStatus { state, suspended }
    }

    /// Returns the subject of a question: what its failures count for.
    pub(crate) fn subject<M: Mode>(&self, question: &Question<M>) -> Subject {
        self.shared.key.subject(question)
    }

    /// Permits a query about `subject`, or returns why it is suspended.
    pub(crate) fn enter(&self, subject: Subject) -> Result<Ticket, Suspended> {
        let mut inner = self.inner();
        let now = inner.now();
        match inner.breaker.admit(subject, now) {
            Ok(leave) => {
                telemetry::circuit_state(&self.labels, gauge(inner.state()));
                Ok(Ticket { circuit: self.clone(), leave: Some(leave), at: now })
            }
            Err(due) => Err(self.suspended(&inner, Some(subject), now, due)),
        }
    }

    /// Returns why a query about `subject` is suspended now, or nothing if it may be permitted.
    fn why_suspended(&self, subject: Subject) -> Option<Suspended> {
        let mut inner = self.inner();
        let now = inner.now();
        let due = inner.breaker.ask(subject, now).err()?;
        Some(self.suspended(&inner, Some(subject), now, due))
    }

    /// Waits until a query about `subject` may be permitted, for up to `patience`; else returns why
    /// it is suspended.
    pub(crate) async fn wait(&self, subject: Subject, patience: Duration) -> Result<(), Suspended> {
        let began = Instant::now();
        loop {
            let changed = self.shared.changed.notified();
            let Some(suspended) = self.why_suspended(subject) else { return Ok(()) };
            let wait = (suspended.until - self.clock.now()).to_std().unwrap_or_default();
            if wait.is_zero() {
                return Ok(());
            }
            let left = patience.saturating_sub(began.elapsed());
            if wait > left {
                return Err(suspended);
            }
            let _ = tokio::time::timeout(wait, changed).await;
        }
    }

    /// Waits until queries about `subject` are suspended for longer than `patience`, and returns
    /// why.
    pub(crate) async fn suspension(&self, subject: Subject, patience: Duration) -> Suspended {
        loop {
            let changed = self.shared.changed.notified();
            if let Err(suspended) = self.wait(subject, patience).await {
                return suspended;
            }
            changed.await;
        }
    }

    /// Records a failure, which may suspend queries. `error` is `None` for a cancelled call.
    fn fail(&self, inner: &mut Inner, leave: Leave, now: Duration, error: Option<&Error>) {
        let exchange = error.and_then(Error::exchange);
        let kind = error.map_or(ErrorKind::Unavailable, Error::kind);
        let code = exchange.and_then(|it| it.code.clone());
        let cause = error.and_then(Error::cause);
        inner.last = Some(Failure { kind, code, cause: cause.clone() });
        let asked_for = error.and_then(Error::retry_after);
        if inner.breaker.failed(leave, now, asked_for, random(&*self.ids)) {
            telemetry::circuit_opened(&self.labels);
            let cause = cause.as_deref();
            tracing::warn!(reason = kind.as_str(), cause, "queries are suspended");
        }
    }

    /// Notifies waiting callers after a query has ended.
    fn notify(&self, inner: MutexGuard<'_, Inner>) {
        telemetry::circuit_state(&self.labels, gauge(inner.state()));
        drop(inner);
        self.shared.changed.notify_waiters();
    }

    /// Returns why queries, or those about `subject`, are suspended until `due`.
    fn suspended(
        &self,
        inner: &Inner,
        subject: Option<Subject>,
        now: Duration,
        due: Option<Duration>,
    ) -> Suspended {
        let since = inner.breaker.suspended.unwrap_or(now);
        // Until the probe ends. That time is not known, but is usually short.
        let until = due.unwrap_or_else(|| now.saturating_add(Duration::from_millis(500)));
        let told = self.clock.now();
        // A pause may be longer than the type can express.
        let delta = |time: Duration| TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        let after = |time| told.checked_add_signed(delta(time));
        let before = |time| told.checked_sub_signed(delta(time));
        Suspended {
            since: before(now.saturating_sub(since)).unwrap_or(told),
            until: after(until.saturating_sub(now)).unwrap_or(DateTime::<Utc>::MAX_UTC),
            reason: inner.last.as_ref().map_or(ErrorKind::Unavailable, |last| last.kind),
            code: inner.last.as_ref().and_then(|last| last.code.clone()),
            cause: inner.last.as_ref().and_then(|last| last.cause.clone()),
            alone: subject.is_some_and(|subject| inner.breaker.is_alone(subject, now)),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn now(&mut self) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(*self.began.get_or_insert(now))
    }

    const fn state(&self) -> CircuitBreakerState {
        match self.breaker.phase {
            Phase::Closed => CircuitBreakerState::Closed,
            Phase::Open { .. } => CircuitBreakerState::Open,
            Phase::Probing { .. } => CircuitBreakerState::Probing,
        }
    }
}

impl Ticket {
    /// Reports the result of the query.
    pub(crate) fn settle(mut self, result: &Result<Answer, Error>) {
        let Some(leave) = self.leave.take() else { return };
        let mut inner = self.circuit.inner();
        let now = inner.now();
        match result.as_ref().map_err(Error::kind) {
            // The server closed an idle connection. After a restart, all idle connections end like
            // this.
            Err(_) if result.as_ref().is_err_and(Error::is_lost_on_reuse) => {
                inner.breaker.left(leave);
            }
            Err(ErrorKind::Unavailable | ErrorKind::Unreadable) => {
                self.circuit.fail(&mut inner, leave, now, result.as_ref().err());
            }
            // A wrong certificate, address or proxy does not show whether the service works. Nor
            // does a question that was rejected before a message was built.
            Err(ErrorKind::Configuration) => inner.breaker.left(leave),
            Err(ErrorKind::Rejected)
                if result.as_ref().is_err_and(|it| it.exchange().is_none()) =>
            {
                inner.breaker.left(leave);
            }
            _ => {
                let was_suspended = inner.breaker.suspended.is_some();
                inner.breaker.succeeded(leave);
                if was_suspended && inner.breaker.suspended.is_none() {
                    tracing::info!("queries resumed");
                }
            }
        }
        self.circuit.notify(inner);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(leave) = self.leave.take() else { return };
        let mut inner = self.circuit.inner();
        let now = inner.now();
        if now.saturating_sub(self.at) >= IN_VAIN {
            self.circuit.fail(&mut inner, leave, now, None);
        } else {
            inner.breaker.left(leave);
        }
        self.circuit.notify(inner);
    }
}
