use crate::audit::anchor::Anchor;
use crate::audit::batch::Batch;
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::{AuditLog, by_windows};
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::row::Unsealing;
use crate::audit::storage::{Appended, AuditStorage, StoredRow};
use crate::audit::verdict::Verdict;
use crate::audit::walk::Walk;
use crate::case::CaseId;
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How many rows are read at once, so that memory is bounded and other writers can append in
/// between.
const STRIDE: usize = 500;

/// How often an append is tried when other processes append at the same time. Each conflict means
/// that another writer has succeeded.
const ATTEMPTS: usize = 1000;

/// An audit trail over a storage: it chains, encrypts, verifies, filters and forgets, and the
/// storage keeps the rows.
///
/// [`MemoryLog`](crate::audit::MemoryLog) and `SqliteLog` (feature `sqlite`) are trails over
/// storages of this crate. For a trail in your own database, implement [`AuditStorage`].
///
/// Several trails, also in several processes, may write to one storage. In one process, share one
/// trail (it is cheap to clone): its appends then wait for each other and do not conflict.
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, AuditLog, AuditStorage, Entry, EventKind, MemoryRows, Trail};
/// use nhs_pds::trace::{Caller, LocalIdentity};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let storage: Arc<dyn AuditStorage> = Arc::new(MemoryRows::new());
/// let trail = Trail::new(storage);
/// let us = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let actor = Actor::new(&us, "Get NHS Number");
/// let entry = Entry::new(EventKind::SignedIn, DateTime::UNIX_EPOCH, &actor);
/// assert_eq!(trail.append(vec![entry]).await?, 1);
/// assert!(trail.verify(&[]).await?.is_whole());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Trail {
    storage: Arc<dyn AuditStorage>,
    /// Lets the appends of this process prepare their batches one after the other.
    turn: Arc<Mutex<()>>,
}

impl Trail {
    /// A trail over `storage`, which may have events already.
    #[must_use]
    pub fn new(storage: Arc<dyn AuditStorage>) -> Self {
        Self { storage, turn: Arc::default() }
    }

    async fn append_in_steps(&self, entries: &[Entry]) -> Result<u64, Error> {
        let owners = Batch::owners(entries);
        let _turn = self.turn.lock().await;
        for _ in 0..ATTEMPTS {
            let basis = self.storage.basis(&owners).await?;
            let batch = Batch::new(entries, &basis)?;
            let last = batch.head().seq;
            match self.storage.append(batch).await? {
                Appended::Done => return Ok(last),
                Appended::Conflict => {}
            }
        }
        Err(Error::new(ErrorKind::Unavailable)
            .with_source("other writers append to the trail all the time: try again"))
    }

    /// Passes rows that meet `filter` to `take`, in order from the number after `after`, until it
    /// returns false. `enough` is how many rows the caller needs.
    async fn each(
        &self,
        filter: &Filter,
        after: u64,
        enough: usize,
        mut take: impl FnMut(StoredRow) -> bool + Send,
    ) -> Result<(), Error> {
        let first = filter.sequence().map_or(1, |(first, _)| first.max(1));
        let mut from = first.max(after.saturating_add(1));
        // If the storage ignores the filter, few rows of a stride meet it: then the strides grow.
        let mut stride = enough.clamp(1, STRIDE);
        loop {
            // No row has a greater number than a signed integer.
            let Ok(start) = i64::try_from(from) else { return Ok(()) };
            let rows = self.storage.rows(filter, start, stride).await?;
            let is_last = rows.len() < stride;
            let Some(last) = rows.last().map(|row| row.row().seq()) else { return Ok(()) };
            for row in rows.into_iter().filter(|row| meets(filter, row)) {
                if !take(row) {
                    return Ok(());
                }
            }
            // A storage that returns earlier rows would be read for ever.
            let last = u64::try_from(last).unwrap_or(0);
            if last < from {
                return Err(Error::new(ErrorKind::Corrupt));
            }
            let is_past_end = filter.sequence().is_some_and(|(_, end)| end <= last);
            if is_last || is_past_end {
                return Ok(());
            }
            from = last.saturating_add(1);
            stride = stride.saturating_mul(2).min(STRIDE);
        }
    }

