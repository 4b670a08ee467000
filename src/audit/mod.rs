//! The audit trail: who did what, when, about whom; append-only, and chained so that tampering
//! shows.
//!
//! An [`Entry`] is appended to an [`AuditLog`] and comes back as an [`Event`] (MSCA-AUD-02 and
//! MSCA-AUD-03). [`MemoryLog`] forgets at the end of the process; `SqliteLog` (feature `sqlite`)
//! keeps a file. Users read through [`query`], which is audited in turn (MSCA-AUD-05);
//! [`case_as_of`] rebuilds a case as it was (MSCA-AUD-02), [`export`] takes out everything about
//! one (MSCA-ORG-04), and [`AuditLog::forget`] erases a case for good (MSCA-DQ-02). Whoever
//! implements a log runs `conformance::check` (feature `simulator`) against it.
//!
//! # What is hashed
//!
//! Each row carries the SHA-256 of these bytes: the 16 bytes `nhs-pds audit 1` and a line feed,
//! then each column but the hash itself, in the order `seq`, `prev_hash`, `at`, `kind`, `user_id`,
//! `user_name`, `role`, `organisation`, `authority`, `device`, `message_id`, `details`, `subject`,
//! `sealed`. A column is one byte for its type as it is stored (0 NULL, 1 integer, 2 real, 3 text,
//! 4 blob), its length in bytes (eight bytes, big-endian), and its bytes as they are stored; an
//! integer is eight bytes, big-endian, in two's complement. `prev_hash` is the hash of the row
//! before, and 32 zero bytes in the first. So a value that was changed for another spelling of
//! itself is found too. A change of this encoding changes the first line.
//!
//! The number and the hash of the last row stand in a table of their own, so that a tail that was
//! cut off is missed. Who may write the file can rewrite all of it consistently; only an [`Anchor`]
//! that was kept elsewhere shows that ([`AnchorSink`], [`AuditLog::verify`]).
//!
//! # What is sealed
//!
//! Whatever an entry says about its [`Subject`] (case id, numbers, particulars, the case itself) is
//! encrypted with XChaCha20-Poly1305 under a random key of that subject, and the row carries a name
//! made up for the subject instead: the number of the first event about it and eight random bytes.
//! The column holds the eight bytes `sealed 2`, a nonce of 24 bytes, and what is encrypted. The nonce
//! is the beginning of the SHA-256 of `nhs-pds audit 2 nonce`, a line feed, the key, 32 random bytes,
//! the length of what it is bound to (eight bytes, big-endian), that, and what is encrypted. So it
//! does not repeat for other content when a copy of the file is restored and both are appended to,
//! not even if the random bytes repeat. Bound to it are `nhs-pds audit 2 sealed`, a line feed, and the
//! columns `seq`, `at` to `details`, and `subject`, encoded as above.
//!
//! Rows of earlier versions hold the encrypted bytes alone, by ChaCha20-Poly1305; their nonce is four
//! zero bytes and the row's number (eight bytes, big-endian), and what they are bound to begins with
//! `nhs-pds audit 1 sealed`. They are read, and not written any more.
//!
//! The hash covers what is encrypted, so the chain stays whole when the key is destroyed. What leads
//! from a case id or a number to that name stands in tables beside, and is deleted with the key;
//! `verify` finds when it no longer leads there. Anything else of a row stands in the clear and is
//! kept for ever.
//!
//! Not here: a defence against those who may write the file and every anchor, and retention
//! periods.

mod actor;
mod anchor;
mod anchored;
#[cfg(feature = "simulator")]
pub mod conformance;
mod entry;
mod error;
mod event;
mod export;
mod filter;
mod history;
mod kind;
mod log;
mod memory;
mod query;
mod row;
mod sink;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_rows;
#[cfg(feature = "sqlite")]
mod sqlite_sealers;
mod verdict;
mod walk;

pub use actor::Actor;
pub use anchor::{Anchor, AnchorError};
pub use anchored::Anchored;
pub use entry::{Entry, Subject};
pub use error::{Error, ErrorKind};
pub use event::{About, Event};
pub use export::export;
pub use filter::Filter;
pub use history::case_as_of;
pub use kind::{EventKind, EventKindError};
pub use log::AuditLog;
pub use memory::MemoryLog;
pub use query::query;
pub use sink::{AnchorSink, FileAnchors};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLog;
pub use verdict::{BreakReason, Verdict};
