//! Tests of the command.

mod command;
mod comparison;
mod private_file;
mod recorded;
mod soak;
