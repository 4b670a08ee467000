use super::datatypes::{
    ContactPoint, Extension, HumanName, Identifier, Period, Reference, WireAddress, date,
    extension, gender,
};
use super::text::{List, Text, TextOrNumber};
use crate::demographics::{PartialDate, Recorded};
use crate::service::fhir::error::{DecodeError, DecodeErrorKind};
use crate::service::fhir::patient::{
    Communication, ContactPreferences, DeathNotification, EmergencyContact, Patient, Removal,
};
use crate::trace::Restriction;
use serde::Deserialize;

/// The identifier system of NHS Numbers. Older examples have other systems, which are not compared.
const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePatient<'a> {
    #[serde(borrow)]
    resource_type: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    identifier: List<Identifier<'a>>,
    #[serde(borrow)]
    meta: Option<Meta<'a>>,
    #[serde(borrow, default)]
    name: List<HumanName<'a>>,
    #[serde(borrow)]
    gender: Option<Text<'a>>,
    #[serde(borrow)]
    birth_date: Option<Text<'a>>,
    multiple_birth_integer: Option<u32>,
    #[serde(borrow)]
    deceased_date_time: Option<Text<'a>>,
    deceased_boolean: Option<bool>,
    #[serde(borrow, default)]
    address: List<WireAddress<'a>>,
    #[serde(borrow, default)]
    telecom: List<ContactPoint<'a>>,
    #[serde(borrow, default)]
    contact: List<Contact<'a>>,
    #[serde(borrow, default)]
    general_practitioner: List<Reference<'a>>,
    #[serde(borrow)]
    managing_organization: Option<Reference<'a>>,
    #[serde(borrow, default)]
    extension: List<Extension<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    #[serde(borrow)]
    version_id: Option<TextOrNumber<'a>>,
    #[serde(borrow, default)]
    security: List<super::datatypes::Coding<'a>>,
}

#[derive(Deserialize)]
struct Contact<'a> {
    #[serde(borrow)]
    period: Option<Period<'a>>,
    #[serde(borrow, default)]
    telecom: List<ContactPoint<'a>>,
}

/// Reads a patient.
pub(in crate::service::fhir) fn patient(bytes: &[u8]) -> Result<Patient, DecodeError> {
    patient_of(&super::read(bytes)?)
}

pub(super) fn patient_of(wire: &WirePatient<'_>) -> Result<Patient, DecodeError> {
    if wire.resource_type.as_ref().is_none_or(|name| name.as_str() != "Patient") {
        return Err(DecodeError::of(DecodeErrorKind::ResourceType));
    }
    let id = wire.id.as_ref().map_or("", Text::as_str).trim();
    let another = wire.identifier.iter().any(|identifier| {
        let text = |text: &Option<Text<'_>>| text.as_ref().map(|it| it.as_str().to_owned());
        text(&identifier.system).as_deref() == Some(NHS_NUMBER)
            && text(&identifier.value).is_some_and(|value| value.trim() != id)
    });
    if id.is_empty() || another {
        return Err(DecodeError::of(DecodeErrorKind::Identifier));
    }
    let meta = wire.meta.as_ref();
    if meta.is_some_and(|meta| is_labelled(&meta.security, "REDACTED")) {
        return Err(DecodeError::of(DecodeErrorKind::Redacted));
    }
    let notification = death_notification(wire);
    Ok(Patient {
        version: meta.and_then(|meta| meta.version_id.as_ref()).map(TextOrNumber::to_string),
        restriction: meta.map_or(Restriction::NotStated, |meta| restriction(&meta.security)),
        names: wire.name.iter().map(HumanName::read).collect(),
        gender: gender(wire.gender.as_ref()),
        date_of_birth: date(wire.birth_date.as_ref()),
        multiple_birth: wire.multiple_birth_integer,
        date_of_death: date_of_death(wire, notification.as_ref()),
        death_notification: notification,
        addresses: wire.address.iter().map(WireAddress::read).collect(),
        telecoms: wire.telecom.iter().map(ContactPoint::read).collect(),
        emergency_contacts: wire.contact.iter().map(Contact::read).collect(),
        gp_practice: wire.general_practitioner.first().and_then(Reference::practice),
        managing_organisation: wire.managing_organization.as_ref().and_then(Reference::practice),
        removal: removal(wire),
        communication: communication(&wire.extension),
        contact_preferences: contact_preferences(&wire.extension),
        ..Patient::new(id)
    })
}

impl Contact<'_> {
    fn read(&self) -> EmergencyContact {
        EmergencyContact {
            telecoms: self.telecom.iter().map(ContactPoint::read).collect(),
            period: self.period.as_ref().map(Period::read),
        }
    }
}

fn is_labelled(labels: &List<super::datatypes::Coding<'_>>, label: &str) -> bool {
    labels.iter().any(|coding| coding.code.as_ref().is_some_and(|code| code.as_str() == label))
}

/// An unknown label restricts the record. A record has at most one label; of several, the strictest
/// counts.
fn restriction(labels: &List<super::datatypes::Coding<'_>>) -> Restriction {
    let mut all = labels.iter().map(|label| label.code.as_ref().map(Text::as_str));
    if is_labelled(labels, "V") {
        Restriction::VeryRestricted
    } else if all.any(|code| code != Some("U")) {
        Restriction::Restricted
    } else if labels.first().is_some() {
        Restriction::Unrestricted
    } else {
        Restriction::NotStated
    }
}

fn death_notification(wire: &WirePatient<'_>) -> Option<DeathNotification> {
    let extension = extension(&wire.extension, "Extension-UKCore-DeathNotificationStatus")?;
    Some(DeathNotification {
        status: extension.code("deathNotificationStatus")?.into(),
        effective: extension.date("systemEffectiveDate"),
    })
}

/// A death without a date is a death, with a date that cannot be read.
fn date_of_death(
    wire: &WirePatient<'_>,
    notification: Option<&DeathNotification>,
) -> Recorded<PartialDate> {
    let died = date(wire.deceased_date_time.as_ref());
    let dead = wire.deceased_boolean == Some(true)
        || notification.is_some_and(|notification| notification.status.is_death());
    match died {
        Recorded::NotReturned | Recorded::Blank if dead => {
            Recorded::Unrecognised("deceased".to_owned())
        }
        died => died,
    }
}

fn removal(wire: &WirePatient<'_>) -> Option<Removal> {
    let extension = extension(&wire.extension, "Extension-PDS-RemovalFromRegistration")?;
    Some(Removal {
        code: extension.code("removalFromRegistrationCode")?.to_owned(),
        period: extension.period("effectiveTime"),
    })
}

pub(super) fn communication(extensions: &List<Extension<'_>>) -> Option<Communication> {
    let extension = extension(extensions, "Extension-UKCore-NHSCommunication")?;
    Some(Communication {
        language: extension.code("language").map(str::to_owned),
        interpreter_required: extension.boolean("interpreterRequired"),
    })
}

pub(super) fn contact_preferences(extensions: &List<Extension<'_>>) -> Option<ContactPreferences> {
    let extension = extension(extensions, "Extension-UKCore-ContactPreference")?;
    Some(ContactPreferences {
        written_format: extension.code("PreferredWrittenCommunicationFormat").map(Into::into),
        method: extension.code("PreferredContactMethod").map(Into::into),
        times: extension.text("PreferredContactTimes").map(str::to_owned),
    })
}
