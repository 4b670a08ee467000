use crate::case::{Case, CaseId, CaseStore, Error, ErrorKind};
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Cases in memory, forgotten with the store. For tests, and for runs over a file of cases.
#[derive(Default)]
pub struct MemoryStore(Mutex<Cases>);

#[derive(Default)]
struct Cases {
    by_id: BTreeMap<CaseId, Case>,
    holders: BTreeMap<NhsNumber, BTreeSet<CaseId>>,
}

impl MemoryStore {
    /// A store without cases.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change is made after the checks, so what a panic elsewhere left behind is whole.
    fn cases(&self) -> MutexGuard<'_, Cases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cases {
    /// Saves `case` over the version it was read as; if it is to be the `sole` holder of its number,
    /// only as such.
    fn save(&mut self, case: &Case, sole: bool) -> Result<u64, Error> {
        let kind = match self.by_id.get(&case.id) {
            None => ErrorKind::NotFound,
            Some(old) if old.version != case.version => ErrorKind::Conflict,
            Some(_) if sole && self.is_held_beside(case) => ErrorKind::Held,
            Some(_) => {
                let mut case = case.clone();
                case.version += 1;
                let version = case.version;
                self.put(case);
                return Ok(version);
            }
        };
        Err(Error::new(kind).with_case(case.id.clone()))
    }

    /// Whether another case holds the number of `case`.
    fn is_held_beside(&self, case: &Case) -> bool {
        let number = case.nhs_number.as_ref().map(|held| held.number);
        let holders = number.and_then(|number| self.holders.get(&number));
        holders.into_iter().flatten().any(|holder| *holder != case.id)
    }

    /// Puts `case` in place of the stored one of its id.
    fn put(&mut self, case: Case) {
        let number = |case: &Case| case.nhs_number.as_ref().map(|held| held.number);
        if let Some(number) = number(&case) {
            self.holders.entry(number).or_default().insert(case.id.clone());
        }
        let new = number(&case);
        let id = case.id.clone();
        let Some(old) = self.by_id.insert(id.clone(), case).as_ref().and_then(number) else {
            return;
        };
        if new != Some(old)
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

    async fn save(&self, case: &Case) -> Result<u64, Error> {
        self.cases().save(case, false)
    }

    async fn save_as_sole_holder(&self, case: &Case) -> Result<u64, Error> {
        self.cases().save(case, true)
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        let stored = self.cases();
        Ok(stored.holders.get(&number).into_iter().flatten().cloned().collect())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} cases)", self.cases().by_id.len())
    }
}
