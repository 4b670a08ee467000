//! The SQLite file that the stores of this crate share: opening, protection and schema migration.
//!
//! Each store has its own connection, so that one can wait for the disk while another reads.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;

/// The migrations, each from one schema version to the next; `user_version` counts those done.
pub(crate) const MIGRATIONS: [&str; 7] = [
    include_str!("../../migrations/sqlite/0001_cases.sql"),
    include_str!("../../migrations/sqlite/0002_local_data.sql"),
    include_str!("../../migrations/sqlite/0003_audit.sql"),
    include_str!("../../migrations/sqlite/0004_get_nhs_number.sql"),
    include_str!("../../migrations/sqlite/0005_audit_nonce.sql"),
    include_str!("../../migrations/sqlite/0006_person_of_the_number.sql"),
    include_str!("../../migrations/sqlite/0007_due.sql"),
];

/// How long to wait for another writer of the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a change is on the disk when it is acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Durability {
    /// It survives a power cut.
    Durable,
    /// It survives the end of the process. A power cut may undo it, with all relaxed changes after
    /// it; durable changes before it stay.
    Relaxed,
}

/// A connection to the file, for threads that may block.
#[derive(Clone)]
pub(crate) struct Database {
    connection: Arc<Mutex<Connection>>,
    /// The state of the file when it was opened for reading without locks.
    seen: Option<Arc<Seen>>,
}

/// Why an operation on the file failed.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What is wrong with the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorKind {
    /// Damaged, or not an SQLite file.
    Corrupt,
    /// The file or its directory is read-only.
    ReadOnly,
    /// The change is stored, but the previous content may still be in the file.
    Residue,
    /// Written by a newer version of this crate.
    Schema,
    /// Locked, full, no permission, no such path; or no runtime to work on.
    Unavailable,
}

impl Error {
    fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unavailable, source: Some(source.into()) }
    }

    fn is_cannot_open(&self) -> bool {
        let source = self.source.as_ref().and_then(|error| error.downcast_ref::<rusqlite::Error>());
        source.and_then(rusqlite::Error::sqlite_error_code) == Some(ErrorCode::CannotOpen)
    }
}

/// Statements bind every value, so the text of an SQLite error contains table names at most.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let damaged = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ) || matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..)
        );
        let read_only = error.sqlite_error_code() == Some(ErrorCode::ReadOnly);
        let kind = match (damaged, read_only) {
            (true, _) => ErrorKind::Corrupt,
            (_, true) => ErrorKind::ReadOnly,
            _ => ErrorKind::Unavailable,
        };
        Self { kind, source: Some(error.into()) }
    }
}

