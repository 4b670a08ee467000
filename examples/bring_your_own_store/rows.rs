//! The rows of the table, and how they change.

use chrono::{DateTime, Utc};
use nhs_pds::case::ErrorKind::{Conflict, Exists, NotFound, NumberTaken};
use nhs_pds::case::{Case, CaseId, Change, Due, Error, Setting};
use nhs_pds::nhs_number::NhsNumber;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// A case, when it is due, and the lease of a worker with its end.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) case: Case,
    pub(crate) due: Due,
    pub(crate) lease: Option<(String, DateTime<Utc>)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) cases: BTreeMap<CaseId, Row>,
    pub(crate) settings: BTreeMap<String, Setting>,
}

impl Rows {
    pub(crate) fn get(&self, id: &CaseId) -> Option<Case> {
        self.cases.get(id).map(|row| row.case.clone())
    }

    pub(crate) fn page(&self, after: Option<&CaseId>, limit: usize) -> Vec<Case> {
        let rows = self.cases.range::<CaseId, _>((after.map_or(Unbounded, Excluded), Unbounded));
        rows.take(limit).map(|(_, row)| row.case.clone()).collect()
    }

    pub(crate) fn save(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        let refused = |kind, id: &CaseId| Error::new(kind).with_case(id.clone());
        let (mut sole, mut seen) = (Vec::new(), BTreeSet::new());
        for Change { mut case, sole_holder, due, .. } in changes {
            let id = case.id.clone();
            let stored = self.cases.get(&id).map(|row| row.case.version);
            match stored {
                Some(_) if case.version == 0 || !seen.insert(id.clone()) => {
                    return Err(refused(Exists, &id));
                }
                Some(version) if version != case.version => return Err(refused(Conflict, &id)),
                None if case.version != 0 => return Err(refused(NotFound, &id)),
                _ => {}
            }
            case.version += 1;
            sole.extend(
                case.live_number().filter(|_| sole_holder).map(|number| (number, id.clone())),
            );
            let lease = self.cases.remove(&id).and_then(|row| row.lease);
            self.cases.insert(id, Row { case, due, lease });
        }
        let taken = sole.into_iter().find(|(number, _)| self.with_number(*number).len() > 1);
        taken.map_or(Ok(()), |(_, id)| Err(refused(NumberTaken, &id)))
    }

    /// The active cases with this number.
    pub(crate) fn with_number(&self, number: NhsNumber) -> Vec<CaseId> {
        let found = self.cases.values().filter(|row| row.case.live_number() == Some(number));
        found.map(|row| row.case.id.clone()).collect()
    }

    /// Saves a setting over the version that was read.
    pub(crate) fn set(&mut self, name: &str, mut setting: Setting) -> Result<(), Error> {
        let stored = self.settings.get(name).map_or(0, |stored| stored.version);
        if stored != setting.version {
            return Err(Error::new(Conflict));
        }
        setting.version += 1;
        self.settings.insert(name.to_owned(), setting);
        Ok(())
    }
}
