//! The PDS FHIR API (R4): patients retrieved by NHS Number, and searched for by their particulars.
//!
//! It is what the NHS has in place of its own Spine Mini Service, which closed on 31 January 2024. A
//! [`Client`] asks it, and is a [`Tracer`](crate::trace::Tracer): whoever asks through that changes one
//! constructor, and `docs/from-smsp-to-fhir.md` says what else becomes different. What the API has besides
//! is here under its own names: [`Search`] with everything that a search can have, [`Patient`] with
//! names over time, periods and preferences, [`RelatedPerson`].
//!
//! Access comes in two modes, which the access token decides: [`ApplicationRestricted`], whose tokens
//! [`auth`] gets by signed JWTs, and [`HealthcareWorker`], whose tokens the surrounding program gets
//! when users sign in with CIS2. A scheduled process uses the first. A member of staff at a screen must use
//! the second: since July 2024 application-restricted access is not for end users.
//!
//! # What is not supported
//!
//! * Writing: `PATCH /Patient` and `POST /Patient`. This crate finds and verifies; what the council knows
//!   better than PDS goes to the back office as an alert.
//! * Patient access and privileged application-restricted access: a social care system has neither.
//! * `Coverage` and `$process-birth-details`.
//!
//! Sources: the API's OpenAPI description and its gateway's policies, FHIR R4 (4.0.1) and UK Core.

mod access;
pub mod auth;
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
pub use issue::{IssueClass, IssueCode};
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