impl Database {
    /// Opens the file at `path`, creates it if it does not exist, and migrates its schema.
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        // SQLite gives `:memory:` and `file:` a special meaning; an absolute path is always only a
        // path.
        let path = std::path::absolute(path).map_err(Error::unavailable)?;
        make_private(&path).map_err(Error::unavailable)?;
        let opened = Connection::open(&path).map_err(Error::from).and_then(Self::new);
        opened.map_err(|error| match error.kind {
            // SQLite writes beside the file even to read it. If the file itself can be opened, its
            // directory cannot be written.
            ErrorKind::Unavailable if error.is_cannot_open() && is_readable(&path) => {
                Error { kind: ErrorKind::ReadOnly, ..error }
            }
            _ => error,
        })
    }

    /// Opens the file at `path` for reading and changes nothing: not the file, its schema or its
    /// directory.
    pub(crate) fn open_read_only(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = std::path::absolute(path).map_err(Error::unavailable)?;
        let seen = Seen::of(&path);
        let (connection, has_locks) = open_read_only(&path)?;
        // With locks, SQLite reads each transaction from one snapshot, even during writes.
        let seen = (!has_locks).then(|| Arc::new(seen));
        Ok(Self { connection: Arc::new(Mutex::new(connection)), seen })
    }

    /// Whether another program has written the file since it was opened for reading without locks.
    /// If so, the data read may be of two moments.
    pub(crate) fn has_changed(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| **seen != Seen::of(&seen.path))
    }

    /// An empty file in memory, which ends with its last clone.
    pub(crate) fn open_in_memory() -> Result<Self, Error> {
        Self::new(Connection::open_in_memory()?)
    }

    fn new(mut connection: Connection) -> Result<Self, Error> {
        prepare(&connection)?;
        migrate(&mut connection)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), seen: None })
    }

    /// Runs `work` on a thread that may block.
    pub(crate) async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(Error::unavailable)?;
        let database = self.clone();
        let done = runtime.spawn_blocking(move || database.with(work));
        match done.await {
            Ok(done) => done,
            Err(_) => Err(Error { kind: ErrorKind::Unavailable, source: None }.into()),
        }
    }

    /// Runs `work` in a transaction that writes, on a thread that may block. Commits when `work`
    /// succeeds.
    pub(crate) async fn write<T, E>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.blocking(move |connection| {
            let synchronous = if durability == Durability::Durable { "full" } else { "normal" };
            connection.pragma_update(None, "synchronous", synchronous).map_err(Error::from)?;
            let transaction = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(Error::from)?;
            let done = work(&transaction)?;
            transaction.commit().map_err(Error::from)?;
            Ok(done)
        })
        .await
    }

    /// Runs `work` on the current thread.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        // After a panic the transaction has been rolled back, so the connection is usable.
        work(&mut self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Evidence that a file was written: size and time of the file and of its write-ahead log.
#[derive(Eq, PartialEq)]
struct Seen {
    path: PathBuf,
    state: [Option<(u64, Option<SystemTime>)>; 2],
}

impl Seen {
    fn of(path: &Path) -> Self {
        let state = [path.to_owned(), beside(path, "-wal")].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.len(), metadata.modified().ok()))
        });
        Self { path: path.to_owned(), state }
    }
}

/// The path of a file that SQLite keeps beside `path`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn is_readable(path: &Path) -> bool {
    File::open(path).and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
}

/// A connection that neither writes the file nor creates one beside it, and whether it takes locks.
///
/// Without a write-ahead log, all data are in the file itself. With a log, the index that the
/// writers share (`-shm`) is needed to read it. Where the index is missing, SQLite builds it in
/// memory, but only for a connection that has the file to itself.
fn open_read_only(path: &Path) -> Result<(Connection, bool), Error> {
    let log = fs::metadata(beside(path, "-wal")).map_or(0, |metadata| metadata.len());
    let is_shared = beside(path, "-wal").exists() && beside(path, "-shm").exists();
    let own_index = !is_shared && log > 0;
    let how = match (is_shared, own_index) {
        (true, _) => "readonly_shm=1",
        (_, true) if cfg!(windows) => "vfs=win32-none",
        (_, true) => "vfs=unix-none",
        _ => "immutable=1",
    };
    let path = path.to_str().ok_or_else(|| Error::unavailable("the path is not UTF-8"))?;
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let path = if cfg!(windows) { format!("/{}", path.replace('\\', "/")) } else { path };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(format!("file:{path}?{how}"), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if own_index {
        connection.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(()))?;
    }
    Ok((connection, is_shared))
}

/// Rewrites the file and empties the write-ahead log, so that the file contains only the data in
/// its rows.
///
/// `secure_delete` overwrites deleted rows and freed pages. It does not reach the copies that stay
/// in a page when SQLite moves rows to another page; only a rewrite does.
pub(crate) fn scrub(connection: &Connection) -> Result<(), Error> {
    let residue = |source| Error { kind: ErrorKind::Residue, source };
    connection
        .execute_batch("VACUUM")
        .and_then(|()| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        })
        .map_err(|error| residue(Some(error.into())))
        .and_then(|busy| if busy == 0 { Ok(()) } else { Err(residue(None)) })
}

/// Creates the file if it does not exist, before SQLite would create it readable for all users.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // Acknowledged data survive a power cut, and erased data do not stay in free pages.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "secure_delete", "on", |_| Ok(()))
}

fn migrate(connection: &mut Connection) -> Result<(), Error> {
    if schema(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    // Another process may migrate the same file: check again once no other process can write.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(schema(&transaction)?) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    Ok(transaction.commit()?)
}

/// The number of migrations done.
pub(crate) fn schema(connection: &Connection) -> Result<usize, Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(Error { kind: ErrorKind::Schema, source: None }),
    }
}
