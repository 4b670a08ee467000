//! Writes a `Bundle`: the result of a search, or the related people of a person.

use super::codings;
use super::patient::{Extent, NHS_NUMBER, address, period, telecoms, write};
use super::search::Hit;
use crate::{Person, RelatedPerson};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// The maximum number of telecoms of a related person.
const MOST_TELECOMS: usize = 5;

/// A set of entries. Without entries, `entry` is left out.
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

/// The result of a search, in its order. The entries' addresses are below `base`.
pub(super) fn hits(hits: &[&Hit<'_>], base: &str, empty_lines: bool, now: DateTime<Utc>) -> Value {
    let entry = |hit: &&Hit<'_>| {
        json!({
            "fullUrl": format!("{base}/Patient/{}", hit.person.nhs_number.digits().as_str()),
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

/// The people related to `person`. A restricted record shows none.
pub(super) fn related(person: &Person, base: &str, now: DateTime<Utc>) -> Value {
    if person.sensitivity.is_restricted() {
        return searchset(Vec::new(), now);
    }
    let number = person.nhs_number.digits();
    let entry = |(place, other): (usize, &RelatedPerson)| {
        let id = format!("R{}", place + 1);
        json!({
            "fullUrl": format!("{base}/Patient/{}/RelatedPerson/{id}", number.as_str()),
            "resource": related_person(other, &id, person, base),
        })
    };
    searchset(person.related.iter().enumerate().map(entry).collect(), now)
}

/// `patient` is the record of the related person, if there is one.
fn related_person(other: &RelatedPerson, id: &str, of: &Person, base: &str) -> Value {
    let mut patient = Map::new();
    patient.insert("type".into(), "Patient".into());
    if let Some(number) = other.nhs_number {
        let digits = number.digits();
        let identifier = json!({ "system": NHS_NUMBER, "value": digits.as_str() });
        patient.insert("identifier".into(), identifier);
        patient.insert("reference".into(), format!("{base}/Patient/{}", digits.as_str()).into());
    }
    let since = || period(None, None, of.birth);
    let is_named = !other.family.is_empty() || !other.given.is_empty();
    let name = is_named.then(|| {
        json!({
            "use": "usual",
            "period": since(),
            "given": [other.given],
            "family": other.family,
        })
    });
    let is_placed = !other.postcode.is_empty() || other.address.iter().any(|line| !line.is_empty());
    let home =
        is_placed.then(|| address("A1", "home", since(), &other.address, &other.postcode, false));
    let shown = other.telecoms.get(..MOST_TELECOMS).unwrap_or(&other.telecoms);
    json!({
        "resourceType": "RelatedPerson",
        "id": id,
        "active": true,
        "patient": patient,
        "period": since(),
        "relationship": [codings::relationship(other)],
        "name": [name],
        "address": [home],
        "telecom": telecoms(shown, of.birth),
    })
}
