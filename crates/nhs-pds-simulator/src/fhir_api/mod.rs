//! The PDS FHIR API: JSON over HTTP, and its token endpoint.
//!
//! Writes and checks everything itself, as the Spine Mini Service here does. It uses no code of the
//! library's client.

mod access;
mod application;
mod assertion;
mod bundle;
mod codes;
mod codings;
mod dates;
mod extensions;
mod fuzzy;
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
pub(super) use search::{Rules, fuzzy_search};
pub(super) use service::Api;
