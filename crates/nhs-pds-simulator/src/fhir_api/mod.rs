//! The face of the PDS FHIR API: JSON over HTTP, and the token endpoint beside it.
//!
//! Writes and checks everything by itself, as the face of the Spine Mini Service does: the crate's own
//! client has no part in it.

mod access;
mod application;
mod assertion;
mod bundle;
mod codes;
mod codings;
mod dates;
mod extensions;
mod identity;
mod languages;
mod outcome;
mod parameters;
mod patient;
mod route;
mod score;
mod search;
mod service;
pub(super) mod token;

pub(super) use access::Access;
pub use application::Application;
pub(super) use outcome::Reply;
pub(super) use route::{BASE, Face, TOKEN, face};
pub(super) use service::Api;
