use crate::audit::{AuditLog, Entry, SqliteLog, append_in};
use crate::case::{
    self, Alert, CaseId, CaseStore, Change, SqliteStore, release_in, save_all_in, save_setting_in,
};
use crate::process::alert::AlertSink;
use crate::process::alert::sqlite::{SqliteAlerts, deliver_in};
use crate::process::error::{Error, ErrorKind};
use crate::process::store::apply::{Medium, Refusal, Unit, commit_and_deliver, only_releases};
use crate::process::store::commit::{Commit, Committed, Set};
use crate::process::store::unit::Store;
use crate::store::sqlite::{self, Database, Durability};
use async_trait::async_trait;
use rusqlite::Connection;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A [`Store`] in one SQLite file: cases, audit trail and alerts. Each commit is atomic.
///
/// What [`SqliteStore`] and [`SqliteLog`] say of the file holds for this one. Commits at the same time
/// share one transaction and one wait for the disk. Several processes on one machine may use the file
/// at once.
///
/// ```
/// use nhs_pds::audit::{Actor, AuditLog};
/// use nhs_pds::case::{Case, CaseStore, Change, RecordType};
/// use nhs_pds::process::store::{Commit, Sqlite, Store};
/// use nhs_pds::trace::{Caller, LocalIdentity};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// let store = Sqlite::open(folder.path().join("nhs-numbers.db"))?;
/// let import = Caller::System(LocalIdentity::new("RHM".parse()?, "import")?);
/// let (actor, now) = (Actor::new(&import, "Import"), "2026-11-23T09:30:00Z".parse()?);
/// let case = Case::new("RXX:1".parse()?, RecordType::Review);
/// let commit = Commit::new(&actor, now).save(Change::new(case), &[("decision", "imported")]);
/// assert!(store.commit(commit).await?.is_done());
/// assert_eq!(store.cases().page(None, 9).await?.len(), 1);
/// assert_eq!(store.audit().head().await?.seq, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Sqlite {
    file: Database,
    cases: SqliteStore,
    audit: SqliteLog,
    inbox: SqliteAlerts,
    /// Where alerts go instead of the inbox.
    sink: Option<Arc<dyn AlertSink>>,
}

impl Sqlite {
    /// Opens the file at `path`, creates it if it does not exist, and migrates its schema. Alerts go to
    /// the [`inbox`](Self::inbox).
    ///
    /// Blocks the thread meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`SqliteStore::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, case::Error> {
        Ok(Self::over(Database::open(path)?))
    }

    /// An empty store in memory, which ends with its last clone.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](case::ErrorKind::Unavailable) when there is not enough memory.
    pub fn open_in_memory() -> Result<Self, case::Error> {
        Ok(Self::over(Database::open_in_memory()?))
    }

    /// Returns this store with a sink of its own for alerts, in place of the inbox. Alerts are then
    /// delivered after the commit, as by [`Joined`](crate::process::store::Joined).
    #[must_use]
    pub fn with_alerts(mut self, sink: Arc<dyn AlertSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// The alerts in the file, for a program that shows them.
    #[must_use]
    pub const fn inbox(&self) -> &SqliteAlerts {
        &self.inbox
    }

    /// The file.
    pub(super) const fn file(&self) -> &Database {
        &self.file
    }

    fn over(file: Database) -> Self {
        let (cases, audit) = (SqliteStore::over(file.clone()), SqliteLog::over(file.clone()));
        Self { cases, audit, inbox: SqliteAlerts::over(file.clone()), sink: None, file }
    }

    /// Commits to the file, and delivers alerts to its inbox.
    async fn commit_all(&self, commit: Commit) -> Result<Committed, Error> {
        let durability = durability(&commit);
        self.file
            .write(durability, move |file| Unit::new(&mut Open(file), commit).commit_all())
            .await
    }

    /// Commits to the file without its alerts.
    async fn commit_rest(&self, commit: Commit) -> Result<Committed, Error> {
        let durability = durability(&commit);
        self.file.write(durability, move |file| Unit::new(&mut Open(file), commit).commit()).await
    }
}

#[async_trait]
impl Store for Sqlite {
    fn cases(&self) -> &dyn CaseStore {
        &self.cases
    }

