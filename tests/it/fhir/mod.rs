//! `fhir`: the second service.

mod auth;
