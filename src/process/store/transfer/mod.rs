//! Moves a store to another place (HAV-13): cases, audit trail, alerts, and what users have set.
//!
//! A vendor begins with one file, and later hosts many organisations in PostgreSQL. A [`Transfer`] moves the file to a
//! tenant, or a tenant back to a file.
//!
//! * Documents of cases, rows of the trail with their hashes, keys of subjects, and alerts move byte by byte. The
//!   trail's chain stays whole: anchors that were stored outside the old trail hold for the new one.
//! * When each case is due moves too. Leases do not: they are of workers that have ended.
//! * The source must be quiet. A tenant must be paused, and no worker may have a case. What is used all the same is
//!   noticed at the end ([`ErrorKind::Changed`]).
//! * A damaged case, a damaged alert and a broken trail are found before anything is written. They are not moved: in
//!   the new place the damage would look as if the move had caused it.
//!
//! # What is in the target at each moment
//!
//! | moment | the target |
//! |---|---|
//! | before | is empty: no case, no event, no alert |
//! | while rows are written | is marked as incomplete. Its trail has no end, so every program that would record something gets an error, and changes nothing |
//! | all rows are written | is read from the beginning to the end, and compared with the source by a SHA-256 |
//! | they are equal | gets the end of its trail, and the trail is verified |
//! | last | gets the record of the move |
//!
//! Each page of rows is one transaction. A move that ends at any moment is repeated with the same call, and goes on
//! from there. The source is recorded as moved, and its processes are paused, after all of it.
//!
//! A person who is erased in the source while a move is incomplete is still in the target. Repeat the move: it removes the
//! keys, writes every case again, and compares. PostgreSQL keeps what was replaced in its files until they are vacuumed.

mod copy;
mod error;
mod mark;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod progress;
mod run;
mod side;
#[cfg(feature = "sqlite")]
mod sqlite;
mod start;
mod table;

pub use error::{Error, ErrorKind};
pub use place::Place;
pub use progress::{Progress, Step};
pub use run::{Transfer, Transferred};
