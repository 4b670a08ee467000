use crate::audit::{AuditLog, Entry, PostgresLog, append_in_postgres};
use crate::case::{
    self, Alert, CaseId, CaseStore, Change, Loaded, PostgresStore, load, load_settings,
    release_in_postgres, write,
};
use crate::postgres::{self, Group, TenantDatabase, Tx};
use crate::process::alert::AlertSink;
use crate::process::alert::postgres::{PostgresAlerts, deliver_in};
use crate::process::control::wanted::CONTROLS;
use crate::process::error::{Error, ErrorKind};
use crate::process::store::apply::{Medium, Refusal, Unit, commit_and_deliver, only_releases};
use crate::process::store::commit::{Commit, Committed, Set};
use crate::process::store::unit::Store;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A [`Store`] of one tenant in PostgreSQL: cases, audit trail and alerts. Each commit is atomic.
///
/// What [`PostgresStore`] and [`PostgresLog`] say of the database holds for this one. Commits of one program at the same
/// time share one transaction. Programs on several machines may use the tenant at once.
///
/// ```no_run
/// use nhs_pds::postgres::Database;
/// use nhs_pds::process::store::{Postgres, Store};
/// use std::sync::Arc;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let database = Database::connect(&"postgres://nhs_pds_app@db.example/nhs_pds".parse()?).await?;
/// let store: Arc<dyn Store> = Arc::new(Postgres::new(database.tenant(&"leeds".parse()?).await?));
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Postgres {
    database: TenantDatabase,
    cases: PostgresStore,
    audit: PostgresLog,
    inbox: PostgresAlerts,
    /// Where alerts go instead of the inbox.
    sink: Option<Arc<dyn AlertSink>>,
    commits: Arc<Group<Job, Result<Committed, Error>>>,
}

/// A commit that waits for its transaction.
#[derive(Clone)]
struct Job {
    commit: Commit,
    /// Whether its alerts go to the inbox in the same transaction.
    delivers: bool,
}

impl Postgres {
    /// The store of the tenant of `database`. Alerts go to the [`inbox`](Self::inbox). Create one for each tenant, and
    /// share its clones: commits through them share transactions.
    #[must_use]
    pub fn new(database: TenantDatabase) -> Self {
        let of = database.clone();
        let serve = move |jobs: Vec<Job>| -> postgres::Work<'static, _> {
            let database = of.clone();
            Box::pin(async move { serve(&database, jobs).await })
        };
        Self {
            cases: PostgresStore::new(database.clone()),
            audit: PostgresLog::new(database.clone()),
            inbox: PostgresAlerts::new(database.clone()),
            sink: None,
            commits: Arc::new(Group::new(serve)),
            database,
        }
    }

    /// Returns this store with a sink of its own for alerts, in place of the inbox. Alerts are then delivered after the
    /// commit, as by [`Joined`](crate::process::store::Joined).
    #[must_use]
    pub fn with_alerts(mut self, sink: Arc<dyn AlertSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// The alerts in the database, for a program that shows them.
    #[must_use]
    pub const fn inbox(&self) -> &PostgresAlerts {
        &self.inbox
    }

    /// The part of the database that this store uses.
    #[must_use]
    pub const fn database(&self) -> &TenantDatabase {
        &self.database
    }

    async fn run(&self, commit: Commit, delivers: bool) -> Result<Committed, Error> {
        self.commits.run(Job { commit, delivers }).await.map_err(unavailable)?
    }
}

#[async_trait]
impl Store for Postgres {
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
            None => self.run(commit, true).await,
            Some(sink) => {
                let parts = (self.cases(), self.audit(), &**sink);
                commit_and_deliver(parts, commit, |commit| self.run(commit, false)).await
            }
        }
    }
}

/// Does `jobs` in one transaction. If that fails before its commit, each in a transaction of its own: one that the
/// database cannot store does not fail the others.
async fn serve(database: &TenantDatabase, jobs: Vec<Job>) -> Vec<Result<Committed, Error>> {
    let count = jobs.len();
    match together(database, jobs.clone()).await {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(Failed { error, .. }) if count == 1 => vec![Err(error)],
        // They may be stored, and done again their entries would be on record twice. Each caller looks for its own.
        Err(Failed { was_committing: true, .. }) => jobs.iter().map(|_| Err(lost())).collect(),
        Err(_) => {
            let mut results = Vec::with_capacity(count);
            let mut jobs = jobs.into_iter();
            for job in jobs.by_ref() {
                let result = together(database, vec![job]).await.map_err(|failed| failed.error);
                let result = result.and_then(|mut one| one.pop().ok_or_else(lost));
                let is_down = result.is_err();
                results.push(result);
                // Without a database, each of them would wait for it again.
                if is_down && database.database().check().await.is_err() {
                    break;
                }
            }
            results.extend(jobs.map(|_| Err(lost())));
            results
        }
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::StoreUnavailable)
}

