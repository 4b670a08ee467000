use crate::audit::anchor::Anchor;
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::AuditLog;
use crate::audit::row::{Row, SubjectId, Unsealing, Value};
use crate::audit::sqlite_failure::{corrupt, failed};
use crate::audit::sqlite_rows::{self as rows, Condition};
use crate::audit::sqlite_sealers::Sealers;
use crate::audit::verdict::Verdict;
use crate::audit::walk::Walk;
use crate::case::CaseId;
use crate::store::sqlite::{self, Database};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::fmt;
use std::path::Path;

/// How many rows a verification reads at once, so that other writers can append in between.
const STRIDE: usize = 500;

/// An audit trail in an SQLite file. Several processes on one machine may append to it at once.
///
/// The file may be the file of [`SqliteStore`](crate::case::SqliteStore). Appended events are on
/// the disk when they are acknowledged (write-ahead log, `synchronous=FULL`). The file contains the
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
pub struct SqliteLog(Database);

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
        Ok(Self(database))
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
            Ok(true) => Ok(Self(database)),
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
        Ok(Self(Database::open_in_memory()?))
    }

    /// The trail of an open file.
    pub(crate) const fn over(database: Database) -> Self {
        Self(database)
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
        self.0.blocking(move |connection| append(connection, &entries)).await
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        let mut condition = Condition::new(filter);
        // No sequence number is greater than the largest integer of SQLite.
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        condition.and("e.seq > ?", Value::Integer(after));
        self.0
            .blocking(move |connection| {
                let mut events = Vec::new();
                if limit > 0 {
                    rows::each(connection, &condition, i64::MAX, |_, read| {
                        events.extend(event_of(read));
                        events.len() < limit
                    })?;
                }
                Ok(events)
            })
            .await
    }

    async fn unreadable(&self, filter: &Filter) -> Result<Vec<u64>, Error> {
        let (filter, mut found, mut after) = (filter.clone(), Vec::new(), 0_i64);
        loop {
            let mut condition = Condition::new(&filter);
            condition.and("e.seq > ?", Value::Integer(after));
            let damaged = self.0.blocking(move |connection| damaged(connection, &condition));
            let (numbers, last) = damaged.await?;
            found.extend(numbers);
            match last {
                Some(last) => after = last,
                None => return Ok(found),
            }
        }
    }

    async fn head(&self) -> Result<Anchor, Error> {
        self.0.blocking(|connection| rows::anchor(connection)?.ok_or_else(corrupt)).await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        let mut progress = Progress::At(Walk::new(anchors));
        loop {
            match progress {
                Progress::At(walk) => {
                    progress = self.0.blocking(|connection| walk_on(connection, walk)).await?;
                }
                // Without locks, a file that is written meanwhile looks broken but is not.
                Progress::Ended(_) if self.0.has_changed() => {
                    return Err(Error::new(ErrorKind::Unavailable)
                        .with_source("another program wrote the file meanwhile: try again"));
                }
                Progress::Ended(verdict) => return Ok(verdict),
            }
        }
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        let case = case.clone();
        self.0.blocking(move |connection| forget(connection, &case)).await
    }
}

fn append(connection: &mut Connection, entries: &[Entry]) -> Result<u64, Error> {
    // Other writers must wait from here, so that the end of the trail does not move.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let last = append_in(&transaction, entries)?;
    transaction.commit().map_err(failed)?;
    Ok(last)
}

