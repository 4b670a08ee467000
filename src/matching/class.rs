use crate::demographics::Field;
use crate::matching::GivenRung;
use std::fmt;

/// How one particular of the local system stands to that of PDS.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FieldClass {
    /// Neither side has it.
    BothMissing,
    /// The two are the same, to the letter.
    Equal,
    /// The two are the same but for case, accents, white space, apostrophes, hyphens, points, and notes
    /// in brackets after a name.
    EqualAfterNormalisation,
    /// One date is known less exactly than the other, and the two may be one day.
    PartialDateCompatible,
    /// The given names that both sides have agree, and one side has more of them.
    GivenCompatible,
    /// The local system has none.
    LocalMissing,
    /// PDS returned none: nothing is known of what it holds.
    PdsMissing,
    /// PDS holds it as blank.
    PdsBlank,
    /// The two are not the same, or what PDS holds cannot be read.
    Different,
}

impl FieldClass {
    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BothMissing => "both_missing",
            Self::Equal => "equal",
            Self::EqualAfterNormalisation => "equal_after_normalisation",
            Self::PartialDateCompatible => "partial_date_compatible",
            Self::GivenCompatible => "given_compatible",
            Self::LocalMissing => "local_missing",
            Self::PdsMissing => "pds_missing",
            Self::PdsBlank => "pds_blank",
            Self::Different => "different",
        }
    }
}

impl fmt::Display for FieldClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much a difference says that it is another person, or that data are wrong.
///
/// | particular | different | PDS blank | local missing |
/// |---|---|---|---|
/// | family name | high | medium | none |
/// | date of birth | high | medium | none |
/// | given names | by [`GivenRung`]: low when the first is the first or any, medium when any is any or for an initial, high when none agrees | low | none |
/// | gender | medium; low when one side does not know it or has not specified it | low | none |
/// | postcode | medium; low within one postal district, and with a pseudo-postcode: people move | low | none |
/// | address | low: people move, and addresses are written in many ways | low | none |
/// | date of death | high | medium | high: the local system treats somebody as living whom PDS has as dead |
///
/// What PDS did not return weighs nothing, except a local date of death: low, because PDS returns none
/// for the living. All other classes weigh nothing.
///
/// An estimate such as 1 January, or day and month exchanged, is a difference of high weight too: the
/// data are wrong, or it is another person.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Weight {
    /// Nothing to look at.
    #[default]
    None,
    /// Data may be out of date on one side.
    Low,
    /// Data are wrong on one side, or it may be another person.
    Medium,
    /// It is another person, or what people are known by is wrong.
    High,
}

impl Weight {
    /// A stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// By the table, where a plain difference weighs `different`.
    pub(super) const fn of(field: Field, class: FieldClass, different: Self) -> Self {
        match (class, field) {
            (FieldClass::Different, _) => different,
            (FieldClass::LocalMissing, Field::DateOfDeath) => Self::High,
            (FieldClass::PdsMissing, Field::DateOfDeath) => Self::Low,
            (FieldClass::PdsBlank, Field::Family | Field::DateOfBirth | Field::DateOfDeath) => {
                Self::Medium
            }
            (FieldClass::PdsBlank, _) => Self::Low,
            _ => Self::None,
        }
    }

    /// What given names weigh that agree by `rung` and contradict each other beyond it.
    pub(super) const fn of_given(rung: GivenRung) -> Self {
        match rung {
            GivenRung::AllInOrder | GivenRung::FirstIsFirst | GivenRung::FirstIsAny => Self::Low,
            GivenRung::AnyIsAny | GivenRung::Initial => Self::Medium,
            GivenRung::None => Self::High,
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
