//! Tests of the command.

mod comparison;
mod private_file;
mod soak;
