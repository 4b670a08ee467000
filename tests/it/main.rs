//! Integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "tests")]

#[cfg(all(feature = "simulator", feature = "sqlite"))]
mod case_store;
mod privacy;
mod worker;
