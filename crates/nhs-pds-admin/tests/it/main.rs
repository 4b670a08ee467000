//! The screens as a browser without JavaScript sees them, in process.

#![expect(clippy::unwrap_used, reason = "what cannot be read must fail the test")]

mod frame;
mod process;
mod quality;
mod support;
