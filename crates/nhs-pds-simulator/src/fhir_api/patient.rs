//! Writes a `Patient`: a whole record, or the part that a search shows.

use super::{codings, extensions};
use crate::person::is_mobile;
use crate::{OtherAddressUse, OtherName, Person, Sensitivity};
use nhs_pds::demographics::{Gender, PartialDate};
use serde_json::{Map, Value, json};

pub(super) const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
const ORGANISATION: &str = "https://fhir.nhs.uk/Id/ods-organization-code";

/// The extent of the resource.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Extent {
    /// The content of a retrieval.
    Whole,
    /// The content of a search.
    Searched,
}

/// The resource. Blank lines of addresses are left out, or written as null with `empty_lines`.
///
/// A record has no first day of its name, home or registration. The date of birth is written in its place.
pub(super) fn write(person: &Person, extent: Extent, empty_lines: bool) -> Value {
    let restricted = person.sensitivity.is_restricted();
    let very = person.sensitivity == Sensitivity::VeryRestricted;
    let number = person.nhs_number.digits();
    let mut resource = Map::new();
    // Empty parts are left out of every response.
    let mut add = |name: &str, value: Value| {
        resource.insert(name.into(), value);
    };
    add("resourceType", "Patient".into());
    add("id", number.as_str().into());
    add("identifier", json!([identifier(number.as_str())]));
    add("meta", meta(person));
    if !very {
        add("name", names(person, extent).into());
        add("birthDate", person.birth.to_string().into());
    }
    add("gender", gender(person.gender).into());
    add("multipleBirthInteger", json!(person.further.multiple_birth));
    add("deceasedDateTime", person.death.map(extensions::deceased).into());
    if !restricted {
        add("address", addresses(person, extent, empty_lines).into());
        add("telecom", telecoms(&person.telecoms, person.birth).into());
        add("contact", contacts(person).into());
        add("generalPractitioner", practice(person));
    }
    add("extension", extensions::of(person, extent).into());
    Value::Object(resource)
}

fn identifier(number: &str) -> Value {
    json!({
        "system": NHS_NUMBER,
        "value": number,
        "extension": [{
            "url": format!("{}NHSNumberVerificationStatus", extensions::UK_CORE),
            "valueCodeableConcept": codings::verification(),
        }],
    })
}

fn meta(person: &Person) -> Value {
    let (code, display) = match person.sensitivity {
        Sensitivity::None => ("U", "unrestricted"),
        Sensitivity::Restricted => ("R", "restricted"),
        Sensitivity::VeryRestricted => ("V", "very restricted"),
        // No response contains such a record.
        Sensitivity::Invalidated => ("REDACTED", "redacted"),
    };
    json!({
        "versionId": person.version.to_string(),
        "security": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
            "code": code,
            "display": display,
        }],
    })
}

pub(super) const fn gender(gender: Gender) -> &'static str {
    match gender {
        Gender::Male => "male",
        Gender::Female => "female",
        Gender::NotSpecified => "other",
        _ => "unknown",
    }
}

/// The specification permits only whole days. A partial date becomes the first or the last possible day.
pub(super) fn period(
    from: Option<PartialDate>,
    to: Option<PartialDate>,
    birth: PartialDate,
) -> Value {
    let mut period = Map::new();
    period.insert("start".into(), from.unwrap_or(birth).first_day().to_string().into());
    if let Some(to) = to {
        period.insert("end".into(), to.last_day().to_string().into());
    }
    period.into()
}

/// Removes empty texts.
fn texts<'a>(all: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    all.into_iter().filter(|text| !text.is_empty()).map(|text| text.as_str().into()).collect()
}

/// The usual name comes after the others: clients must find it by its use, not by its position. Every name
/// has a family name; a name without one gets the usual one.
fn names(person: &Person, extent: Extent) -> Vec<Value> {
    let shown = |name: &&OtherName| extent == Extent::Whole || !name.name_use.is_past();
    let others = person.other_names.iter().filter(shown).enumerate().map(|(place, name)| {
        human_name(
            &format!("N{}", place + 2),
            name.name_use.code(),
            period(name.from, name.to, person.birth),
            [texts([&name.given]), texts([&name.title])],
            if name.family.is_empty() { &person.family } else { &name.family },
        )
    });
    let usual = human_name(
        "N1",
        "usual",
        period(None, None, person.birth),
        [texts([&person.given, &person.other_given]), texts([&person.title])],
        &person.family,
    );
    others.chain(std::iter::once(usual)).collect()
}

