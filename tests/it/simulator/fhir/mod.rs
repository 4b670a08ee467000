//! The simulator's FHIR API, asked by hand: raw requests, and a look at the JSON that comes back.

mod ask;
mod retrieve;
