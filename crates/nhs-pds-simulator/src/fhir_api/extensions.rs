//! Writes the fields that FHIR's `Patient` does not have.

use super::codings;
use super::patient::{Extent, organisation};
use crate::{DeathNotification, Person};
use nhs_pds::demographics::PartialDate;
use serde_json::{Map, Value, json};

/// The start of the addresses of most extensions.
pub(super) const UK_CORE: &str = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-";

const REMOVAL: &str =
    "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration";

/// A date of death: a day is written as a time. A partial date stays partial; the specification permits it.
pub(super) fn deceased(date: PartialDate) -> String {
    if date.full().is_some() { date_time(date) } else { date.to_string() }
}

/// A date as a time, where the specification permits nothing less: the start of the first possible day.
fn date_time(date: PartialDate) -> String {
    format!("{}T00:00:00+00:00", date.first_day())
}

/// The extensions of a record. A search shows only the notification of death.
pub(super) fn of(person: &Person, extent: Extent) -> Vec<Value> {
    let mut all = Vec::new();
    all.extend(death(person));
    if extent == Extent::Searched {
        return all;
    }
    let further = &person.further;
    let restricted = person.sensitivity.is_restricted();
    if !restricted && !further.pharmacy.is_empty() {
        all.push(json!({
            "url": format!("{UK_CORE}NominatedPharmacy"),
            "valueReference": organisation(&further.pharmacy),
        }));
    }
    all.extend(communication(person));
    all.extend(preference(person));
    if !restricted {
        all.extend(birth_place(person));
    }
    all.extend(removal(person));
    all
}

fn death(person: &Person) -> Option<Value> {
    let notification = person.further.death_notification;
    let removed = notification == DeathNotification::Removed;
    if person.death.is_none() && !removed {
        return None;
    }
    let (code, display) = match notification {
        DeathNotification::Informal => (
            "1",
            "Informal - death notice received via an update from a local NHS Organisation such as GP or Trust",
        ),
        DeathNotification::Formal => {
            ("2", "Formal - death notice received from Registrar of Deaths")
        }
        DeathNotification::Removed => ("U", "Removed"),
    };
    let status = codings::death_notification(code, display);
    let mut parts =
        vec![json!({ "url": "deathNotificationStatus", "valueCodeableConcept": status })];
    if let Some(death) = person.death {
        parts.push(json!({ "url": "systemEffectiveDate", "valueDateTime": date_time(death) }));
    }
    Some(json!({ "url": format!("{UK_CORE}DeathNotificationStatus"), "extension": parts }))
}

fn communication(person: &Person) -> Option<Value> {
    let further = &person.further;
    (!further.language.is_empty()).then(|| {
        let language = codings::language(&further.language);
        json!({
            "url": format!("{UK_CORE}NHSCommunication"),
            "extension": [
                { "url": "language", "valueCodeableConcept": language },
                { "url": "interpreterRequired", "valueBoolean": further.interpreter },
            ],
        })
    })
}

fn preference(person: &Person) -> Option<Value> {
    let further = &person.further;
    let mut parts = Vec::new();
    let format = &further.written_format;
    if !format.is_empty() {
        let concept = codings::written_format(format);
        let url = "PreferredWrittenCommunicationFormat";
        parts.push(json!({ "url": url, "valueCodeableConcept": concept }));
    }
    let method = &further.contact_method;
    if !method.is_empty() {
        let concept = codings::contact_method(method);
        parts.push(json!({ "url": "PreferredContactMethod", "valueCodeableConcept": concept }));
    }
    if !further.contact_times.is_empty() {
        let times = &further.contact_times;
        parts.push(json!({ "url": "PreferredContactTimes", "valueString": times }));
    }
    let url = format!("{UK_CORE}ContactPreference");
    (!parts.is_empty()).then(|| json!({ "url": url, "extension": parts }))
}

fn birth_place(person: &Person) -> Option<Value> {
    let mut place = Map::new();
    let further = &person.further;
    for (field, text) in [("city", &further.birth_city), ("country", &further.birth_country)] {
        if !text.is_empty() {
            place.insert(field.into(), text.as_str().into());
        }
    }
    let url = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace";
    (!place.is_empty()).then(|| json!({ "url": url, "valueAddress": place }))
}

fn removal(person: &Person) -> Option<Value> {
    let further = &person.further;
    (!further.removal.is_empty()).then(|| {
        let code = codings::removal(&further.removal);
        let mut parts =
            vec![json!({ "url": "removalFromRegistrationCode", "valueCodeableConcept": code })];
        if let Some(day) = further.removed_on {
            let time = json!({ "start": date_time(day) });
            parts.push(json!({ "url": "effectiveTime", "valuePeriod": time }));
        }
        json!({ "url": REMOVAL, "extension": parts })
    })
}
