use crate::audit::{AuditLog, Entry, SqliteLog, Subject, append_in};
use crate::case::{
    self, Case, CaseStore, Change, Due, SqliteStore, release_in, save_all_in, save_setting_in,
};
use crate::process::alert::AlertSink;
use crate::process::alert::sqlite::{SqliteAlerts, deliver_in};
use crate::process::error::{Error, ErrorKind};
use crate::process::store::commit::{Commit, Committed, changed};
use crate::process::store::deliver::{Delivery, pending, saved, told};
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

    fn over(file: Database) -> Self {
        let (cases, audit) = (SqliteStore::over(file.clone()), SqliteLog::over(file.clone()));
        Self { cases, audit, inbox: SqliteAlerts::over(file.clone()), sink: None, file }
    }

    /// Commits to the file, and delivers alerts to its inbox.
    async fn commit_all(&self, commit: Commit) -> Result<Committed, Error> {
        let durability = durability(&commit);
        self.file.write(durability, move |file| Unit { file, commit }.commit_all()).await
    }

    /// Commits to the file, and then delivers alerts to `sink`.
    async fn commit_and_deliver(
        &self,
        mut commit: Commit,
        sink: &dyn AlertSink,
    ) -> Result<Committed, Error> {
        let told = std::mem::take(&mut commit.deliveries);
        let now_saved = saved(&commit.saves);
        let mut effects = commit.clone();
        if told.iter().chain(&now_saved).any(|(case, _)| !case.undelivered.is_empty()) {
            // The leases end after the delivery.
            effects.releases = None;
        } else {
            commit.releases = None;
        }
        for save in &mut effects.saves {
            save.change = pending(save.change.clone(), commit.at);
        }
        let durability = durability(&effects);
        let work = move |file: &Connection| Unit { file, commit: effects }.commit();
        let result = self.file.write(durability, work).await?;
        let (cases, audit) = (&self.cases, &self.audit);
        let delivery = Delivery { cases, audit, alerts: sink, commit: &commit };
        delivery.deliver(told).await?;
        if result.is_done() {
            delivery.deliver_saved(now_saved).await;
        }
        if let Some((owner, ids)) = commit.releases.as_ref().filter(|_| result.is_done()) {
            self.cases.release(owner, ids).await?;
        }
        Ok(result)
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
            Some(sink) => self.commit_and_deliver(commit, &**sink).await,
        }
    }
}

/// A commit that only ends leases need not wait for the disk.
const fn durability(commit: &Commit) -> Durability {
    let Commit { recorded, saves, sets, deliveries, .. } = commit;
    if recorded.is_empty() && saves.is_empty() && sets.is_empty() && deliveries.is_empty() {
        Durability::Relaxed
    } else {
        Durability::Durable
    }
}

/// A commit inside a transaction, which is rolled back after an error.
struct Unit<'a> {
    file: &'a Connection,
    commit: Commit,
}

impl Unit<'_> {
    /// Everything but the delivery of alerts.
    fn commit(mut self) -> Result<Committed, Error> {
        let result = self.effects()?;
        self.release(&result)?;
        Ok(result)
    }

    /// Everything, with the inbox in the same file.
    fn commit_all(mut self) -> Result<Committed, Error> {
        let now_saved = saved(&self.commit.saves);
        let result = self.effects()?;
        for (case, due) in std::mem::take(&mut self.commit.deliveries) {
            // A case that another program has changed keeps its alerts, and is due.
            let _ = self.unless_refused(|unit| unit.deliver(case, due))?;
        }
        if result.is_done() {
            for (case, due) in now_saved {
                self.deliver(case, due)?;
            }
        }
        self.release(&result)?;
        Ok(result)
    }

    /// Saves and records.
    fn effects(&mut self) -> Result<Committed, Error> {
        let mut entries = std::mem::take(&mut self.commit.recorded);
        let saves = std::mem::take(&mut self.commit.saves);
        let sets = std::mem::take(&mut self.commit.sets);
        let mut result = Committed::Done;
        if !saves.is_empty() || !sets.is_empty() {
            let mut changes = Vec::with_capacity(saves.len());
            let mut with_changes: Vec<Entry> = sets.iter().map(|set| set.entry.clone()).collect();
            for save in saves {
                changes.push(save.change);
                with_changes.push(save.entry);
            }
            result = self.unless_refused(|unit| {
                for set in &sets {
                    save_setting_in(unit.file, &set.name, &set.setting)?;
                }
                Ok(save_all_in(unit.file, changes)?)
            })?;
            if result.is_done() {
                entries.append(&mut with_changes);
            }
        }
        if !entries.is_empty() {
            append_in(self.file, &entries)?;
        }
        Ok(result)
    }

    /// Delivers the alerts of a stored case to the inbox.
    fn deliver(&self, mut case: Case, due: Due) -> Result<(), Refusal> {
        if case.undelivered.is_empty() {
            return Ok(());
        }
        let (actor, at) = (&self.commit.actor, self.commit.at);
        let sent = case.undelivered.iter().map(|alert| told(actor, alert, at));
        let mut entries: Vec<Entry> = sent.map(|entry| entry.about(Subject::of(&case))).collect();
        let alerts = std::mem::take(&mut case.undelivered);
        entries.push(changed(actor, &case, &[(self.commit.why, "alerts_delivered")], at));
        save_all_in(self.file, vec![Change::new(case).with_due(due)])?;
        append_in(self.file, &entries).map_err(Error::from)?;
        deliver_in(self.file, &alerts).map_err(|_| Error::new(ErrorKind::StoreUnavailable))?;
        Ok(())
    }

    /// Ends the leases. Where the changes were refused, the caller decides again, and keeps them.
    fn release(&self, result: &Committed) -> Result<(), Error> {
        match &self.commit.releases {
            Some((owner, ids)) if result.is_done() => Ok(release_in(self.file, owner, ids)?),
            _ => Ok(()),
        }
    }

    /// Does `work`, or nothing of it where the store refuses a save.
    fn unless_refused(
        &self,
        work: impl FnOnce(&Self) -> Result<(), Refusal>,
    ) -> Result<Committed, Error> {
        let run = |sql| -> Result<(), Error> {
            let done = self.file.prepare_cached(sql).and_then(|mut sql| sql.execute([]));
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

/// Why a step ended.
enum Refusal {
    /// The store of cases has refused or failed.
    Case(case::Error),
    Other(Error),
}

impl From<case::Error> for Refusal {
    fn from(error: case::Error) -> Self {
        Self::Case(error)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Case(error) => error.into(),
            Refusal::Other(error) => error,
        }
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
    use crate::case::RecordType;
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
