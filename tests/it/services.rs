//! The services that tests of what stands above them run over: each by its own client and the simulator's
//! face for it.
//!
//! Whoever adds a service adds it to [`Face::ALL`], and the compiler asks for the rest.

use nhs_pds::simulator::{Fault, Simulator};
use nhs_pds::smsp;
use nhs_pds::trace::{LocalIdentity, Tracer};
use nhs_pds::transport::Transport;
use std::sync::Arc;

/// A service, as the simulator shows it and a client asks it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Face {
    Smsp,
}

impl Face {
    pub(crate) const ALL: [Self; 1] = [Self::Smsp];

    /// A client of this service at `address`, which is the simulator's, over `transport`.
    pub(crate) fn client(self, address: &str, transport: Arc<dyn Transport>) -> Arc<dyn Tracer> {
        match self {
            Self::Smsp => {
                let config = smsp::Config::new(address.parse().unwrap(), us());
                Arc::new(smsp::Client::new(config, transport))
            }
        }
    }

    /// A client that asks `simulator` in this process.
    pub(crate) fn in_process(self, simulator: &Simulator) -> Arc<dyn Tracer> {
        self.over(Arc::new(simulator.clone()))
    }

    /// A client of this service over a transport that goes nowhere by its address.
    pub(crate) fn over(self, transport: Arc<dyn Transport>) -> Arc<dyn Tracer> {
        match self {
            Self::Smsp => self.client("https://simulator.example/smsp/pds", transport),
        }
    }

    /// What this service says when it finds fault with the data of a question.
    pub(crate) fn rejection(self) -> Fault {
        match self {
            Self::Smsp => Fault::code("SMSP-0001"),
        }
    }

    /// The code with which this service answers from a copy when the Spine cannot be reached, if it does.
    #[cfg(feature = "sqlite")]
    pub(crate) const fn stale(self) -> Option<&'static str> {
        match self {
            Self::Smsp => Some("SMSP-0003"),
        }
    }
}

pub(crate) fn us() -> LocalIdentity {
    LocalIdentity::new("RHM".parse().unwrap(), "worker").unwrap()
}
