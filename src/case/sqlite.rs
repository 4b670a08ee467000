use crate::case::due::Planned;
use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::item_counts::ItemCounts;
use crate::case::lease::{Claim, Lease};
use crate::case::record::Case;
use crate::case::search::CaseFilter;
use crate::case::setting::Setting;
use crate::case::sqlite_due as due;
use crate::case::sqlite_rows as rows;
use crate::case::sqlite_save::{overwrite_in, save_all_in};
use crate::case::sqlite_settings as settings;
use crate::case::sqlite_worklist as worklist;
use crate::case::store::{CaseStore, Change, Counts};
use crate::case::unreadable::Unreadable;
use crate::case::work_item::{ItemFilter, ItemPlace, WorkItem};
use crate::nhs_number::NhsNumber;
use crate::store::sqlite::Durability::{Durable, Relaxed};
use crate::store::sqlite::{self, Database};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::Connection;
use std::fmt;
use std::path::Path;

/// Cases in an SQLite file. Several processes on one machine may use it at once.
///
/// A save is on the disk when it is acknowledged (the write-ahead log is synced). The file
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

    #[cfg(test)]
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        self.0.with(work)
    }

    /// Makes sure that the cases of a file of an older version can be listed and searched.
    async fn index_all(&self) -> Result<(), Error> {
        if self.0.read(|connection| worklist::is_pending(connection)).await? {
            while self.0.write(Durable, worklist::index_more).await? {}
        }
        Ok(())
    }

    /// The cases of an open file.
    pub(crate) const fn over(database: Database) -> Self {
        Self(database)
    }
}

#[async_trait]
impl CaseStore for SqliteStore {
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        let id = id.clone();
        self.0.read(move |connection| rows::get(connection, &id)).await
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        // Ids are not empty, so all of them are greater than the empty text.
        let after = after.map_or_else(String::new, |id| id.as_str().to_owned());
        self.0.read(move |connection| rows::page(connection, &after, limit)).await
    }

    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        let (mut found, mut after) = (Vec::new(), Vec::new());
        loop {
            let looked_at = self.0.read(move |connection| rows::unreadable(connection, &after));
            let (damaged, last) = looked_at.await?;
            found.extend(damaged);
            match last {
                Some(last) => after = last,
                None => return Ok(found),
            }
        }
    }

    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.0.write(Durable, move |connection| save_all_in(connection, changes)).await
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        self.0.read(move |connection| rows::holders(connection, number)).await
    }

    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, Error> {
        let lease = lease.clone();
        self.0.write(Relaxed, move |connection| due::claim_due(connection, limit, &lease)).await
    }

    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, Error> {
        let (id, lease) = (id.clone(), lease.clone());
        self.0.write(Relaxed, move |connection| due::claim(connection, &id, &lease)).await
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        let lease = lease.clone();
        self.0.write(Relaxed, move |connection| due::renew(connection, &lease)).await
    }

    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        let (owner, ids) = (owner.to_owned(), ids.to_vec());
        self.0.write(Relaxed, move |connection| due::release_in(connection, &owner, &ids)).await
    }

    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), Error> {
        self.0.write(Relaxed, move |connection| due::set_due_in(connection, &planned)).await
    }

    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, Error> {
        self.0.read(move |connection| due::counts(connection, now)).await
    }

    async fn worklist(
        &self,
        filter: &ItemFilter,
        after: Option<&ItemPlace>,
        limit: usize,
    ) -> Result<Vec<WorkItem>, Error> {
        self.index_all().await?;
        let (filter, after) = (filter.clone(), after.cloned());
        self.0
            .read(move |connection| worklist::worklist(connection, &filter, after.as_ref(), limit))
            .await
    }

    async fn item_counts(
        &self,
        assignee: &str,
        workers: Option<&[String]>,
    ) -> Result<ItemCounts, Error> {
        self.index_all().await?;
        let (assignee, workers) = (assignee.to_owned(), workers.map(<[String]>::to_vec));
        let count =
            move |file: &mut Connection| worklist::item_counts(file, &assignee, workers.as_deref());
        self.0.read(count).await
    }

    async fn search(
        &self,
        filter: &CaseFilter,
        after: Option<&CaseId>,
        limit: usize,
    ) -> Result<Vec<Case>, Error> {
        self.index_all().await?;
        let (filter, after) = (filter.clone(), after.cloned());
        self.0
            .read(move |connection| worklist::search(connection, &filter, after.as_ref(), limit))
            .await
    }

    async fn setting(&self, name: &str) -> Result<Option<Setting>, Error> {
        let name = name.to_owned();
        self.0.read(move |connection| settings::get(connection, &name)).await
    }

    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), Error> {
        let name = name.to_owned();
        let save =
            move |connection: &Connection| settings::save_setting_in(connection, &name, &setting);
        self.0.write(Durable, save).await
    }

    async fn erase(&self, case: Case) -> Result<(), Error> {
        self.0.write(Durable, move |connection| overwrite_in(connection, case)).await?;
        self.0.blocking(|connection| Ok(sqlite::scrub(connection)?)).await
    }
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
    use crate::case::stored::document;
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

    /// A file as the version before wrote it, with cases of every kind.
    #[tokio::test]
    async fn a_file_without_times_has_every_case_due_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.db");
        let mut cases: Vec<Case> = (1..=4).map(|id| case(&id.to_string())).collect();
        let none = crate::case::review::Evidence::default();
        for case in &mut cases[1..] {
            let now = DateTime::UNIX_EPOCH;
            case.open_item(crate::case::review::ReviewReason::NoMatch, &none, now);
            case.version = 1;
        }
        cases[0].version = 1;
        cases[2].review[0].state = crate::case::review::ReviewState::Dismissed;
        cases[3].deleted = Some(crate::case::deletion::Deletion::new(
            DateTime::UNIX_EPOCH,
            "u1",
            crate::case::deletion::DeletionKind::Logical,
        ));
        let old = Connection::open(&file).unwrap();
        for migration in &MIGRATIONS[..6] {
            old.execute_batch(migration).unwrap();
        }
        let insert = "INSERT INTO cases (case_id, version, document) VALUES (?1, 1, ?2)";
        for case in &cases {
            let json = document(case).unwrap();
            old.execute(insert, [case.id.as_str(), &json]).unwrap();
        }
        for (id, damaged) in [("5", "?"), ("6", r#"{"review":["?"],"deleted":null}"#)] {
            old.execute(insert, [id, damaged]).unwrap();
        }
        old.execute_batch(
            "INSERT INTO case_lease (case_id, owner, until) VALUES ('1', 'gone', 9000000000000000);
             PRAGMA user_version = 6",
        )
        .unwrap();
        drop(old);
        let store = SqliteStore::open(&file).unwrap();
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let counts = store.counts(now).await.unwrap();
        assert_eq!((counts.due, counts.oldest_due, counts.to_review), (6, None, 1));
        let claim = store.claim_due(9, &Lease::new("a", now, now + Lease::LONGEST)).await.unwrap();
        assert!(claim.cases == cases);
        assert_eq!(store.counts(now).await.unwrap().unreadable, 2);
        let left = "SELECT count(*) FROM sqlite_schema WHERE name = 'case_lease'";
        let left: i64 = store.with(|file| file.query_row(left, [], |row| row.get(0))).unwrap();
        assert_eq!(left, 0);
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
