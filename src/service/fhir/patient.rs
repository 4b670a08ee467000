use crate::demographics::{
    Address, Demographics, Gender, GpPractice, NameUse, PartialDate, PersonName, Recorded, Telecom,
    UsablePeriod, redacted_debug,
};
use crate::nhs_number::NhsNumber;
use crate::service::fhir::coded::coded;
use crate::service::fhir::error::DecodeError;
use crate::service::fhir::wire;
use crate::trace::{Candidate, Restriction, Score};
use std::cmp::Reverse;

/// The part of the API's `Patient` that a client of PDS needs.
///
/// Everything but the `id` may be missing. Periods may have ended or not begun, because PDS records
/// names, addresses and registrations over time. `Debug` shows nothing of the record.
///
/// [`Patient::decode`] reads it. It does not read pharmacies, appliance suppliers, the place of birth
/// and consent.
///
/// ```
/// use nhs_pds::fhir::Patient;
/// use nhs_pds::trace::Restriction;
///
/// let json = br#"{"resourceType": "Patient", "id": "9000000009",
///     "meta": {"versionId": "2", "security": [{"code": "R", "display": "restricted"}]},
///     "name": [{"use": "usual", "given": ["Jane"], "family": "Smith"}],
///     "gender": "female", "birthDate": "2010-10-22", "extension": [{"url": "https://example.org/new"}]}"#;
/// let patient = Patient::decode(json)?;
/// assert_eq!(patient.nhs_number.map(|number| number.to_string()).as_deref(), Some("900 000 0009"));
/// assert_eq!(patient.version.as_deref(), Some("2"));
/// assert_eq!(patient.restriction, Restriction::Restricted);
/// let person = patient.demographics();
/// assert_eq!(person.date_of_birth.known().map(ToString::to_string).as_deref(), Some("2010-10-22"));
/// assert!(person.addresses.is_empty());
/// # Ok::<(), nhs_pds::fhir::DecodeError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct Patient {
    /// The logical identifier, as received; in live services the NHS Number.
    pub id: String,
    /// The identifier as an NHS Number, if it is one.
    pub nhs_number: Option<NhsNumber>,
    /// The version of the record (`meta.versionId`).
    pub version: Option<String>,
    /// Whether parts of the record are withheld (`meta.security`). `U`: nothing. `R`: where the person
    /// lives, their contacts, and who treats them. `V`: name and date of birth as well. An unknown label
    /// counts as `R`.
    pub restriction: Restriction,
    /// Names, in the order returned.
    pub names: Vec<PersonName>,
    /// Administrative gender; `other` is "not specified".
    pub gender: Recorded<Gender>,
    /// Date of birth, which may be without its day or month.
    pub date_of_birth: Recorded<PartialDate>,
    /// The position in a multiple birth: 1 to 7; 8 not applicable, 9 unknown.
    pub multiple_birth: Option<u32>,
    /// Date of death: `deceasedDateTime`, as a [day in London](crate::demographics::london_day). A death
    /// without a date is [`Recorded::Unrecognised`].
    pub date_of_death: Recorded<PartialDate>,
    /// The notification of the death.
    pub death_notification: Option<DeathNotification>,
    /// Addresses, in the order returned. The API drops blank lines unless the application has the
    /// attribute that keeps them.
    pub addresses: Vec<Address>,
    /// Telecoms, in the order returned, as URIs.
    pub telecoms: Vec<Telecom>,
    /// The contact details of the emergency contacts, who have no names in the record.
    pub emergency_contacts: Vec<EmergencyContact>,
    /// The GP practice, and the period of the registration.
    pub gp_practice: Option<GpPractice>,
    /// The last registration of a person who was removed from registration.
    pub managing_organisation: Option<GpPractice>,
    /// The removal from registration, if there was one.
    pub removal: Option<Removal>,
    /// What language the person speaks, and whether an interpreter is needed.
    pub communication: Option<Communication>,
    /// How the person wants to be contacted.
    pub contact_preferences: Option<ContactPreferences>,
}

