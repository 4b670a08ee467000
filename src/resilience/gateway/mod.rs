//! The gateway: rate limiter, circuit breaker and priority in front of one service.
//!
//! A [`Gateway`] wraps the [`Tracer`] of one service. All callers in the process use it: users through
//! [`Gateway::foreground`], the worker through [`Gateway::background`]. It applies a [`RateLimit`] and a
//! [`CircuitBreaker`], and records a span and [metrics](crate::resilience::telemetry) for each message.
//!
//! While queries are suspended, a question is not sent. It fails at once with
//! [`ErrorKind::Unavailable`](crate::trace::ErrorKind::Unavailable). The error contains [the end of
//! the suspension](crate::trace::Error::suspended_until), and its source the reason. If the
//! suspension ends soon, the call waits: up to one second in the foreground, ten in the background.
//! If the worker does not use the machine's clock, give the circuit breaker the worker's clock
//! ([`CircuitBreaker::with_clock`]), or that time is wrong.
//!
//! ```
//! use nhs_pds::resilience::{
//!     CircuitBreakerState, Gateway, RateLimit, Retry, RetryPolicy, Retrying,
//! };
//! use nhs_pds::trace::ScriptedTracer;
//! use std::num::NonZeroU32;
//! use std::sync::Arc;
//!
//! // A real program uses a client of a service.
//! let service = Arc::new(ScriptedTracer::new([]));
//! let ten = NonZeroU32::new(10).ok_or("zero")?;
//! let gateway = Gateway::new(service).with_rate_limit(RateLimit::per_second(ten).with_burst(ten));
//!
//! // For users. The worker gets `gateway.background()`, and has its own retries.
//! let screens = Retrying::new(gateway.foreground(), Retry::new(RetryPolicy::foreground()));
//! assert_eq!(gateway.status().circuit_breaker.state, CircuitBreakerState::Closed);
//! # Ok::<(), &str>(())
//! ```

mod handle;

use crate::resilience;
use crate::resilience::circuit_breaker::state::CircuitBreaker;
use crate::resilience::rate_limit::allowance::{Allowance, Share};
use crate::resilience::rate_limit::priority::{Priority, Waiting};
use crate::resilience::rate_limit::rate::RateLimit;
use crate::tenant::Labels;
use crate::trace::Tracer;
use handle::Handle;
use std::num::NonZeroU32;
use std::sync::Arc;

/// The gateway to one service; see the [module](crate::resilience). Clones share its state.
#[derive(Clone, Debug)]
pub struct Gateway {
    tracer: Arc<dyn Tracer>,
    share: Share,
    circuit: CircuitBreaker,
    labels: Labels,
}

/// The status of a gateway. Contains no personal data.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct GatewayStatus {
    /// Whether queries are sent, and if not, why.
    pub circuit_breaker: resilience::CircuitBreakerStatus,
    /// How many of its questions are in progress.
    pub in_flight: u32,
    /// How many of its callers wait for a permit.
    pub waiting: Waiting,
}

impl Gateway {
    /// Creates a gateway to the service of `tracer`, with the default [`RateLimit`] and [circuit breaker
    /// policy](crate::resilience::CircuitBreakerPolicy).
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>) -> Self {
        Self {
            tracer,
            share: alone(RateLimit::default()),
            circuit: CircuitBreaker::new(resilience::CircuitBreakerPolicy::default()),
            labels: Labels::default(),
        }
    }

    /// Sets a rate limit that no other gateway uses. Call it before creating handles.
    #[must_use]
    pub fn with_rate_limit(self, rate_limit: RateLimit) -> Self {
        self.with_share(alone(rate_limit))
    }

    /// Takes permits from a share of an [`Allowance`], which other gateways use too. Call it before creating handles.
    #[must_use]
    pub fn with_share(mut self, share: Share) -> Self {
        self.share = share;
        self
    }

    /// Sets the labels of the [metrics](crate::resilience::telemetry) of this gateway and its circuit breaker. Call it
    /// before creating handles.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Sets the circuit breaker. Call it before creating handles.
    #[must_use]
    pub fn with_circuit_breaker(mut self, circuit: CircuitBreaker) -> Self {
        self.circuit = circuit;
        self
    }

    /// Returns the tracer for callers with a waiting user.
    #[must_use]
    pub fn foreground(&self) -> Arc<dyn Tracer> {
        self.handle(Priority::Foreground)
    }

    /// Returns the tracer for the worker, which gives way to users.
    #[must_use]
    pub fn background(&self) -> Arc<dyn Tracer> {
        self.handle(Priority::Background)
    }

    /// Returns the current status.
    #[must_use]
    pub fn status(&self) -> GatewayStatus {
        GatewayStatus {
            circuit_breaker: self.circuit.status(),
            in_flight: self.share.0.in_flight(),
            waiting: self.share.0.waiting(),
        }
    }

    fn handle(&self, priority: Priority) -> Arc<dyn Tracer> {
        Arc::new(Handle {
            tracer: Arc::clone(&self.tracer),
            lane: self.share.0.clone(),
            circuit: self.circuit.clone().with_labels(self.labels.clone()),
            labels: self.labels.clone(),
            priority,
        })
    }
}

/// The only share of an allowance.
fn alone(rate_limit: RateLimit) -> Share {
    Allowance::new(rate_limit).share(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::circuit_breaker::state::{CircuitBreakerStatus, Suspended};
    use crate::trace::{CircuitBreakerState, ErrorKind};
    use chrono::DateTime;
    use serde_json::{json, to_value};

    #[test]
    fn a_status_as_json() {
        let suspended = Suspended {
            since: DateTime::UNIX_EPOCH,
            until: DateTime::UNIX_EPOCH,
            reason: ErrorKind::Unavailable,
            code: Some("SMSP-0004".into()),
            cause: None,
            alone: false,
        };
        let status = GatewayStatus {
            circuit_breaker: CircuitBreakerStatus {
                state: CircuitBreakerState::Open,
                suspended: Some(suspended),
            },
            in_flight: 2,
            waiting: Waiting { foreground: 1, background: 3 },
        };
        let expected = json!({
            "circuit_breaker": {
                "state": "open",
                "suspended": {
                    "since": "1970-01-01T00:00:00Z",
                    "until": "1970-01-01T00:00:00Z",
                    "reason": "unavailable",
                    "code": "SMSP-0004",
                    "cause": null,
                },
            },
            "in_flight": 2,
            "waiting": { "foreground": 1, "background": 3 },
        });
        assert_eq!(to_value(&status).unwrap(), expected);
    }
}
