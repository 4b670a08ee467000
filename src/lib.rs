//! NHS Numbers found, verified and kept, through the NHS Personal Demographics Service (PDS), for
//! social-care software.
//!
//! # A guided tour
//!
//! Start with the values. An [`NhsNumber`] cannot hold a number whose check digit is wrong, and
//! [`demographics`] has the particulars by which people are found, in the terms of the NHS Data
//! Dictionary.
//!
//! Then the crate's one question. A [`Tracer`] answers whether a number is a person's, who a person
//! is, and what is held under a number; [`trace`] has the questions, the [`Outcome`]s and the errors,
//! and knows of no service. Two answer: `smsp` (feature `smsp`), a commercial Spine Mini Service, and
//! `fhir` (feature `fhir`), the PDS FHIR API; both over a [`transport`], of which `transport::http`
//! (feature `http`) is HTTPS with mutual TLS.
//!
//! "Found" does not yet mean that it is the person: a namesake or a twin may be on PDS while the person is
//! not. [`matching::find`] asks and compares in one step, and is the question to begin with.
//!
//! Then the way there. A [gateway](resilience::Gateway) stands in front of a service: it keeps the [rate limit](resilience::RateLimit) that the provider
//! allows, lets whoever waits at a screen go before the worker, and leaves the service alone while it does
//! not work ([circuit breaker](resilience::CircuitBreaker)); [`Retry`](resilience::Retry) asks again what was not answered; [`telemetry`](resilience::telemetry) says what can be
//! measured of it.
//!
//! Then the job. A [`case`] is a client's record in the local system; the [process](process) goes through a
//! store of cases on a schedule, asks a tracer about those it may ask about, and decides by a table what
//! each answer means. What was done, by whom and about whom goes into an [`audit`] trail, which shows
//! tampering; what the back office has to know goes out as an [alert](process::alert).
//!
//! Then the people. What the worker does not settle stands on the case as a review item; [review](process::review) lists
//! and shows the items, hands them on, and carries out how they were resolved.
//!
//! Then the paper. [`correspondence`] says whether a case's number may be printed, and prints it; as a
//! bar code too, with feature `barcode`.
//!
//! And then the differences. [`report`] holds a case against what PDS holds of the person, field by
//! field, for whoever has to settle which is right, and reports on the quality of the local data.
//!
//! The crate `nhs-pds-simulator` is a PDS with invented people, for tests without a network. It checks
//! each request, returns the faults that a test chooses, and has stubs for wiremock.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | (none) | always | values, contracts, in-memory implementations, the worker, reconciliation |
//! | `smsp` | yes | Spine Mini Services: SOAP 1.1, ITK, HL7 V3 |
//! | `fhir` | | the PDS FHIR API, with access by signed JWT |
//! | `http` | yes | HTTPS with mutual TLS |
//! | `barcode` | | NHS Numbers as Code 128 and GS1 DataMatrix, as modules and as SVG |
//! | `conformance` | | conformance suites for your own services, stores and audit trails |
//! | `csv` | | caseloads and results as CSV |
//! | `sqlite` | | cases and the audit trail in an SQLite file |
//!
//! # Bringing your own
//!
//! Services, transports, stores, audit trails, clocks and identifiers are traits ([`Tracer`],
//! [`transport::Transport`], [`case::CaseStore`], [`audit::AuditLog`], [`clock::Clock`], [`ids::Ids`]),
//! each with a *Contract*. Implement them with this crate's [`async_trait`](macro@async_trait), and with the
//! versions of `bytes` 1, `chrono` 0.4, `http` 1, `url` 2 and `uuid` 1 whose types stand in their
//! signatures. `trace::conformance`, `case::conformance` and `audit::conformance` (feature `conformance`)
//! check a service, a store and a trail against their contracts.
//!
//! # Patient data
//!
//! `Debug` of the types here shows no number, name, date, address, contact or identifier of a person,
//! except NHS Numbers in the range that is never issued; errors carry ids, codes and counts. (What a
//! JSON library says of a document of the wrong shape is its own, and may quote it.) Text forms (`Display`, serde) are the data
//! themselves: whoever asks for one answers for where it goes. [`text::terminal`] makes them fit to be printed.

#![cfg_attr(docsrs, feature(doc_cfg))]

// In the order of the layers: a module imports only what stands above it here.
#[cfg(feature = "process")]
#[cfg_attr(docsrs, doc(cfg(feature = "process")))]
pub mod audit;
#[cfg(feature = "process")]
#[cfg_attr(docsrs, doc(cfg(feature = "process")))]
pub mod case;
pub mod clock;
#[cfg(feature = "process")]
#[cfg_attr(docsrs, doc(cfg(feature = "process")))]
pub mod correspondence;
pub mod demographics;
pub mod ids;
pub mod matching;
pub mod nhs_number;
#[cfg(feature = "process")]
#[cfg_attr(docsrs, doc(cfg(feature = "process")))]
pub mod process;
#[cfg(feature = "process")]
#[cfg_attr(docsrs, doc(cfg(feature = "process")))]
pub mod report;
#[cfg(feature = "resilience")]
#[cfg_attr(docsrs, doc(cfg(feature = "resilience")))]
pub mod resilience;
pub mod secret;
pub mod service;
#[cfg(feature = "sqlite")]
pub(crate) mod store;
pub mod text;
pub mod trace;
#[cfg(feature = "transport")]
#[cfg_attr(docsrs, doc(cfg(feature = "transport")))]
pub mod transport;

/// The attribute with which the crate's traits are written, for those who implement them.
pub use async_trait::async_trait;
pub use nhs_number::NhsNumber;
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub use service::blocking::BlockingPds;
#[cfg(all(feature = "fhir", feature = "http"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "fhir", feature = "http"))))]
pub use service::builder::FhirBuilder;
#[cfg(all(feature = "http", feature = "smsp"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "http", feature = "smsp"))))]
pub use service::builder::SmspBuilder;
#[cfg(all(feature = "http", any(feature = "fhir", feature = "smsp")))]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use service::builder::{BuildError, BuildErrorKind};
#[cfg(feature = "fhir")]
#[cfg_attr(docsrs, doc(cfg(feature = "fhir")))]
#[doc(inline)]
pub use service::fhir;
pub use service::pds::Pds;
#[cfg(feature = "smsp")]
#[cfg_attr(docsrs, doc(cfg(feature = "smsp")))]
#[doc(inline)]
pub use service::smsp;
pub use trace::{Answer, Caller, Outcome, Tracer};

/// The README's code, compiled as it stands.
#[cfg(all(doctest, feature = "fhir", feature = "http", feature = "smsp", feature = "sqlite"))]
#[doc = include_str!("../README.md")]
mod readme {}

/// The move guide's code, compiled as it stands.
#[cfg(all(doctest, feature = "fhir", feature = "http", feature = "smsp"))]
#[doc = include_str!("../docs/from-smsp-to-fhir.md")]
mod from_smsp_to_fhir {}
