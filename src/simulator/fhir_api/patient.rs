//! Writing a `Patient`: all of a record, or the part of it that a search shows.

use super::extensions;
use crate::demographics::{Gender, PartialDate};
use crate::simulator::{OtherAddressUse, OtherName, Person, Sensitivity};
use serde_json::{Map, Value, json};

pub(super) const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
const ORGANISATION: &str = "https://fhir.nhs.uk/Id/ods-organization-code";

/// How much is written.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Extent {
    /// What a retrieval shows.
    Whole,
    /// What a search shows.
    Searched,
}

/// The resource. Blank lines of addresses are left out, or with `empty_lines` written as null.
///
/// A record holds no day on which a name, home or registration began; the date of birth stands in.
pub(super) fn write(person: &Person, extent: Extent, empty_lines: bool) -> Value {
    let restricted = person.sensitivity.is_restricted();
    let very = person.sensitivity == Sensitivity::VeryRestricted;
    let number = person.nhs_number.digits();
    let mut resource = Map::new();
    let mut add = |name: &str, value: Value| {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            resource.insert(name.into(), value);
        }
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
    add("deceasedDateTime", person.death.map(extensions::date_time).into());
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
    let status = json!({
        "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus",
        "version": "1.0.0",
        "code": "01",
        "display": "Number present and verified",
    });
    json!({
        "system": NHS_NUMBER,
        "value": number,
        "extension": [{
            "url": format!("{}NHSNumberVerificationStatus", extensions::UK_CORE),
            "valueCodeableConcept": { "coding": [status] },
        }],
    })
}

fn meta(person: &Person) -> Value {
    let (code, display) = match person.sensitivity {
        Sensitivity::None => ("U", "unrestricted"),
        Sensitivity::Restricted => ("R", "restricted"),
        Sensitivity::VeryRestricted => ("V", "very restricted"),
        // No answer shows such a record.
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
        Gender::NotKnown => "unknown",
    }
}

fn period(from: Option<PartialDate>, to: Option<PartialDate>, birth: PartialDate) -> Value {
    let mut period = Map::new();
    period.insert("start".into(), from.unwrap_or(birth).to_string().into());
    if let Some(to) = to {
        period.insert("end".into(), to.to_string().into());
    }
    period.into()
}

/// Drops the text that is empty.
fn texts<'a>(all: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    all.into_iter().filter(|text| !text.is_empty()).map(|text| text.as_str().into()).collect()
}

/// The usual name stands after the others: it is known by its use, and not by its place.
fn names(person: &Person, extent: Extent) -> Vec<Value> {
    let shown = |name: &&OtherName| extent == Extent::Whole || !name.name_use.is_past();
    let others = person.other_names.iter().filter(shown).enumerate().map(|(place, name)| {
        human_name(
            &format!("N{}", place + 2),
            name.name_use.code(),
            period(name.from, name.to, person.birth),
            [texts([&name.given]), texts([&name.title])],
            &name.family,
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
    for (field, list) in [("given", given), ("prefix", prefix)] {
        if !list.is_empty() {
            name.insert(field.into(), list.into());
        }
    }
    if !family.is_empty() {
        name.insert("family".into(), family.into());
    }
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

fn address(
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
    if empty_lines {
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
    if !postcode.is_empty() {
        address.insert("postalCode".into(), postcode.into());
    }
    address
}

/// Numbers that begin with 07 are of mobile telephones.
pub(super) fn telecoms(uris: &[String], since: PartialDate) -> Vec<Value> {
    uris.iter()
        .enumerate()
        .map(|(place, uri)| {
            let (system, value) = telecom(uri);
            let telecom_use =
                if system == "phone" && value.starts_with("07") { "mobile" } else { "home" };
            json!({
                "id": format!("T{}", place + 1),
                "period": period(None, None, since),
                "system": system,
                "value": value,
                "use": telecom_use,
            })
        })
        .collect()
}

fn telecom(uri: &str) -> (&'static str, &str) {
    match uri.split_once(':') {
        Some(("tel", value)) => ("phone", value),
        Some(("mailto", value)) => ("email", value),
        Some(("fax", value)) => ("fax", value),
        _ => ("other", uri),
    }
}

fn contacts(person: &Person) -> Vec<Value> {
    let relationship = json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/v2-0131",
        "code": "C",
        "display": "Emergency Contact",
    }] });
    let all = person.further.emergency_telecoms.iter().enumerate();
    all.map(|(place, uri)| {
        let (system, value) = telecom(uri);
        json!({
            "id": format!("C{}", place + 1),
            "period": period(None, None, person.birth),
            "relationship": [relationship],
            "telecom": [{ "system": system, "value": value }],
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
