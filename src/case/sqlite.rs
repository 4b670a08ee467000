use crate::case::error::{Error, ErrorKind, readable};
use crate::case::id::CaseId;
use crate::case::lease::{Claim, Lease, Place};
use crate::case::record::Case;
use crate::case::sqlite_rows::{self as rows, document, failed, number};
use crate::case::store::{CaseStore, Change};
use crate::case::unreadable::Unreadable;
use crate::nhs_number::NhsNumber;
use crate::store::sqlite::{self, Database};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::fmt;
use std::path::Path;

/// Cases in an SQLite file. Several processes on one machine may use it at once.
///
/// A save is on the disk when it is acknowledged (write-ahead log, `synchronous=FULL`). The file
/// and the files beside it (`-wal`, `-shm`) contain people's demographic fields unencrypted. On
/// Unix, only the owner can read and write a new file (mode 0600), and SQLite gives the files
/// beside it the same mode. Existing files keep their mode. On other systems, access follows the
/// directory. Calls need a Tokio runtime, and run on its threads for blocking work.
///
/// ```
/// use nhs_pds::case::{Case, CaseStore, RecordType, SqliteStore};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = SqliteStore::open_in_memory()?;
/// store.insert_all(vec![Case::new("1".parse()?, RecordType::Review)]).await?;
/// assert_eq!(store.page(None, 10).await?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqliteStore(Database);

impl SqliteStore {
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
        Ok(Self(Database::open(path)?))
    }

    /// An empty store in memory, which ends with its last clone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when there is not enough memory.
    pub fn open_in_memory() -> Result<Self, Error> {
        Ok(Self(Database::open_in_memory()?))
    }
}

#[async_trait]
impl CaseStore for SqliteStore {
    async fn insert_all(&self, cases: Vec<Case>) -> Result<(), Error> {
        self.0.blocking(move |connection| insert_all(connection, cases)).await
    }

    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        let id = id.clone();
        self.0.blocking(move |connection| rows::get(connection, &id)).await
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        // Ids are not empty, so all of them are greater than the empty text.
        let after = after.map_or_else(String::new, |id| id.as_str().to_owned());
        self.0.blocking(move |connection| rows::page(connection, &after, limit)).await
    }

    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        let (mut found, mut after) = (Vec::new(), Vec::new());
        loop {
            let looked_at = self.0.blocking(move |connection| rows::unreadable(connection, &after));
            let (damaged, last) = looked_at.await?;
            found.extend(damaged);
            match last {
                Some(last) => after = last,
                None => return Ok(found),
            }
        }
    }

    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.0.blocking(move |connection| save_all(connection, changes)).await
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        self.0
            .blocking(move |connection| {
                let mut query = connection
                    .prepare_cached(
                        "SELECT case_id FROM cases WHERE nhs_number = ?1 ORDER BY case_id",
                    )
                    .map_err(failed)?;
                let rows = query
                    .query_map([number.digits().as_str()], |row| {
                        Ok(rows::text(row, 0).unwrap_or_default())
                    })
                    .map_err(failed)?;
                // A case whose id is damaged cannot be listed. It still counts when a sole holder
                // is checked.
                rows.filter_map(|row| row.map(|id| id.parse().ok()).map_err(failed).transpose())
                    .collect()
            })
            .await
    }

    async fn claim(&self, ids: &[CaseId], lease: &Lease) -> Result<Claim, Error> {
        let (ids, lease) = (ids.to_vec(), lease.clone());
        self.0.blocking(move |connection| relaxed(connection, |c| claim(c, &ids, &lease))).await
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        let lease = lease.clone();
        self.0
            .blocking(move |connection| {
                relaxed(connection, |connection| {
                    connection
                        .prepare_cached("UPDATE case_lease SET until = ?2 WHERE owner = ?1")
                        .and_then(|mut update| {
                            update.execute(params![lease.owner, lease.until.timestamp_micros()])
                        })
                        .map_err(failed)
                })
            })
            .await
    }

    async fn release(
        &self,
        owner: &str,
        ids: &[CaseId],
        asked_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let (owner, ids) = (owner.to_owned(), ids.to_vec());
        self.0
            .blocking(move |connection| {
                relaxed(connection, |connection| release(connection, &owner, &ids, asked_at))
            })
            .await
    }

    async fn erase(&self, case: Case) -> Result<(), Error> {
        self.0
            .blocking(move |connection| {
                if !rows::overwrite_damaged(connection, &case)? {
                    save_all(connection, vec![Change::new(case)])?;
                }
                Ok(sqlite::scrub(connection)?)
            })
            .await
    }
}

