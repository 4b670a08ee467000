use crate::audit::anchor::Anchor;
use crate::audit::batch::{Basis, Batch};
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::log::AuditLog;
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::sqlite_failure::failed;
use crate::audit::sqlite_rows as rows;
use crate::audit::storage::{Appended, AuditStorage, Span, StoredRow};
use crate::audit::trail::Trail;
use crate::audit::verdict::Verdict;
use crate::case::CaseId;
use crate::store::sqlite::{self, Database, Durability};
use async_trait::async_trait;
use rusqlite::Connection;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// An audit trail in an SQLite file. Several processes on one machine may append to it at once.
///
/// The file may be the file of [`SqliteStore`](crate::case::SqliteStore). Appended events are on
/// the disk when they are acknowledged (the write-ahead log is synced). The file contains the
/// keys together with the encrypted content, so a person who can read the file can read everything.
/// On Unix, only the owner can read a new file (mode 0600). Calls need a Tokio runtime, and run on
/// its threads for blocking work.
///
/// `forget` does not change copies of the file: erase copies separately.
///
/// ```
/// use nhs_pds::audit::{AuditLog, SqliteLog};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let log = SqliteLog::open_in_memory()?;
/// let verdict = log.verify(&[]).await?;
/// assert!(verdict.to_string().starts_with("whole: 0 events, head 0:0000"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqliteLog {
    rows: SqliteRows,
    trail: Trail,
}

impl SqliteLog {
    /// Opens the file at `path`, creates it if it does not exist, and migrates its schema.
    ///
    /// Blocks the thread meanwhile.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file cannot be opened or written, [`ErrorKind::Corrupt`]
    /// when it is not an SQLite file, [`ErrorKind::Schema`] when a newer version of this crate
    /// wrote it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let database = Database::open(path)?;
        database.with(prepare).map_err(failed)?;
        Ok(Self::over(database))
    }

    /// Opens the trail in the file at `path` for reading, also on a read-only medium. Changes
    /// nothing: neither the file, nor its schema, nor other files in its directory.
    ///
    /// Other programs may write the file meanwhile. The same program must not open the file for
    /// writing while this log exists: its appends would fail with [`ErrorKind::ReadOnly`]. Blocks
    /// the thread while it opens the file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoTrail`] when the file has no trail or only part of one;
    /// [`ErrorKind::Unavailable`] when it cannot be opened, [`ErrorKind::Schema`] when a newer
    /// version of this crate wrote it.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use nhs_pds::audit::{Actor, AuditLog, Entry, ErrorKind, EventKind, SqliteLog};
    /// use nhs_pds::trace::{Caller, LocalIdentity};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.db");
    /// drop(SqliteLog::open(&path)?);
    /// let log = SqliteLog::open_read_only(&path)?;
    /// assert!(log.verify(&[]).await?.is_whole());
    ///
    /// let worker = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
    /// let actor = Actor::new(&worker, "Get NHS Number");
    /// let entry = Entry::new(EventKind::SignedOut, DateTime::UNIX_EPOCH, &actor);
    /// let refused = log.append(vec![entry]).await.map_err(|error| error.kind());
    /// assert_eq!(refused, Err(ErrorKind::ReadOnly));
    ///
    /// std::fs::write(&path, "")?;
    /// let nothing = SqliteLog::open_read_only(&path).map_err(|error| error.kind());
    /// assert_eq!(nothing.err(), Some(ErrorKind::NoTrail));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, Error> {
        let database = Database::open_read_only(path)?;
        match database.with(|connection| has_trail(connection)) {
            Ok(true) => Ok(Self::over(database)),
            Ok(false) => Err(Error::new(ErrorKind::NoTrail)),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                Err(Error::new(ErrorKind::NoTrail).with_source(error))
            }
            Err(error) => Err(error),
        }
    }

    /// An empty trail in memory, which ends with its last clone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when there is not enough memory.
    pub fn open_in_memory() -> Result<Self, Error> {
        Ok(Self::over(Database::open_in_memory()?))
    }

    /// The trail of an open file.
    pub(crate) fn over(database: Database) -> Self {
        let rows = SqliteRows(database);
        Self { trail: Trail::new(Arc::new(rows.clone())), rows }
    }
}

/// An append touches pages all over the indexes. A larger cache (minus kibibytes), and fewer
/// checkpoints of the write-ahead log (pages), make it a fifth faster.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 8_192, |_| Ok(()))
}

