//! Both stores meet the contract. The SQLite file outlives its store, and several processes share it
//! safely.

use crate::support::layer::{Layer, Layered};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::{
    Allocation, Case, CaseId, CaseStore, Change, Claim, Counts, Error, ErrorKind, LONGEST_PLAN,
    Lease, MemoryStore, Planned, Priority, RecordType, Setting, SqliteStore, conformance,
};
use nhs_pds::demographics::{Demographics, Gender, PersonName, Recorded};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Scope, Settings, TraceResult, Worker};
use nhs_pds::trace::{Caller, LocalIdentity, Match, Outcome, ScriptedTracer};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tokio::sync::Barrier;

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).unwrap()
}

fn case(id: &str) -> Case {
    Case::new(id.parse().unwrap(), RecordType::AdultCase)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_meets_the_contract() {
    conformance::check(async || Arc::new(MemoryStore::new()) as Arc<dyn CaseStore>).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sqlite_file_meets_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let files = AtomicU32::new(0);
    let new_store = async || {
        let file = format!("{}.db", files.fetch_add(1, Ordering::Relaxed));
        Arc::new(open(&folder.path().join(file))) as Arc<dyn CaseStore>
    };
    conformance::check(new_store).await.unwrap();
}

#[tokio::test]
async fn sqlite_in_memory_meets_the_contract() {
    let new_store = async || Arc::new(SqliteStore::open_in_memory().unwrap()) as Arc<dyn CaseStore>;
    conformance::check(new_store).await.unwrap();
}

#[tokio::test]
async fn a_reopened_file_contains_the_saved_cases() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.db");
    let store = open(&file);
    let cases: Vec<Case> = (0..2_000).map(|id| case(&format!("{id:04}"))).collect();
    store.insert_all(cases).await.unwrap();
    let mut changed = store.get(&case("0007").id).await.unwrap().unwrap();
    changed.surname = Some("Aindow".into());
    changed.version = store.save(&changed).await.unwrap();
    drop(store);
    let store = open(&file);
    assert_eq!(store.page(None, usize::MAX).await.unwrap().len(), 2_000);
    assert!(store.get(&changed.id).await.unwrap() == Some(changed));
}

