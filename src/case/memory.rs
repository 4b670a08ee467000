use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::lease::{Claim, Lease, Leases, Place};
use crate::case::record::Case;
use crate::case::store::{CaseStore, Change};
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::btree_map::Entry;
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
    leases: Leases,
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
        for Change { case, .. } in changes {
            match self.by_id.get(&case.id) {
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

    /// Replaces the stored case with the same id by `case`.
    fn put(&mut self, case: Case) {
        let new = case.live_number();
        let id = case.id.clone();
        if let Some(number) = new {
            self.holders.entry(number).or_default().insert(id.clone());
        }
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
    async fn insert_all(&self, cases: Vec<Case>) -> Result<(), Error> {
        let mut stored = self.cases();
        let mut new = BTreeMap::new();
        for mut case in cases {
            if case.version != 0 {
                return Err(Error::new(ErrorKind::Conflict).with_case(case.id));
            }
            if stored.by_id.contains_key(&case.id) {
                return Err(Error::new(ErrorKind::Exists).with_case(case.id));
            }
            case.version = 1;
            match new.entry(case.id.clone()) {
                Entry::Vacant(place) => place.insert(case),
                Entry::Occupied(_) => {
                    return Err(Error::new(ErrorKind::Exists).with_case(case.id));
                }
            };
        }
        new.into_values().for_each(|case| stored.put(case));
        Ok(())
    }

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
        for Change { mut case, .. } in changes {
            case.version += 1;
            stored.put(case);
        }
        Ok(())
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        let stored = self.cases();
        Ok(stored.holders.get(&number).into_iter().flatten().cloned().collect())
    }

    async fn claim(&self, ids: &[CaseId], lease: &Lease) -> Result<Claim, Error> {
        let mut stored = self.cases();
        let mut claim = Claim::default();
        for id in ids {
            match stored.leases.place(id, lease) {
                Place::Asked => continue,
                Place::Blocked(until) => {
                    claim.blocked_until = Some(until);
                    break;
                }
                Place::Free => {}
            }
            if let Some(case) = stored.by_id.get(id).cloned() {
                stored.leases.take(id, lease);
                claim.cases.push(case);
            }
        }
        Ok(claim)
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        Ok(self.cases().leases.renew(lease))
    }

    async fn release(
        &self,
        owner: &str,
        ids: &[CaseId],
        asked_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        self.cases().leases.release(owner, ids, asked_at);
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
