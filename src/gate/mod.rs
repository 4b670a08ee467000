//! The one way to a service, which keeps the pace and leaves it alone when it does not work.
//!
//! A [`Gate`] stands in front of a [`Tracer`] of one service, and everybody in the process who asks that
//! service goes through it: screens by [`Gate::foreground`], the worker by [`Gate::background`]. It hands
//! out turns by a [`Pace`], keeps to a [`Circuit`], and is where each message gets its span and its
//! [metrics](crate::telemetry).
//!
//! A question that is held back, because asking is suspended, is
//! [`ErrorKind::Unavailable`](crate::trace::ErrorKind::Unavailable) at once, without being sent; the error
//! says [until when](crate::trace::Error::held_back_until), and its source why. A suspension that is
//! about to end is waited for: a second in the foreground, ten in the background. Where the worker goes by
//! another clock than the machine's, give the circuit the same
//! ([`Circuit::with_clock`]), or "until when" is by the wrong one.
//!
//! ```
//! use nhs_pds::circuit::State;
//! use nhs_pds::gate::Gate;
//! use nhs_pds::pace::Pace;
//! use nhs_pds::retry::{Policy, Retry, Retrying};
//! use nhs_pds::trace::ScriptedTracer;
//! use std::num::NonZeroU32;
//! use std::sync::Arc;
//!
//! // In earnest a client of a service.
//! let service = Arc::new(ScriptedTracer::new([]));
//! let ten = NonZeroU32::new(10).ok_or("zero")?;
//! let gate = Gate::new(service).with_pace(Pace::per_second(ten).with_burst(ten));
//!
//! // For screens. The worker gets `gate.background()`, and has retries of its own.
//! let screens = Retrying::new(gate.foreground(), Retry::new(Policy::foreground()));
//! assert_eq!(gate.status().circuit.state, State::Closed);
//! # Ok::<(), &str>(())
//! ```

mod handle;

use crate::circuit::{self, Circuit};
use crate::pace::{Limiter, Pace, Priority, Waiting};
use crate::trace::Tracer;
use handle::Handle;
use std::sync::Arc;

/// Stands in front of one service; see the [module's words](crate::gate). Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    tracer: Arc<dyn Tracer>,
    limiter: Limiter,
    circuit: Circuit,
}

/// How things stand at a gate. Holds nothing about a person.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// Whether the service is asked, and if not, why.
    pub circuit: circuit::Status,
    /// How many questions are under way.
    pub in_flight: u32,
    /// How many wait for a turn.
    pub waiting: Waiting,
}

impl Gate {
    /// A gate to the service of `tracer`, by the default [`Pace`] and [circuit
    /// policy](crate::circuit::Policy).
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>) -> Self {
        Self {
            tracer,
            limiter: Limiter::new(Pace::default()),
            circuit: Circuit::new(circuit::Policy::default()),
        }
    }

    /// The same, by another pace. Call it before handing out handles.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.limiter = Limiter::new(pace);
        self
    }

    /// The same, with another circuit. Call it before handing out handles.
    #[must_use]
    pub fn with_circuit(mut self, circuit: Circuit) -> Self {
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
    pub fn status(&self) -> Status {
        Status {
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
