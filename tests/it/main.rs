//! Integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "tests")]

#[cfg(feature = "http")]
mod http;
mod privacy;
#[cfg(feature = "simulator")]
mod sample_data;
#[cfg(feature = "simulator")]
mod simulator;
