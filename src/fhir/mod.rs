//! The PDS FHIR API (R4): retrieving and searching for patients.

pub mod auth;
