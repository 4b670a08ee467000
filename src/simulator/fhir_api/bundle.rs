//! Writing a `Bundle`: what a search found, or who belongs to a person.

use super::patient::{Extent, NHS_NUMBER, telecoms, write};
use super::search::Hit;
use crate::simulator::{Person, RelatedPerson};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// Where entries say that they are. It is another host than the one called, as in the live service.
const ELSEWHERE: &str = "https://veit07.api.service.nhs.uk/personal-demographics/FHIR/R4";

/// A set of entries. With none, `entry` is left out.
fn searchset(entries: Vec<Value>, now: DateTime<Utc>) -> Value {
    let mut bundle = Map::new();
    bundle.insert("resourceType".into(), "Bundle".into());
    bundle.insert("type".into(), "searchset".into());
    let timestamp = now.to_rfc3339_opts(SecondsFormat::Secs, false);
    bundle.insert("timestamp".into(), timestamp.into());
    bundle.insert("total".into(), entries.len().into());
    if !entries.is_empty() {
        bundle.insert("entry".into(), entries.into());
    }
    bundle.into()
}

/// What a search found, in its order.
pub(super) fn hits(hits: &[&Hit<'_>], empty_lines: bool, now: DateTime<Utc>) -> Value {
    let entry = |hit: &&Hit<'_>| {
        json!({
            "fullUrl": format!("{ELSEWHERE}/Patient/{}", hit.person.nhs_number.digits().as_str()),
            "search": { "score": score(hit.score) },
            "resource": write(hit.person, Extent::Searched, empty_lines),
        })
    };
    searchset(hits.iter().map(entry).collect(), now)
}

/// A score of 1 is written as an integer.
fn score(score: f64) -> Value {
    if score >= 1.0 { json!(1) } else { json!(score) }
}

/// Who belongs to `person`; of a restricted one, nobody is told.
pub(super) fn related(person: &Person, now: DateTime<Utc>) -> Value {
    if person.sensitivity.is_restricted() {
        return searchset(Vec::new(), now);
    }
    let number = person.nhs_number.digits();
    let entry = |(place, other): (usize, &RelatedPerson)| {
        let id = format!("R{}", place + 1);
        json!({
            "fullUrl": format!("{ELSEWHERE}/Patient/{}/RelatedPerson/{id}", number.as_str()),
            "resource": related_person(other, &id, person),
        })
    };
    searchset(person.related.iter().enumerate().map(entry).collect(), now)
}

/// `patient` is the record of the other person, who may have none.
fn related_person(other: &RelatedPerson, id: &str, of: &Person) -> Value {
    let mut patient = Map::new();
    patient.insert("type".into(), "Patient".into());
    if let Some(number) = other.nhs_number {
        let digits = number.digits();
        let identifier = json!({ "system": NHS_NUMBER, "value": digits.as_str() });
        patient.insert("identifier".into(), identifier);
        let reference = format!("{ELSEWHERE}/Patient/{}", digits.as_str());
        patient.insert("reference".into(), reference.into());
    }
    let mut resource = Map::new();
    resource.insert("resourceType".into(), "RelatedPerson".into());
    resource.insert("id".into(), id.into());
    resource.insert("active".into(), true.into());
    resource.insert("patient".into(), patient.into());
    let relationship = json!({ "coding": [{
        "system": "http://hl7.org/fhir/ValueSet/relatedperson-relationshiptype",
        "code": other.relationship,
    }] });
    resource.insert("relationship".into(), json!([relationship]));
    let mut name = Map::new();
    if !other.family.is_empty() {
        name.insert("family".into(), other.family.as_str().into());
    }
    if !other.given.is_empty() {
        name.insert("given".into(), json!([other.given]));
    }
    if !name.is_empty() {
        name.insert("use".into(), "usual".into());
        resource.insert("name".into(), json!([name]));
    }
    if !other.telecoms.is_empty() {
        resource.insert("telecom".into(), telecoms(&other.telecoms, of.birth).into());
    }
    resource.into()
}
