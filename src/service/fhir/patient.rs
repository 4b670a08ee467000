use crate::demographics::{
    Address, Demographics, Gender, GpPractice, NameUse, PartialDate, PersonName, Recorded, Telecom,
    UsablePeriod, redacted_debug,
};
use crate::nhs_number::NhsNumber;
use crate::service::fhir::coded::coded;
use crate::service::fhir::{DecodeError, wire};
use crate::trace::{Candidate, Restriction, Score};
use std::cmp::Reverse;

/// A `Patient` as the API returns it: the part that a client of PDS needs.
///
/// Everything but the `id` may be missing. Periods may be over, or not have begun: PDS holds names,
/// addresses and registrations over time. `Debug` shows nothing of it.
///
/// Read with [`Patient::decode`]. Not read are pharmacies and appliance suppliers, the place of birth and
/// consent.
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
    /// The logical identifier, as it was sent; in live services the NHS Number.
    pub id: String,
    /// The identifier as an NHS Number, when it is one.
    pub nhs_number: Option<NhsNumber>,
    /// The version of the record (`meta.versionId`).
    pub version: Option<String>,
    /// Whether parts of the record are withheld (`meta.security`): `U` nothing, `R` where the person
    /// lives, how they are reached and who treats them, `V` name and date of birth as well. A label that
    /// nobody knows counts as `R`.
    pub restriction: Restriction,
    /// Names, in the order returned.
    pub names: Vec<PersonName>,
    /// Administrative gender; `other` is "not specified".
    pub gender: Recorded<Gender>,
    /// Date of birth, perhaps without its day or month.
    pub date_of_birth: Recorded<PartialDate>,
    /// The place in the order of a multiple birth: 1 to 7; 8 not applicable, 9 unknown.
    pub multiple_birth: Option<u32>,
    /// Date of death: of `deceasedDateTime`, as a [day in London](crate::demographics::london_day). A death
    /// that is told without a date is [`Recorded::Unrecognised`].
    pub date_of_death: Recorded<PartialDate>,
    /// How PDS knows of the death.
    pub death_notification: Option<DeathNotification>,
    /// Addresses, in the order returned. Blank lines are dropped by the API unless the application has
    /// the attribute by which they stay.
    pub addresses: Vec<Address>,
    /// Telecoms, in the order returned, as URIs.
    pub telecoms: Vec<Telecom>,
    /// How the emergency contacts are reached, who are not named.
    pub emergency_contacts: Vec<EmergencyContact>,
    /// The GP practice, and from when until when.
    pub gp_practice: Option<GpPractice>,
    /// Where the person was registered last, for those who were removed from registration.
    pub managing_organisation: Option<GpPractice>,
    /// The removal from registration, when there was one.
    pub removal: Option<Removal>,
    /// What language the person speaks, and whether an interpreter is needed.
    pub communication: Option<Communication>,
    /// How the person wants to be contacted.
    pub contact_preferences: Option<ContactPreferences>,
}

impl Patient {
    /// A patient of whom only the identifier is known.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        // Ten bare digits: a number written otherwise is no logical identifier.
        let bare = id.len() == 10;
        Self {
            nhs_number: id.parse().ok().filter(|_| bare),
            id,
            version: None,
            restriction: Restriction::NotTold,
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
    /// Total: any bytes give a patient or a typed error. Unknown keys, extensions and codes are passed
    /// over; what is no date, gender or postcode stays as [`Recorded::Unrecognised`].
    ///
    /// # Errors
    ///
    /// When the bytes are no `Patient` in JSON; see [`DecodeErrorKind`](crate::service::fhir::DecodeErrorKind).
    pub fn decode(json: &[u8]) -> Result<Self, DecodeError> {
        wire::patient(json)
    }

    /// The name by which the person is known: the usual one, or the only one, if nothing is said of its
    /// use.
    ///
    /// Of several usual names, one that says something comes before a blank one, one without an end before
    /// one that ends, a later end before an earlier one, and then an earlier start before a later one. PDS
    /// has one usual name at a time: of two without an end, the later one has not begun. A response has no
    /// date of its own, so a name with an end gives way to its successor before that has begun.
    #[must_use]
    pub fn usual_name(&self) -> Option<&PersonName> {
        let usual = self.names.iter().filter(|name| name.usage == Some(NameUse::Usual));
        // Reversed, because of equals the last is the greatest, and the first in order is wanted.
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

    /// The date of death, unless the notification of it was withdrawn.
    fn standing_date_of_death(&self) -> Recorded<PartialDate> {
        match &self.death_notification {
            Some(notification) if !notification.status.is_death() => Recorded::NotReturned,
            _ => self.date_of_death.clone(),
        }
    }

    /// The particulars in the crate's own terms, whichever service answered. Somebody whose death was
    /// notified, and the notification withdrawn (`U`), is alive by these, whatever date is still held.
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

/// What makes a name more likely to be the one in use today: that it is filled, that it has no end, how late
/// it ends, and how early it begins. A start that cannot be read comes last.
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

/// How PDS knows of a death (UKCore-DeathNotificationStatus).
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct DeathNotification {
    /// By whom it was told.
    pub status: DeathNotificationStatus,
    /// From when on the status holds.
    pub effective: Recorded<PartialDate>,
}

/// By whom a death was told (UKCore-DeathNotificationStatus).
#[non_exhaustive]
#[derive(Clone, Eq, Hash, PartialEq)]
pub enum DeathNotificationStatus {
    /// `1`: informally, by somebody other than a registrar.
    Informal,
    /// `2`: formally, by a registrar of deaths.
    Formal,
    /// `U`: it was withdrawn.
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
    /// Whether the person has died, as far as this says. A code that nobody knows says so.
    #[must_use]
    pub const fn is_death(&self) -> bool {
        !matches!(self, Self::Removed)
    }
}

/// A removal from GP registration.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct Removal {
    /// Why, such as `DEA` (dead), `EMB` (embarked), `SCT` (moved to Scotland), `ORR`.
    pub code: String,
    /// Since when.
    pub period: UsablePeriod,
}

/// What language a person speaks (UKCore-NHSCommunication).
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
    /// In what form letters are to be.
    pub written_format: Option<WrittenFormat>,
    /// By what means.
    pub method: Option<ContactMethod>,
    /// When, in the person's own words.
    pub times: Option<String>,
}

/// In what form letters are to be (UKCore-PreferredWrittenCommunicationFormat).
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

/// By what means somebody is to be contacted (UKCore-PreferredContactMethod).
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
    /// `6`: through somebody else.
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

/// How an emergency contact is reached.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct EmergencyContact {
    /// By what.
    pub telecoms: Vec<Telecom>,
    /// From when until when.
    pub period: Option<UsablePeriod>,
}

/// Somebody who matches a search.
///
/// A search returns part of the record: of the names the usual, nickname and temporary ones, of the
/// addresses the home, and neither preferences nor removals. [Retrieve](crate::service::fhir::Client::retrieve) the
/// patient for the rest.
#[non_exhaustive]
#[derive(Clone, PartialEq)]
pub struct PatientMatch {
    /// Who it is.
    pub patient: Patient,
    /// How well they match: 1 exactly. For putting matches in order, not for showing to users.
    pub score: Option<Score>,
}

impl PatientMatch {
    /// The match as one of several.
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
