use crate::demographics::address::Address;
use crate::demographics::recorded::Recorded;
use crate::demographics::telecom::{Telecom, UsablePeriod};
use crate::demographics::text::{redacted_debug, serde_text};
use crate::text::ValueError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The GP practice at which a person is registered.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct GpPractice {
    /// The practice's ODS code (GENERAL MEDICAL PRACTICE CODE).
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub ods_code: Recorded<OdsCode>,
    /// The practice's name.
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub name: Recorded<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Its contact details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telecom: Option<Telecom>,
    /// The period of the registration, from services that return it. It may be over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<UsablePeriod>,
}

redacted_debug!(GpPractice);

/// A code of the Organisation Data Service: three to ten letters and digits, upper case.
///
/// An organisation is not a person, so `Debug` shows the code.
///
/// ```
/// use nhs_pds::demographics::OdsCode;
///
/// assert_eq!("h81109".parse::<OdsCode>()?.as_str(), "H81109");
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OdsCode(String);

impl OdsCode {
    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OdsCode {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let shaped =
            (3..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if shaped { Ok(Self(text.to_ascii_uppercase())) } else { Err(INVALID) }
    }
}

impl fmt::Display for OdsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_text!(OdsCode);

/// The text does not have the shape of an ODS code. Correct the data or the configuration.
const INVALID: ValueError = ValueError::new("an ODS code is three to ten letters and digits");
