use crate::demographics::address::Address;
use crate::demographics::date::PartialDate;
use crate::demographics::gender::Gender;
use crate::demographics::name::PersonName;
use crate::demographics::practice::GpPractice;
use crate::demographics::recorded::Recorded;
use crate::demographics::telecom::Telecom;
use crate::demographics::text::redacted_debug;
use serde::{Deserialize, Serialize};

/// What PDS has recorded about a person, as far as it was returned.
///
/// Every field may be missing. A restricted person has no addresses, telecoms or GP practice in the
/// response, and the response to a trace for a number has no demographic fields at all.
///
/// ```
/// use nhs_pds::demographics::{Demographics, Recorded};
///
/// let person: Demographics =
///     serde_json::from_str(r#"{"gender":"female","date_of_birth":"1984-02","date_of_death":""}"#)?;
/// assert!(person.date_of_death.is_blank());
/// assert!(person.addresses.is_empty());
/// assert_eq!(format!("{person:?}"), "Demographics(redacted)");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct Demographics {
    /// The usual name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// Other names, including former names, in the order returned, from services that return them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<PersonName>,
    /// Administrative gender.
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub gender: Recorded<Gender>,
    /// Date of birth.
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub date_of_birth: Recorded<PartialDate>,
    /// Date of death; "not returned" for a living person.
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub date_of_death: Recorded<PartialDate>,
    /// Addresses, in the order returned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Telecoms, in the order returned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub telecoms: Vec<Telecom>,
    /// The GP practice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gp_practice: Option<GpPractice>,
}

impl Demographics {
    /// Whether PDS has recorded a death, even when the date cannot be read.
    #[must_use]
    pub const fn is_deceased(&self) -> bool {
        matches!(self.date_of_death, Recorded::Known(_) | Recorded::Unrecognised(_))
    }
}

redacted_debug!(Demographics);
