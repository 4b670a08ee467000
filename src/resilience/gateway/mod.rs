//! The one way to a service, which keeps the pace and leaves it alone when it does not work.
//!
//! A [`Gateway`] stands in front of a [`Tracer`] of one service, and everybody in the process who asks that
//! service goes through it: screens by [`Gateway::foreground`], the worker by [`Gateway::background`]. It hands
//! out turns by a [`RateLimit`], keeps to a [`CircuitBreaker`], and is where each message gets its span and its
//! [metrics](crate::resilience::telemetry).
//!
//! A question that is held back, because asking is suspended, is
//! [`ErrorKind::Unavailable`](crate::trace::ErrorKind::Unavailable) at once, without being sent; the error
//! says [until when](crate::trace::Error::suspended_until), and its source why. A suspension that is
//! about to end is waited for: a second in the foreground, ten in the background. Where the worker goes by
//! another clock than the machine's, give the circuit the same
//! ([`CircuitBreaker::with_clock`]), or "until when" is by the wrong one.
//!
//! ```
//! use nhs_pds::resilience::{
//!     CircuitBreakerState, Gateway, RateLimit, Retry, RetryPolicy, Retrying,
//! };
//! use nhs_pds::trace::ScriptedTracer;
//! use std::num::NonZeroU32;
//! use std::sync::Arc;
//!
//! // In earnest a client of a service.
//! let service = Arc::new(ScriptedTracer::new([]));
//! let ten = NonZeroU32::new(10).ok_or("zero")?;
//! let gate = Gateway::new(service).with_rate_limit(RateLimit::per_second(ten).with_burst(ten));
//!
//! // For screens. The worker gets `gate.background()`, and has retries of its own.
//! let screens = Retrying::new(gate.foreground(), Retry::new(RetryPolicy::foreground()));
//! assert_eq!(gate.status().circuit.state, CircuitBreakerState::Closed);
//! # Ok::<(), &str>(())
//! ```

mod handle;

use crate::resilience::{self, CircuitBreaker, Priority, RateLimit, RateLimiter, Waiting};
use crate::trace::Tracer;
use handle::Handle;
use std::sync::Arc;

/// Stands in front of one service; see the [module's words](crate::resilience). Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gateway {
    tracer: Arc<dyn Tracer>,
    limiter: RateLimiter,
    circuit: CircuitBreaker,
}

/// How things stand at a gate. Holds nothing about a person.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayStatus {
    /// Whether the service is asked, and if not, why.
    pub circuit: resilience::CircuitBreakerStatus,
    /// How many questions are under way.
    pub in_flight: u32,
    /// How many wait for a turn.
    pub waiting: Waiting,
}

impl Gateway {
    /// A gate to the service of `tracer`, by the default [`RateLimit`] and [circuit
    /// policy](crate::resilience::CircuitBreakerPolicy).
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>) -> Self {
        Self {
            tracer,
            limiter: RateLimiter::new(RateLimit::default()),
            circuit: CircuitBreaker::new(resilience::CircuitBreakerPolicy::default()),
        }
    }

    /// The same, by another pace. Call it before handing out handles.
    #[must_use]
    pub fn with_rate_limit(mut self, pace: RateLimit) -> Self {
        self.limiter = RateLimiter::new(pace);
        self
    }

    /// The same, with another circuit. Call it before handing out handles.
    #[must_use]
    pub fn with_circuit_breaker(mut self, circuit: CircuitBreaker) -> Self {
        self.circuit = circuit;
        self
    }

    /// For somebody who waits at a screen.
    #[must_use]
    pub fn foreground(&self) -> Arc<dyn Tracer> {
        self.handle(Priority::Foreground)
    }

    /// For the worker, which yields.
    #[must_use]
    pub fn background(&self) -> Arc<dyn Tracer> {
        self.handle(Priority::Background)
    }

    /// How things stand.
    #[must_use]
    pub fn status(&self) -> GatewayStatus {
        GatewayStatus {
            circuit: self.circuit.status(),
            in_flight: self.limiter.in_flight(),
            waiting: self.limiter.waiting(),
        }
    }

    fn handle(&self, priority: Priority) -> Arc<dyn Tracer> {
        Arc::new(Handle {
            tracer: Arc::clone(&self.tracer),
            limiter: self.limiter.clone(),
            circuit: self.circuit.clone(),
            priority,
        })
    }
}