/// Appends `entries` inside the open transaction of `transaction`, which the caller commits.
/// Returns the number of the trail's last event afterwards.
///
/// The transaction must be the file's writer already (`BEGIN IMMEDIATE`), so that the end of the
/// trail does not move. After an error, the caller must roll it back.
pub(crate) fn append_in(transaction: &Connection, entries: &[Entry]) -> Result<u64, Error> {
    let mut head = rows::anchor(transaction)?.ok_or_else(corrupt)?;
    if entries.is_empty() {
        return Ok(head.seq);
    }
    let mut sealers = Sealers::new(transaction);
    for entry in entries {
        let seq = head.seq.checked_add(1).ok_or_else(corrupt)?;
        let sealer = sealers.of(entry, seq)?;
        let (row, hash) = Row::new(seq, &head.hash, entry, sealer)?;
        rows::insert(transaction, &row)?;
        head = Anchor::new(seq, hash);
    }
    rows::set_anchor(transaction, head)?;
    Ok(head.seq)
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

/// The event in a row, unless the row is damaged.
fn event_of(read: Option<(Row, Unsealing)>) -> Option<Event> {
    let (row, unsealing) = read?;
    row.event(&unsealing).ok()
}

/// The numbers of unreadable events among the next rows that meet `condition`, and the number of
/// the last row checked, unless no rows remain.
fn damaged(
    connection: &Connection,
    condition: &Condition,
) -> Result<(Vec<u64>, Option<i64>), Error> {
    let (mut numbers, mut last) = (Vec::new(), None);
    rows::each(connection, condition, STRIDE as i64, |seq, read| {
        last = Some(seq);
        if event_of(read).is_none() {
            numbers.extend(u64::try_from(seq));
        }
        true
    })?;
    Ok((numbers, last))
}

enum Progress {
    At(Walk),
    Ended(Verdict),
}

/// Checks the next rows, in one transaction.
fn walk_on(connection: &mut Connection, walk: Walk) -> Result<Progress, Error> {
    let moment = connection.transaction().map_err(failed)?;
    let mut walk = walk.within(rows::anchor(&moment)?);
    let mut condition = Condition::new(&Filter::new());
    let after = i64::try_from(walk.last.seq).map_err(|_| corrupt())?;
    condition.and("e.seq > ?", Value::Integer(after));
    let next: Vec<(Row, Unsealing)> = rows::read(&moment, &condition, STRIDE)?;
    for (row, unsealing) in &next {
        if let Err(verdict) = walk.step(row, unsealing) {
            return Ok(Progress::Ended(verdict));
        }
    }
    if next.len() == STRIDE {
        return Ok(Progress::At(walk));
    }
    Ok(Progress::Ended(walk.end(rows::has_strays(&moment)?)))
}

fn forget(connection: &mut Connection, case: &CaseId) -> Result<(), Error> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let subject: Option<SubjectId> = transaction
        .query_row("SELECT subject FROM audit_subject WHERE case_id = ?1", [case.as_str()], |row| {
            row.get(0)
        })
        .optional()
        .map_err(failed)?;
    if let Some(subject) = subject {
        let erased = EventKind::CaseErased.as_str();
        let told: bool = transaction
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM audit_event WHERE subject = ?1 AND kind = ?2)",
                params![subject, erased],
                |row| row.get(0),
            )
            .map_err(failed)?;
        if !told {
            return Err(Error::new(ErrorKind::NotErased));
        }
        let mut people = transaction
            .prepare(
                "SELECT s.subject FROM audit_subject s
                 WHERE s.person IN (SELECT number FROM audit_subject_number WHERE subject = ?1)
                 AND EXISTS (SELECT 1 FROM audit_event e WHERE e.subject = s.subject AND e.kind = ?2)",
            )
            .map_err(failed)?;
        let people = people
            .query_map(params![subject, erased], |row| row.get::<_, SubjectId>(0))
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(failed)?;
        for gone in people.iter().chain([&subject]) {
            for table in ["audit_subject", "audit_subject_number"] {
                let delete = format!("DELETE FROM {table} WHERE subject = ?1");
                transaction.execute(&delete, [gone]).map_err(failed)?;
            }
        }
    }
    transaction.commit().map_err(failed)?;
    // Copies of the key and its mappings may be in the write-ahead log and in unused parts of
    // pages.
    Ok(sqlite::scrub(connection)?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::actor::Actor;
    use crate::audit::entry::Subject;
    use crate::audit::event::About;
    use crate::trace::{Caller, LocalIdentity};
    use chrono::DateTime;

    fn about(kind: EventKind, case: &str) -> Entry {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
        let us = Actor::new(&Caller::System(us), "us");
        Entry::new(kind, DateTime::UNIX_EPOCH, &us).about(Subject::new(case.parse().unwrap()))
    }

    fn execute(log: &SqliteLog, sql: &str) {
        log.0.with(|connection| connection.execute_batch(sql)).unwrap();
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
        log.0.with(|connection| connection.busy_timeout(std::time::Duration::ZERO)).unwrap();
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
}
