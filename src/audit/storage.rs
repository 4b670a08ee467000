use crate::audit::batch::{Basis, Batch};
use crate::audit::entry::Entry;
use crate::audit::error::Error;
use crate::audit::filter::Filter;
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::row::{Row, Unsealing};
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use std::fmt::Debug;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Stores the rows of an audit trail, the keys of its subjects and its head.
///
/// Implement it to keep an audit trail in your own database. A [`Trail`](crate::audit::Trail) above
/// it chains, encrypts, verifies, filters and forgets. The storage keeps four things:
///
/// * the rows ([`Row`]), each value with its exact type and bytes;
/// * the head: the number and the hash of the last row;
/// * the subjects: owner, name and secret key. An owner has at most one subject, and so has a name;
/// * the numbers: which NHS Number leads to which subjects.
///
/// # Contract
///
/// * Each call takes effect completely or not at all, also when the process ends during it. What
///   `append` acknowledged is as durable as the storage promises.
/// * An append changes nothing unless the stored head is the batch's expected head. So of several
///   writers, in one process or many, one succeeds and the others read the new head.
/// * A row never changes, and no call removes one. What `destroy` deleted is gone from the medium.
/// * A call returns only what is committed, and all that was acknowledged before the call.
/// * Errors contain no value of a row, an owner or a key, and `Debug` shows counts at most.
///
/// Keep the keys where backups of the rows do not contain them, if your database lets you: then an
/// erased person is gone from the backups too.
///
/// `conformance::check_storage` (feature `conformance`) checks a storage against this. The example
/// `bring_your_own_audit_storage` implements one.
#[async_trait]
pub trait AuditStorage: Debug + Send + Sync {
    /// The stored head, and the stored subjects of `owners`. In a new storage, the head is number 0
    /// with a hash of zeros.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable). A missing or damaged head is no
    /// error.
    async fn basis(&self, owners: &[Owner]) -> Result<Basis, Error>;

    /// Writes `batch` durably: rows, subjects, numbers and head.
    ///
    /// Answers [`Appended::Conflict`] and changes nothing when the stored head is not
    /// [`Batch::expected`], or when a subject of [`Batch::used`] is not stored any more. Both must
    /// still be so at the commit: where transactions run side by side, lock the head first, here
    /// and in [`destroy`](Self::destroy).
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable), and
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when a row with one of the batch's numbers is
    /// stored already.
    async fn append(&self, batch: Batch) -> Result<Appended, Error>;

    /// The first rows with the number `from` or a greater number, in ascending order, at most
    /// `limit`. Fewer than `limit` rows mean that no more rows follow.
    ///
    /// The storage should use the conditions of `filter`, with an index for each. It may ignore any
    /// of them, because the trail checks them again. It must not leave out a row that meets all of
    /// them.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable), and
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when the rows cannot be read at all.
    async fn rows(&self, filter: &Filter, from: i64, limit: usize)
    -> Result<Vec<StoredRow>, Error>;

    /// The last rows with numbers less than `before`, in descending order, at most `limit`. Fewer than
    /// `limit` rows mean that no more rows follow. `filter` is used as in [`rows`](Self::rows).
    ///
    /// The default returns `None`. The trail then reads windows of ascending rows. Implement this
    /// method if people read the trail: they ask for the latest events first.
    ///
    /// # Errors
    ///
    /// Those of [`rows`](Self::rows).
    async fn rows_before(
        &self,
        _filter: &Filter,
        _before: i64,
        _limit: usize,
    ) -> Result<Option<Vec<StoredRow>>, Error> {
        Ok(None)
    }

    /// Those of `names` that are the subject of a row with the kind `case_erased`.
    ///
    /// # Errors
    ///
    /// Those of [`rows`](Self::rows).
    async fn erased(&self, names: &[SubjectName]) -> Result<Vec<SubjectName>, Error>;

    /// Deletes the subjects `names`, with their keys and numbers, and then overwrites what the
    /// medium may still contain of them. Names that are not stored are ignored. The overwriting is
    /// done even if `names` is empty, because an earlier call may have failed after the deletion.
    ///
    /// # Errors
    ///
    /// [`Residue`](crate::audit::ErrorKind::Residue) when the subjects are deleted, but copies may
    /// remain: the call is repeated later. [`Unavailable`](crate::audit::ErrorKind::Unavailable).
    async fn destroy(&self, names: &[SubjectName]) -> Result<(), Error>;

    /// Appends `entries` in one transaction of the storage, and returns the number of the last row
    /// afterwards: reads the basis, prepares the [`Batch`], and writes it.
    ///
    /// The default returns `None`. The trail then takes the three steps one by one, and repeats
    /// them after a conflict. Implement this method when many processes write to the storage, or
    /// when each call is a round trip.
    ///
    /// # Errors
    ///
    /// Those of [`append`](Self::append), and of [`Batch::new`].
    async fn append_at_once(&self, _entries: Arc<[Entry]>) -> Result<Option<u64>, Error> {
        Ok(None)
    }
}

/// Where the reading of rows starts, and its direction.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
#[derive(Clone, Copy)]
pub(super) enum Span {
    /// From this number on, in ascending order.
    From(i64),
    /// Before this number, in descending order.
    Before(i64),
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl Span {
    /// The number, the comparison of a row's number with it, and the order of rows: in SQL.
    pub(super) const fn sql(self) -> (i64, &'static str, &'static str) {
        match self {
            Self::From(seq) => (seq, "e.seq >=", "e.seq"),
            Self::Before(seq) => (seq, "e.seq <", "e.seq DESC"),
        }
    }
}

/// The answer of a storage to an append.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Appended {
    /// The batch is stored.
    Done,
    /// Nothing was changed: another writer appended or forgot since the basis was read.
    Conflict,
}

/// A row as it is stored, with the state of its subject's key.
///
/// ```
/// use nhs_pds::audit::{Owner, Row, StoredRow, Value};
///
/// let mut values = [const { Value::Null }; 15];
/// values[0] = Value::Integer(7);
/// let row = StoredRow::new(Row::from_values(values)?);
/// // The subject of the row is stored, too.
/// let row = row.with_key(&[1; 32], "case:RHM:00001".parse().ok(), []);
/// assert_eq!(row.row().seq(), 7);
/// # Ok::<(), nhs_pds::audit::Error>(())
/// ```
#[derive(Clone)]
pub struct StoredRow {
    row: Row,
    pub(super) unsealing: Unsealing,
}

impl StoredRow {
    /// A row that is about no patient, or whose subject is not stored.
    #[must_use]
    pub const fn new(row: Row) -> Self {
        Self { row, unsealing: Unsealing::Missing }
    }

    /// Returns this row with its subject's `key`, as it is stored, the owner of the key, and the
    /// numbers that lead to the subject. An owner that cannot be read is `None`; `verify` reports
    /// it.
    #[must_use]
    pub fn with_key(
        mut self,
        key: &[u8],
        owner: Option<Owner>,
        numbers: impl IntoIterator<Item = NhsNumber>,
    ) -> Self {
        let key = Zeroizing::new(key.to_vec());
        self.unsealing = Unsealing::Key(key, owner, numbers.into_iter().collect());
        self
    }

    /// The row.
    #[must_use]
    pub const fn row(&self) -> &Row {
        &self.row
    }
}

redacted_debug!(StoredRow);
