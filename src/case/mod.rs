//! The local system's cases: whom to trace, what is recorded about them, and where they are stored.
//!
//! A [`Case`] is one client's record in a social care system, as far as finding the NHS Number
//! needs it. It contains the demographic fields of the local system, allocations (HAV-2), the
//! record type (HAV-4), the number with its provenance (HAV-3, HAV-5) and the result of the last
//! trace. Local fields may be newer than those of the Personal Demographics Service (HAV-10), so a
//! service's response never overwrites them. There are two exceptions. A number or a date of death
//! is filled in where there is none, and a number that is no longer valid is replaced by its
//! successor (MSCA-DQ-03).
//!
//! A [`CaseStore`] keeps cases and refuses to save over a change that the saver has not seen.
//! [`MemoryStore`] forgets at the end of the process; `SqliteStore` (feature `sqlite`) keeps a file.
//! To implement a store, run `conformance::check` (feature `conformance`) against it.
//! `caseload` (feature `csv`) reads and writes cases as CSV.
//!
//! A case also contains the state of its processing: when it is traced again ([`TraceState`]), what a
//! person must review ([`ReviewItem`]), and which [`Alert`]s are not yet delivered. All of this is
//! saved in one step with the number, so that no part can be lost without the others.
//! [`advisories`] returns what a screen must show whenever the case is opened.

mod advisory;
mod alert;
mod alert_about;
mod candidate;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod carried;
#[cfg(feature = "csv")]
pub mod caseload;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod deletion;
mod due;
mod due_index;
mod error;
mod field_words;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod find;
mod flag;
mod id;
mod identity;
mod item_counts;
mod lease;
mod lists;
#[cfg(feature = "postgres")]
mod loaded;
mod memory;
mod number;
mod person;
mod placeholder;
mod plausible;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_carried;
#[cfg(feature = "postgres")]
mod postgres_due;
#[cfg(feature = "postgres")]
mod postgres_index;
#[cfg(feature = "postgres")]
mod postgres_rows;
#[cfg(feature = "postgres")]
mod postgres_save;
#[cfg(feature = "postgres")]
mod postgres_worklist;
mod record;
mod record_type;
mod replaced;
mod review;
mod search;
mod setting;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_carried;
#[cfg(feature = "sqlite")]
mod sqlite_due;
#[cfg(feature = "sqlite")]
mod sqlite_rows;
#[cfg(feature = "sqlite")]
mod sqlite_save;
#[cfg(feature = "sqlite")]
mod sqlite_settings;
#[cfg(feature = "sqlite")]
mod sqlite_worklist;
mod store;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod stored;
mod submission;
mod taken;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod times;
mod trace_state;
mod unreadable;
mod update;
mod work_item;

pub use advisory::{Advisory, AdvisoryKind, advisories};
pub use alert::{Alert, AlertKind, AlertedPerson};
pub use candidate::{Candidate, Heard};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use carried::{Carried, CarriedPage};
pub use deletion::{Absorbed, Deletion, DeletionKind};
pub use due::{Due, Planned, Priority};
pub(crate) use error::readable;
pub use error::{Error, ErrorKind};
pub use id::CaseId;
pub use identity::Identity;
pub use item_counts::ItemCounts;
pub use lease::{Claim, LONGEST_PLAN, Lease};
#[cfg(feature = "postgres")]
pub(crate) use loaded::Loaded;
pub use memory::MemoryStore;
pub use number::{NumberSource, NumberStatus, Provenance, RecordedNumber, TraceRecord};
pub(crate) use placeholder::{is_no_forename, is_no_surname, is_no_worker};
pub(crate) use plausible::{is_implausible_birth, is_implausible_death};
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "postgres")]
pub(crate) use postgres_carried::{
    carried_after as carried_after_in_postgres, carry_in as carry_in_postgres,
};
#[cfg(feature = "postgres")]
pub(crate) use postgres_due::release_in as release_in_postgres;
#[cfg(feature = "postgres")]
pub(crate) use postgres_save::{load, load_settings, write};
pub use record::{Allocation, Case};
pub use record_type::RecordType;
pub use review::{Evidence, ReviewItem, ReviewReason, ReviewState, ReviewStep};
pub(crate) use review::{Facts, FormerItem, Replaced};
pub use search::{CaseFilter, SearchKeys};
pub use setting::Setting;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite_carried::{carried_after, carry_in};
#[cfg(feature = "sqlite")]
pub(crate) use sqlite_due::release_in;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite_save::save_all_in;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite_settings::save_setting_in;
pub use store::{CaseStore, Change, Counts};
pub use submission::Submission;
pub use taken::Taken;
pub use trace_state::{KnownSoFar, TraceState};
pub use unreadable::Unreadable;
pub use work_item::{ItemFilter, ItemId, ItemPlace, WorkItem};
