use crate::case::id::CaseId;
use std::fmt;

/// A stored case that cannot be read because its row is damaged. Restore it from a copy, or erase
/// it.
///
/// `Display` identifies it for an operator. `Debug` does not show the id.
///
/// ```
/// use nhs_pds::case::Unreadable;
///
/// assert_eq!(Unreadable::Case("RXX:00001".parse()?).to_string(), "RXX:00001");
/// assert_eq!(Unreadable::Row(7).to_string(), "row 7");
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Unreadable {
    /// The case with this id.
    Case(CaseId),
    /// The case in this row of the store, whose id cannot be read either.
    Row(i64),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(id) => write!(f, "{id}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}