    /// The last `limit` events before `before` that meet `filter`, newest first; `None` if the storage
    /// only reads in ascending order.
    async fn latest(
        &self,
        filter: &Filter,
        before: u64,
        limit: usize,
    ) -> Result<Option<Vec<Event>>, Error> {
        let (first, last) = filter.sequence().map_or((1, u64::MAX), |(from, to)| (from.max(1), to));
        let mut before = before.min(last.saturating_add(1));
        let (mut events, mut stride) = (Vec::new(), limit.clamp(1, STRIDE));
        while events.len() < limit && first < before {
            let end = i64::try_from(before).unwrap_or(i64::MAX);
            let Some(rows) = self.storage.rows_before(filter, end, stride).await? else {
                return Ok(None);
            };
            let is_last = rows.len() < stride;
            let lowest = rows.last().map(|row| row.row().seq());
            let selected = rows.into_iter().filter(|row| meets(filter, row));
            let read = selected.filter_map(|row| row.row().event(&row.unsealing).ok());
            events.extend(read.take(limit.saturating_sub(events.len())));
            let Some(lowest) = lowest.filter(|_| !is_last) else { break };
            // A storage that returns later rows would be read for ever.
            let lowest = u64::try_from(lowest).unwrap_or(0);
            if lowest >= before {
                return Err(Error::new(ErrorKind::Corrupt));
            }
            before = lowest;
            stride = stride.saturating_mul(2).min(STRIDE);
        }
        Ok(Some(events))
    }

    /// The subject of `case` with its numbers, if an event records its erasure.
    async fn erased_case(
        &self,
        case: &CaseId,
    ) -> Result<Option<(SubjectName, BTreeSet<NhsNumber>)>, Error> {
        let filter = Filter::new().with_case(case.clone()).with_kind(EventKind::CaseErased);
        let mut found = None;
        self.each(&filter, 0, 1, |StoredRow { unsealing, .. }| {
            if let Unsealing::Key(_, _, numbers) = unsealing {
                found = Some(numbers);
            }
            false
        })
        .await?;
        let owner = Owner::Case(case.clone());
        let basis = self.storage.basis(std::slice::from_ref(&owner)).await?;
        match (basis.subject(&owner), found) {
            (Some(name), Some(numbers)) => Ok(Some((name, numbers))),
            (None, _) if !basis.knows(&owner) => Ok(None),
            (None, Some(_)) => Err(Error::new(ErrorKind::Corrupt)),
            (_, None) => Err(Error::new(ErrorKind::NotErased)),
        }
    }

    /// The keys that are destroyed when `case` is forgotten.
    async fn to_destroy(&self, case: &CaseId) -> Result<Vec<SubjectName>, Error> {
        let Some((name, numbers)) = self.erased_case(case).await? else { return Ok(Vec::new()) };
        let people: Vec<Owner> = numbers.into_iter().map(Owner::Person).collect();
        if people.is_empty() {
            return Ok(vec![name]);
        }
        let basis = self.storage.basis(&people).await?;
        let people: Vec<SubjectName> =
            people.iter().filter_map(|owner| basis.subject(owner)).collect();
        let mut names = self.storage.erased(&people).await?;
        names.push(name);
        Ok(names)
    }

