//! The services that tests run over: the client of each, with the simulator as its service.
//!
//! To add a service, add it to [`Face::ALL`]; the compiler then lists the other places.
#![cfg_attr(
    not(feature = "conformance"),
    allow(dead_code, reason = "the conformance suites use all of it")
)]

#[cfg(feature = "fhir")]
mod tokens;

use nhs_pds::smsp;
use nhs_pds::trace::{Caller, LocalIdentity, SmartcardIdentity, Tracer, User};
use nhs_pds::transport::Transport;
use nhs_pds_simulator::{Fault, Simulator};
use std::sync::Arc;

/// A service, as the simulator provides it and a client queries it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Face {
    Smsp,
    /// The FHIR API, queried by a system that signs its own assertions.
    #[cfg(feature = "fhir")]
    Fhir,
    /// The FHIR API, queried with the tokens of members of staff.
    #[cfg(feature = "fhir")]
    FhirForStaff,
}

/// The simulator's addresses, and the transport to it.
pub(crate) struct Way {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) smsp: String,
    #[cfg(feature = "fhir")]
    pub(crate) fhir: String,
    #[cfg(feature = "fhir")]
    pub(crate) token: String,
}

impl Way {
    /// With invented addresses, which a transport in this process ignores.
    pub(crate) fn over(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            smsp: "https://simulator.example/smsp/pds".into(),
            #[cfg(feature = "fhir")]
            fhir: "https://simulator.example/personal-demographics/FHIR/R4".into(),
            #[cfg(feature = "fhir")]
            token: "https://simulator.example/oauth2/token".into(),
        }
    }
}

impl Face {
    /// All of them.
    #[cfg(feature = "http")]
    pub(crate) const ALL: &[Self] = &[
        Self::Smsp,
        #[cfg(feature = "fhir")]
        Self::Fhir,
        #[cfg(feature = "fhir")]
        Self::FhirForStaff,
    ];

    /// The services that a system may query unattended.
    pub(crate) const UNATTENDED: &[Self] = &[
        Self::Smsp,
        #[cfg(feature = "fhir")]
        Self::Fhir,
    ];

    /// A client of this service at `simulator`, over this transport.
    #[cfg_attr(
        not(feature = "fhir"),
        expect(unused_variables, reason = "only the tokens of the FHIR API need the simulator")
    )]
    pub(crate) fn client(self, simulator: &Simulator, way: &Way) -> Arc<dyn Tracer> {
        let transport = Arc::clone(&way.transport);
        #[cfg(feature = "fhir")]
        let config = || nhs_pds::fhir::Config::new(way.fhir.parse().unwrap());
        match self {
            Self::Smsp => {
                let config = smsp::Config::new(way.smsp.parse().unwrap(), us());
                Arc::new(smsp::Client::new(config, transport))
            }
            #[cfg(feature = "fhir")]
            Self::Fhir => {
                let tokens = tokens::of_application(simulator, &way.token, Arc::clone(&transport));
                let client = nhs_pds::fhir::Client::application_restricted;
                Arc::new(client(config(), tokens, transport))
            }
            #[cfg(feature = "fhir")]
            Self::FhirForStaff => {
                let tokens = Arc::new(tokens::OfStaff::of(simulator));
                let client = nhs_pds::fhir::Client::healthcare_worker;
                Arc::new(client(config(), tokens, transport))
            }
        }
    }

    /// A client that queries `simulator` in this process.
    pub(crate) fn in_process(self, simulator: &Simulator) -> Arc<dyn Tracer> {
        self.client(simulator, &Way::over(Arc::new(simulator.clone())))
    }

    /// The caller of this service.
    #[cfg(feature = "http")]
    pub(crate) fn caller(self) -> Caller {
        match self {
            Self::Smsp => Caller::System(us()),
            #[cfg(feature = "fhir")]
            Self::Fhir => Caller::System(us()),
            #[cfg(feature = "fhir")]
            Self::FhirForStaff => user().into(),
        }
    }

    /// The fault for invalid data of a query.
    pub(crate) fn rejection(self) -> Fault {
        match self {
            Self::Smsp => Fault::code("SMSP-0001"),
            #[cfg(feature = "fhir")]
            Self::Fhir | Self::FhirForStaff => Fault::code("INVALID_SEARCH_DATA"),
        }
    }

    /// The code of an answer from a copy while the Spine cannot be reached, if the service has one.
    #[cfg(feature = "sqlite")]
    pub(crate) const fn stale(self) -> Option<&'static str> {
        match self {
            Self::Smsp => Some("SMSP-0003"),
            #[cfg(feature = "fhir")]
            Self::Fhir | Self::FhirForStaff => None,
        }
    }

    /// Whether a search finds records whose numbers were superseded, and returns that they are.
    #[cfg(feature = "http")]
    pub(crate) const fn finds_superseded(self) -> bool {
        match self {
            Self::Smsp => true,
            #[cfg(feature = "fhir")]
            Self::Fhir | Self::FhirForStaff => false,
        }
    }

    /// Whether the service returns that a record is restricted.
    #[cfg(feature = "http")]
    pub(crate) const fn tells_restrictions(self) -> bool {
        match self {
            Self::Smsp => false,
            #[cfg(feature = "fhir")]
            Self::Fhir | Self::FhirForStaff => true,
        }
    }
}

pub(crate) fn us() -> LocalIdentity {
    LocalIdentity::new("RHM".parse().unwrap(), "worker").unwrap()
}

/// A user.
#[cfg(feature = "http")]
pub(crate) fn user() -> User {
    User::Smartcard(SmartcardIdentity::new("1234567890", "555000000123").unwrap())
}
