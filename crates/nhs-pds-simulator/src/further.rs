//! What the FHIR API tells of a person, and SMSP does not.

use crate::redacted::redacted_debug;
use nhs_pds::demographics::PartialDate;
use nhs_pds::nhs_number::NhsNumber;

/// What a name besides the usual one is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NameUse {
    /// `old`: borne in the past. Found by a search with history alone.
    Former,
    /// `maiden`: borne before marriage. Found by a search with history alone.
    Maiden,
    /// `nickname`: what they are called.
    Nickname,
    /// `temp`: borne for a time.
    Temporary,
}

impl NameUse {
    /// The code on the wire.
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

/// A name besides the usual one. Empty text is not held.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct OtherName {
    /// What it is.
    pub name_use: NameUse,
    /// Title.
    pub title: String,
    /// First given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// Its first day.
    pub from: Option<PartialDate>,
    /// Its last day; one that is to come leaves it in force.
    pub to: Option<PartialDate>,
}

impl OtherName {
    /// A name of this family name and nothing else.
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

/// What an address besides the usual one is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OtherAddressUse {
    /// `billing`: where letters go.
    Correspondence,
    /// A former home, which a search with history finds people by, and no answer shows.
    Former,
    /// `temp`: where they stay for a time.
    Temporary,
}

impl OtherAddressUse {
    /// The code on the wire.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Correspondence => "billing",
            Self::Former => "home",
            Self::Temporary => "temp",
        }
    }
}

/// An address besides the usual one. Empty text is not held.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct OtherAddress {
    /// What it is.
    pub address_use: OtherAddressUse,
    /// The five lines; a blank line keeps its place.
    pub lines: [String; 5],
    /// Postcode, with or without its space.
    pub postcode: String,
    /// What kind of temporary address it is, such as `Student Accommodation`.
    pub text: String,
    /// Its first day.
    pub from: Option<PartialDate>,
    /// Its last day.
    pub to: Option<PartialDate>,
}

impl OtherAddress {
    /// An address of these lines and this postcode.
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

/// Somebody who belongs to a person.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct RelatedPerson {
    /// The type of the relationship, by a code of the API's specification such as `MTH` (mother), `SPS`
    /// (spouse), `Carer` or `Guardian`.
    pub relationship: String,
    /// The role: `Personal`, `Agent` or `Guardian`. Not sent beside a relationship that is itself one of
    /// these.
    pub role: String,
    /// Whether they are the next of kin.
    pub next_of_kin: bool,
    /// Their own NHS Number, where they have a record.
    pub nhs_number: Option<NhsNumber>,
    /// Given name; empty where it is on their own record.
    pub given: String,
    /// Family name; empty where it is on their own record.
    pub family: String,
    /// The five lines of their address; a blank line is left out.
    pub address: [String; 5],
    /// Their postcode, with or without its space.
    pub postcode: String,
    /// Telecoms as URIs: `tel:`, `mailto:`. The first five are sent.
    pub telecoms: Vec<String>,
}

impl RelatedPerson {
    /// A related person in the role `Personal`. The service holds a number, or a name and an address.
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

/// How sure a death is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum DeathNotification {
    /// `1`: somebody has told.
    Informal,
    /// `2`: it is registered.
    #[default]
    Formal,
    /// `U`: it was recorded by mistake. The person lives, and has no date of death.
    Removed,
}

/// What only the FHIR API tells of a person. Empty text is not held.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Further {
    /// How sure the death is: of the dead, and where it is [removed](DeathNotification::Removed).
    pub death_notification: DeathNotification,
    /// The place in the order of a multiple birth (1 to 7), 8 for none, 9 for not known.
    pub multiple_birth: Option<u8>,
    /// City of birth.
    pub birth_city: String,
    /// Country of birth, as an ISO code of three letters.
    pub birth_country: String,
    /// The language they are to be spoken to in: ISO 639-1, or `q1` to `q5`.
    pub language: String,
    /// Whether an interpreter is needed; sent if there is a language.
    pub interpreter: bool,
    /// Preferred contact method: `1` letter to `8` no telephone.
    pub contact_method: String,
    /// Preferred written communication: `11` large print, `12` Braille, `13` audio.
    pub written_format: String,
    /// Preferred contact times, in words.
    pub contact_times: String,
    /// Why they are registered with no GP practice any more, if they are not: `DEA`, `EMB`, `SCT`, `NIT`, `TRA`
    /// or `ORR`. Any other code is sent as `ORR` (other reason), as to every application without privileges.
    pub removal: String,
    /// The day of the removal.
    pub removed_on: Option<PartialDate>,
    /// ODS code of the nominated pharmacy.
    pub pharmacy: String,
    /// Telecoms, as URIs, of whom to tell in an emergency.
    pub emergency_telecoms: Vec<String>,
}

redacted_debug!(Further);