    /// Checks the rows up to `end`, or all rows when there is no end. Reports each number of an event
    /// up to which all is correct.
    async fn walk(
        &self,
        walk: &mut Walk,
        end: Option<Anchor>,
        checked: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Option<Verdict>, Error> {
        let filter = match end {
            Some(end) => Filter::new().with_sequence(1..=end.seq),
            None => Filter::new(),
        };
        loop {
            let from = i64::try_from(walk.last.seq.saturating_add(1));
            let from = from.map_err(|_| Error::new(ErrorKind::Corrupt))?;
            let read = self.storage.rows(&filter, from, STRIDE).await?;
            let is_last = read.len() < STRIDE;
            let rows: Vec<StoredRow> = read.into_iter().filter(|row| meets(&filter, row)).collect();
            let keyless = rows.iter().filter(|row| matches!(row.unsealing, Unsealing::Missing));
            let keyless: BTreeSet<SubjectName> =
                keyless.filter_map(|row| row.row().subject()).collect();
            let mut erased = BTreeSet::new();
            if !keyless.is_empty() {
                let keyless: Vec<SubjectName> = keyless.into_iter().collect();
                erased.extend(self.storage.erased(&keyless).await?);
            }
            let is_short = is_last || rows.is_empty();
            for stored in &rows {
                let row = stored.row();
                let may_lack_key = row.subject().is_some_and(|name| erased.contains(&name));
                if let Err(verdict) = walk.step(row, &stored.unsealing, may_lack_key) {
                    return Ok(Some(verdict));
                }
            }
            checked(walk.last.seq);
            if is_short {
                return Ok(None);
            }
        }
    }

    /// The number of the first row after `end`, unless it was appended since `end` was read.
    async fn beyond(&self, end: Anchor) -> Result<Option<u64>, Error> {
        let Ok(from) = i64::try_from(end.seq.saturating_add(1)) else { return Ok(None) };
        let rows = self.storage.rows(&Filter::new(), from, 1).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let seq = u64::try_from(row.row().seq()).unwrap_or(u64::MAX);
        let head = self.storage.basis(&[]).await?.head();
        Ok(head.is_none_or(|head| head.seq < seq).then_some(seq))
    }

    /// Whether there are rows with numbers that no event has.
    async fn has_strays(&self) -> Result<bool, Error> {
        let rows = self.storage.rows(&Filter::new(), i64::MIN, 1).await?;
        Ok(rows.first().is_some_and(|row| row.row().seq() < 1))
    }
}

fn meets(filter: &Filter, stored: &StoredRow) -> bool {
    match &stored.unsealing {
        Unsealing::Key(_, owner, numbers) => filter.selects(stored.row(), owner.as_ref(), numbers),
        Unsealing::Missing => filter.selects(stored.row(), None, &BTreeSet::new()),
    }
}

#[async_trait]
impl AuditLog for Trail {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        if entries.is_empty() {
            return Ok(self.head().await?.seq);
        }
        let entries: Arc<[Entry]> = entries.into();
        match self.storage.append_at_once(Arc::clone(&entries)).await? {
            Some(last) => Ok(last),
            None => self.append_in_steps(&entries).await,
        }
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        if limit > 0 {
            self.each(filter, after, limit, |stored| {
                events.extend(stored.row().event(&stored.unsealing));
                events.len() < limit
            })
            .await?;
        }
        Ok(events)
    }

    async fn unreadable(&self, filter: &Filter) -> Result<Vec<u64>, Error> {
        let mut numbers = Vec::new();
        self.each(filter, 0, usize::MAX, |stored| {
            if stored.row().event(&stored.unsealing).is_err() {
                numbers.extend(u64::try_from(stored.row().seq()));
            }
            true
        })
        .await?;
        Ok(numbers)
    }

    async fn head(&self) -> Result<Anchor, Error> {
        let head = self.storage.basis(&[]).await?.head();
        head.ok_or_else(|| Error::new(ErrorKind::Corrupt))
    }

    async fn page_before(
        &self,
        filter: &Filter,
        before: u64,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        match self.latest(filter, before, limit).await? {
            Some(events) => Ok(events),
            None => by_windows(self, filter, before, limit).await,
        }
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        self.verify_with_progress(anchors, &|_| {}).await
    }

    async fn verify_with_progress(
        &self,
        anchors: &[Anchor],
        checked: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Verdict, Error> {
        let own = self.storage.basis(&[]).await?.head();
        let mut walk = Walk::new(anchors);
        if let Some(verdict) = self.walk(&mut walk, own, checked).await? {
            return Ok(verdict);
        }
        let beyond = match own {
            Some(own) if own.seq == walk.last.seq => self.beyond(own).await?,
            _ => None,
        };
        Ok(walk.end(own, beyond, self.has_strays().await?))
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        let names = self.to_destroy(case).await?;
        self.storage.destroy(&names).await
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trail({:?})", self.storage)
    }
}
