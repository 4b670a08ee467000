//! Tests of the command `nhs-pds` and of its parts.
#![expect(clippy::unwrap_used, reason = "tests")]

mod command;
mod config;
mod match_quality;
mod move_guide;
mod output;
mod private_file;
mod recorded;
mod services;
mod simulator;
mod soak;
mod store_file;
