use crate::demographics::{
    Address, Gender, PartialDate, PersonName, Recorded, Telecom, UsablePeriod, redacted_debug,
};
use crate::service::fhir::error::DecodeError;
use crate::service::fhir::patient::{Communication, ContactPreferences};
use crate::service::fhir::wire;

/// A person related to a patient, as recorded on PDS: a parent, a guardian, a carer.
///
/// PDS records a relative by a reference to a patient, by demographic fields, or by both.
///
/// **Before you show or store [`addresses`](Self::addresses) or [`telecoms`](Self::telecoms), retrieve
/// the relative's own record** by [`patient_id`](Self::patient_id) and check its restriction. The
/// service has returned both for relatives with a restricted record, without any mark. Without a
/// `patient_id`, treat both as restricted.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct RelatedPerson {
    /// The relationship's identifier within the record.
    pub id: Option<String>,
    /// Whether the relationship is current.
    pub active: Option<bool>,
    /// The relative's own NHS Number, if PDS has recorded one, as received. (FHIR R4 has the patient's
    /// number in this place; the API's description has the relative's.)
    pub patient_id: Option<String>,
    /// The relationship to the patient, by code, such as `Guardian`.
    pub relationships: Vec<String>,
    /// Their names, in the order returned.
    pub names: Vec<PersonName>,
    /// Their gender.
    pub gender: Recorded<Gender>,
    /// Their date of birth.
    pub date_of_birth: Recorded<PartialDate>,
    /// Their addresses, in the order returned.
    pub addresses: Vec<Address>,
    /// Their contact details, in the order returned.
    pub telecoms: Vec<Telecom>,
    /// The period of the relationship.
    pub period: Option<UsablePeriod>,
    /// Their position in the order of contact, from 1.
    pub rank: Option<u32>,
    /// Whether they get copies of letters to the patient.
    pub copy_correspondence: Option<bool>,
    /// The language that they speak.
    pub communication: Option<Communication>,
    /// Their contact preferences.
    pub contact_preferences: Option<ContactPreferences>,
}

impl RelatedPerson {
    /// Reads a `Bundle` of `RelatedPerson` resources, which may be empty.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a bundle in JSON; see
    /// [`DecodeErrorKind`](crate::service::fhir::DecodeErrorKind).
    pub fn decode_bundle(json: &[u8]) -> Result<Vec<Self>, DecodeError> {
        wire::related_people(json)
    }
}

redacted_debug!(RelatedPerson);
