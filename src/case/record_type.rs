use crate::text::ValueError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The kind of record of a case.
///
/// The eleven kinds of HAV-4 are in scope for tracing by default. Other kinds of a local system are
/// stored by their text. Reads upper and lower case, with white space around; writes the text of
/// HAV-4.
///
/// ```
/// use nhs_pds::case::RecordType;
///
/// let kind: RecordType = " Deprivation of Liberty ".parse()?;
/// assert_eq!(kind, RecordType::DeprivationOfLiberty);
/// assert_eq!(kind.to_string(), "deprivation of liberty");
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum RecordType {
    /// An adult's case.
    AdultCase,
    /// Residential care.
    ResidentialCare,
    /// Care at home.
    HomeCare,
    /// The register of people who are blind, partially sighted or deaf.
    SensoryLoss,
    /// Physical disability.
    PhysicalDisability,
    /// Deprivation of liberty safeguards.
    DeprivationOfLiberty,
    /// Learning disability.
    LearningDisability,
    /// Mental health.
    MentalHealth,
    /// The transition from children's to adults' services.
    Transitions,
    /// A review.
    Review,
    /// Safeguarding of adults.
    SafeguardingAdults,
    /// A kind that HAV-4 does not name, by the local system's text. `FromStr` creates it, and never
    /// for a kind that HAV-4 names.
    Other(String),
}

impl RecordType {
    /// The eleven kinds of HAV-4, in its order.
    pub const HAV4: [Self; 11] = [
        Self::AdultCase,
        Self::ResidentialCare,
        Self::HomeCare,
        Self::SensoryLoss,
        Self::PhysicalDisability,
        Self::DeprivationOfLiberty,
        Self::LearningDisability,
        Self::MentalHealth,
        Self::Transitions,
        Self::Review,
        Self::SafeguardingAdults,
    ];

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::AdultCase => "adult case",
            Self::ResidentialCare => "residential care",
            Self::HomeCare => "home care",
            Self::SensoryLoss => "blind, partially sighted or deaf",
            Self::PhysicalDisability => "physical disability",
            Self::DeprivationOfLiberty => "deprivation of liberty",
            Self::LearningDisability => "learning disability",
            Self::MentalHealth => "mental health",
            Self::Transitions => "transitions",
            Self::Review => "review",
            Self::SafeguardingAdults => "safeguarding adults",
            Self::Other(text) => text,
        }
    }
}

impl FromStr for RecordType {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(INVALID);
        }
        Ok(Self::HAV4
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
            .unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

impl TryFrom<String> for RecordType {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl From<RecordType> for String {
    fn from(kind: RecordType) -> Self {
        kind.as_str().to_owned()
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Shows only the kinds of HAV-4: any other text is free text of the local system.
impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(_) => f.write_str("RecordType(redacted)"),
            known => write!(f, "RecordType({known})"),
        }
    }
}

/// The text is blank, so it is not a record type. Complete the data.
const INVALID: ValueError = ValueError::new("a record type is not blank");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back() {
        for kind in RecordType::HAV4 {
            assert_eq!(kind.to_string().parse(), Ok(kind.clone()));
            assert_eq!(format!("\t{} ", kind.as_str().to_uppercase()).parse(), Ok(kind));
        }
        let carer = RecordType::Other("Carer".into());
        assert_eq!(" Carer ".parse(), Ok(carer.clone()));
        assert_eq!(carer.to_string(), "Carer");
        assert_eq!(" ".parse::<RecordType>(), Err(INVALID));
    }
}