/// A transaction that has failed.
struct Failed {
    error: Error,
    /// Whether all was written and the commit was under way: its changes may be stored or not.
    was_committing: bool,
}

async fn together(database: &TenantDatabase, jobs: Vec<Job>) -> Result<Vec<Committed>, Failed> {
    let is_relaxed = jobs.iter().all(|job| only_releases(&job.commit));
    let (jobs, name): (Arc<[Job]>, _) = (jobs.into(), database.name().clone());
    let is_written = Arc::new(AtomicBool::new(false));
    let written = Arc::clone(&is_written);
    let work = repeatable(move |tx| {
        let (jobs, name, written) = (Arc::clone(&jobs), name.clone(), Arc::clone(&written));
        Box::pin(async move {
            let results = commit_in(tx, &jobs).await?;
            let mut done = jobs.iter().zip(&results).filter(|(_, result)| result.is_done());
            if done.any(|(job, _)| is_news(&job.commit)) {
                tx.notify(&name).await?;
            }
            // The last attempt: after this one only the commit follows.
            written.store(true, Ordering::Relaxed);
            Ok(results)
        })
    });
    let committed =
        if is_relaxed { database.write_relaxed(work).await } else { database.write(work).await };
    let was_committing = is_written.load(Ordering::Relaxed);
    committed.map_err(|error| Failed { error, was_committing })
}

/// Says of a closure that it works in any transaction.
fn repeatable<F>(work: F) -> F
where
    F: for<'a> Fn(&'a Tx) -> postgres::Work<'a, Result<Vec<Committed>, Error>>,
{
    work
}

/// Whether workers should look at once: the controls have changed, or another program than a worker has made cases due.
fn is_news(commit: &Commit) -> bool {
    let is_of_a_worker = commit.releases.is_some();
    commit.sets.iter().any(|set| set.name == CONTROLS)
        || !is_of_a_worker && commit.saves.iter().any(|save| save.change.due.at <= commit.at)
}

/// Reads and locks what the commits are about, decides about one after the other, and writes what has changed. The
/// trail comes last: its head is locked as short as possible.
async fn commit_in(tx: &Tx, jobs: &[Job]) -> Result<Vec<Committed>, Error> {
    let (mut changes, mut delivered, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for Job { commit, .. } in jobs {
        changes.extend(commit.saves.iter().map(|save| &save.change));
        delivered.extend(commit.deliveries.iter().map(|(case, _)| &case.id));
        names.extend(commit.sets.iter().map(|set| set.name.as_str()));
    }
    let mut loaded = load(tx, &changes, &delivered).await?;
    load_settings(tx, &mut loaded, &names).await?;
    let mut planned = Effects { loaded, ..Effects::default() };
    let mut results = Vec::with_capacity(jobs.len());
    for Job { commit, delivers } in jobs.iter().cloned() {
        let unit = Unit::new(&mut planned, commit);
        results.push(if delivers { unit.commit_all()? } else { unit.commit()? });
    }
    let Effects { loaded, entries, alerts, releases } = planned;
    write(tx, &loaded).await?;
    for (owner, ids) in &releases {
        release_in_postgres(tx, owner, ids).await?;
    }
    deliver_in(tx, &alerts).await.map_err(|error| lost().with_source(error))?;
    if !entries.is_empty() {
        append_in_postgres(tx, &entries).await?;
    }
    Ok(results)
}

/// What some commits write, in memory.
#[derive(Default)]
struct Effects {
    loaded: Loaded,
    entries: Vec<Entry>,
    alerts: Vec<Alert>,
    /// The leases that end, by owner.
    releases: BTreeMap<String, Vec<CaseId>>,
}

impl Medium for Effects {
    fn save(&mut self, sets: &[Set], changes: Vec<Change>) -> Result<(), case::Error> {
        let sets: Vec<_> = sets.iter().map(|set| (set.name.as_str(), &set.setting)).collect();
        self.loaded.save(&sets, changes)
    }

    fn record(&mut self, mut entries: Vec<Entry>) -> Result<(), Error> {
        self.entries.append(&mut entries);
        Ok(())
    }

    fn deliver(&mut self, mut alerts: Vec<Alert>) -> Result<(), Error> {
        self.alerts.append(&mut alerts);
        Ok(())
    }

    fn release(&mut self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        self.releases.entry(owner.to_owned()).or_default().extend_from_slice(ids);
        Ok(())
    }

    fn unless_refused(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<Committed, Error> {
        // A refused save changes nothing, and everything else is done after the save.
        match work(self) {
            Ok(()) => Ok(Committed::Done),
            Err(Refusal::Case(error)) => Ok(Committed::of(Err(error))?),
            Err(Refusal::Other(error)) => Err(error),
        }
    }
}

fn unavailable(error: postgres::Error) -> Error {
    case::Error::from(error).into()
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        unavailable(error)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres({})", self.database.name())
    }
}
