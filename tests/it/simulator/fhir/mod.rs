//! The simulator's FHIR API, asked by hand: raw requests, and a look at the JSON that comes back.
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
