use std::fmt;

/// A demographic field, by its kind and without its value.
///
/// Used for reasons, differences and corrections: a message can name the wrong field without naming
/// the person.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The NHS Number.
    NhsNumber,
    /// The family name.
    Family,
    /// The first given name.
    Given,
    /// The date of birth.
    DateOfBirth,
    /// The gender.
    Gender,
    /// The lines of the usual address.
    Address,
    /// The postcode of the usual address.
    Postcode,
    /// The date of death.
    DateOfDeath,
}

impl Field {
    /// Every field, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::NhsNumber,
        Self::Family,
        Self::Given,
        Self::DateOfBirth,
        Self::Gender,
        Self::Address,
        Self::Postcode,
        Self::DateOfDeath,
    ];

    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NhsNumber => "nhs_number",
            Self::Family => "family",
            Self::Given => "given",
            Self::DateOfBirth => "date_of_birth",
            Self::Gender => "gender",
            Self::Address => "address",
            Self::Postcode => "postcode",
            Self::DateOfDeath => "date_of_death",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