#[async_trait]
impl AuditLog for SqliteLog {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        // In one step, so that appends at the same time do not refuse each other.
        self.rows.write(move |transaction| append_in(transaction, &entries)).await
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        self.trail.page(filter, after, limit).await
    }

    async fn page_before(
        &self,
        filter: &Filter,
        before: u64,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        self.trail.page_before(filter, before, limit).await
    }

    async fn unreadable(&self, filter: &Filter) -> Result<Vec<u64>, Error> {
        self.trail.unreadable(filter).await
    }

    async fn head(&self) -> Result<Anchor, Error> {
        self.trail.head().await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        self.verify_with_progress(anchors, &|_| {}).await
    }

    async fn verify_with_progress(
        &self,
        anchors: &[Anchor],
        checked: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Verdict, Error> {
        let verdict = self.trail.verify_with_progress(anchors, checked).await?;
        // Without locks, a file that is written meanwhile looks broken but is not.
        if self.rows.0.has_changed() {
            return Err(Error::new(ErrorKind::Unavailable)
                .with_source("another program wrote the file meanwhile: try again"));
        }
        Ok(verdict)
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        self.trail.forget(case).await
    }
}

/// Appends `entries` inside the open transaction of `transaction`, which the caller commits.
/// Returns the number of the trail's last event afterwards.
///
/// The transaction must be the file's writer already (`BEGIN IMMEDIATE`), so that the end of the
/// trail does not move. After an error, the caller must roll it back.
pub(crate) fn append_in(transaction: &Connection, entries: &[Entry]) -> Result<u64, Error> {
    let basis = rows::basis(transaction, &Batch::owners(entries))?;
    let batch = Batch::new(entries, &basis)?;
    if !entries.is_empty() {
        rows::write(transaction, &batch)?;
    }
    Ok(batch.head().seq)
}

/// The tables of the trail in an SQLite file.
#[derive(Clone)]
struct SqliteRows(Database);

impl SqliteRows {
    /// Runs `work` in a transaction that no other writer interrupts, so that the end of the trail does
    /// not move.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.write(Durability::Durable, work).await
    }
}

#[async_trait]
impl AuditStorage for SqliteRows {
    async fn basis(&self, owners: &[Owner]) -> Result<Basis, Error> {
        let owners = owners.to_vec();
        let read = move |connection: &mut Connection| {
            let moment = connection.transaction().map_err(failed)?;
            rows::basis(&moment, &owners)
        };
        self.0.read(read).await
    }

    async fn append(&self, batch: Batch) -> Result<Appended, Error> {
        self.write(move |transaction| {
            if !rows::matches(transaction, &batch)? {
                return Ok(Appended::Conflict);
            }
            rows::write(transaction, &batch)?;
            Ok(Appended::Done)
        })
        .await
    }

    async fn rows(
        &self,
        filter: &Filter,
        from: i64,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Error> {
        let filter = filter.clone();
        let span = Span::From(from);
        self.0.read(move |connection| rows::read(connection, &filter, span, limit)).await
    }

    async fn rows_before(
        &self,
        filter: &Filter,
        before: i64,
        limit: usize,
    ) -> Result<Option<Vec<StoredRow>>, Error> {
        let (filter, span) = (filter.clone(), Span::Before(before));
        let read = move |connection: &mut Connection| rows::read(connection, &filter, span, limit);
        self.0.read(read).await.map(Some)
    }

    async fn erased(&self, names: &[SubjectName]) -> Result<Vec<SubjectName>, Error> {
        let names = names.to_vec();
        self.0.read(move |connection| rows::erased(connection, &names)).await
    }

    async fn destroy(&self, names: &[SubjectName]) -> Result<(), Error> {
        let names = names.to_vec();
        self.write(move |transaction| rows::delete(transaction, &names)).await?;
        // Copies of the key and its mappings may be in the write-ahead log and in unused parts of
        // pages.
        self.0.blocking(|connection| Ok(sqlite::scrub(connection)?)).await
    }

    async fn append_at_once(&self, entries: Arc<[Entry]>) -> Result<Option<u64>, Error> {
        self.write(move |transaction| append_in(transaction, &entries)).await.map(Some)
    }
}

/// Whether the tables of a trail exist, with their columns.
fn has_trail(connection: &Connection) -> Result<bool, Error> {
    // The schema version that added these tables.
    const FIRST: usize = 3;
    if sqlite::schema(connection)? < FIRST || !rows::are_there(connection)? {
        return Ok(false);
    }
    Ok(true)
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        let kind = match error.kind {
            sqlite::ErrorKind::Corrupt => ErrorKind::Corrupt,
            sqlite::ErrorKind::ReadOnly => ErrorKind::ReadOnly,
            sqlite::ErrorKind::Residue => ErrorKind::Residue,
            sqlite::ErrorKind::Schema => ErrorKind::Schema,
            sqlite::ErrorKind::Unavailable => ErrorKind::Unavailable,
        };
        match error.source {
            Some(source) => Self::new(kind).with_source(source),
            None => Self::new(kind),
        }
    }
}

