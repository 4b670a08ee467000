use serde::{Deserialize, Serialize};

/// The independent evidence that a number is the person's, where names, date of birth and gender agree: a
/// twin or a namesake may share those.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Corroboration {
    /// The postcode: the service matched it in a search that is not fuzzy, or returned it as that of the
    /// current usual address.
    Postcode,
    /// The number itself, which came from elsewhere and was verified.
    Number,
    /// PDS itself named the number as the one that replaces a number so confirmed (MSCA-DQ-03).
    Successor,
}
