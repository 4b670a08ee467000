//! What a case takes over from a case that is merged into it, beside the number and a date of death.

use crate::case::record::Case;
use crate::demographics::redacted_debug;
use serde::{Deserialize, Serialize};

/// The further names, former postcodes and contacts that a case took from another in a merge
/// (MSCA-DQ-01). They are removed again when the merge is undone, or when the other case is erased.
///
/// Source: the lists of the other case ([`Case::other_forenames`] and the following), without the values
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

    const fn lists_mut(&mut self) -> [&mut Vec<String>; 5] {
        [
            &mut self.other_forenames,
            &mut self.former_surnames,
            &mut self.former_postcodes,
            &mut self.telephones,
            &mut self.emails,
        ]
    }
}

impl Case {
    /// Further names, former postcodes and contacts, in one order.
    pub(crate) const fn lists(&self) -> [&Vec<String>; 5] {
        [
            &self.other_forenames,
            &self.former_surnames,
            &self.former_postcodes,
            &self.telephones,
            &self.emails,
        ]
    }

    /// The same, to change them.
    pub(crate) const fn lists_mut(&mut self) -> [&mut Vec<String>; 5] {
        [
            &mut self.other_forenames,
            &mut self.former_surnames,
            &mut self.former_postcodes,
            &mut self.telephones,
            &mut self.emails,
        ]
    }

    /// Adds the lists of `other`, and returns the values that were added.
    pub(crate) fn take_lists(&mut self, other: &Self) -> Taken {
        let mut taken = Taken::default();
        let theirs = other.lists().into_iter().zip(taken.lists_mut());
        for (mine, (theirs, taken)) in self.lists_mut().into_iter().zip(theirs) {
            for value in theirs {
                if !mine.contains(value) {
                    mine.push(value.clone());
                    taken.push(value.clone());
                }
            }
        }
        taken
    }

    /// Removes the values that [`take_lists`](Self::take_lists) added.
    pub(crate) fn give_back_lists(&mut self, mut taken: Taken) {
        for (mine, taken) in self.lists_mut().into_iter().zip(taken.lists_mut()) {
            mine.retain(|value| !taken.contains(value));
        }
    }
}
