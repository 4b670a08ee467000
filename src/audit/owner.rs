use crate::case::CaseId;
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use crate::text::ValueError;
use std::fmt;
use std::str::FromStr;

/// The case or the person whose content one key encrypts.
///
/// ```
/// use nhs_pds::audit::Owner;
///
/// let owner: Owner = "case:RHM:00001".parse()?;
/// assert_eq!(owner, Owner::Case("RHM:00001".parse()?));
/// assert_eq!(owner.to_text(), "case:RHM:00001");
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Owner {
    /// A case.
    Case(CaseId),
    /// A person of whom only the NHS Number is known.
    Person(NhsNumber),
}

impl Owner {
    /// This owner as one text, to store and look up: `case:` and the id, or `person:` and the ten
    /// digits. [`FromStr`] reads it back. It is personal data.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Case(case) => format!("case:{}", case.as_str()),
            Self::Person(number) => format!("person:{}", number.digits()),
        }
    }
}

/// An owner, borrowed, so that the subjects of many entries are compared without copies.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum OwnerRef<'a> {
    Case(&'a CaseId),
    Person(NhsNumber),
}

impl OwnerRef<'_> {
    pub(super) fn to_owner(self) -> Owner {
        match self {
            Self::Case(case) => Owner::Case(case.clone()),
            Self::Person(number) => Owner::Person(number),
        }
    }

    pub(super) fn is(self, owner: &Owner) -> bool {
        match (self, owner) {
            (Self::Case(case), Owner::Case(other)) => case == other,
            (Self::Person(number), Owner::Person(other)) => number == *other,
            (Self::Case(_), Owner::Person(_)) | (Self::Person(_), Owner::Case(_)) => false,
        }
    }
}

impl FromStr for Owner {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.split_once(':') {
            Some(("case", id)) => id.parse().map(Self::Case).map_err(|_| INVALID),
            Some(("person", number)) => number.parse().map(Self::Person).map_err(|_| INVALID),
            _ => Err(INVALID),
        }
    }
}

/// The text is not an owner. Store it as `to_text` wrote it.
const INVALID: ValueError =
    ValueError::new("an owner is `case:` and a case id, or `person:` and an NHS Number");

redacted_debug!(Owner);

/// A subject's name in the rows, from which nothing about the subject can be learned: the number of
/// the first event about it, and eight random bytes.
///
/// `Display` writes 32 hexadecimal digits.
///
/// ```
/// use nhs_pds::audit::SubjectName;
///
/// let name = SubjectName::from([0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8]);
/// assert_eq!(name.to_string(), "00000000000000070102030405060708");
/// assert_eq!(SubjectName::try_from(&name.as_bytes()[..]), Ok(name));
/// ```
// With the number first, new names are added at the end of an index.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SubjectName([u8; 16]);

impl SubjectName {
    /// The bytes of the name.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for SubjectName {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<&[u8]> for SubjectName {
    type Error = ValueError;

    fn try_from(bytes: &[u8]) -> Result<Self, ValueError> {
        let invalid = ValueError::new("the name of a subject has 16 bytes");
        bytes.try_into().map(Self).map_err(|_| invalid)
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_back_from_its_text() {
        let number = NhsNumber::constant(9_434_765_919);
        for owner in [Owner::Case("person:1".parse().unwrap()), Owner::Person(number)] {
            assert_eq!(owner.to_text().parse(), Ok(owner));
        }
        for text in ["", "case:", "person:1", "RHM:1", "Case:1", "9434765919"] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }
}
