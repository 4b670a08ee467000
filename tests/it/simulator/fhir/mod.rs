//! The simulator's FHIR API, asked by hand: raw requests, and a look at the JSON that comes back.
#![expect(clippy::indexing_slicing, reason = "tests, whose panics are failures")]

mod ask;
mod faults;
mod http;
mod jwt;
mod modes;
mod retrieve;
mod search;
mod terms;
mod token;
