use crate::case::due::Planned;
use crate::case::due_index::DueIndex;
use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::item_counts::ItemCounts;
use crate::case::lease::{Claim, Lease};
use crate::case::record::Case;
use crate::case::review::{ReviewItem, ReviewState};
use crate::case::search::CaseFilter;
use crate::case::setting::Setting;
use crate::case::store::{CaseStore, Change, Counts};
use crate::case::work_item::{ItemFilter, ItemId, ItemPlace, WorkItem};
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Cases in memory, which end with the store. For tests, and for runs over a file of cases.
#[derive(Default)]
pub struct MemoryStore(Mutex<Cases>);

#[derive(Default)]
struct Cases {
    by_id: BTreeMap<CaseId, Case>,
    holders: BTreeMap<NhsNumber, BTreeSet<CaseId>>,
    due: DueIndex,
    to_review: BTreeSet<CaseId>,
    /// The open review items of active cases, and the settled ones.
    open: BTreeSet<ItemPlace>,
    settled: BTreeSet<ItemPlace>,
    settings: BTreeMap<String, Setting>,
    /// The cases that wait for a row of a batch, by batch, and by the reference of the row.
    batches: BTreeMap<String, BTreeSet<CaseId>>,
    references: BTreeMap<String, CaseId>,
}

impl MemoryStore {
    /// Creates a store without cases.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change is made after the checks, so the data are consistent even after a panic
    /// elsewhere.
    fn cases(&self) -> MutexGuard<'_, Cases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cases {
    /// Whether `changes` can be saved.
    fn check(&self, changes: &[Change]) -> Result<(), Error> {
        let refuse = |kind, case: &Case| Err(Error::new(kind).with_case(case.id.clone()));
        let mut seen = BTreeSet::new();
        for Change { case, .. } in changes {
            match self.by_id.get(&case.id) {
                None if case.version == 0 && seen.insert(&case.id) => {}
                _ if case.version == 0 => return refuse(ErrorKind::Exists, case),
                None => return refuse(ErrorKind::NotFound, case),
                Some(old) if old.version != case.version => {
                    return refuse(ErrorKind::Conflict, case);
                }
                Some(_) => {}
            }
        }
        for Change { case, .. } in changes.iter().filter(|change| change.sole_holder) {
            if self.is_held_beside(case, changes) {
                return refuse(ErrorKind::NumberTaken, case);
            }
        }
        Ok(())
    }

    /// Whether another case has the number of `case`, once `changes` are made.
    fn is_held_beside(&self, case: &Case, changes: &[Change]) -> bool {
        let Some(number) = case.live_number() else { return false };
        let changed = |id: &CaseId| changes.iter().any(|change| change.case.id == *id);
        let holders = self.holders.get(&number);
        holders.into_iter().flatten().any(|id| *id != case.id && !changed(id))
            || changes
                .iter()
                .any(|other| other.case.id != case.id && other.case.live_number() == Some(number))
    }

    /// Replaces the places of the items of the stored case by those of `case`.
    fn put_items(&mut self, case: &Case) {
        let place = |item: &ReviewItem| {
            ItemPlace::new(item.opened_at, ItemId::new(case.id.clone(), item.number))
        };
        for item in self.by_id.get(&case.id).iter().flat_map(|old| &old.review) {
            self.open.remove(&place(item));
            self.settled.remove(&place(item));
        }
        for item in case.review.iter().filter(|_| case.is_live()) {
            let places = if item.is_open() { &mut self.open } else { &mut self.settled };
            places.insert(place(item));
        }
    }

    /// Keeps which row of a batch the case waits for.
    fn put_submission(&mut self, case: &Case) {
        let old = self.by_id.get(&case.id).and_then(|old| old.asking.submitted.as_ref());
        if let Some(old) = old {
            self.references.remove(&old.reference);
            if let Some(waiting) = self.batches.get_mut(&old.batch) {
                waiting.remove(&case.id);
                if waiting.is_empty() {
                    self.batches.remove(&old.batch);
                }
            }
        }
        if let Some(new) = &case.asking.submitted {
            self.references.insert(new.reference.clone(), case.id.clone());
            self.batches.entry(new.batch.clone()).or_default().insert(case.id.clone());
        }
    }