impl fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteLog")
    }
}

impl fmt::Debug for SqliteRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteRows")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::actor::Actor;
    use crate::audit::entry::Subject;
    use crate::audit::event::About;
    use crate::audit::kind::EventKind;
    use crate::trace::{Caller, LocalIdentity};
    use chrono::DateTime;

    fn about(kind: EventKind, case: &str) -> Entry {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
        let us = Actor::new(&Caller::System(us), "us");
        Entry::new(kind, DateTime::UNIX_EPOCH, &us).about(Subject::new(case.parse().unwrap()))
    }

    fn execute(log: &SqliteLog, sql: &str) {
        log.rows.0.with(|connection| connection.execute_batch(sql)).unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_is_an_error_and_appends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(folder.path().join("audit.db")).unwrap();
        log.append(vec![about(EventKind::CaseViewed, "1")]).await.unwrap();
        let head = log.head().await.unwrap();
        execute(&log, "PRAGMA max_page_count = 1");
        let many = || (0..500).map(|case| about(EventKind::CaseViewed, &case.to_string()));
        let error = log.append(many().collect()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(log.head().await.unwrap(), head);
        assert!(log.verify(&[head]).await.unwrap().is_whole());
        execute(&log, "PRAGMA max_page_count = 1000000");
        assert_eq!(log.append(many().collect()).await.unwrap(), 501);
        assert!(log.verify(&[head]).await.unwrap().is_whole());
    }

    /// Copies of the key would stay in the write-ahead log.
    #[tokio::test]
    async fn forget_fails_during_a_read_and_succeeds_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.db");
        let log = SqliteLog::open(&file).unwrap();
        log.append(vec![about(EventKind::CaseErased, "1")]).await.unwrap();
        let reader = Connection::open(&file).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM audit_event").unwrap();
        log.rows.0.with(|connection| connection.busy_timeout(std::time::Duration::ZERO)).unwrap();
        let case = "1".parse().unwrap();
        let error = log.forget(&case).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Residue);
        reader.execute_batch("COMMIT").unwrap();
        log.forget(&case).await.unwrap();
        let events = log.page(&Filter::new(), 0, 9).await.unwrap();
        assert_eq!(events[0].about, About::Forgotten);
        assert_eq!(std::fs::metadata(file.with_extension("db-wal")).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn rows_that_are_not_events_are_left_out_and_listed() {
        for damage in [
            "UPDATE audit_event SET kind = 'Quentinsson'",
            "UPDATE audit_event SET details = 'Quentinsson'",
            "UPDATE audit_event SET sealed = x'00'",
            "UPDATE audit_event SET sealed = NULL",
            "UPDATE audit_event SET at = 9223372036854775807",
            "UPDATE audit_subject SET key = x'00'",
        ] {
            let log = SqliteLog::open_in_memory().unwrap();
            log.append(vec![about(EventKind::CaseViewed, "1")]).await.unwrap();
            execute(&log, damage);
            assert!(log.page(&Filter::new(), 0, 9).await.unwrap().is_empty(), "{damage}");
            assert_eq!(log.unreadable(&Filter::new()).await.unwrap(), [1], "{damage}");
        }
        let log = SqliteLog::open_in_memory().unwrap();
        execute(&log, "DELETE FROM audit_anchor");
        assert_eq!(log.head().await.unwrap_err().kind(), ErrorKind::Corrupt);
        let error = log.append(vec![about(EventKind::CaseViewed, "1")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_newer_schema_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.db");
        execute(&SqliteLog::open(&file).unwrap(), "PRAGMA user_version = 99");
        assert_eq!(SqliteLog::open(&file).unwrap_err().kind(), ErrorKind::Schema);
    }

    #[cfg(feature = "conformance")]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn its_rows_meet_the_contract_of_a_storage() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let files = AtomicU32::new(0);
        let new_storage = async || {
            let file = format!("{}.db", files.fetch_add(1, Ordering::Relaxed));
            let log = SqliteLog::open(folder.path().join(file)).unwrap();
            Arc::new(log.rows) as Arc<dyn AuditStorage>
        };
        crate::audit::conformance::check_storage(new_storage).await.unwrap();
    }
}
