//! The SQLite file that the stores of this crate share: opening, protection and schema migration.
//!
//! Each store has a connection that writes and one that reads, so a read waits for no write.

pub(crate) use crate::store::error::{Error, ErrorKind};
pub(crate) use crate::store::group::Durability;
use crate::store::group::{Job, Writer};
#[cfg(test)]
pub(crate) use crate::store::schema::MIGRATIONS;
use crate::store::schema::migrate;
pub(crate) use crate::store::schema::schema;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;

/// How long to wait for another writer of the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many compiled statements a connection keeps.
const STATEMENTS: usize = 128;

/// Waits for another writer for a short time, which grows little: a writer has the file for less than
/// a millisecond, as a rule, and a writer that sleeps long loses it again. Gives up after about
/// [`BUSY_TIMEOUT`].
fn retry(attempt: i32) -> bool {
    let micros = if attempt < 20 { 100 } else { 500 + u64::from(attempt.unsigned_abs() % 7) * 150 };
    std::thread::sleep(Duration::from_micros(micros));
    Duration::from_micros(950) * attempt.unsigned_abs() < BUSY_TIMEOUT
}

/// The file, for callers that must not block.
#[derive(Clone)]
pub(crate) struct Database {
    writer: Arc<Writer>,
    /// Reads without waiting for writes. A file in memory has one connection only.
    reader: Option<Arc<Mutex<Connection>>>,
    /// The state of the file when it was opened for reading without locks.
    seen: Option<Arc<Seen>>,
}

impl Database {
    /// Opens the file at `path`, creates it if it does not exist, and migrates its schema.
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        // SQLite gives `:memory:` and `file:` a special meaning; an absolute path is always only a
        // path.
        let path = std::path::absolute(path).map_err(Error::unavailable)?;
        make_private(&path).map_err(Error::unavailable)?;
        let opened = Self::open_shared(&path);
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
        Ok(Self { writer: Writer::new(connection, None), reader: None, seen })
    }

    /// Whether another program has written the file since it was opened for reading without locks.
    /// If so, the data read may be of two moments.
    pub(crate) fn has_changed(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| **seen != Seen::of(&seen.path))
    }

    /// An empty file in memory, which ends with its last clone.
    pub(crate) fn open_in_memory() -> Result<Self, Error> {
        let mut connection = Connection::open_in_memory()?;
        prepare(&mut connection)?;
        migrate(&mut connection)?;
        Ok(Self { writer: Writer::new(connection, None), reader: None, seen: None })
    }

    fn open_shared(path: &Path) -> Result<Self, Error> {
        let mut connection = Connection::open(path)?;
        prepare(&mut connection)?;
        // The writes of the process touch pages all over the indexes. A larger cache (minus
        // kibibytes), and fewer checkpoints of the log (pages), make them a fifth faster.
        connection.pragma_update(None, "cache_size", -16_384)?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 8_192, |_| Ok(()))?;
        migrate(&mut connection)?;
        let mut reader = Connection::open(path)?;
        prepare(&mut reader)?;
        reader.pragma_update(None, "query_only", "on")?;
        // SQLite has created the log by now, and keeps it while a connection is open.
        // Without a log (some network drives), each commit waits for the disk.
        let log = OpenOptions::new().write(true).open(beside(path, "-wal")).ok();
        let writer = Writer::new(connection, log);
        Ok(Self { writer, reader: Some(Arc::new(Mutex::new(reader))), seen: None })
    }

    /// Runs `work`, which only reads, on a thread that may block. It sees every acknowledged change.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(Error::unavailable)?;
        let database = self.clone();
        let done = runtime.spawn_blocking(move || match &database.reader {
            Some(reader) => work(&mut reader.lock().unwrap_or_else(PoisonError::into_inner)),
            None => database.with(work),
        });
        done.await.unwrap_or_else(|_| Err(Error::lost().into()))
    }

    /// Runs `work` in a transaction that writes, on a thread that may block. Commits when `work`
    /// succeeds, and otherwise changes nothing. `work` must leave the transaction open.
    ///
    /// Calls at the same time share one transaction and one wait for the disk; each still takes
    /// effect on its own.
    pub(crate) async fn write<T, E>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(Error::unavailable)?;
        let (job, answer) = Job::in_a_group(durability, work);
        self.writer.add(&runtime, job);
        answer.await.unwrap_or_else(|_| Err(Error::lost().into()))
    }

    /// Runs `work` alone on the connection that writes, on a thread that may block.
    pub(crate) async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(Error::unavailable)?;
        let (job, answer) = Job::alone(work);
        self.writer.add(&runtime, job);
        answer.await.unwrap_or_else(|_| Err(Error::lost().into()))
    }

    #[cfg(test)]
    pub(super) fn writer_for_tests(&self) -> &Writer {
        &self.writer
    }

    /// Runs `work` on the current thread, on the connection that writes.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        work(&mut self.writer.connection())
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
    // The rewrite needs a copy of the file, which may be larger than the memory.
    let rewritten = connection
        .pragma_update(None, "temp_store", "file")
        .and_then(|()| connection.execute_batch("VACUUM"));
    connection
        .pragma_update(None, "temp_store", "memory")
        .and(rewritten)
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

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(retry))?;
    // All statements of the stores, and each compiled once: by default SQLite compiles a statement again
    // where the planner looked at a value that was bound to it.
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The first pages of a transaction that is undone in part are kept in memory, not in a file.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // Acknowledged data survive a power cut, and erased data do not stay in free pages.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "secure_delete", "on", |_| Ok(()))
}