fn insert_all(connection: &mut Connection, cases: Vec<Case>) -> Result<(), Error> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    {
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO cases (case_id, version, nhs_number, document)
                 VALUES (?1, 1, ?2, ?3) ON CONFLICT (case_id) DO NOTHING",
            )
            .map_err(failed)?;
        for mut case in cases {
            if case.version != 0 {
                return Err(Error::new(ErrorKind::Conflict).with_case(case.id));
            }
            case.version = 1;
            let values = params![case.id.as_str(), number(&case), document(&case)?];
            if insert.execute(values).map_err(failed)? == 0 {
                return Err(Error::new(ErrorKind::Exists).with_case(case.id));
            }
        }
    }
    transaction.commit().map_err(failed)
}

/// Saves over the versions that were read, all or none. No other connection can write between the
/// checks and the saves.
fn save_all(connection: &mut Connection, changes: Vec<Change>) -> Result<(), Error> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut soles = Vec::new();
    for Change { mut case, sole_holder } in changes {
        check_version(&transaction, &case)?;
        case.version += 1;
        let document = document(&case)?;
        transaction
            .prepare_cached(
                "UPDATE cases SET version = version + 1, nhs_number = ?2, document = ?3
                 WHERE case_id = ?1",
            )
            .and_then(|mut update| {
                update.execute(params![case.id.as_str(), number(&case), document])
            })
            .map_err(failed)?;
        if sole_holder {
            soles.push(case);
        }
    }
    for case in soles {
        if is_held_beside(&transaction, &case)? {
            return Err(Error::new(ErrorKind::NumberTaken).with_case(case.id));
        }
    }
    transaction.commit().map_err(failed)
}

fn check_version(connection: &Connection, case: &Case) -> Result<(), Error> {
    let stored: Option<i64> = connection
        .prepare_cached("SELECT version FROM cases WHERE case_id = ?1")
        .and_then(|mut query| query.query_row([case.id.as_str()], |row| row.get(0)).optional())
        .map_err(failed)?;
    let kind = match stored {
        None => ErrorKind::NotFound,
        Some(stored) if u64::try_from(stored) != Ok(case.version) => ErrorKind::Conflict,
        Some(_) => return Ok(()),
    };
    Err(Error::new(kind).with_case(case.id.clone()))
}

/// Whether another case has the number of `case`.
fn is_held_beside(connection: &Connection, case: &Case) -> Result<bool, Error> {
    let Some(number) = number(case) else { return Ok(false) };
    connection
        .prepare_cached("SELECT 1 FROM cases WHERE nhs_number = ?1 AND case_id <> ?2")
        .and_then(|mut query| query.exists(params![number, case.id.as_str()]))
        .map_err(failed)
}

/// Runs `work` without waiting for the disk: leases belong to processes, which a power cut also
/// ends. Other changes were already waited for, and the next full commit waits for the whole log.
fn relaxed<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    connection.pragma_update(None, "synchronous", "normal").map_err(failed)?;
    let done = work(connection);
    connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
    done
}

