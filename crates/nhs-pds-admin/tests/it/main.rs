//! The screens as a browser without JavaScript sees them, in process.

#![expect(clippy::unwrap_used, reason = "what cannot be read must fail the test")]

mod accounts;
mod audit;
mod batches;
mod case;
mod confirm;
mod documents;
mod frame;
mod import;
mod item;
mod process;
mod quality;
mod search;
mod security;
mod support;
mod worklist;
