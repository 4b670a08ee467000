//! The rows of the table, and how they change.

use chrono::{DateTime, Utc};
use nhs_pds::case::ErrorKind::{Conflict, Exists, NotFound, NumberTaken};
use nhs_pds::case::{Case, CaseId, Change, Error};
use nhs_pds::nhs_number::NhsNumber;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

/// A case, the lease of a worker and its end, and the time of the last trace.
pub(crate) type Row = (Case, Option<(String, DateTime<Utc>)>, Option<DateTime<Utc>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Rows(pub(crate) BTreeMap<CaseId, Row>);

impl Rows {
    pub(crate) fn get(&self, id: &CaseId) -> Option<Case> {
        self.0.get(id).map(|(case, ..)| case.clone())
    }

    pub(crate) fn page(&self, after: Option<&CaseId>, limit: usize) -> Vec<Case> {
        let rows = self.0.range::<CaseId, _>((after.map_or(Unbounded, Excluded), Unbounded));
        rows.take(limit).map(|(_, (case, ..))| case.clone()).collect()
    }

    pub(crate) fn insert(&mut self, mut case: Case) -> Result<(), Error> {
        let id = case.id.clone();
        if case.version != 0 || self.0.contains_key(&id) {
            let kind = if case.version == 0 { Exists } else { Conflict };
            return Err(Error::new(kind).with_case(id));
        }
        case.version = 1;
        self.0.insert(id, (case, None, None));
        Ok(())
    }

    pub(crate) fn save(&mut self, changes: &[Change]) -> Result<(), Error> {
        let refused = |kind, case: &Case| Error::new(kind).with_case(case.id.clone());
        for Change { case, .. } in changes {
            let (stored, ..) = self.0.get_mut(&case.id).ok_or_else(|| refused(NotFound, case))?;
            if stored.version != case.version {
                return Err(refused(Conflict, case));
            }
            *stored = case.clone();
            stored.version += 1;
        }
        let sole = changes.iter().filter(|change| change.sole_holder).map(|change| &change.case);
        let has_twin =
            |case: &&Case| case.live_number().map(|n| self.with_number(n).len()) > Some(1);
        sole.clone().find(has_twin).map_or(Ok(()), |case| Err(refused(NumberTaken, case)))
    }

    /// The active cases with this number.
    pub(crate) fn with_number(&self, number: NhsNumber) -> Vec<CaseId> {
        let found = self.0.iter().filter(|(_, (case, ..))| case.live_number() == Some(number));
        found.map(|(id, _)| id.clone()).collect()
    }
}
