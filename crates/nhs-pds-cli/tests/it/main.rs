//! Tests of the command `nhs-pds` and of its parts.
#![expect(clippy::unwrap_used, reason = "tests")]

mod batch;
mod boroughs;
mod boroughs_by_batch;
mod command;
mod config;
mod deployment;
mod match_quality;
mod migrate;
mod move_guide;
mod output;
mod port;
mod postgres;
mod private_file;
mod recorded;
mod running;
mod services;
mod signals;
mod simulator;
mod soak;
mod store_file;
mod user;