    /// The cases that the most selective condition of `filter` leaves, in the order of their ids, after `after`.
    fn narrowed<'a>(
        &'a self,
        filter: &CaseFilter,
        after: Option<&'a CaseId>,
    ) -> Box<dyn Iterator<Item = &'a Case> + 'a> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let one = filter.id().or_else(|| self.references.get(filter.reference()?));
        if let Some(id) = one {
            let is_after = after.is_none_or(|after| id > after);
            return Box::new(self.by_id.get(id).filter(|_| is_after).into_iter());
        }
        if filter.reference().is_some() {
            return Box::new(std::iter::empty());
        }
        if let Some(batch) = filter.batch() {
            let waiting = self.batches.get(batch).into_iter();
            let ids = waiting.flat_map(move |ids| ids.range::<CaseId, _>((from, Bound::Unbounded)));
            return Box::new(ids.filter_map(|id| self.by_id.get(id)));
        }
        let all = self.by_id.range::<CaseId, _>((from, Bound::Unbounded));
        Box::new(all.map(|(_, case)| case))
    }

    /// Stores the case of `change` in place of the stored one, if any.
    fn put(&mut self, Change { case, due, .. }: Change) {
        let new = case.live_number();
        let id = case.id.clone();
        self.due.set(&id, due);
        if case.is_live() && case.open_items().next().is_some() {
            self.to_review.insert(id.clone());
        } else {
            self.to_review.remove(&id);
        }
        if let Some(number) = new {
            self.holders.entry(number).or_default().insert(id.clone());
        }
        self.put_items(&case);
        self.put_submission(&case);
        let old = self.by_id.insert(id.clone(), case).as_ref().and_then(Case::live_number);
        if let Some(old) = old.filter(|old| new != Some(*old))
            && let Some(holders) = self.holders.get_mut(&old)
        {
            holders.remove(&id);
        }
    }
}

#[async_trait]
impl CaseStore for MemoryStore {
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        Ok(self.cases().by_id.get(id).cloned())
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let stored = self.cases();
        let rest = stored.by_id.range::<CaseId, _>((from, Bound::Unbounded));
        Ok(rest.take(limit).map(|(_, case)| case.clone()).collect())
    }

    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error> {
        let mut stored = self.cases();
        stored.check(&changes)?;
        for mut change in changes {
            change.case.version += 1;
            stored.put(change);
        }
        Ok(())
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        let stored = self.cases();
        Ok(stored.holders.get(&number).into_iter().flatten().cloned().collect())
    }

    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, Error> {
        let mut stored = self.cases();
        let (ids, blocked_until) = stored.due.claim_due(limit, lease);
        let cases = ids.iter().filter_map(|id| stored.by_id.get(id).cloned()).collect();
        Ok(Claim { cases, blocked_until })
    }

    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, Error> {
        let mut stored = self.cases();
        let Some(case) = stored.by_id.get(id).cloned() else { return Ok(Claim::default()) };
        Ok(match stored.due.claim(id, lease) {
            Ok(()) => Claim { cases: vec![case], blocked_until: None },
            Err(until) => Claim { cases: Vec::new(), blocked_until: Some(until) },
        })
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        Ok(self.cases().due.renew(lease))
    }

    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        self.cases().due.release(owner, ids);
        Ok(())
    }

    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), Error> {
        let mut stored = self.cases();
        for Planned { id, version, due } in planned {
            if stored.by_id.get(&id).is_some_and(|case| case.version == version) {
                stored.due.set(&id, due);
            }
        }
        Ok(())
    }

    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, Error> {
        let stored = self.cases();
        let (due, oldest_due) = stored.due.count(&Lease::new("", now, now));
        let to_review = stored.to_review.len() as u64;
        Ok(Counts { due, oldest_due, to_review, unreadable: 0 })
    }

    async fn worklist(
        &self,
        filter: &ItemFilter,
        after: Option<&ItemPlace>,
        limit: usize,
    ) -> Result<Vec<WorkItem>, Error> {
        let stored = self.cases();
        let is_open = filter.state().is_none_or(ReviewState::is_open);
        let places = if is_open { &stored.open } else { &stored.settled };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let items = places.range::<ItemPlace, _>((from, Bound::Unbounded)).filter_map(|place| {
            let case = stored.by_id.get(&place.id().case)?;
            filter.of(case, after).into_iter().find(|item| item.place() == *place)
        });
        Ok(items.take(limit).collect())
    }

    async fn item_counts(
        &self,
        assignee: &str,
        workers: Option<&[String]>,
    ) -> Result<ItemCounts, Error> {
        let (stored, mut counts) = (self.cases(), ItemCounts::default());
        let cases = stored.to_review.iter().filter_map(|id| stored.by_id.get(id));
        cases.for_each(|case| counts.add_case(case, assignee, workers));
        Ok(counts)
    }

    async fn search(
        &self,
        filter: &CaseFilter,
        after: Option<&CaseId>,
        limit: usize,
    ) -> Result<Vec<Case>, Error> {
        let stored = self.cases();
        let cases = stored.narrowed(filter, after);
        Ok(cases.filter(|case| filter.matches(case)).take(limit).cloned().collect())
    }

    async fn setting(&self, name: &str) -> Result<Option<Setting>, Error> {
        Ok(self.cases().settings.get(name).cloned())
    }

    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), Error> {
        let mut stored = self.cases();
        let version = stored.settings.get(name).map_or(0, |stored| stored.version);
        if version != setting.version {
            return Err(Error::new(ErrorKind::Conflict));
        }
        stored.settings.insert(name.to_owned(), Setting { version: version + 1, ..setting });
        Ok(())
    }

    async fn erase(&self, case: Case) -> Result<(), Error> {
        self.save_all(vec![Change::new(case)]).await
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} cases)", self.cases().by_id.len())
    }
}