fn claim(connection: &mut Connection, ids: &[CaseId], lease: &Lease) -> Result<Claim, Error> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut claim = Claim::default();
    for id in ids {
        match place(&transaction, id, lease)? {
            Place::Asked => continue,
            Place::Blocked(until) => {
                claim.blocked_until = Some(until);
                break;
            }
            Place::Free => {}
        }
        let Some(case) = readable(rows::get(&transaction, id))? else { continue };
        transaction
            .prepare_cached(
                "INSERT INTO case_lease (case_id, owner, until) VALUES (?1, ?2, ?3)
                 ON CONFLICT (case_id) DO UPDATE SET owner = ?2, until = ?3",
            )
            .and_then(|mut insert| {
                insert.execute(params![id.as_str(), lease.owner, lease.until.timestamp_micros()])
            })
            .map_err(failed)?;
        claim.cases.push(case);
    }
    transaction.commit().map_err(failed)?;
    Ok(claim)
}

/// Whether `lease` can include the case `id`. A row that cannot be read is deleted, and counts as
/// no lease.
fn place(connection: &Connection, id: &CaseId, lease: &Lease) -> Result<Place, Error> {
    let row: Option<Option<Place>> = connection
        .prepare_cached("SELECT owner, until, asked_at FROM case_lease WHERE case_id = ?1")
        .and_then(|mut query| {
            query.query_row([id.as_str()], |row| Ok(place_of(row, lease).ok())).optional()
        })
        .map_err(failed)?;
    match row {
        None => Ok(Place::Free),
        Some(Some(place)) => Ok(place),
        Some(None) => connection
            .execute("DELETE FROM case_lease WHERE case_id = ?1", [id.as_str()])
            .map(|_| Place::Free)
            .map_err(failed),
    }
}

fn place_of(row: &Row<'_>, lease: &Lease) -> rusqlite::Result<Place> {
    let time = |column: usize, micros: i64| {
        DateTime::from_timestamp_micros(micros)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, micros))
    };
    let owner: String = row.get(0)?;
    let asked_at: Option<i64> = row.get(2)?;
    let asked_at = asked_at.map(|micros| time(2, micros)).transpose()?;
    Ok(Place::of(lease, &owner, time(1, row.get(1)?)?, asked_at))
}

