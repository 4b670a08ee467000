//! Storages of audit rows meet the contract, the suite finds flaws, and a trail copes with a storage that
//! does as little as the contract allows.

use async_trait::async_trait;
use nhs_pds::audit::{
    Actor, Appended, AuditLog, AuditStorage, Basis, Batch, Entry, Error, ErrorKind, EventKind,
    Filter, JsonLines, MemoryRows, NewSubject, Owner, Row, StoredRow, Subject, SubjectName, Trail,
    Value, conformance,
};
use nhs_pds::case::CaseId;
use nhs_pds::trace::{Caller, LocalIdentity};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn viewed(case: &str) -> Entry {
    about(EventKind::CaseViewed, case)
}

fn about(kind: EventKind, case: &str) -> Entry {
    let identity = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
    let us = Actor::new(&Caller::System(identity), "us");
    Entry::new(kind, chrono::DateTime::UNIX_EPOCH, &us).about(Subject::new(id(case)))
}

fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_in_memory_meet_the_contract() {
    let new = async || Arc::new(MemoryRows::new()) as Arc<dyn AuditStorage>;
    conformance::check_storage(new).await.unwrap();
}

/// Ignores every condition, and appends only in steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_that_the_contract_allows_meets_it() {
    let new = async || Arc::new(Flawed::new(Flaw::None)) as Arc<dyn AuditStorage>;
    conformance::check_storage(new).await.unwrap();
}

/// Mistakes of a careless implementer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Flaw {
    #[default]
    None,
    IgnoresTheHead,
    IgnoresDestroyedSubjects,
    LosesATextsType,
    FiltersAfterTheLimit,
    DropsTheLastRow,
    ForgetsNothing,
    ReturnsNoNumbers,
    KnowsNoErasure,
    KeepsTheOldSubject,
}

#[derive(Debug, Default)]
struct Flawed {
    rows: MemoryRows,
    flaw: Flaw,
    conflicts: AtomicUsize,
    /// Runs before the next append reaches the rows.
    before_append: Mutex<Option<Batch>>,
}

impl Flawed {
    fn new(flaw: Flaw) -> Self {
        Self { flaw, ..Self::default() }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn flawed(&self, stored: StoredRow) -> StoredRow {
        if self.is(Flaw::LosesATextsType) {
            let mut values = stored.row().values().clone();
            for value in &mut values {
                if let Value::Text(bytes) = value {
                    *value = Value::Blob(bytes.clone());
                }
            }
            return StoredRow::new(Row::from_values(values).unwrap());
        }
        if self.is(Flaw::ReturnsNoNumbers) && stored.row().subject().is_some() {
            return StoredRow::new(stored.row().clone()).with_key(&[0; 32], None, []);
        }
        stored
    }
}

#[async_trait]
impl AuditStorage for Flawed {
    async fn basis(&self, owners: &[Owner]) -> Result<Basis, Error> {
        self.rows.basis(owners).await
    }

    async fn append(&self, batch: Batch) -> Result<Appended, Error> {
        let rival = self.before_append.lock().unwrap().take();
        if let Some(rival) = rival {
            assert_eq!(self.rows.append(rival).await?, Appended::Done);
        }
        if self.is(Flaw::KeepsTheOldSubject) && batch.subjects().iter().any(NewSubject::replaces) {
            return Ok(Appended::Done);
        }
        let is_over_the_head = self.basis(&[]).await?.head() == Some(batch.expected());
        let ignored = match self.flaw {
            Flaw::IgnoresTheHead => !is_over_the_head,
            Flaw::IgnoresDestroyedSubjects => is_over_the_head,
            _ => false,
        };
        let answer = self.rows.append(batch).await?;
        self.conflicts.fetch_add(usize::from(answer == Appended::Conflict), Ordering::Relaxed);
        Ok(if ignored { Appended::Done } else { answer })
    }

