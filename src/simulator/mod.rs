//! A Personal Demographics Service to test against: invented people, real rules, chosen faults.
//!
//! [`Simulator`] answers as a Spine Mini Service for PDS does: it checks what it is sent down to the
//! order of elements, traces by the published rules, and breaks down when told to. It is a
//! [`Transport`](crate::transport::Transport), so tests need no network; [`Server`] puts it behind
//! HTTP for programs that do. [`Register`] holds the people: from a seed, or from a file in the
//! columns of the NHS "Opentest" environment. [`Caseload`] makes the cases of a social care system
//! to go with them.
//!
//! ```
//! use nhs_pds::simulator::{Fault, Register, Simulator, When};
//!
//! let simulator = Simulator::new(Register::from_seed(1, 1_000));
//! simulator.add_fault(When::Next(2), Fault::code("SMSP-0004"));
//! // Hand `simulator.clone()` to a client as its transport: clones share people and faults.
//! assert_eq!(simulator.request_count(), 0);
//! ```
//!
//! [`FaultMix`] has a share of all requests go wrong, each person's by the same choice in every run.
//!
//! It answers by these rules:
//!
//! * A search needs family name, gender and date of birth, and compares them exactly, letter case
//!   aside; given name (with the record's first) and postcode as well when they are sent. Nobody is
//!   DEMOG-0001, several are DEMOG-0007.
//! * `*` in names and postcodes, and dates of birth without day or month, are an advanced trace,
//!   which can be [switched off](Simulator::with_advanced_trace).
//! * A superseded number is DEMOG-0017, an invalidated one DEMOG-0022, one whose holder has another
//!   date of birth or name DEMOG-0040, one of nobody DEMOG-0001, and what is no number DEMOG-0042.
//! * A search that finds a superseded record and its replacement has found the replacement.
//! * Restricted people come without address, telecom and GP practice; the dead with their date of
//!   death.
//! * A payload that is not as it should be is SMSP-0001, with the reason in the HTTP header
//!   [`NOTE`]; a message that is not, a SOAP fault (HTTP 500) that says where.
//!
//! Not here: TLS, endpoints other than `/smsp/pds`, and any judgement on who may ask what.

mod case_plan;
mod case_row;
mod caseload;
mod error;
mod exchange;
mod expected;
mod fault;
mod fault_mix;
mod fhir_api;
mod file;
mod further;
mod mini_service;
mod pattern;
mod people;
mod person;
mod places;
mod received;
mod register;
mod server;
mod service;
mod words;

pub use caseload::{Caseload, SampleCase};
pub use error::{Error, ErrorKind};
pub use expected::Expected;
pub use fault::{Fault, When};
pub use fault_mix::{FaultMix, Share, ShareError};
pub use fhir_api::Application;
pub use file::{RowError, RowReason};
pub use further::{
    DeathNotification, Further, NameUse, OtherAddress, OtherAddressUse, OtherName, RelatedPerson,
};
pub use person::{Person, Sensitivity};
pub use received::Received;
pub use register::Register;
pub use server::Server;
pub use service::{NOTE, Simulator};
