use crate::audit::anchor::Anchor;
use crate::audit::batch::{Basis, Batch};
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::AuditLog;
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::row::Row;
use crate::audit::storage::{Appended, AuditStorage, StoredRow};
use crate::audit::trail::Trail;
use crate::audit::value::Value;
use crate::audit::verdict::Verdict;
use crate::case::CaseId;
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// An audit trail in memory, which ends with the log. For tests.
///
/// Its rows, hashes and encrypted parts have the same format as those of `SqliteLog` (feature
/// `sqlite`).
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, AuditLog, Entry, EventKind, Filter, MemoryLog};
/// use nhs_pds::trace::{Caller, LocalIdentity};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let us = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let worker = Actor::new(&us, "Get NHS Number");
/// let log = MemoryLog::new();
/// let started = Entry::new(EventKind::ProcessControlled, DateTime::UNIX_EPOCH, &worker)
///     .with_detail("what", "started");
/// assert_eq!(log.append(vec![started]).await?, 1);
/// assert!(log.verify(&[]).await?.is_whole());
/// assert_eq!(log.page(&Filter::new(), 0, 10).await?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryLog {
    rows: Arc<MemoryRows>,
    trail: Trail,
}

impl MemoryLog {
    /// Creates a trail without events.
    #[must_use]
    pub fn new() -> Self {
        let rows = Arc::new(MemoryRows::new());
        let storage: Arc<dyn AuditStorage> = Arc::<MemoryRows>::clone(&rows);
        Self { rows, trail: Trail::new(storage) }
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl AuditLog for MemoryLog {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        self.trail.append(entries).await
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        self.trail.page(filter, after, limit).await
    }

    async fn page_before(
        &self,
        filter: &Filter,
        before: u64,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        self.trail.page_before(filter, before, limit).await
    }

    async fn unreadable(&self, filter: &Filter) -> Result<Vec<u64>, Error> {
        self.trail.unreadable(filter).await
    }

    async fn head(&self) -> Result<Anchor, Error> {
        self.trail.head().await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        self.trail.verify(anchors).await
    }

    async fn verify_with_progress(
        &self,
        anchors: &[Anchor],
        checked: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Verdict, Error> {
        self.trail.verify_with_progress(anchors, checked).await
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        self.trail.forget(case).await
    }
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryLog({} events)", self.rows.tables().rows.len())
    }
}

/// The storage of a [`MemoryLog`]: the shortest correct [`AuditStorage`]. For tests.
#[derive(Default)]
pub struct MemoryRows(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    /// The row of event 1 is the first.
    rows: Vec<Row>,
    head: Option<Anchor>,
    subjects: BTreeMap<SubjectName, Stored>,
    by_owner: BTreeMap<Owner, SubjectName>,
    erased: BTreeSet<SubjectName>,
}

struct Stored {
    owner: Owner,
    key: Zeroizing<[u8; 32]>,
    numbers: BTreeSet<NhsNumber>,
}

impl MemoryRows {
    /// Creates a storage without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch is prepared before anything is written, so the tables are consistent even after a
    /// panic elsewhere.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn head(&self) -> Anchor {
        self.head.unwrap_or(Anchor::START)
    }

    fn basis(&self, owners: &[Owner]) -> Basis {
        owners.iter().fold(Basis::new(Some(self.head())), |basis, owner| {
            let name = self.by_owner.get(owner);
            match name.and_then(|name| Some((name, self.subjects.get(name)?))) {
                Some((name, stored)) => {
                    basis.with_subject(owner.clone(), name.as_bytes(), &stored.key[..])
                }
                None => basis,
            }
        })
    }

    fn write(&mut self, batch: Batch) -> Appended {
        let known = |name| self.subjects.contains_key(name);
        if batch.expected() != self.head() || !batch.used().iter().all(known) {
            return Appended::Conflict;
        }
        for new in batch.subjects() {
            let before = self.by_owner.insert(new.owner().clone(), new.name());
            let before = before.and_then(|name| self.subjects.remove(&name));
            let numbers = before.map(|stored| stored.numbers).unwrap_or_default();
            let key = Zeroizing::new(*new.key());
            let stored = Stored { owner: new.owner().clone(), key, numbers };
            self.subjects.insert(new.name(), stored);
        }
        for (number, name) in batch.numbers() {
            if let Some(stored) = self.subjects.get_mut(name) {
                stored.numbers.insert(*number);
            }
        }
        let kind = EventKind::CaseErased.as_str();
        let erasures =
            batch.rows().iter().filter(|row| row.get("kind").and_then(Value::as_str) == Some(kind));
        self.erased.extend(erasures.filter_map(Row::subject));
        self.head = Some(batch.head());
        self.rows.extend(batch.into_rows());
        Appended::Done
    }

    /// The row with its key, if it meets `filter`.
    fn stored(&self, row: &Row, filter: &Filter) -> Option<StoredRow> {
        let subject = row.subject().and_then(|name| self.subjects.get(&name));
        let Some(Stored { owner, key, numbers }) = subject else {
            let selected = filter.selects(row, None, &BTreeSet::new());
            return selected.then(|| StoredRow::new(row.clone()));
        };
        filter.selects(row, Some(owner), numbers).then(|| {
            let numbers = numbers.iter().copied();
            StoredRow::new(row.clone()).with_key(&key[..], Some(owner.clone()), numbers)
        })
    }
}

#[async_trait]
impl AuditStorage for MemoryRows {
    async fn basis(&self, owners: &[Owner]) -> Result<Basis, Error> {
        Ok(self.tables().basis(owners))
    }

    async fn append(&self, batch: Batch) -> Result<Appended, Error> {
        Ok(self.tables().write(batch))
    }

    async fn rows(
        &self,
        filter: &Filter,
        from: i64,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Error> {
        let tables = self.tables();
        let skipped = usize::try_from(from.saturating_sub(1)).unwrap_or(0);
        let rows = tables.rows.iter().skip(skipped);
        Ok(rows.filter_map(|row| tables.stored(row, filter)).take(limit).collect())
    }

    async fn rows_before(
        &self,
        filter: &Filter,
        before: i64,
        limit: usize,
    ) -> Result<Option<Vec<StoredRow>>, Error> {
        let tables = self.tables();
        let taken = usize::try_from(before.saturating_sub(1)).unwrap_or(0);
        let rows = tables.rows.iter().take(taken).rev();
        Ok(Some(rows.filter_map(|row| tables.stored(row, filter)).take(limit).collect()))
    }

    async fn erased(&self, names: &[SubjectName]) -> Result<Vec<SubjectName>, Error> {
        let tables = self.tables();
        Ok(names.iter().copied().filter(|name| tables.erased.contains(name)).collect())
    }

    async fn destroy(&self, names: &[SubjectName]) -> Result<(), Error> {
        let mut tables = self.tables();
        for name in names {
            if let Some(stored) = tables.subjects.remove(name) {
                tables.by_owner.remove(&stored.owner);
            }
        }
        Ok(())
    }

    async fn append_at_once(&self, entries: Arc<[Entry]>) -> Result<Option<u64>, Error> {
        let mut tables = self.tables();
        let batch = Batch::new(&entries, &tables.basis(&Batch::owners(&entries)))?;
        let last = batch.head().seq;
        match tables.write(batch) {
            Appended::Done => Ok(Some(last)),
            Appended::Conflict => Err(Error::new(ErrorKind::Corrupt)),
        }
    }
}

impl fmt::Debug for MemoryRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryRows({} rows)", self.tables().rows.len())
    }
}
