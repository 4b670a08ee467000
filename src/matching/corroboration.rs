use serde::{Deserialize, Serialize};

/// The independent evidence that a number is the person's, when names, date of birth and gender
/// agree. A twin or a namesake may share those fields.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Corroboration {
    /// The postcode: the service matched it in a search that is not fuzzy, or returned it as the
    /// postcode of the current usual address.
    Postcode,
    /// House number and street, where the postcode is not known or has a typing error.
    Address,
    /// A telephone number or an e-mail address.
    Contact,
    /// The number itself, which came from another source and was verified.
    Number,
    /// PDS itself returned the number as the replacement of a number confirmed in one of these ways
    /// (MSCA-DQ-03).
    Successor,
}
