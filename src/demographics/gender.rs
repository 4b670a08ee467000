use crate::demographics::text::serde_text;
use crate::text::ValueError;
use std::fmt;
use std::str::FromStr;

/// A person's administrative gender (NHS Data Dictionary, PERSON STATED GENDER CODE).
///
/// Reads the code (`1`) or the name (`male`, in any case; `not specified` and `not_specified` alike);
/// writes the name.
///
/// ```
/// use nhs_pds::demographics::Gender;
///
/// assert_eq!("2".parse::<Gender>()?, Gender::Female);
/// assert_eq!("Not Known".parse::<Gender>()?.code(), "0");
/// assert_eq!(Gender::NotSpecified.to_string(), "not_specified");
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Gender {
    /// Code 0: not known.
    NotKnown,
    /// Code 1: male.
    Male,
    /// Code 2: female.
    Female,
    /// Code 9: not specified; also where the register says "indeterminate".
    NotSpecified,
}

impl Gender {
    /// All genders, by code.
    pub const ALL: [Self; 4] = [Self::NotKnown, Self::Male, Self::Female, Self::NotSpecified];

    /// The code: `0`, `1`, `2` or `9`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotKnown => "0",
            Self::Male => "1",
            Self::Female => "2",
            Self::NotSpecified => "9",
        }
    }

    /// The name: `not_known`, `male`, `female` or `not_specified`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotKnown => "not_known",
            Self::Male => "male",
            Self::Female => "female",
            Self::NotSpecified => "not_specified",
        }
    }
}

impl FromStr for Gender {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let name = text.replace([' ', '-'], "_");
        Self::ALL
            .into_iter()
            .find(|gender| text == gender.code() || name.eq_ignore_ascii_case(gender.as_str()))
            .ok_or(INVALID)
    }
}

impl fmt::Display for Gender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_text!(Gender);

/// The text is neither a gender code nor a gender's name. Correct the data.
const INVALID: ValueError =
    ValueError::new("a gender is 1 (male), 2 (female), 9 (not specified) or 0 (not known)");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names() {
        for gender in Gender::ALL {
            assert_eq!(gender.code().parse(), Ok(gender));
            assert_eq!(gender.to_string().parse(), Ok(gender));
            assert_eq!(gender.as_str().to_uppercase().parse(), Ok(gender));
        }
        for text in ["", "3", "01", " 1", "M", "other"] {
            assert_eq!(text.parse::<Gender>(), Err(INVALID), "{text}");
        }
    }
}
