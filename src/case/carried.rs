//! Cases that move from one database to another: the bytes of the document, the version, and when it is due.

use crate::case::due::{Due, Priority};
use crate::case::record::Case;
use crate::case::stored::Stored;
use crate::case::times::rank;
use crate::case::unreadable::Unreadable;
use crate::demographics::redacted_debug;
use chrono::DateTime;

/// A stored case with the bytes of its document.
#[derive(Clone)]
pub(crate) struct Carried {
    pub(super) case: Case,
    pub(super) document: String,
    pub(super) due: Due,
}

/// The next stored cases after an id.
#[derive(Default)]
pub(crate) struct CarriedPage {
    /// The cases that can be read, in the order of their ids.
    pub(crate) cases: Vec<Carried>,
    /// The cases that are damaged.
    pub(crate) damaged: Vec<Unreadable>,
    /// The bytes of the last id, unless no rows remain.
    pub(crate) last: Option<Vec<u8>>,
}

impl CarriedPage {
    /// Adds a row, with the priority and the time in its row of `case_due`. Without such a row, the case is due at once.
    pub(super) fn add(&mut self, stored: Stored, due: Option<(i64, i64)>) {
        self.last = Some(stored.id.clone());
        if let Some(damaged) = stored.unreadable() {
            self.damaged.push(damaged);
        }
        let due = due.and_then(|(priority, at)| {
            let priority = Priority::ALL.into_iter().find(|word| rank(*word) == priority)?;
            Some(Due::new(priority, DateTime::from_timestamp_micros(at)?))
        });
        let due = due.unwrap_or(Due::NOW);
        if let Some(document) = stored.document.clone()
            && let Ok(case) = stored.case()
        {
            self.cases.push(Carried { case, document, due });
        }
    }
}

impl Carried {
    /// What must be equal in both databases: id, version, document, and when the case is due.
    pub(crate) fn facts(&self) -> ([&[u8]; 2], [i64; 3]) {
        let (id, document) = (self.case.id.as_str().as_bytes(), self.document.as_bytes());
        let (priority, at) = (rank(self.due.priority), self.due.at.timestamp_micros());
        ([id, document], [self.version(), priority, at])
    }

    pub(super) fn version(&self) -> i64 {
        i64::try_from(self.case.version).unwrap_or(i64::MAX)
    }
}

redacted_debug!(Carried);
