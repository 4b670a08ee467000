//! Finds, verifies and keeps NHS Numbers through the NHS Personal Demographics Service (PDS), for social-care software.
//!
#![cfg_attr(all(feature = "http", feature = "smsp"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "http", feature = "smsp")), doc = "```ignore")]
//! use nhs_pds::{Pds, demographics::Gender, matching::Finding, trace::{FindPerson, LocalIdentity}};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
//! let pds = Pds::smsp("https://smsp.example/pds", us).build()?;
//! let person = FindPerson::new("Owen".parse()?, Gender::Female, "1986-01-19".parse()?)
//!     .with_given("Elizabeth".parse()?).with_postcode("LS17 0GZ".parse()?);
//! if let Finding::Verified(found) = pds.find(pds.system(), &person).await?.finding {
//!     println!("{}", found.nhs_number); // 937 465 9298
//! }
//! # Ok(()) }
//! ```
//!
//! [`Pds`] is a client of one service. Only [`Finding::Verified`](matching::Finding::Verified) has a number that a program
//! may write unattended. [`Pds::find`] compares the person returned with the person searched for, because a
//! service can return a namesake or a twin. An error means that there was no answer, and its
//! [kind](trace::ErrorKind) says what to do. The [decision table][decisions] states what the process does with each answer.
//!
//! # Layers
//!
//! Each layer imports only layers above it in this diagram. Each name is a folder or a file of `src/`.
//!
//! ```text
//! values        nhs_number  demographics  ids  clock  secret  text  tenant
//!                    │      an NHS Number, a name, a postcode: parsed and normalised
//! contracts     trace  transport  batch
//!                    │      a query and its answer; a request and its response; a file of people
//! matching      matching
//!                    │      whether two records are of one person
//! services      service: smsp  fhir    mesh
//!                    │      one client for each service: messages, codes, errors
//! connections   store  postgres
//!                    │      an SQLite file; a PostgreSQL database and the part of one organisation
//! resilience    resilience: retry  rate_limit  circuit_breaker  gateway
//!                    │      a failed query: whether and when to send it again
//! storage       case  audit
//!                    │      the records of the local system, and what was done with them
//! process       process: decision table, worker, schedule, review, alert, tenants
//!                    │      what each answer means for a case
//! output        report  correspondence
//!                           data quality; numbers on letters
//! ```
//!
//! | layer | what it is for |
//! |---|---|
//! | values | [`NhsNumber`] rejects a wrong check digit. [`demographics`] has the fields of a person: a [`Postcode`](demographics::Postcode) is normalised when it is parsed. [`clock`], [`ids`] and [`secret`] replace time, chance and plain text in your tests and logs. [`text`] makes text safe to print. [`tenant`] names an organisation |
//! | contracts | [`trace`]: a [`Tracer`] receives a [`Question`](trace::Question) and returns an [`Answer`]. [`transport`] (feature `transport`) sends bytes to a service; [`transport::http`] (feature `http`) uses HTTPS with mutual TLS |
//! | `batch`, `mesh` | (features `batch` and `mesh`) the files of PDS MESH and its predecessors, the contract of a service that takes them, and a MESH mailbox. `process::batch` traces a caseload by file |
//! | [`matching`] | compares a person returned with the person searched for, and a local record with PDS |
//! | [`service`] | [`smsp`] (feature `smsp`): Spine Mini Services. [`fhir`] (feature `fhir`): the PDS FHIR API. A service's codes, such as DEMOG-0017, and HTTP statuses, such as 429, get their meaning here. A new service is a new folder here, and implements [`Tracer`] |
//! | `postgres` | (feature `postgres`) connects to PostgreSQL, prepares it, and gives each organisation its part |
//! | [`resilience`] | a [`Gateway`](resilience::Gateway) is in front of a service, with a rate limit, a circuit breaker and priority for screens. [`Retry`](resilience::Retry) sends a query again, for example after status 429. An [`Allowance`](resilience::Allowance) is a rate limit that organisations, or machines, share |
//! | [`case`], [`audit`] | a [`Case`](case::Case) is a record of the local system. A new store implements [`CaseStore`](case::CaseStore), in your crate or in `src/case`. The audit trail shows tampering |
//! | [`process`] | "Get NHS Number": selects cases, traces them, and decides by a table what each answer means. A replaced number (DEMOG-0017) is one situation of that table. [`process::review`] is for the items that a person must decide, [`process::alert`] for the back office, [`process::tenants`] for many organisations in one program |
//! | [`report`], [`correspondence`] | reports on the quality of local data; says whether a number may be printed, and prints it, also as a bar code (feature `barcode`) |
//!
//! Three more crates use the library. `nhs-pds-admin` has the screens, as an axum router. `nhs-pds-cli` is the command
//! `nhs-pds`; a new command is a new module in its `src/commands`.
//! `nhs-pds-simulator` is a PDS with invented people for tests without a network, and a stub for wiremock.
//!
//! # Features
//!
//! Features add, and never change behaviour.
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | (none) | always | values, the `trace` contract, matching, [`Pds`] over your own [`Tracer`] |
//! | `smsp` | yes | Spine Mini Services: SOAP 1.1, ITK, HL7 V3; enables `transport` |
//! | `http` | yes | HTTPS with mutual TLS, `Pds::smsp` and `Pds::fhir`; enables `transport` |
//! | `fhir` | | the PDS FHIR API, with access by signed JWT; enables `transport` |
//! | `transport` | by `smsp` and `http` | the `transport` contract |
//! | `resilience` | | retry, rate limit, circuit breaker, gateway, metrics |
//! | `blocking` | | `BlockingPds`, for programs without an async runtime |
//! | `process` | | cases, audit trail, worker, review, reports, correspondence; enables `resilience` |
//! | `sqlite` | | cases, audit trail and alerts in an SQLite file; needs a C compiler; enables `process` |
//! | `postgres` | | cases, audit trail and alerts of many organisations in PostgreSQL; a rate limit that machines share; enables `process` |
//! | `csv` | | caseloads and results as CSV; enables `process` |
//! | `batch` | | files of PDS MESH and its predecessors; with `process`, tracing a caseload by file |
//! | `mesh` | | a MESH mailbox that sends and receives these files; enables `batch` and `transport` |
//! | `barcode` | | NHS Numbers as Code 128 and GS1 DataMatrix; enables `process` |
//! | `conformance` | | test suites for your own services, stores and audit trails |
//!
//! # Documents
//!
//! The module [`docs`] has the pages of the folder `docs/`:
//!
//! * [decisions]: what the worker does with each answer, for a clinical-safety officer;
//! * [clinical safety]: inputs for a vendor's own safety case: hazards, controls and their tests;
//! * [reliability]: every fault, what the caller sees, and the test that shows it;
//! * [design]: the reasons for each layer;
//! * [conformance]: each requirement, where it is met, and by which test;
//! * [from SMSP to FHIR][moving]: what changes between the two services;
//! * [performance]: what was measured;
//! * [commands]: the command `nhs-pds`;
//! * [deployment]: from nothing to many boroughs over PostgreSQL, for an operator;
//! * [screens]: the pages, who may do what, and what protects them.
//!
//! [decisions]: docs::decisions
//! [clinical safety]: docs::clinical_safety
//! [reliability]: docs::reliability
//! [design]: docs::design
//! [conformance]: docs::conformance
//! [moving]: docs::from_smsp_to_fhir
//! [performance]: docs::performance
//! [commands]: docs::commands
//! [deployment]: docs::deployment
//! [screens]: docs::screens
//!
//! # Bringing your own
//!
//! Services, transports, stores, audit trails, clocks and identifiers are traits: [`Tracer`], [`transport::Transport`],
//! [`case::CaseStore`], [`audit::AuditLog`], [`clock::Clock`], [`ids::Ids`]. Each states its *Contract*. Implement them with
//! this crate's [`async_trait`](macro@async_trait). With feature `conformance`, [`trace::conformance`],
//! [`case::conformance`] and [`audit::conformance`] test a service, a store and a trail against their contracts.
//!
//! Signatures use types of five other crates, which this crate re-exports: [`bytes`] 1, [`chrono`] 0.4 and [`uuid`] 1
//! always, [`http`] 1 and [`url`] 2 with feature `transport`. Values also implement the traits of `serde` 1. Another major
//! version of one of these would be a breaking change of this crate.
//!
//! # Patient data
//!
//! `Debug` of the types here shows no number, name, date, address, contact or identifier of a person. The exception is
//! NHS Numbers in the range that is never issued. Errors contain ids, codes and counts. An error of a JSON library about
//! a document of the wrong shape may quote the document.
//!
//! Text forms (`Display`, `Serialize`) contain the data themselves, so that screens and services can show them. The
//! caller is responsible for where they go. [`text::terminal`] makes text safe to print.

