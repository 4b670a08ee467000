//! No patient data in the output of the library: in `Debug` and errors, and in logs, metrics and files.
#![expect(clippy::indexing_slicing, reason = "tests, whose panics are failures")]

#[cfg(all(feature = "http", feature = "smsp", feature = "sqlite"))]
mod drive;
#[cfg(all(feature = "http", feature = "smsp", feature = "sqlite"))]
mod ears;
mod person;
mod samples;
mod source;
mod walk;
