//! How common names are in England, and which given names are familiar forms of others.
//!
//! `NOTICE` has the attribution of the tables, and `reference/names/README.md` says how they were
//! made.

mod caseload;
pub(crate) mod error;
mod forenames;
mod key;
mod nicknames;
mod surnames;
pub(crate) mod tables;
