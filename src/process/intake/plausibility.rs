//! Whether a file can be what it claims to be: the next caseload of its source.

use serde::{Deserialize, Serialize};

/// The share of rows above which a change is implausible, in percent.
const MOST: usize = 20;

/// The share of new rows above which a file of a known source is implausible, in percent.
const MOST_NEW: usize = 50;

/// How many rows must differ at least: one row is a correction.
const FEWEST: usize = 2;

/// The figures by which a user sees whether a file is plausible.
///
/// A file with the columns moved, of another area, or cut off in the middle changes many cases at once.
/// [`reasons`](Self::reasons) has the rule. Another user must then approve the import.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Plausibility {
    /// The cases in the file.
    pub cases: usize,
    /// Of these, the cases that are stored.
    pub stored: usize,
    /// Of the stored, those with another surname or forename. Upper case is no difference.
    pub names: usize,
    /// Of the stored, those with another date of birth.
    pub births: usize,
    /// Of the stored with a number in the file and in the store, those with another NHS Number.
    pub numbers: usize,
    /// Rows that were refused or that contradict the file itself.
    pub refused: usize,
    /// The cases in the last file of the source, if there was one.
    pub before: Option<usize>,
}

/// Why a file is implausible.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Implausible {
    /// More than 20 % of the stored cases have another name, and at least two.
    Names,
    /// More than 20 % of the stored cases have another date of birth, and at least two.
    Births,
    /// More than 20 % of the stored cases have another NHS Number, and at least two.
    Numbers,
    /// More than 20 % of the rows are refused, and at least two.
    Refused,
    /// The file has at most half the cases of the last file of its source.
    Fewer,
    /// The source is known, and more than half of the cases are new, and at least two.
    New,
}

impl Plausibility {
    /// Why the file is implausible; empty when it is not.
    ///
    /// ```
    /// use nhs_pds::process::{Implausible, Plausibility};
    ///
    /// let mut file = Plausibility::default();
    /// (file.cases, file.stored, file.names) = (10, 10, 2);
    /// assert!(file.reasons().is_empty());
    /// file.names = 3;
    /// assert_eq!(file.reasons(), [Implausible::Names]);
    /// ```
    #[must_use]
    pub fn reasons(&self) -> Vec<Implausible> {
        let most = |part: usize, of: usize, percent: usize| {
            part >= FEWEST && part.saturating_mul(100) > of.saturating_mul(percent)
        };
        let rows = self.cases.saturating_add(self.refused);
        let new = self.cases.saturating_sub(self.stored);
        let is_fewer = |before: usize| before >= FEWEST && self.cases <= before / 2;
        [
            (Implausible::Names, most(self.names, self.stored, MOST)),
            (Implausible::Births, most(self.births, self.stored, MOST)),
            (Implausible::Numbers, most(self.numbers, self.stored, MOST)),
            (Implausible::Refused, most(self.refused, rows, MOST)),
            (Implausible::Fewer, self.before.is_some_and(is_fewer)),
            (Implausible::New, self.before.is_some() && most(new, self.cases, MOST_NEW)),
        ]
        .into_iter()
        .filter_map(|(reason, applies)| applies.then_some(reason))
        .collect()
    }
}

impl Implausible {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::Names, Self::Births, Self::Numbers, Self::Refused, Self::Fewer, Self::New];

    /// A stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Births => "births",
            Self::Numbers => "numbers",
            Self::Refused => "refused",
            Self::Fewer => "fewer",
            Self::New => "new",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_applies_above_its_limit_and_not_at_it() {
        let file = Plausibility { cases: 100, stored: 100, ..Plausibility::default() };
        let of = |change: fn(&mut Plausibility)| {
            let mut changed = file;
            change(&mut changed);
            changed.reasons()
        };
        assert_eq!(of(|file| file.names = 20), []);
        assert_eq!(of(|file| file.names = 21), [Implausible::Names]);
        assert_eq!(of(|file| file.births = 20), []);
        assert_eq!(of(|file| file.births = 21), [Implausible::Births]);
        assert_eq!(of(|file| file.numbers = 20), []);
        assert_eq!(of(|file| file.numbers = 21), [Implausible::Numbers]);
        assert_eq!(of(|file| file.refused = 25), []);
        assert_eq!(of(|file| file.refused = 26), [Implausible::Refused]);
        assert_eq!(of(|file| file.before = Some(199)), []);
        assert_eq!(of(|file| file.before = Some(200)), [Implausible::Fewer]);
        assert_eq!(of(|file| file.stored = 40), [], "the first file of a source");
        assert_eq!(of(|file| (file.stored, file.before) = (50, Some(100))), []);
        assert_eq!(of(|file| (file.stored, file.before) = (49, Some(100))), [Implausible::New]);
    }

    #[test]
    fn one_row_is_a_correction() {
        let one =
            Plausibility { cases: 1, stored: 1, names: 1, births: 1, ..Plausibility::default() };
        assert_eq!(one.reasons(), []);
    }
}
