//! Both stores keep to the contract; the SQLite file outlives its store and is shared safely.

use async_trait::async_trait;
use nhs_pds::case::{
    Allocation, Case, CaseId, CaseStore, Error, ErrorKind, MemoryStore, RecordType, SqliteStore,
    conformance,
};
use nhs_pds::demographics::{Demographics, Gender, Held, PersonName};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{Caller, LocalIdentity, Match, Outcome, ScriptedTracer};
use nhs_pds::worker::{Scope, TraceResult, Worker};
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
async fn memory_keeps_to_the_contract() {
    conformance::check(async || Arc::new(MemoryStore::new()) as Arc<dyn CaseStore>).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sqlite_file_keeps_to_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let files = AtomicU32::new(0);
    let new_store = async || {
        let file = format!("{}.db", files.fetch_add(1, Ordering::Relaxed));
        Arc::new(open(&folder.path().join(file))) as Arc<dyn CaseStore>
    };
    conformance::check(new_store).await.unwrap();
}

#[tokio::test]
async fn sqlite_in_memory_keeps_to_the_contract() {
    let new_store = async || Arc::new(SqliteStore::open_in_memory().unwrap()) as Arc<dyn CaseStore>;
    conformance::check(new_store).await.unwrap();
}

#[tokio::test]
async fn a_reopened_file_holds_what_was_saved() {
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

/// A handle on a file whose first question for holders is not answered before another's is.
#[derive(Debug)]
struct Meeting {
    store: SqliteStore,
    rival: Arc<Barrier>,
    met: AtomicBool,
}

#[async_trait]
impl CaseStore for Meeting {
    async fn insert_all(&self, cases: Vec<Case>) -> Result<(), Error> {
        self.store.insert_all(cases).await
    }

    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        self.store.get(id).await
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        self.store.page(after, limit).await
    }

    async fn save(&self, case: &Case) -> Result<u64, Error> {
        self.store.save(case).await
    }

    async fn save_as_sole_holder(&self, case: &Case) -> Result<u64, Error> {
        self.store.save_as_sole_holder(case).await
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        let holders = self.store.holders(number).await?;
        if !self.met.swap(true, Ordering::Relaxed) {
            self.rival.wait().await;
        }
        Ok(holders)
    }
}

/// Both workers hear that nobody holds the number of the one person whom two cases are about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_workers_on_one_file_one_writes_the_number() {
    const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.db");
    let kinds = [RecordType::AdultCase, RecordType::Review];
    let cases = ["1", "2"].iter().zip(kinds.clone()).map(|(id, kind)| {
        let mut case = Case::new(id.parse().unwrap(), kind);
        case.surname = Some("Aindow".into());
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case.gender = Some(Gender::Female);
        case.allocations = vec![Allocation::new("A Worker")];
        case
    });
    open(&file).insert_all(cases.collect()).await.unwrap();
    let rival = Arc::new(Barrier::new(2));
    let runs = kinds.map(|kind| {
        let mut person = Demographics::default();
        person.name = Some(PersonName::new("COMFORT", "AINDOW"));
        person.date_of_birth = Held::read("1943-05-19");
        let found = Outcome::Found(Box::new(Match::new(NUMBER).with_person(person)));
        let tracer = Arc::new(ScriptedTracer::new([Ok(found)]));
        let rival = Arc::clone(&rival);
        let store = Arc::new(Meeting { store: open(&file), rival, met: AtomicBool::new(false) });
        let caller = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        let worker = Worker::new(tracer, store, Caller::System(caller));
        let worker = worker.with_scope(Scope::new([kind]));
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
async fn a_new_file_is_its_owners_alone() {
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
    assert_eq!(mode("cases.db"), 0o640, "whoever shares a file has decided to");
}

#[test]
fn a_path_is_only_a_path() {
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

/// What a careless implementer gets wrong.
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
}

/// A good store behind a flaw.
#[derive(Debug)]
struct Flawed(MemoryStore, Flaw);

#[async_trait]
impl CaseStore for Flawed {
    async fn insert_all(&self, mut cases: Vec<Case>) -> Result<(), Error> {
        match self.1 {
            Flaw::ForgetsAllocations => cases.iter_mut().for_each(|case| case.allocations.clear()),
            Flaw::InsertsOverWhatExists => {
                for case in cases {
                    let _ = self.0.insert_all(vec![case]).await;
                }
                return Ok(());
            }
            Flaw::InsertsUpToTheFirstFault => {
                for case in cases {
                    self.0.insert_all(vec![case]).await?;
                }
                return Ok(());
            }
            _ => {}
        }
        self.0.insert_all(cases).await
    }

    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        self.0.get(id).await
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

    async fn save(&self, case: &Case) -> Result<u64, Error> {
        let mut case = case.clone();
        match (self.1, self.0.get(&case.id).await?) {
            (Flaw::SavesOverAnything, Some(stored)) => case.version = stored.version,
            (Flaw::SavesTheUnknown, None) => {
                case.version = 0;
                return self.0.insert_all(vec![case]).await.map(|()| 1);
            }
            _ => {}
        }
        self.0.save(&case).await
    }

    async fn save_as_sole_holder(&self, case: &Case) -> Result<u64, Error> {
        let number = case.nhs_number.as_ref().map(|held| held.number);
        match (self.1, number) {
            (Flaw::SharesNumbers, _) => self.0.save(case).await,
            (Flaw::LooksBeforeItSaves, Some(number)) => {
                let holders = self.0.holders(number).await?;
                tokio::task::yield_now().await;
                if holders.iter().all(|holder| *holder == case.id) {
                    self.0.save(case).await
                } else {
                    self.0.save_as_sole_holder(case).await
                }
            }
            _ => self.0.save_as_sole_holder(case).await,
        }
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
        (Flaw::ForgetsAllocations, "a case comes back as it was inserted, at version 1"),
        (Flaw::InsertsOverWhatExists, "a case that exists is not inserted"),
        (Flaw::InsertsUpToTheFirstFault, "a refused insert changes nothing"),
        (Flaw::SavesOverAnything, "version 0 saves over nothing"),
        (Flaw::SavesTheUnknown, "an unknown case is not saved"),
        (Flaw::PagesFromAfterOn, "pages come to an end"),
        (Flaw::PagesBackwards, "pages come to an end"),
        (Flaw::ForgetsHolders, "a refused insert changes no holders"),
        (Flaw::SharesNumbers, "a number that another case holds gets no sole holder"),
        (Flaw::LooksBeforeItSaves, "exactly one of many rivals for a number gets it"),
    ] {
        let new_store = async || Arc::new(Flawed(MemoryStore::new(), flaw)) as Arc<dyn CaseStore>;
        let breach = conformance::check(new_store).await.unwrap_err();
        assert_eq!(breach.clause(), clause, "{flaw:?}");
    }
}
