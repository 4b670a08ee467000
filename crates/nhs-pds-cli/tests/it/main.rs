//! Tests of the command.

mod command;
mod comparison;
mod config;
mod output;
mod private_file;
mod recorded;
mod soak;
