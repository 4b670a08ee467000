use crate::demographics::Field;
use crate::matching::given::GivenRung;
use std::fmt;

/// How one demographic field of the local system compares with that of PDS.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldClass {
    /// Neither side has it.
    BothMissing,
    /// The two are identical, character by character.
    Equal,
    /// The two are the same apart from case, accents, white space, apostrophes, hyphens, full
    /// stops, and notes in brackets after a name.
    EqualAfterNormalisation,
    /// One date is less exact than the other, and the two may be the same day.
    PartialDateCompatible,
    /// The given names that both sides have agree, and one side has more given names.
    GivenCompatible,
    /// The local system has no value.
    LocalMissing,
    /// PDS returned no value: what PDS has recorded is not known.
    PdsMissing,
    /// PDS has recorded the field as blank.
    PdsBlank,
    /// The two are not the same, or the value that PDS has recorded cannot be read.
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

/// How strongly a difference suggests that the records are of two people, or that data are wrong.
///
/// | field | different | PDS blank | local missing |
/// |---|---|---|---|
/// | family name | high | medium | none |
/// | date of birth | high | medium | none |
/// | given names | by [`GivenRung`]: low when the first is the first or any, medium when any is any or for an initial, high when none agrees | low | none |
/// | gender | medium; low when one side does not know it or has not specified it | low | none |
/// | postcode | medium; low within one postal district, and with a pseudo-postcode: people move | low | none |
/// | address | low: people move, and addresses are written in many ways | low | none |
/// | date of death | high | medium | high: the local system treats a person as living whom PDS records as dead |
///
/// A field that PDS did not return has no weight, except a local date of death: low, because PDS
/// returns none for the living. All other classes have no weight.
///
/// An estimate such as 1 January, or day and month exchanged, is also a difference of high weight:
/// the data are wrong, or it is a different person.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Nothing to check.
    #[default]
    None,
    /// Data may be out of date on one side.
    Low,
    /// Data are wrong on one side, or it may be a different person.
    Medium,
    /// It is a different person, or an identifying field is wrong.
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

    /// The weight by the table, where a plain difference has the weight `different`.
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

    /// The weight of given names that agree by `rung` and contradict each other beyond it.
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