impl Patient {
    /// A patient with an identifier and nothing else.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        // Ten bare digits. A number in another form is not a logical identifier.
        let bare = id.len() == 10;
        Self {
            nhs_number: id.parse().ok().filter(|_| bare),
            id,
            version: None,
            restriction: Restriction::NotStated,
            names: Vec::new(),
            gender: Recorded::NotReturned,
            date_of_birth: Recorded::NotReturned,
            multiple_birth: None,
            date_of_death: Recorded::NotReturned,
            death_notification: None,
            addresses: Vec::new(),
            telecoms: Vec::new(),
            emergency_contacts: Vec::new(),
            gp_practice: None,
            managing_organisation: None,
            removal: None,
            communication: None,
            contact_preferences: None,
        }
    }

    /// Reads a `Patient` resource.
    ///
    /// Total: any bytes give a patient or a typed error. Unknown keys, extensions and codes are skipped.
    /// A text that is not a date, gender or postcode is kept as [`Recorded::Unrecognised`].
    ///
    /// # Errors
    ///
    /// When the bytes are not a `Patient` in JSON; see
    /// [`DecodeErrorKind`](crate::service::fhir::DecodeErrorKind).
    pub fn decode(json: &[u8]) -> Result<Self, DecodeError> {
        wire::patient(json)
    }

    /// The name by which the person is known: the usual one, or the only one if its use is not given.
    ///
    /// Of several usual names, a filled one comes before a blank one. One without an end comes before
    /// one with an end, and a later end before an earlier one. Then an earlier start comes before a
    /// later one. PDS has one usual name at a time: of two without an end, the later one has not begun.
    /// A response has no date of its own. So a name with an end gives way to its successor before the
    /// successor begins.
    #[must_use]
    pub fn usual_name(&self) -> Option<&PersonName> {
        let usual = self.names.iter().filter(|name| name.usage == Some(NameUse::Usual));
        // Reversed: `max_by` returns the last of equal names, and the first in order is needed.
        usual.rev().max_by_key(|name| currency(name)).or_else(|| {
            let mut telling = self.names.iter().filter(|name| is_filled(name));
            match (telling.next(), telling.next()) {
                (Some(only), None) if only.usage.is_none() => Some(only),
                _ => {
                    self.names.first().filter(|name| self.names.len() == 1 && name.usage.is_none())
                }
            }
        })
    }

    /// The date of death, unless the notification was withdrawn.
    fn standing_date_of_death(&self) -> Recorded<PartialDate> {
        match &self.death_notification {
            Some(notification) if !notification.status.is_death() => Recorded::NotReturned,
            _ => self.date_of_death.clone(),
        }
    }

    /// The demographic fields in the crate's own terms, which are the same for every service. A person
    /// whose death notification was withdrawn (`U`) is alive in them, even if a date is still recorded.
    #[must_use]
    pub fn demographics(&self) -> Demographics {
        let usual = self.usual_name();
        let others =
            self.names.iter().filter(|name| !usual.is_some_and(|it| std::ptr::eq(it, *name)));
        Demographics {
            name: usual.cloned(),
            other_names: others.cloned().collect(),
            gender: self.gender.clone(),
            date_of_birth: self.date_of_birth.clone(),
            date_of_death: self.standing_date_of_death(),
            addresses: self.addresses.clone(),
            telecoms: self.telecoms.clone(),
            gp_practice: self.gp_practice.clone(),
        }
    }
}

/// Whether the name has a family or a given name that is not blank.
fn is_filled(name: &PersonName) -> bool {
    name.family.known().is_some() || name.given.iter().any(|given| !given.trim().is_empty())
}

/// The order in which a name is likely to be in use today: filled, without an end, with a late end, with
/// an early start. A start that cannot be read comes last.
fn currency(name: &PersonName) -> impl Ord + use<> {
    let is_open =
        |date: &Recorded<PartialDate>| matches!(date, Recorded::NotReturned | Recorded::Blank);
    let period = name.period.as_ref();
    let start = period.map_or(&Recorded::NotReturned, |period| &period.low);
    let end = period.map_or(&Recorded::NotReturned, |period| &period.high);
    let begins = start.known().map(|start| start.first_day());
    let is_unreadable = begins.is_none() && !is_open(start);
    let ends = end.known().map(|end| end.last_day());
    (is_filled(name), is_open(end), ends, Reverse((is_unreadable, begins)))
}

/// The notification of a death (UKCore-DeathNotificationStatus).
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct DeathNotification {
    /// Who notified it.
    pub status: DeathNotificationStatus,
    /// The first day of the status.
    pub effective: Recorded<PartialDate>,
}

