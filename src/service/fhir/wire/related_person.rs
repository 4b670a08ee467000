use super::datatypes::{
    CodeableConcept, ContactPoint, Extension, HumanName, Period, Reference, WireAddress, date,
    extension, filled, gender,
};
use super::patient::{communication, contact_preferences};
use super::text::{List, Text};
use crate::service::fhir::error::{DecodeError, DecodeErrorKind};
use crate::service::fhir::related_person::RelatedPerson;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireRelatedPerson<'a> {
    #[serde(borrow)]
    resource_type: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    active: Option<bool>,
    #[serde(borrow)]
    patient: Option<Reference<'a>>,
    #[serde(borrow, default)]
    relationship: List<CodeableConcept<'a>>,
    #[serde(borrow, default)]
    name: List<HumanName<'a>>,
    #[serde(borrow)]
    gender: Option<Text<'a>>,
    #[serde(borrow)]
    birth_date: Option<Text<'a>>,
    #[serde(borrow, default)]
    address: List<WireAddress<'a>>,
    #[serde(borrow, default)]
    telecom: List<ContactPoint<'a>>,
    #[serde(borrow)]
    period: Option<Period<'a>>,
    #[serde(borrow, default)]
    extension: List<Extension<'a>>,
}

pub(super) fn related_person_of(
    wire: &WireRelatedPerson<'_>,
) -> Result<RelatedPerson, DecodeError> {
    if wire.resource_type.as_ref().is_none_or(|name| name.as_str() != "RelatedPerson") {
        return Err(DecodeError::of(DecodeErrorKind::ResourceType));
    }
    let referred = wire.patient.as_ref().and_then(|patient| patient.identifier.as_ref());
    let own = |name: &str| extension(&wire.extension, name);
    Ok(RelatedPerson {
        id: wire.id.as_ref().and_then(filled),
        active: wire.active,
        patient_id: referred.and_then(|referred| referred.value.as_ref()).and_then(filled),
        relationships: wire
            .relationship
            .iter()
            .flat_map(|relationship| relationship.coding.iter())
            .filter_map(|coding| coding.code.as_ref().and_then(filled))
            .collect(),
        names: wire.name.iter().map(HumanName::read).collect(),
        gender: gender(wire.gender.as_ref()),
        date_of_birth: date(wire.birth_date.as_ref()),
        addresses: wire.address.iter().map(WireAddress::read).collect(),
        telecoms: wire.telecom.iter().map(ContactPoint::read).collect(),
        period: wire.period.as_ref().map(Period::read),
        rank: own("Extension-UKCore-ContactRank").and_then(Extension::own_count),
        copy_correspondence: own("Extension-UKCore-CopyCorrespondenceIndicator")
            .and_then(Extension::own_boolean),
        communication: communication(&wire.extension),
        contact_preferences: contact_preferences(&wire.extension),
    })
}
