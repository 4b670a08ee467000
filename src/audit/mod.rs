//! The audit trail: who did what, when and about whom. It is append-only, and its events are
//! chained so that tampering is detected.
//!
//! An [`Entry`] is appended to an [`AuditLog`] and comes back as an [`Event`] (MSCA-AUD-02 and
//! MSCA-AUD-03). [`MemoryLog`] forgets at the end of the process; `SqliteLog` (feature `sqlite`)
//! keeps a file. Users read through [`query`](query()) or [`query_latest`], which are audited in turn
//! (MSCA-AUD-05);
//! [`case_as_of`] rebuilds a case as it was (MSCA-AUD-02), [`export`](export()) takes out
//! everything about one (MSCA-ORG-04), and [`AuditLog::forget`] erases a case for good
//! (MSCA-DQ-02).
//!
//! # The trail above, the storage below
//!
//! ```text
//! worker, review queue, screens ──► AuditLog
//!                                      │
//!        Anchored, Forwarding ─────────┤  each in front of another log
//!                                      │
//!                   Trail ◄────────────┴────────► SinkLog
//!   chains, encrypts, verifies,                numbers, and keeps nothing
//!   filters, forgets                              │
//!                     │                           ▼
//!                     ▼                       EventSink
//!               AuditStorage              your SIEM, JsonLines
//!     your tables, an SQLite file, memory
//! ```
//!
//! * To keep the trail in your own database, implement [`AuditStorage`] and put a [`Trail`] above
//!   it. If one transaction must write cases and trail together, read a [`Basis`], prepare a
//!   [`Batch`], and write both in it.
//! * To send each event to another system as well, implement [`EventSink`] and put a
//!   [`Forwarding`] in front of the trail. [`JsonLines`] is a sink in a file.
//! * If another system is the audit trail, use a [`SinkLog`].
//!
//! The module `conformance` (feature `conformance`) checks each of them. The examples
//! `bring_your_own_audit_storage` and `send_events_to_your_siem` show the first two.
//!
//! # What is hashed
//!
//! Each row contains the SHA-256 of these bytes: the 16 bytes `nhs-pds audit 1` and a line feed,
//! then each column except the hash itself, in the order `seq`, `prev_hash`, `at`, `kind`,
//! `user_id`, `user_name`, `role`, `organisation`, `authority`, `device`, `message_id`, `details`,
//! `subject`, `sealed`. A column is one byte for its type as it is stored (0 NULL, 1 integer, 2
//! real, 3 text, 4 blob), its length in bytes (eight bytes, big-endian), and its bytes as they are
//! stored; an integer is eight bytes, big-endian, in two's complement. `prev_hash` is the hash of
//! the previous row, and 32 zero bytes in the first. The hash therefore also detects a value that
//! was changed to another spelling of the same value. A change of this encoding changes the first
//! line.
//!
//! A separate table contains the number and the hash of the last row, so that a removed tail is
//! detected. A person who can write the file can rewrite all of it consistently. Only an [`Anchor`]
//! stored elsewhere detects that ([`AnchorSink`], [`AuditLog::verify`]).
//!
//! # What is sealed
//!
//! All content of an entry's [`Subject`] (case id, numbers, demographic fields, the case itself) is
//! encrypted with XChaCha20-Poly1305 under a random key of that subject. In its place, the row
//! contains a name generated for the subject: the number of the first event about it and eight
//! random bytes. The column contains the eight bytes `sealed 2`, a nonce of 24 bytes, and the
//! encrypted bytes. The nonce is the first 24 bytes of the SHA-256 of `nhs-pds audit 2 nonce`, a
//! line feed, the key, 32 random bytes, the length of the associated data (eight bytes,
//! big-endian), the associated data, and the content to encrypt. So the nonce does not repeat for
//! other content when a copy of the file is restored and both are appended to, not even if the
//! random bytes repeat. The associated data are `nhs-pds audit 2 sealed`, a line feed, and the
//! columns `seq`, `at` to `details`, and `subject`, encoded as above.
//!
//! Rows of earlier versions contain only the encrypted bytes, by ChaCha20-Poly1305. Their nonce is
//! four zero bytes and the row's number (eight bytes, big-endian), and their associated data begin
//! with `nhs-pds audit 1 sealed`. They are read, but no longer written.
//!
//! The hash covers the encrypted bytes, so the chain stays whole when the key is destroyed.
//! Separate tables map a case id or a number to the subject's name; their rows are deleted with the
//! key ([`AuditStorage::destroy`]). `verify` detects a mapping that is wrong. All other columns of a row are not encrypted and
//! are kept permanently.
//!
//! Not included: protection against a person who can write the file and every anchor, and retention
//! periods.

mod actor;
mod anchor;
mod anchored;
mod batch;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod entry;
mod error;
mod event;
mod event_sink;
mod export;
mod filter;
mod forwarding;
mod history;
mod json_lines;
mod kind;
mod lines;
mod log;
mod memory;
mod owner;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_rows;
mod query;
mod row;
mod seal;
mod sink;
mod sink_log;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_failure;
#[cfg(feature = "sqlite")]
mod sqlite_rows;
mod storage;
mod trail;
mod value;
mod verdict;
mod walk;

pub use actor::Actor;
pub use anchor::Anchor;
pub use anchored::Anchored;
pub use batch::{Basis, Batch, NewSubject};
pub use entry::{Entry, Subject};
pub use error::{Error, ErrorKind};
pub use event::{About, Event};
pub use event_sink::EventSink;
pub use export::export;
pub use filter::Filter;
pub use forwarding::Forwarding;
pub use history::case_as_of;
pub(crate) use history::case_of_version;
pub use json_lines::JsonLines;
pub use kind::EventKind;
pub use log::AuditLog;
pub use memory::{MemoryLog, MemoryRows};
pub use owner::{Owner, SubjectName};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresLog, PostgresRows};
#[cfg(feature = "postgres")]
pub(crate) use postgres_rows::append_in as append_in_postgres;
pub use query::{Latest, query, query_latest};
pub use row::Row;
pub use sink::{AnchorSink, FileAnchors};
pub use sink_log::SinkLog;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLog;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::append_in;
pub use storage::{Appended, AuditStorage, StoredRow};
pub use trail::Trail;
pub use value::Value;
pub use verdict::{BreakReason, Verdict};