#[tokio::test]
async fn two_handles_on_one_file_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.db");
    let (one, two) = (open(&file), open(&file));
    one.insert_all(vec![case("1")]).await.unwrap();
    let mut here = one.get(&case("1").id).await.unwrap().unwrap();
    let mut there = two.get(&case("1").id).await.unwrap().unwrap();
    here.surname = Some("Here".into());
    there.surname = Some("There".into());
    assert_eq!(one.save(&here).await.unwrap(), 2);
    assert_eq!(two.save(&there).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(two.insert_all(vec![case("1")]).await.unwrap_err().kind(), ErrorKind::Exists);
    let stored = two.get(&here.id).await.unwrap().unwrap();
    assert_eq!(stored.surname.as_deref(), Some("Here"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_through_many_handles_lose_no_save() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.db");
    open(&file).insert_all(vec![case("1")]).await.unwrap();
    let mut writers = Vec::new();
    for _ in 0..4 {
        let store = open(&file);
        writers.push(tokio::spawn(async move {
            let mut saved = 0;
            while saved < 10 {
                let case = store.get(&case("1").id).await.unwrap().unwrap();
                match store.save(&case).await {
                    Ok(_) => saved += 1,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let stored = open(&file).get(&case("1").id).await.unwrap().unwrap();
    assert_eq!(stored.version, 1 + 4 * 10);
}

/// A handle on a file. Its first query for holders waits until another handle's query is answered.
#[derive(Debug)]
struct Meeting {
    store: SqliteStore,
    rival: Arc<Barrier>,
    met: AtomicBool,
    claimed: AtomicBool,
}

#[async_trait]
impl Layer for Meeting {
    fn behind(&self) -> &dyn CaseStore {
        &self.store
    }

    /// One case, so that each worker has one of them.
    async fn claim_due(&self, _: usize, lease: &Lease) -> Result<Claim, Error> {
        if self.claimed.swap(true, Ordering::Relaxed) {
            return Ok(Claim::default());
        }
        self.store.claim_due(1, lease).await
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        let holders = self.store.holders(number).await?;
        if !self.met.swap(true, Ordering::Relaxed) {
            self.rival.wait().await;
        }
        Ok(holders)
    }
}

/// For both workers, no case has the number of the one person whom two cases are about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_on_one_file_write_the_number_once() {
    const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.db");
    let cases = ["1", "2"].iter().map(|id| {
        let mut case = case(id);
        case.surname = Some("Aindow".into());
        (case.forename, case.postcode) = (Some("Comfort".into()), Some("KT17 1NA".into()));
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case.gender = Some(Gender::Female);
        case.allocations = vec![Allocation::new("A Worker")];
        case
    });
    open(&file).insert_all(cases.collect()).await.unwrap();
    let rival = Arc::new(Barrier::new(2));
    let runs = [0, 1].map(|_| {
        let mut person = Demographics::default();
        person.name = Some(PersonName::new("COMFORT", "AINDOW"));
        person.date_of_birth = Recorded::read("1943-05-19");
        person.gender = Recorded::Known(Gender::Female);
        let found = Outcome::Found(Box::new(Match::new(NUMBER).with_person(person)));
        let tracer = Arc::new(ScriptedTracer::new([Ok(found)]));
        let rival = Arc::clone(&rival);
        let (met, claimed) = (AtomicBool::new(false), AtomicBool::new(false));
        let meeting = Meeting { store: open(&file), rival, met, claimed };
        let store = Arc::new(Layered(meeting));
        let caller = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
        let worker = Worker::new(
            tracer,
            Arc::new(Joined::new(store, audit, alerts)),
            Settings::new(Caller::System(caller)).with_scope(Scope::new([RecordType::AdultCase])),
        );
        tokio::spawn(async move { worker.run_once(&mut |_| ()).await })
    });
    let mut results = Vec::new();
    for run in runs {
        results.extend(run.await.unwrap().unwrap().results.into_keys());
    }
    results.sort();
    assert_eq!(results, [TraceResult::Found, TraceResult::Duplicate]);
    let store = open(&file);
    assert_eq!(store.holders(NUMBER).await.unwrap().len(), 1);
    for case in store.page(None, 2).await.unwrap() {
        let last = case.last_trace.unwrap();
        assert_eq!(last.detail.is_none(), case.nhs_number.is_some());
        assert_eq!(last.result, if case.nhs_number.is_some() { "found" } else { "duplicate" });
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("missing").join("cases.db")] {
        assert_eq!(SqliteStore::open(path).unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let text = folder.path().join("text.db");
    std::fs::write(&text, "case_id,record_type\n".repeat(100)).unwrap();
    assert_eq!(SqliteStore::open(text).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_a_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| {
        let metadata = std::fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    let store = open(&folder.path().join("cases.db"));
    store.insert_all(vec![case("1")]).await.unwrap();
    for name in ["cases.db", "cases.db-wal", "cases.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    drop(store);
    let shared = folder.path().join("cases.db");
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o640)).unwrap();
    let store = open(&shared);
    assert!(store.get(&case("1").id).await.unwrap().is_some());
    assert_eq!(mode("cases.db"), 0o640, "an existing file keeps its permissions");
}

#[test]
fn a_path_is_always_a_file_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(":memory:");
    drop(open(&file));
    assert!(file.exists());
    assert_eq!(SqliteStore::open("").unwrap_err().kind(), ErrorKind::Unavailable);
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        // Permissions do not bind the superuser.
        return;
    }
    let error = SqliteStore::open(folder.path().join("cases.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// Mistakes of a careless implementer.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    ForgetsAllocations,
    InsertsOverWhatExists,
    InsertsUpToTheFirstFault,
    SavesOverAnything,
    SavesTheUnknown,
    PagesFromAfterOn,
    PagesBackwards,
    ForgetsHolders,
    SharesNumbers,
    LooksBeforeItSaves,
    SavesOneByOne,
    LeasesToAnybody,
    LeasesTwice,
    RenewsNothing,
    ReleasesForAll,
    IgnoresPriorities,
    LeasesWhatBecameDueLater,
    PlansOverAnything,
    PlansLater,
    TrustsEveryPlan,
    CountsEveryCase,
    SetsOverAnything,
}

/// A correct store with a flaw in front.
#[derive(Debug)]
struct Flawed(MemoryStore, Flaw);

#[async_trait]
impl Layer for Flawed {
    fn behind(&self) -> &dyn CaseStore {
        &self.0
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        match self.1 {
            Flaw::PagesFromAfterOn => {
                let mut all = self.0.page(None, usize::MAX).await?;
                all.retain(|case| after.is_none_or(|after| case.id >= *after));
                all.truncate(limit);
                Ok(all)
            }
            Flaw::PagesBackwards => {
                let mut page = self.0.page(after, limit).await?;
                page.reverse();
                Ok(page)
            }
            _ => self.0.page(after, limit).await,
        }
    }

    async fn save_all(&self, mut changes: Vec<Change>) -> Result<(), Error> {
        let is_insert = changes.iter().all(|change| change.case.version == 0);
        match self.1 {
            Flaw::ForgetsAllocations => {
                changes.iter_mut().for_each(|change| change.case.allocations.clear());
            }
            Flaw::InsertsOverWhatExists if is_insert => {
                for change in changes {
                    let _ = self.0.save_all(vec![change]).await;
                }
                return Ok(());
            }
            Flaw::InsertsUpToTheFirstFault if is_insert => {
                for change in changes {
                    self.0.save_all(vec![change]).await?;
                }
                return Ok(());
            }
            Flaw::SavesOverAnything if changes.len() == 1 => {
                for change in &mut changes {
                    if let Some(stored) = self.0.get(&change.case.id).await? {
                        change.case.version = stored.version;
                    }
                }
            }
            Flaw::SavesTheUnknown => {
                for change in &mut changes {
                    if self.0.get(&change.case.id).await?.is_none() {
                        change.case.version = 0;
                    }
                }
            }
            Flaw::SavesOneByOne if !is_insert => {
                for change in changes {
                    self.0.save_all(vec![change]).await?;
                }
                return Ok(());
            }
            Flaw::SharesNumbers => changes.iter_mut().for_each(|change| change.sole_holder = false),
            Flaw::LooksBeforeItSaves => {
                let mut recorded = changes.len() > 1;
                for change in changes.iter().filter(|change| change.sole_holder) {
                    if let Some(number) = change.case.live_number() {
                        let holders = self.0.holders(number).await?;
                        recorded |= holders.iter().any(|holder| *holder != change.case.id);
                        tokio::task::yield_now().await;
                    }
                }
                changes.iter_mut().for_each(|change| change.sole_holder &= recorded);
            }
            Flaw::IgnoresPriorities => {
                changes.iter_mut().for_each(|change| change.due.priority = Priority::New);
            }
            _ => {}
        }
        self.0.save_all(changes).await
    }

    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, Error> {
        let mut lease = lease.clone();
        match self.1 {
            Flaw::LeasesToAnybody => {
                for case in self.0.page(None, usize::MAX).await? {
                    self.0.release("a", &[case.id]).await?;
                }
            }
            Flaw::LeasesTwice => {
                for case in self.0.page(None, usize::MAX).await? {
                    self.0.release(&lease.owner, &[case.id]).await?;
                }
            }
            Flaw::LeasesWhatBecameDueLater => lease.due_by = lease.now,
            _ => {}
        }
        self.0.claim_due(limit, &lease).await
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        match self.1 {
            Flaw::RenewsNothing => Ok(if lease.owner == "b" { 3 } else { 0 }),
            _ => self.0.renew(lease).await,
        }
    }

    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        if let Flaw::ReleasesForAll = self.1 {
            self.0.release("a", ids).await?;
        }
        self.0.release(owner, ids).await
    }

    async fn set_due(&self, mut planned: Vec<Planned>) -> Result<(), Error> {
        match self.1 {
            Flaw::PlansOverAnything => {
                for plan in &mut planned {
                    if let Some(stored) = self.0.get(&plan.id).await? {
                        plan.version = stored.version;
                    }
                }
            }
            Flaw::PlansLater => return Ok(()),
            Flaw::TrustsEveryPlan => {
                let longest = DateTime::UNIX_EPOCH + LONGEST_PLAN;
                planned.iter_mut().for_each(|plan| plan.due.at = plan.due.at.min(longest));
            }
            _ => {}
        }
        self.0.set_due(planned).await
    }

    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, Error> {
        let mut counts = self.0.counts(now).await?;
        if let Flaw::CountsEveryCase = self.1 {
            counts.due = self.0.page(None, usize::MAX).await?.len() as u64;
        }
        Ok(counts)
    }

    async fn save_setting(&self, name: &str, mut setting: Setting) -> Result<(), Error> {
        if let Flaw::SetsOverAnything = self.1 {
            setting.version = self.0.setting(name).await?.map_or(0, |setting| setting.version);
        }
        self.0.save_setting(name, setting).await
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        match self.1 {
            Flaw::ForgetsHolders => Ok(Vec::new()),
            _ => self.0.holders(number).await,
        }
    }
}

#[tokio::test]
async fn the_suite_finds_every_flaw() {
    for (flaw, clause) in [
        (Flaw::ForgetsAllocations, "a case is returned as it was inserted, at version 1"),
        (Flaw::InsertsOverWhatExists, "a case that exists is not inserted"),
        (Flaw::InsertsUpToTheFirstFault, "a rejected insert changes nothing"),
        (Flaw::SavesOverAnything, "version 0 saves over nothing"),
        (Flaw::SavesTheUnknown, "an unknown case is not saved"),
        (Flaw::PagesFromAfterOn, "paging ends"),
        (Flaw::PagesBackwards, "paging ends"),
        (Flaw::ForgetsHolders, "a rejected insert changes no holders"),
        (Flaw::SharesNumbers, "a number that another case has gets no sole holder"),
        (Flaw::LooksBeforeItSaves, "exactly one of many concurrent saves gets the number"),
        (Flaw::SavesOneByOne, "a case rejected with others is not saved"),
        (Flaw::LeasesToAnybody, "a claim leases the due cases that no other worker has"),
        (Flaw::LeasesTwice, "an owner does not get a case twice"),
        (Flaw::RenewsNothing, "a renewed lease lasts until its new end"),
        (Flaw::ReleasesForAll, "only the owner can release a case"),
        (
            Flaw::IgnoresPriorities,
            "cases are leased by priority, then by the time since which they are due",
        ),
        (
            Flaw::LeasesWhatBecameDueLater,
            "a case that became due after the given time is not leased",
        ),
        (Flaw::PlansLater, "a planned case is not due before its time"),
        (Flaw::PlansOverAnything, "a plan from another version has no effect"),
        (
            Flaw::TrustsEveryPlan,
            "a time further ahead was set by a clock that was ahead, and the case is due",
        ),
        (Flaw::CountsEveryCase, "cases that are due are counted, and no others"),
        (Flaw::SetsOverAnything, "a new setting has version 0"),
    ] {
        let new_store =
            async || Arc::new(Layered(Flawed(MemoryStore::new(), flaw))) as Arc<dyn CaseStore>;
        let breach = conformance::check(new_store).await.unwrap_err();
        assert_eq!(breach.clause(), clause, "{flaw:?}");
    }
}