    async fn rows(
        &self,
        filter: &Filter,
        from: i64,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Error> {
        if self.is(Flaw::FiltersAfterTheLimit) {
            let all = self.rows.rows(&Filter::new(), from, limit).await?;
            let meeting = self.rows.rows(filter, from, usize::MAX).await?;
            let numbers: Vec<i64> = meeting.iter().map(|row| row.row().seq()).collect();
            return Ok(all.into_iter().filter(|row| numbers.contains(&row.row().seq())).collect());
        }
        let mut rows = self.rows.rows(&Filter::new(), from, limit).await?;
        if self.is(Flaw::DropsTheLastRow) && rows.len() == limit && limit > 1 {
            rows.pop();
        }
        Ok(rows.into_iter().map(|row| self.flawed(row)).collect())
    }

    async fn erased(&self, names: &[SubjectName]) -> Result<Vec<SubjectName>, Error> {
        if self.is(Flaw::KnowsNoErasure) { Ok(Vec::new()) } else { self.rows.erased(names).await }
    }

    async fn destroy(&self, names: &[SubjectName]) -> Result<(), Error> {
        if self.is(Flaw::ForgetsNothing) { Ok(()) } else { self.rows.destroy(names).await }
    }
}

#[tokio::test]
async fn the_suite_finds_flaws() {
    for (flaw, clause) in [
        (Flaw::IgnoresTheHead, "a batch over another head is a conflict, and changes nothing"),
        (Flaw::IgnoresDestroyedSubjects, "a batch that uses a destroyed key is a conflict"),
        (Flaw::LosesATextsType, "a row is returned with the exact types and bytes of its values"),
        (Flaw::FiltersAfterTheLimit, "no row that meets a filter is left out"),
        (
            Flaw::DropsTheLastRow,
            "rows are returned from a number on, in order, and as many as asked for",
        ),
        (Flaw::ForgetsNothing, "a destroyed key is not used again"),
        (Flaw::ReturnsNoNumbers, "a row is returned with its subject's key, owner and numbers"),
        (Flaw::KnowsNoErasure, "the subjects of case_erased rows are found"),
        (
            Flaw::KeepsTheOldSubject,
            "a new subject takes the place of the stored one with the same owner",
        ),
    ] {
        let new = async || Arc::new(Flawed::new(flaw)) as Arc<dyn AuditStorage>;
        let breach = conformance::check_storage(new).await.unwrap_err();
        assert_eq!(breach.clause(), clause, "{flaw:?}");
    }
}

/// Another process appends between the basis and the append, and creates the same subject.
#[tokio::test]
async fn an_append_is_prepared_again_after_a_conflict() {
    let storage = Arc::new(Flawed::new(Flaw::None));
    let trail = Trail::new(Arc::<Flawed>::clone(&storage) as _);
    let rival = [viewed("1")];
    let basis = storage.basis(&Batch::owners(&rival)).await.unwrap();
    *storage.before_append.lock().unwrap() = Some(Batch::new(&rival, &basis).unwrap());
    assert_eq!(trail.append(vec![viewed("1"), viewed("2")]).await.unwrap(), 3);
    assert_eq!(storage.conflicts.load(Ordering::Relaxed), 1);
    assert!(trail.verify(&[]).await.unwrap().is_whole());
    let found = trail.page(&Filter::new().with_case(id("1")), 0, 9).await.unwrap();
    assert_eq!(found.len(), 2, "both events are about one subject");
}

/// The appends of one process wait for each other instead of preparing batches for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_of_one_process_do_not_conflict() {
    let storage = Arc::new(Flawed::new(Flaw::None));
    let trail = Trail::new(Arc::<Flawed>::clone(&storage) as _);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let trail = trail.clone();
            tokio::spawn(async move { trail.append(vec![viewed("1")]).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(storage.conflicts.load(Ordering::Relaxed), 0);
    assert_eq!(trail.head().await.unwrap().seq, 50);
}

/// Says that every append conflicts.
#[tokio::test]
async fn endless_conflicts_are_an_error() {
    #[derive(Debug, Default)]
    struct Busy(MemoryRows, AtomicU32);

    #[async_trait]
    impl AuditStorage for Busy {
        async fn basis(&self, owners: &[Owner]) -> Result<Basis, Error> {
            self.0.basis(owners).await
        }
        async fn append(&self, _: Batch) -> Result<Appended, Error> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(Appended::Conflict)
        }
        async fn rows(
            &self,
            filter: &Filter,
            from: i64,
            limit: usize,
        ) -> Result<Vec<StoredRow>, Error> {
            self.0.rows(filter, from, limit).await
        }
        async fn erased(&self, names: &[SubjectName]) -> Result<Vec<SubjectName>, Error> {
            self.0.erased(names).await
        }
        async fn destroy(&self, names: &[SubjectName]) -> Result<(), Error> {
            self.0.destroy(names).await
        }
    }

    let storage = Arc::new(Busy::default());
    let trail = Trail::new(Arc::<Busy>::clone(&storage) as _);
    let error = trail.append(vec![viewed("1")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(storage.1.load(Ordering::Relaxed), 1000);
    assert_eq!(trail.append(Vec::new()).await.unwrap(), 0);
}

/// A long trail in a storage that ignores every condition, read in strides.
#[tokio::test]
async fn a_page_is_complete_though_the_storage_filters_nothing() {
    let trail = Trail::new(Arc::new(Flawed::new(Flaw::None)));
    let entries = (1..=1_700).map(|n| viewed(if n % 600 == 0 { "rare" } else { "common" }));
    trail.append(entries.collect()).await.unwrap();
    let rare = Filter::new().with_case(id("rare"));
    for (filter, after, limit, expected) in [
        (rare.clone(), 0, 1, &[600][..]),
        (rare.clone(), 600, 1, &[1_200]),
        (rare.clone(), 0, 9, &[600, 1_200]),
        (rare.clone(), 1_200, 9, &[]),
        (rare.clone().with_sequence(601..=1_199), 0, 9, &[]),
        (rare.with_sequence(600..=u64::MAX), 0, 9, &[600, 1_200]),
        (Filter::new().with_sequence(499..=502), 0, 9, &[499, 500, 501, 502]),
        (Filter::new().with_sequence(1_700..=1_800), 0, 1, &[1_700]),
        (Filter::new().with_sequence(1_701..=1_800), 0, 9, &[]),
    ] {
        let page = trail.page(&filter, after, limit).await.unwrap();
        let seen: Vec<u64> = page.iter().map(|event| event.seq).collect();
        assert_eq!(seen, expected);
    }
    assert_eq!(trail.page(&Filter::new(), 0, usize::MAX).await.unwrap().len(), 1_700);
    assert!(trail.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn a_trail_forgets_over_a_storage_that_filters_nothing() {
    let storage = Arc::new(Flawed::new(Flaw::None));
    let trail = Trail::new(Arc::<Flawed>::clone(&storage) as _);
    trail.append((0..600).map(|_| viewed("1")).collect()).await.unwrap();
    let error = trail.forget(&id("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotErased);
    trail.append(vec![about(EventKind::CaseErased, "1"), viewed("2")]).await.unwrap();
    trail.forget(&id("1")).await.unwrap();
    let kept = trail.page(&Filter::new(), 0, 999).await.unwrap();
    let readable: Vec<u64> = kept
        .iter()
        .filter(|event| event.about.subject().is_some())
        .map(|event| event.seq)
        .collect();
    assert_eq!(readable, [602]);
    assert!(trail.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn a_file_of_json_lines_meets_the_contract_of_a_sink() {
    let folder = tempfile::tempdir().unwrap();
    let file = |destination: u32| folder.path().join(format!("{destination}.jsonl"));
    let arrived = async |destination| {
        let text = std::fs::read_to_string(file(destination)).unwrap_or_default();
        let number =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64();
        text.lines().filter_map(number).collect()
    };
    let open = async |destination| JsonLines::new(file(destination));
    conformance::check_sink(open, arrived).await.unwrap();
}
