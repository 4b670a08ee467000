//! The SQLite file that the stores of this crate share: how it is opened, kept safe and brought up to
//! date.
//!
//! Each store has a connection of its own, so that one may wait for the disk while another reads.

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// What brings a file from one version of the schema to the next; `user_version` counts those done.
pub(crate) const MIGRATIONS: [&str; 5] = [
    include_str!("../migrations/sqlite/0001_cases.sql"),
    include_str!("../migrations/sqlite/0002_local_data.sql"),
    include_str!("../migrations/sqlite/0003_audit.sql"),
    include_str!("../migrations/sqlite/0004_get_nhs_number.sql"),
    include_str!("../migrations/sqlite/0005_person_of_the_number.sql"),
];

/// How long to wait for another writer of the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to the file, for threads that may block.
#[derive(Clone)]
pub(crate) struct Database(Arc<Mutex<Connection>>);

/// Why the file did not do what was asked.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What is wrong with the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorKind {
    /// Damaged, or no SQLite file.
    Corrupt,
    /// Written by a newer version of this crate.
    Schema,
    /// Locked, full, no permission, no such place; or no runtime to work on.
    Unavailable,
}

impl Error {
    fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unavailable, source: Some(source.into()) }
    }
}

/// Statements bind every value, so the text of an SQLite error names tables at most.
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
        let kind = if damaged { ErrorKind::Corrupt } else { ErrorKind::Unavailable };
        Self { kind, source: Some(error.into()) }
    }
}

impl Database {
    /// Opens the file at `path`, makes it if it is not there, and brings its schema up to date.
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        // SQLite takes `:memory:` and `file:` for more than names; an absolute path is only a path.
        let path = std::path::absolute(path).map_err(Error::unavailable)?;
        make_private(&path).map_err(Error::unavailable)?;
        Self::new(Connection::open(path)?)
    }

    /// An empty file in memory, forgotten with its last clone.
    pub(crate) fn open_in_memory() -> Result<Self, Error> {
        Self::new(Connection::open_in_memory()?)
    }

    fn new(mut connection: Connection) -> Result<Self, Error> {
        prepare(&connection)?;
        migrate(&mut connection)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Does `work` on a thread that may block.
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

    /// Does `work` here and now.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        // After a panic the transaction has been rolled back, so the connection is good.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Makes the file, unless there is something, before SQLite would make it readable for everybody.
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
    // What is acknowledged survives a power cut, and what is erased does not stay in free pages.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "secure_delete", "on", |_| Ok(()))
}

fn migrate(connection: &mut Connection) -> Result<(), Error> {
    if schema(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    // Another process may be at the same file: look again once nobody else can write.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(schema(&transaction)?) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    Ok(transaction.commit()?)
}

/// How many migrations have been done.
pub(crate) fn schema(connection: &Connection) -> Result<usize, Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(Error { kind: ErrorKind::Schema, source: None }),
    }
}
