//! The PDS FHIR API (R4): retrieves patients by NHS Number, and searches for them by demographic fields.
//!
//! It replaces the NHS's own Spine Mini Service, which closed on 31 January 2024. A [`Client`] sends the
//! requests and is a [`Tracer`](crate::trace::Tracer). A program that uses the tracer changes one
//! constructor; `docs/from-smsp-to-fhir.md` lists the other differences. The rest of the API is here
//! under its own names: [`Search`] with all criteria, [`Patient`] with names over time, periods and
//! preferences, and [`RelatedPerson`].
//!
//! The access token decides between two access modes. [`ApplicationRestricted`] is for a scheduled
//! process: [`auth`] gets its tokens by signed JWTs. [`HealthcareWorker`] is for a member of staff at a
//! screen: the vendor's program gets the tokens when users sign in with CIS2. Staff must use the second:
//! since July 2024 application-restricted access is not for end users.
//!
//! # What is not supported
//!
//! * Writing: `PATCH /Patient` and `POST /Patient`. This crate finds and verifies. What the council
//!   knows better than PDS goes to the back office as an alert.
//! * Patient access and privileged application-restricted access: a social care system has neither.
//! * `Coverage` and `$process-birth-details`.
//!
//! Sources: the API's OpenAPI description and its gateway's policies, FHIR R4 (4.0.1) and UK Core.

mod access;
pub mod auth;
mod authorisation;
mod client;
mod coded;
mod config;
mod error;
mod interpret;
mod issue;
mod patient;
mod related_person;
mod retrieval;
mod search;
mod tracer;
mod verify;
mod wire;

pub use access::{Access, AccessMode, ApplicationRestricted, HealthcareWorker};
pub use client::Client;
pub use config::{Config, Environment};
pub use error::{DecodeError, DecodeErrorKind};
pub use issue::IssueCode;
pub use patient::{
    Communication, ContactMethod, ContactPreferences, DeathNotification, DeathNotificationStatus,
    EmergencyContact, Patient, PatientMatch, Removal, WrittenFormat,
};
pub use related_person::RelatedPerson;
pub use retrieval::{Received, RelatedPeople, Retrieval, SearchResult};
pub use search::{
    ContactText, DateRange, Exact, Fuzzy, Matching, MaxResults, Plain, PostcodeText, Search,
    SearchError, SearchName, SearchPattern,
};
pub use verify::cross_check;