fn human_name(
    id: &str,
    name_use: &str,
    period: Value,
    [given, prefix]: [Vec<Value>; 2],
    family: &str,
) -> Value {
    let mut name = Map::new();
    name.insert("id".into(), id.into());
    name.insert("use".into(), name_use.into());
    name.insert("period".into(), period);
    name.insert("given".into(), given.into());
    name.insert("prefix".into(), prefix.into());
    name.insert("family".into(), family.into());
    name.into()
}

/// Former homes are never shown.
fn addresses(person: &Person, extent: Extent, empty_lines: bool) -> Vec<Value> {
    let mut all = Vec::new();
    if !person.postcode.is_empty() || person.address.iter().any(|line| !line.is_empty()) {
        let since = period(None, None, person.birth);
        all.push(address("A1", "home", since, &person.address, &person.postcode, empty_lines));
    }
    if extent == Extent::Searched {
        return all.into_iter().map(Value::Object).collect();
    }
    let others = person.other_addresses.iter();
    let shown = others.filter(|other| other.address_use != OtherAddressUse::Former);
    for (place, other) in shown.enumerate() {
        let id = format!("A{}", place + 2);
        let time = period(other.from, other.to, person.birth);
        let code = other.address_use.code();
        let mut written = address(&id, code, time, &other.lines, &other.postcode, empty_lines);
        if !other.text.is_empty() {
            written.insert("text".into(), other.text.as_str().into());
        }
        all.push(written);
    }
    all.into_iter().map(Value::Object).collect()
}

pub(super) fn address(
    id: &str,
    address_use: &str,
    period: Value,
    lines: &[String; 5],
    postcode: &str,
    empty_lines: bool,
) -> Map<String, Value> {
    let mut address = Map::new();
    address.insert("id".into(), id.into());
    address.insert("use".into(), address_use.into());
    address.insert("period".into(), period);
    let any = lines.iter().any(|line| !line.is_empty());
    if empty_lines && any {
        let line = |text: &String| if text.is_empty() { Value::Null } else { text.as_str().into() };
        let absent = json!({ "extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }] });
        let mark = |text: &String| if text.is_empty() { absent.clone() } else { Value::Null };
        address.insert("line".into(), lines.iter().map(line).collect());
        address.insert("_line".into(), lines.iter().map(mark).collect());
    } else {
        address.insert("line".into(), texts(lines).into());
    }
    address.insert("postalCode".into(), postcode.into());
    address
}

pub(super) fn telecoms(uris: &[String], since: PartialDate) -> Vec<Value> {
    let point = |(place, uri): (usize, &String)| {
        let mut point = contact_point(uri);
        point.insert("id".into(), format!("T{}", place + 1).into());
        point.insert("period".into(), period(None, None, since));
        point.insert("use".into(), if is_mobile(uri) { "mobile" } else { "home" }.into());
        Value::Object(point)
    };
    uris.iter().enumerate().map(point).collect()
}

/// The fields of every contact point: its system and value, and the name of a system that is not standard.
fn contact_point(uri: &str) -> Map<String, Value> {
    let (system, value) = match uri.split_once(':') {
        Some(("tel", value)) => ("phone", value),
        Some(("mailto", value)) => ("email", value),
        Some(("fax", value)) => ("fax", value),
        Some(("textphone", value)) => ("other", value),
        _ => ("other", uri),
    };
    let mut point = Map::new();
    point.insert("system".into(), system.into());
    point.insert("value".into(), value.into());
    if uri.starts_with("textphone:") {
        let extension = json!({
            "url": format!("{}OtherContactSystem", extensions::UK_CORE),
            "valueCoding": codings::textphone(),
        });
        point.insert("extension".into(), json!([extension]));
    }
    point
}

fn contacts(person: &Person) -> Vec<Value> {
    let all = person.further.emergency_telecoms.iter().enumerate();
    all.map(|(place, uri)| {
        let mut point = contact_point(uri);
        // An emergency contact has no fax.
        if point.get("system").is_some_and(|system| system == "fax") {
            point.insert("system".into(), "other".into());
        }
        json!({
            "id": format!("C{}", place + 1),
            "period": period(None, None, person.birth),
            "relationship": [codings::emergency_contact()],
            "telecom": [point],
        })
    })
    .collect()
}

fn practice(person: &Person) -> Value {
    if person.practice_code.is_empty() {
        return Value::Null;
    }
    json!([{
        "id": "G1",
        "type": "Organization",
        "identifier": {
            "system": ORGANISATION,
            "value": person.practice_code,
            "period": period(None, None, person.birth),
        },
    }])
}

/// A reference to an organisation by its ODS code.
pub(super) fn organisation(code: &str) -> Value {
    json!({ "identifier": { "system": ORGANISATION, "value": code } })
}
