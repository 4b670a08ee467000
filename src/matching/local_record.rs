use crate::demographics::{Gender, PartialDate, redacted_debug};

/// What a local system has recorded about a person, as far as [`compare`](crate::matching::compare) needs it.
///
/// The texts are as the local system has them: a postcode need not be valid. `None` is "not recorded".
/// `LocalRecord::from(&case)` copies the fields of a case (feature `process`).
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct LocalRecord {
    /// Family name.
    pub surname: Option<String>,
    /// Given names.
    pub forename: Option<String>,
    /// Date of birth; the day and the month may be unknown.
    pub date_of_birth: Option<PartialDate>,
    /// Administrative gender.
    pub gender: Option<Gender>,
    /// The usual address without the postcode; unused lines are empty.
    pub address: [String; 5],
    /// The postcode of the usual address.
    pub postcode: Option<String>,
    /// Date of death.
    pub date_of_death: Option<PartialDate>,
}

redacted_debug!(LocalRecord);
