//! Nothing of a person gets out: what the crate prints of itself, and what it says while it works.
#![expect(clippy::indexing_slicing, reason = "tests, whose panics are failures")]

#[cfg(all(feature = "http", feature = "smsp", feature = "sqlite"))]
mod drive;
#[cfg(all(feature = "http", feature = "smsp", feature = "sqlite"))]
mod ears;
mod person;
mod samples;
mod source;
mod walk;
