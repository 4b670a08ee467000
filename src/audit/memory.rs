use crate::audit::anchor::Anchor;
use crate::audit::entry::{Entry, Whose};
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::AuditLog;
use crate::audit::row::{self, Key, Row, SubjectId, Unreadable, Unsealing};
use crate::audit::verdict::Verdict;
use crate::audit::walk::Walk;
use crate::case::CaseId;
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
#[derive(Default)]
pub struct MemoryLog(Mutex<Trail>);

#[derive(Clone)]
struct Sealer {
    whose: Whose,
    key: Key,
    numbers: BTreeSet<NhsNumber>,
}

struct Trail {
    rows: Vec<Row>,
    head: Anchor,
    subjects: BTreeMap<SubjectId, Sealer>,
    by_whose: BTreeMap<Whose, SubjectId>,
    erased: BTreeSet<SubjectId>,
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            head: Anchor::START,
            subjects: BTreeMap::new(),
            by_whose: BTreeMap::new(),
            erased: BTreeSet::new(),
        }
    }
}

impl MemoryLog {
    /// Creates a trail without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows are added last and in one step, so the trail is consistent even after a panic
    /// elsewhere.
    fn trail(&self) -> MutexGuard<'_, Trail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trail {
    /// The name and key of the subject of an entry; a new subject gets both.
    fn sealer(&mut self, entry: &Entry, seq: u64) -> Result<Option<(SubjectId, Key)>, Error> {
        let Some((subject, whose)) =
            entry.subject.as_ref().and_then(|subject| Some((subject, subject.whose()?)))
        else {
            return Ok(None);
        };
        let name = match self.by_whose.get(&whose) {
            Some(name) => *name,
            None => {
                let (name, key) = row::draw(seq)?;
                let numbers = BTreeSet::new();
                self.subjects.insert(name, Sealer { whose: whose.clone(), key, numbers });
                self.by_whose.insert(whose, name);
                name
            }
        };
        let Some(sealer) = self.subjects.get_mut(&name) else {
            return Err(Error::new(ErrorKind::Corrupt));
        };
        sealer.numbers.extend(subject.numbers());
        if entry.kind == EventKind::CaseErased {
            self.erased.insert(name);
        }
        Ok(Some((name, sealer.key.clone())))
    }

    fn unsealing(&self, row: &Row) -> Unsealing {
        let name = row.subject_id();
        match name.and_then(|name| self.subjects.get(&name)) {
            Some(Sealer { whose, key, numbers }) => {
                Unsealing::Key(Zeroizing::new(key.to_vec()), Some(whose.clone()), numbers.clone())
            }
            None if name.is_some_and(|name| self.erased.contains(&name)) => Unsealing::Erased,
            None => Unsealing::Missing,
        }
    }

    /// Whether the subject of `row` is the patient that `filter` names, if it names one.
    fn is_about(&self, row: &Row, filter: &Filter) -> bool {
        let name = row.subject_id();
        let sealer = name.and_then(|name| self.subjects.get(&name));
        let case = filter.case.as_ref().is_none_or(|case| {
            sealer.is_some_and(|sealer| sealer.whose == Whose::Case(case.clone()))
        });
        case && filter
            .number
            .is_none_or(|number| sealer.is_some_and(|sealer| sealer.numbers.contains(&number)))
    }

    fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Unreadable> {
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        let rows = self.rows.iter().skip(from).filter(|row| self.is_about(row, filter));
        let events = rows.map(|row| row.event(&self.unsealing(row)));
        let passing =
            |event: &Result<Event, _>| event.as_ref().map_or(true, |event| filter.passes(event));
        events.filter(passing).take(limit).collect()
    }
}

#[async_trait]
impl AuditLog for MemoryLog {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        let mut trail = self.trail();
        let mut rows = Vec::with_capacity(entries.len());
        let mut head = trail.head;
        for entry in &entries {
            let seq = head.seq + 1;
            let sealer = trail.sealer(entry, seq)?;
            let (row, hash) = Row::new(seq, &head.hash, entry, sealer)?;
            rows.push(row);
            head = Anchor::new(seq, hash);
        }
        trail.rows.append(&mut rows);
        trail.head = head;
        Ok(head.seq)
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        self.trail().page(filter, after, limit).map_err(|_| Error::new(ErrorKind::Corrupt))
    }

    async fn head(&self) -> Result<Anchor, Error> {
        Ok(self.trail().head)
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        let trail = self.trail();
        let mut walk = Walk::new(anchors).within(Some(trail.head));
        for row in &trail.rows {
            if let Err(verdict) = walk.step(row, &trail.unsealing(row)) {
                return Ok(verdict);
            }
        }
        Ok(walk.end(false))
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        let mut trail = self.trail();
        let whose = Whose::Case(case.clone());
        let Some(name) = trail.by_whose.get(&whose).copied() else { return Ok(()) };
        if !trail.erased.contains(&name) {
            return Err(Error::new(ErrorKind::NotErased));
        }
        trail.by_whose.remove(&whose);
        let numbers = trail.subjects.remove(&name).map(|sealer| sealer.numbers);
        for person in numbers.into_iter().flatten().map(Whose::Person) {
            if let Some(name) = trail.by_whose.get(&person).copied()
                && trail.erased.contains(&name)
            {
                trail.by_whose.remove(&person);
                trail.subjects.remove(&name);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryLog({} events)", self.trail().rows.len())
    }
}
