//! A case as a row of a table: columns to search by, and the case as JSON.

use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::unreadable::Unreadable;

/// The ten digits of the case's NHS Number.
pub(super) fn number(case: &Case) -> Option<String> {
    case.live_number().map(|number| number.digits().to_string())
}

/// The case as JSON. The cause of an error is dropped, because it may quote content.
pub(super) fn document(case: &Case) -> Result<String, Error> {
    serde_json::to_string(case)
        .map_err(|_| Error::new(ErrorKind::Corrupt).with_case(case.id.clone()))
}

/// One row as it is stored. A value is `None` when it does not have the type of its column.
pub(super) struct Stored {
    pub(super) row: i64,
    pub(super) id: Vec<u8>,
    pub(super) version: Option<i64>,
    /// The inner `None` means that the case has no number.
    pub(super) number: Option<Option<String>>,
    pub(super) document: Option<String>,
}

impl Stored {
    fn id(&self) -> Option<CaseId> {
        let text = str::from_utf8(&self.id).ok()?;
        text.parse().ok().filter(|id: &CaseId| id.as_str() == text)
    }

    fn parse(&self) -> Option<Case> {
        let case: Case = serde_json::from_str(self.document.as_deref()?).ok()?;
        let agrees = Some(&case.id) == self.id().as_ref()
            && u64::try_from(self.version?) == Ok(case.version)
            && Some(number(&case)) == self.number;
        agrees.then_some(case)
    }

    /// The case, if columns and document agree. The cause of an error is dropped, because it may
    /// quote content.
    pub(super) fn case(self) -> Result<Case, Error> {
        self.parse().ok_or_else(|| Error::new(ErrorKind::Corrupt))
    }

    /// The id or row number, if the row cannot be read.
    pub(super) fn unreadable(&self) -> Option<Unreadable> {
        let damaged = self.parse().is_none();
        damaged.then(|| self.id().map_or(Unreadable::Row(self.row), Unreadable::Case))
    }
}
