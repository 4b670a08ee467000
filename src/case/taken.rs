use crate::demographics::redacted_debug;
use serde::{Deserialize, Serialize};

/// The further names, former postcodes and contacts that a case took from another in a merge
/// (MSCA-DQ-01). They are removed again when the merge is undone, or when the other case is erased.
///
/// Source: the lists of the other case ([`Case::other_forenames`](crate::case::Case::other_forenames) and the following), without the values
/// that this case had before.
///
/// ```
/// use nhs_pds::case::Taken;
///
/// let mut taken = Taken::default();
/// assert!(taken.is_empty());
/// taken.former_surnames.push("Obi".into());
/// assert!(!taken.is_empty());
/// assert_eq!(format!("{taken:?}"), "Taken(redacted)");
/// ```
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Taken {
    /// Given names after the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_forenames: Vec<String>,
    /// Family names that the person had before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_surnames: Vec<String>,
    /// Postcodes of former homes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_postcodes: Vec<String>,
    /// Telephone numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub telephones: Vec<String>,
    /// E-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
}

redacted_debug!(Taken);

impl Taken {
    pub(crate) const NOTHING: Self = Self {
        other_forenames: Vec::new(),
        former_surnames: Vec::new(),
        former_postcodes: Vec::new(),
        telephones: Vec::new(),
        emails: Vec::new(),
    };

    /// Whether nothing was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NOTHING
    }

    /// The lists, in the order of those of a case.
    pub(in crate::case) const fn lists_mut(&mut self) -> [&mut Vec<String>; 5] {
        [
            &mut self.other_forenames,
            &mut self.former_surnames,
            &mut self.former_postcodes,
            &mut self.telephones,
            &mut self.emails,
        ]
    }
}
