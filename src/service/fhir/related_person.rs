use crate::demographics::{
    Address, Gender, PartialDate, PersonName, Recorded, Telecom, UsablePeriod, redacted_debug,
};
use crate::service::fhir::{Communication, ContactPreferences, DecodeError, wire};

/// Somebody related to a patient, as PDS holds them: a parent, a guardian, a carer.
///
/// A relative is held by reference to a patient, by particulars of their own, or by both.
///
/// **Before showing or storing [`addresses`](Self::addresses) or [`telecoms`](Self::telecoms), retrieve the
/// relative's own record** by [`patient_id`](Self::patient_id) and check its restriction. The service has
/// returned both for relatives whose own record is restricted, without any mark on them. Where there is no
/// `patient_id`, treat both as restricted.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct RelatedPerson {
    /// The relationship's identifier within the record.
    pub id: Option<String>,
    /// Whether the relationship holds.
    pub active: Option<bool>,
    /// The relative's own NHS Number, where PDS holds one, as it was sent. (FHIR R4 has the patient's number in
    /// this place; the API's description has the relative's.)
    pub patient_id: Option<String>,
    /// What they are to the patient, by code, such as `Guardian`.
    pub relationships: Vec<String>,
    /// Their names, in the order returned.
    pub names: Vec<PersonName>,
    /// Their gender.
    pub gender: Recorded<Gender>,
    /// Their date of birth.
    pub date_of_birth: Recorded<PartialDate>,
    /// Their addresses, in the order returned.
    pub addresses: Vec<Address>,
    /// How they are reached, in the order returned.
    pub telecoms: Vec<Telecom>,
    /// From when until when the relationship holds.
    pub period: Option<UsablePeriod>,
    /// In which order they are to be contacted, from 1.
    pub rank: Option<u32>,
    /// Whether they get copies of what is written to the patient.
    pub copy_correspondence: Option<bool>,
    /// What language they speak.
    pub communication: Option<Communication>,
    /// How they want to be contacted.
    pub contact_preferences: Option<ContactPreferences>,
}

impl RelatedPerson {
    /// Reads a `Bundle` of `RelatedPerson` resources, which may be empty.
    ///
    /// # Errors
    ///
    /// When the bytes are no such bundle in JSON; see
    /// [`DecodeErrorKind`](crate::service::fhir::DecodeErrorKind).
    pub fn decode_bundle(json: &[u8]) -> Result<Vec<Self>, DecodeError> {
        wire::related_people(json)
    }
}

redacted_debug!(RelatedPerson);
