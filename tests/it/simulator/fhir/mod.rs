//! The simulator's FHIR API, queried with raw requests; the tests read the JSON of the response.
#![expect(clippy::indexing_slicing, reason = "tests, whose panics are failures")]

pub(super) mod ask;
mod faults;
mod http;
pub(super) mod jwt;
mod modes;
mod retrieve;
mod search;
mod shape;
mod terms;
mod token;