#![cfg_attr(docsrs, feature(doc_cfg))]

// In the order of the layers: a module imports only what stands above it here.
#[cfg(feature = "process")]
#[cfg_attr(docsrs, doc(cfg(feature = "process")))]
pub mod audit;
#[cfg(feature = "batch")]
#[cfg_attr(docsrs, doc(cfg(feature = "batch")))]
pub mod batch;
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
#[cfg(feature = "mesh")]
#[cfg_attr(docsrs, doc(cfg(feature = "mesh")))]
pub mod mesh;
pub mod nhs_number;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub mod postgres;
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
pub mod tenant;
pub mod text;
pub mod trace;
#[cfg(feature = "transport")]
#[cfg_attr(docsrs, doc(cfg(feature = "transport")))]
pub mod transport;

/// The crates whose types are in public signatures.
pub use ::{bytes, chrono, uuid};
#[cfg(feature = "transport")]
#[cfg_attr(docsrs, doc(cfg(feature = "transport")))]
pub use ::{http, url};
/// The attribute for implementations of this crate's async traits.
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

/// The pages of the folder `docs/`.
///
/// A page names files of the source package, such as `src/process/decision/decide.rs`.
#[cfg(doc)]
pub mod docs {
    #[doc = include_str!("../docs/batch.md")]
    pub mod batch {}
    #[doc = include_str!("../docs/clinical-safety.md")]
    pub mod clinical_safety {}
    #[doc = include_str!("../docs/commands.md")]
    pub mod commands {}
    #[doc = include_str!("../docs/conformance.md")]
    pub mod conformance {}
    #[doc = include_str!("../docs/decisions.md")]
    pub mod decisions {}
    #[doc = include_str!("../docs/deployment.md")]
    pub mod deployment {}
    #[doc = include_str!("../docs/design.md")]
    pub mod design {}
    // Its code needs both services.
    #[cfg(any(not(doctest), all(feature = "fhir", feature = "http", feature = "smsp")))]
    #[doc = include_str!("../docs/from-smsp-to-fhir.md")]
    pub mod from_smsp_to_fhir {}
    #[doc = include_str!("../docs/performance.md")]
    pub mod performance {}
    #[doc = include_str!("../docs/reliability.md")]
    pub mod reliability {}
    #[doc = include_str!("../docs/screens.md")]
    pub mod screens {}
}

/// The README's code, compiled without changes.
#[cfg(all(
    doctest,
    feature = "blocking",
    feature = "fhir",
    feature = "http",
    feature = "postgres",
    feature = "smsp",
    feature = "sqlite"
))]
#[doc = include_str!("../README.md")]
mod readme {}
