//! Each store of the process meets the contract of a unit of work.

use async_trait::async_trait;
use nhs_pds::audit::{Actor, AuditLog, MemoryLog, SqliteLog, case_as_of};
use nhs_pds::case::{Case, CaseStore, Change, MemoryStore, RecordType, SqliteStore};
use nhs_pds::process::Error;
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::store::{Commit, Committed, Joined, Sqlite, Store, conformance};
use nhs_pds::trace::{Caller, LocalIdentity};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A folder, and a new path in it at each call.
struct Files(TempDir, AtomicU32);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), AtomicU32::new(0))
    }

    fn next(&self) -> std::path::PathBuf {
        self.0.path().join(format!("{}.db", self.1.fetch_add(1, Ordering::Relaxed)))
    }
}

fn memory(alerts: Arc<dyn AlertSink>) -> Arc<dyn Store> {
    Arc::new(Joined::new(Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()), alerts))
}

/// Three stores on one file, each with its own connection.
fn joined(file: &Path, alerts: Arc<dyn AlertSink>) -> Arc<dyn Store> {
    let cases = Arc::new(SqliteStore::open(file).unwrap());
    Arc::new(Joined::new(cases, Arc::new(SqliteLog::open(file).unwrap()), alerts))
}

fn inbox() -> Arc<dyn AlertSink> {
    Arc::new(MemoryAlerts::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_parts_in_memory_meets_the_contract() {
    conformance::check(async || memory(inbox())).await.unwrap();
    conformance::check_deliveries(async |alerts| memory(alerts)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_parts_in_a_file_meets_the_contract() {
    let files = Files::new();
    conformance::check(async || joined(&files.next(), inbox())).await.unwrap();
    let with_sink = async |alerts| joined(&files.next(), alerts);
    conformance::check_deliveries(with_sink).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_one_file_meets_the_contract() {
    let files = Files::new();
    let open = || Sqlite::open(files.next()).unwrap();
    conformance::check(async || Arc::new(open()) as Arc<dyn Store>).await.unwrap();
    let with_sink = async |alerts| Arc::new(open().with_alerts(alerts)) as Arc<dyn Store>;
    conformance::check_deliveries(with_sink).await.unwrap();
    let with_inbox = async || Arc::new(open().with_alerts(inbox())) as Arc<dyn Store>;
    conformance::check(with_inbox).await.unwrap();
}

#[tokio::test]
async fn a_store_in_memory_meets_the_contract() {
    let open = || Sqlite::open_in_memory().unwrap();
    conformance::check(async || Arc::new(open()) as Arc<dyn Store>).await.unwrap();
    let with_sink = async |alerts| Arc::new(open().with_alerts(alerts)) as Arc<dyn Store>;
    conformance::check_deliveries(with_sink).await.unwrap();
}

/// Calls that are dropped at any moment, as when a task ends, leave no case without its record and no
/// record without its case.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_dropped_commits_cases_and_trail_agree() {
    let files = Files::new();
    let store = Sqlite::open(files.next()).unwrap();
    let us = LocalIdentity::new("RHM".parse().unwrap(), "import").unwrap();
    let (actor, now) = (Actor::new(&Caller::System(us), "Import"), chrono::DateTime::UNIX_EPOCH);
    let adding = |n: u64| {
        let case = Case::new(format!("{n:03}").parse().unwrap(), RecordType::Review);
        Commit::new(&actor, now).save(Change::new(case), &[("decision", "imported")])
    };
    for n in 0..60 {
        let call = store.commit(adding(n));
        let _ = tokio::time::timeout(Duration::from_micros(100 * n), call).await;
    }
    assert!(store.commit(adding(99)).await.unwrap().is_done());
    let cases = store.cases().page(None, 99).await.unwrap();
    assert_eq!(store.audit().head().await.unwrap().seq, cases.len() as u64);
    for case in cases {
        let recorded = case_as_of(store.audit(), &case.id, case.version, now).await.unwrap();
        assert!(recorded == Some(case));
    }
    assert!(store.audit().verify(&[]).await.unwrap().is_whole());
}

/// Mistakes of a careless implementer.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    RecordsNothing,
    RecordsNoSaves,
    RecordsTheRefused,
    LosesTheRecorded,
    SavesOneByOne,
    SharesNumbers,
    KeepsLeases,
    EndsLeasesOfTheRefused,
    ForgetsTimes,
    ForgetsSettings,
    IgnoresStoredAlerts,
    HidesUndeliveredAlerts,
}

/// A correct store with a flaw in front.
#[derive(Debug)]
struct Flawed(Arc<dyn Store>, Flaw);

#[async_trait]
impl Store for Flawed {
    fn cases(&self) -> &dyn CaseStore {
        self.0.cases()
    }

    fn audit(&self) -> &dyn AuditLog {
        self.0.audit()
    }

    fn alerts(&self) -> &dyn AlertSink {
        self.0.alerts()
    }

    async fn commit(&self, mut commit: Commit) -> Result<Committed, Error> {
        match self.1 {
            Flaw::RecordsNothing => commit.recorded.clear(),
            Flaw::RecordsNoSaves => {
                let changes = commit.saves.drain(..).map(|save| save.change);
                self.0.cases().save_all(changes.collect()).await?;
            }
            Flaw::RecordsTheRefused => {
                let saves = commit.saves.clone();
                let result = self.0.commit(commit).await?;
                if !result.is_done() {
                    let entries = saves.into_iter().map(|save| save.entry);
                    self.0.audit().append(entries.collect()).await?;
                }
                return Ok(result);
            }
            Flaw::LosesTheRecorded => {
                for save in &commit.saves {
                    let stored = self.0.cases().get(&save.change.case.id).await?;
                    if stored.is_some_and(|stored| stored.version != save.change.case.version) {
                        commit.recorded.clear();
                    }
                }
            }
            Flaw::SavesOneByOne => {
                for save in std::mem::take(&mut commit.saves) {
                    let mut one = commit.clone();
                    one.saves.push(save);
                    let result = self.0.commit(one).await?;
                    if !result.is_done() {
                        return Ok(result);
                    }
                    commit.recorded.clear();
                }
            }
            Flaw::SharesNumbers => {
                commit.saves.iter_mut().for_each(|save| save.change.sole_holder = false);
            }
            Flaw::KeepsLeases => commit.releases = None,
            Flaw::EndsLeasesOfTheRefused => {
                let releases = commit.releases.take();
                let result = self.0.commit(commit).await?;
                if let Some((owner, ids)) = releases {
                    self.0.cases().release(&owner, &ids).await?;
                }
                return Ok(result);
            }
            Flaw::ForgetsTimes => {
                for save in &mut commit.saves {
                    save.change = save.change.clone().with_due(nhs_pds::case::Due::NOW);
                }
            }
            Flaw::ForgetsSettings => commit.sets.clear(),
            Flaw::IgnoresStoredAlerts => commit.deliveries.clear(),
            Flaw::HidesUndeliveredAlerts => {
                for save in &mut commit.saves {
                    save.change.case.undelivered.clear();
                }
            }
        }
        self.0.commit(commit).await
    }
}

#[tokio::test]
async fn the_suite_finds_every_flaw() {
    for (flaw, clause) in [
        (Flaw::RecordsNothing, "the trail has what was recorded, and then one entry for each save"),
        (Flaw::RecordsNoSaves, "the trail has what was recorded, and then one entry for each save"),
        (
            Flaw::RecordsTheRefused,
            "the last record of a case in the trail is the case as it is stored",
        ),
        (Flaw::LosesTheRecorded, "what was recorded stands when the saves are refused"),
        (Flaw::SavesOneByOne, "when one save of a commit is refused, nothing is saved"),
        (Flaw::SharesNumbers, "a number that another case has gets no sole holder"),
        (Flaw::KeepsLeases, "the leases end that the commit names, and no others"),
        (Flaw::EndsLeasesOfTheRefused, "no lease ends when the saves are refused"),
        (Flaw::ForgetsTimes, "a saved case is due at the time of its change"),
        (Flaw::ForgetsSettings, "a setting is stored"),
        (Flaw::IgnoresStoredAlerts, "a stored alert is delivered and taken off its case"),
    ] {
        let new_store = async || Arc::new(Flawed(memory(inbox()), flaw)) as Arc<dyn Store>;
        let breach = conformance::check(new_store).await.unwrap_err();
        assert_eq!(breach.clause(), clause, "{flaw:?}");
    }
    let hides = async |alerts| {
        Arc::new(Flawed(memory(alerts), Flaw::HidesUndeliveredAlerts)) as Arc<dyn Store>
    };
    let breach = conformance::check_deliveries(hides).await.unwrap_err();
    let clause = "the last record of a case in the trail is the case as it is stored";
    assert_eq!(breach.clause(), clause);
}
