use crate::trace::Outcome;

/// What a row of a response says about the person of its reference.
///
/// PDS first looks for the number that was sent, with the date of birth (cross-check). If that fails, or no number was
/// sent, it searches by the demographic fields.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// About the number that was sent.
    ByNumber(Outcome),
    /// What the search by the demographic fields found. If a number was sent, it was not confirmed before. The number
    /// found may be the one that was sent.
    BySearch(Outcome),
    /// The service refuses the data of the row: a person must correct them.
    Refused,
    /// The row was not traced. It says nothing about the person: trace the person again, or in another way.
    NotTraced,
}