    fn audit(&self) -> &dyn AuditLog {
        &self.audit
    }

    fn alerts(&self) -> &dyn AlertSink {
        self.sink.as_deref().unwrap_or(&self.inbox)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        match &self.sink {
            None => self.commit_all(commit).await,
            Some(sink) => {
                let parts = (self.cases(), self.audit(), &**sink);
                commit_and_deliver(parts, commit, |commit| self.commit_rest(commit)).await
            }
        }
    }
}

const fn durability(commit: &Commit) -> Durability {
    if only_releases(commit) { Durability::Relaxed } else { Durability::Durable }
}

/// The open transaction of a commit.
struct Open<'a>(&'a Connection);

impl Medium for Open<'_> {
    fn save(&mut self, sets: &[Set], changes: Vec<Change>) -> Result<(), case::Error> {
        for set in sets {
            save_setting_in(self.0, &set.name, &set.setting)?;
        }
        save_all_in(self.0, changes)
    }

    fn record(&mut self, entries: Vec<Entry>) -> Result<(), Error> {
        append_in(self.0, &entries)?;
        Ok(())
    }

    fn deliver(&mut self, alerts: Vec<Alert>) -> Result<(), Error> {
        deliver_in(self.0, &alerts).map_err(|_| Error::new(ErrorKind::StoreUnavailable))
    }

    fn release(&mut self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        Ok(release_in(self.0, owner, ids)?)
    }

    fn unless_refused(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<Committed, Error> {
        let file = self.0;
        let run = |sql| -> Result<(), Error> {
            let done = file.prepare_cached(sql).and_then(|mut sql| sql.execute([]));
            done.map(|_| ()).map_err(|error| sqlite::Error::from(error).into())
        };
        run("SAVEPOINT changes")?;
        let result = match work(self) {
            Ok(()) => Committed::Done,
            Err(Refusal::Case(error)) => {
                let refused = Committed::of(Err(error))?;
                run("ROLLBACK TO changes")?;
                refused
            }
            Err(Refusal::Other(error)) => return Err(error),
        };
        run("RELEASE changes")?;
        Ok(result)
    }
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        case::Error::from(error).into()
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sqlite")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Actor;
    use crate::case::{Case, RecordType};
    use crate::trace::{Caller, LocalIdentity};
    use chrono::DateTime;

    fn adding(ids: std::ops::Range<u32>) -> Commit {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
        let us = Actor::new(&Caller::System(us), "us");
        ids.fold(Commit::new(&us, DateTime::UNIX_EPOCH), |commit, id| {
            let case = Case::new(id.to_string().parse().unwrap(), RecordType::Review);
            commit.save(Change::new(case), &[("decision", "imported")])
        })
    }

    async fn assert_nothing_is_done(store: &Sqlite, commit: Commit) {
        let before = store.audit().head().await.unwrap();
        let error = store.commit(commit).await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert_eq!(store.audit().head().await.unwrap(), before);
        assert_eq!(store.cases().page(None, 9).await.unwrap().len(), 1);
        assert!(store.audit().verify(&[before]).await.unwrap().is_whole());
    }

    #[tokio::test]
    async fn on_a_full_disk_a_commit_does_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path().join("all.db")).unwrap();
        let _done = store.commit(adding(0..1)).await.unwrap();
        store.file.with(|file| file.execute_batch("PRAGMA max_page_count = 10")).unwrap();
        assert_nothing_is_done(&store, adding(1..900)).await;
        store.file.with(|file| file.execute_batch("PRAGMA max_page_count = 1000000")).unwrap();
        assert!(store.commit(adding(1..900)).await.unwrap().is_done());
    }

    #[tokio::test]
    async fn on_a_read_only_file_a_commit_does_nothing() {
        let store = Sqlite::open_in_memory().unwrap();
        let _done = store.commit(adding(0..1)).await.unwrap();
        store.file.with(|file| file.execute_batch("PRAGMA query_only = on")).unwrap();
        assert_nothing_is_done(&store, adding(1..2)).await;
        store.file.with(|file| file.execute_batch("PRAGMA query_only = off")).unwrap();
        assert!(store.commit(adding(1..2)).await.unwrap().is_done());
    }
}
