//! What the FHIR API sends about a person and a Spine Mini Service does not.

use crate::redacted::redacted_debug;
use nhs_pds::demographics::PartialDate;
use nhs_pds::nhs_number::NhsNumber;

/// The use of a name that is not the usual name.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NameUse {
    /// `old`: a former name. Only a search with history finds it.
    Former,
    /// `maiden`: the name before marriage. Only a search with history finds it.
    Maiden,
    /// `nickname`: an informal name.
    Nickname,
    /// `temp`: a temporary name.
    Temporary,
}

impl NameUse {
    /// The code in a message.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Former => "old",
            Self::Maiden => "maiden",
            Self::Nickname => "nickname",
            Self::Temporary => "temp",
        }
    }

    pub(super) const fn is_past(self) -> bool {
        matches!(self, Self::Former | Self::Maiden)
    }
}

/// A name that is not the usual name. Empty text means that the record has no value.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct OtherName {
    /// The use of the name.
    pub name_use: NameUse,
    /// Title.
    pub title: String,
    /// First given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// The first day of the name.
    pub from: Option<PartialDate>,
    /// The last day of the name. The name is in force until a future last day.
    pub to: Option<PartialDate>,
}

impl OtherName {
    /// A name with this family name only.
    #[must_use]
    pub fn new(name_use: NameUse, family: impl Into<String>) -> Self {
        Self {
            name_use,
            title: String::new(),
            given: String::new(),
            family: family.into(),
            from: None,
            to: None,
        }
    }
}

redacted_debug!(OtherName);

/// The use of an address that is not the usual address.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OtherAddressUse {
    /// `billing`: the address for letters.
    Correspondence,
    /// A former home. A search with history finds people by it, and no response contains it.
    Former,
    /// `temp`: a temporary address.
    Temporary,
}

impl OtherAddressUse {
    /// The code in a message.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Correspondence => "billing",
            Self::Former => "home",
            Self::Temporary => "temp",
        }
    }
}

/// An address that is not the usual address. Empty text means that the record has no value.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct OtherAddress {
    /// The use of the address.
    pub address_use: OtherAddressUse,
    /// The five lines; a blank line keeps its place.
    pub lines: [String; 5],
    /// Postcode, with or without its space.
    pub postcode: String,
    /// The kind of a temporary address, such as `Student Accommodation`.
    pub text: String,
    /// The first day of the address.
    pub from: Option<PartialDate>,
    /// The last day of the address.
    pub to: Option<PartialDate>,
}

impl OtherAddress {
    /// An address with these lines and this postcode.
    #[must_use]
    pub fn new(
        address_use: OtherAddressUse,
        lines: [String; 5],
        postcode: impl Into<String>,
    ) -> Self {
        Self {
            address_use,
            lines,
            postcode: postcode.into(),
            text: String::new(),
            from: None,
            to: None,
        }
    }
}

redacted_debug!(OtherAddress);

/// A person who is related to another person.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct RelatedPerson {
    /// The type of the relationship, by a code of the API's specification such as `MTH` (mother), `SPS`
    /// (spouse), `Carer` or `Guardian`.
    pub relationship: String,
    /// The role: `Personal`, `Agent` or `Guardian`. Not sent if the relationship is itself one of these.
    pub role: String,
    /// Whether this person is the next of kin.
    pub next_of_kin: bool,
    /// This person's own NHS Number, if there is a record.
    pub nhs_number: Option<NhsNumber>,
    /// Given name. Empty if it is on this person's own record.
    pub given: String,
    /// Family name. Empty if it is on this person's own record.
    pub family: String,
    /// The five lines of the address. Blank lines are not sent.
    pub address: [String; 5],
    /// The postcode, with or without its space.
    pub postcode: String,
    /// Telecoms as URIs: `tel:`, `mailto:`. The first five are sent.
    pub telecoms: Vec<String>,
}

impl RelatedPerson {
    /// A related person in the role `Personal`. The service records a number, or a name and an address.
    #[must_use]
    pub fn new(relationship: impl Into<String>) -> Self {
        Self {
            relationship: relationship.into(),
            role: "Personal".into(),
            next_of_kin: false,
            nhs_number: None,
            given: String::new(),
            family: String::new(),
            address: Default::default(),
            postcode: String::new(),
            telecoms: Vec::new(),
        }
    }
}

redacted_debug!(RelatedPerson);

/// The status of a notification of death.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum DeathNotification {
    /// `1`: informal.
    Informal,
    /// `2`: formal; the death is registered.
    #[default]
    Formal,
    /// `U`: recorded by mistake. The person is alive and has no date of death.
    Removed,
}

/// What only the FHIR API sends about a person. Empty text means that the record has no value.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Further {
    /// The notification of death: for people who died, and where it was
    /// [removed](DeathNotification::Removed).
    pub death_notification: DeathNotification,
    /// The place in the order of a multiple birth (1 to 7), 8 for none, 9 for not known.
    pub multiple_birth: Option<u8>,
    /// City of birth.
    pub birth_city: String,
    /// Country of birth, as an ISO code of three letters.
    pub birth_country: String,
    /// The preferred language: ISO 639-1, or `q1` to `q5`.
    pub language: String,
    /// Whether an interpreter is needed. Sent only with a language.
    pub interpreter: bool,
    /// Preferred contact method: `1` letter to `8` no telephone.
    pub contact_method: String,
    /// Preferred written communication: `11` large print, `12` Braille, `13` audio.
    pub written_format: String,
    /// Preferred contact times, in words.
    pub contact_times: String,
    /// The reason why the person has no GP practice any more: `DEA`, `EMB`, `SCT`, `NIT`, `TRA` or `ORR`.
    /// Any other code is sent as `ORR` (other reason), as the service does for applications without
    /// privileges.
    pub removal: String,
    /// The day of the removal.
    pub removed_on: Option<PartialDate>,
    /// ODS code of the nominated pharmacy.
    pub pharmacy: String,
    /// Telecoms, as URIs, of the emergency contact.
    pub emergency_telecoms: Vec<String>,
}

redacted_debug!(Further);