/// Who notified a death (UKCore-DeathNotificationStatus).
#[non_exhaustive]
#[derive(Clone, Eq, Hash, PartialEq)]
pub enum DeathNotificationStatus {
    /// `1`: informally, not by a registrar of deaths.
    Informal,
    /// `2`: formally, by a registrar of deaths.
    Formal,
    /// `U`: the notification was withdrawn.
    Removed,
    /// Another code, by its text.
    Other(String),
}

coded!(DeathNotificationStatus {
    Informal = "1",
    Formal = "2",
    Removed = "U",
});

impl DeathNotificationStatus {
    /// Whether the status says that the person has died. An unknown code says so.
    #[must_use]
    pub const fn is_death(&self) -> bool {
        !matches!(self, Self::Removed)
    }
}

/// A removal from GP registration.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct Removal {
    /// The reason, such as `DEA` (dead), `EMB` (embarked), `SCT` (moved to Scotland), `ORR`.
    pub code: String,
    /// The period since the removal.
    pub period: UsablePeriod,
}

/// The language that a person speaks (UKCore-NHSCommunication).
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Communication {
    /// ISO 639-1, or `q1` to `q5` for signed languages and the like (UKCore-HumanLanguage).
    pub language: Option<String>,
    /// Whether an interpreter is needed.
    pub interpreter_required: Option<bool>,
}

/// How a person wants to be contacted (UKCore-ContactPreference).
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct ContactPreferences {
    /// The form of letters.
    pub written_format: Option<WrittenFormat>,
    /// The means of contact.
    pub method: Option<ContactMethod>,
    /// The times, in the person's own words.
    pub times: Option<String>,
}

/// The form of letters to a person (UKCore-PreferredWrittenCommunicationFormat).
#[non_exhaustive]
#[derive(Clone, Eq, Hash, PartialEq)]
pub enum WrittenFormat {
    /// `11`: in large print.
    LargePrint,
    /// `12`: in Braille.
    Braille,
    /// `13`: as audio.
    Audio,
    /// Another code, by its text.
    Other(String),
}

coded!(WrittenFormat {
    LargePrint = "11",
    Braille = "12",
    Audio = "13",
});

/// The means of contact with a person (UKCore-PreferredContactMethod).
#[non_exhaustive]
#[derive(Clone, Eq, Hash, PartialEq)]
pub enum ContactMethod {
    /// `1`: by letter.
    Letter,
    /// `2`: by a visit.
    Visit,
    /// `3`: by telephone.
    Telephone,
    /// `4`: by e-mail.
    Email,
    /// `5`: by text telephone.
    Textphone,
    /// `6`: through another person.
    Proxy,
    /// `7`: in sign language.
    SignLanguage,
    /// `8`: not by telephone.
    NoTelephone,
    /// Another code, by its text.
    Other(String),
}

coded!(ContactMethod {
    Letter = "1",
    Visit = "2",
    Telephone = "3",
    Email = "4",
    Textphone = "5",
    Proxy = "6",
    SignLanguage = "7",
    NoTelephone = "8",
});

/// The contact details of an emergency contact.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct EmergencyContact {
    /// The telecom.
    pub telecoms: Vec<Telecom>,
    /// The period of the contact.
    pub period: Option<UsablePeriod>,
}

/// A person who matches a search.
///
/// A search returns a part of the record: the usual, nickname and temporary names, the home address, and
/// neither preferences nor removals. [Retrieve](crate::service::fhir::Client::retrieve) the patient for the rest.
#[non_exhaustive]
#[derive(Clone, PartialEq)]
pub struct PatientMatch {
    /// The person.
    pub patient: Patient,
    /// The score of the match; 1 is exact. Use it to sort matches, and do not show it to users.
    pub score: Option<Score>,
}

impl PatientMatch {
    /// The match as one of several candidates.
    #[must_use]
    pub fn candidate(&self) -> Candidate {
        let mut candidate = Candidate::new(self.patient.id.as_str());
        candidate.person = Some(self.patient.demographics());
        candidate.score = self.score;
        candidate
    }
}

redacted_debug!(
    Patient,
    DeathNotification,
    Removal,
    Communication,
    ContactPreferences,
    EmergencyContact,
    PatientMatch
);
