use std::fmt;

/// One of the particulars by which a person is known, by its kind and not by its value.
///
/// For reasons, differences and corrections: what is wrong can be named without saying whose it is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
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
    /// Every particular, in the order in which they are shown.
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