fn release(
    connection: &mut Connection,
    owner: &str,
    ids: &[CaseId],
    asked_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    {
        let mut update = transaction
            .prepare_cached(
                "UPDATE case_lease SET owner = '', until = 0, asked_at = coalesce(?3, asked_at)
                 WHERE case_id = ?1 AND owner = ?2",
            )
            .map_err(failed)?;
        // Rounded up; otherwise a query within a microsecond after the start of a pass would be
        // before it.
        let asked_at = asked_at.map(|at| (at + TimeDelta::nanoseconds(999)).timestamp_micros());
        for id in ids {
            update.execute(params![id.as_str(), owner, asked_at]).map_err(failed)?;
        }
    }
    transaction.commit().map_err(failed)
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        let same = Self::new(match error.kind {
            sqlite::ErrorKind::Corrupt => ErrorKind::Corrupt,
            sqlite::ErrorKind::ReadOnly => ErrorKind::ReadOnly,
            sqlite::ErrorKind::Residue => ErrorKind::Residue,
            sqlite::ErrorKind::Schema => ErrorKind::Schema,
            sqlite::ErrorKind::Unavailable => ErrorKind::Unavailable,
        });
        match error.source {
            Some(source) => same.with_source(source),
            None => same,
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteStore")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::record_type::RecordType;
    use crate::store::sqlite::{MIGRATIONS, schema};

    fn case(id: &str) -> Case {
        let mut case = Case::new(id.parse().unwrap(), RecordType::AdultCase);
        case.surname = Some("Quentinsson".into());
        case
    }

    fn execute(store: &SqliteStore, sql: &str) {
        store.0.with(|connection| connection.execute_batch(sql)).unwrap();
    }

    async fn assert_write_fails(store: &SqliteStore, kind: ErrorKind) {
        let many = (0..1_000).map(|id| case(&format!("new {id}"))).collect();
        let error = store.insert_all(many).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        let left = store.page(None, 10).await.unwrap();
        assert_eq!(left.len(), 1, "no case was inserted");
    }

    #[tokio::test]
    async fn a_full_disk_is_an_error_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("cases.db")).unwrap();
        store.insert_all(vec![case("1")]).await.unwrap();
        execute(&store, "PRAGMA max_page_count = 10");
        assert_write_fails(&store, ErrorKind::Unavailable).await;
        execute(&store, "PRAGMA max_page_count = 1000000");
        store.insert_all(vec![case("2")]).await.unwrap();
    }

    #[tokio::test]
    async fn writing_to_a_read_only_store_fails_and_reading_works() {
        let store = SqliteStore::open_in_memory().unwrap();
        store.insert_all(vec![case("1")]).await.unwrap();
        execute(&store, "PRAGMA query_only = on");
        assert_write_fails(&store, ErrorKind::ReadOnly).await;
        let error = store.save(&store.get(&case("1").id).await.unwrap().unwrap()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::ReadOnly);
    }

    #[tokio::test]
    async fn documents_that_are_not_cases_are_corrupt_and_not_quoted() {
        for damage in [
            "document = 'Quentinsson'",
            r#"document = '{"id":"1","record_type":"review","version":"Quentinsson"}'"#,
            "document = replace(document, '\"1\"', '\"2\"')",
            "version = 7",
            "nhs_number = '9434765919'",
        ] {
            let store = SqliteStore::open_in_memory().unwrap();
            store.insert_all(vec![case("1")]).await.unwrap();
            execute(&store, &format!("UPDATE cases SET {damage}"));
            let error = store.get(&case("1").id).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
            assert_eq!(error.case(), Some(&case("1").id));
            assert!(!format!("{error} {error:?}").contains("Quentinsson"));
            assert!(store.page(None, 1).await.unwrap().is_empty());
            assert_eq!(store.unreadable().await.unwrap(), [Unreadable::Case(case("1").id)]);
        }
    }

    #[test]
    fn a_newer_schema_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.db");
        let store = SqliteStore::open(&file).unwrap();
        execute(&store, &format!("PRAGMA user_version = {}", MIGRATIONS.len() + 1));
        drop(store);
        assert_eq!(SqliteStore::open(&file).unwrap_err().kind(), ErrorKind::Schema);
    }

    #[tokio::test]
    async fn a_file_of_the_first_schema_is_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.db");
        let old = Connection::open(&file).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.execute_batch(
            r#"INSERT INTO cases (case_id, version, document) VALUES ('1', 1,
               '{"id":"1","record_type":"review","date_of_death":"2026","version":1,
                 "last_trace":{"at":"1970-01-01T00:00:00Z","result":"deceased"}}');
               PRAGMA user_version = 1"#,
        )
        .unwrap();
        drop(old);
        let store = SqliteStore::open(&file).unwrap();
        assert_eq!(store.0.with(|connection| schema(connection)).unwrap(), MIGRATIONS.len());
        let case = store.get(&case("1").id).await.unwrap().unwrap();
        assert!(case.death_traced && !case.contradicted);
    }

    #[test]
    fn writes_are_durable() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("cases.db")).unwrap();
        store.0.with(|connection| {
            let mode: String =
                connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
            for (name, value) in [("synchronous", 2), ("secure_delete", 1)] {
                let set: i64 = connection.pragma_query_value(None, name, |r| r.get(0)).unwrap();
                assert_eq!(set, value, "{name}");
            }
        });
    }

    #[test]
    fn without_a_runtime_a_call_is_an_error() {
        use std::task::{Context, Poll, Waker};
        let store = SqliteStore::open_in_memory().unwrap();
        let id = case("1").id;
        let mut get = store.get(&id);
        match get.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::Unavailable),
            other => panic!("{other:?}"),
        }
    }
}
