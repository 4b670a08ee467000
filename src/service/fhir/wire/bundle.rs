use super::patient::{WirePatient, patient_of};
use super::related_person::{WireRelatedPerson, related_person_of};
use super::text::{List, Text};
use crate::service::fhir::error::{DecodeError, DecodeErrorKind};
use crate::service::fhir::patient::PatientMatch;
use crate::service::fhir::related_person::RelatedPerson;
use crate::trace::Score;
use serde::Deserialize;
use std::collections::HashSet;

/// The response to a search, with one resource for each match.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle<'a, R> {
    #[serde(borrow)]
    resource_type: Option<Text<'a>>,
    total: Option<u64>,
    entry: Option<List<Entry<R>>>,
}

#[derive(Deserialize)]
struct Entry<R> {
    resource: Option<R>,
    search: Option<SearchMode>,
}

#[derive(Deserialize)]
struct SearchMode {
    score: Option<f64>,
}

impl<R> Bundle<'_, R> {
    /// The entries, if this is a consistent bundle.
    fn entries(self) -> Result<Vec<Entry<R>>, DecodeError> {
        if self.resource_type.is_none_or(|name| name.as_str() != "Bundle") {
            return Err(DecodeError::of(DecodeErrorKind::ResourceType));
        }
        // An empty result must be explicit: a total of 0, or an empty list.
        if self.total.is_none() && self.entry.is_none() {
            return Err(DecodeError::of(DecodeErrorKind::Count));
        }
        let entries = self.entry.unwrap_or_default().0;
        if self.total.is_some_and(|total| total != entries.len() as u64) {
            return Err(DecodeError::of(DecodeErrorKind::Count));
        }
        Ok(entries)
    }
}

/// The people who match, in the order received: the best match first.
pub(in crate::service::fhir) fn matches(bytes: &[u8]) -> Result<Vec<PatientMatch>, DecodeError> {
    let bundle: Bundle<'_, WirePatient<'_>> = super::read(bytes)?;
    let (mut matches, mut seen) = (Vec::new(), HashSet::new());
    for Entry { resource, search } in bundle.entries()? {
        let resource = resource.ok_or(DecodeError::of(DecodeErrorKind::ResourceType))?;
        let patient = patient_of(&resource)?;
        // A person who is listed twice is one match.
        if !seen.insert(patient.id.clone()) {
            continue;
        }
        let score = search.and_then(|search| search.score);
        matches.push(PatientMatch { score: score.and_then(|it| Score::new(it).ok()), patient });
    }
    Ok(matches)
}

/// The related people, in the order received.
pub(in crate::service::fhir) fn related_people(
    bytes: &[u8],
) -> Result<Vec<RelatedPerson>, DecodeError> {
    let bundle: Bundle<'_, WireRelatedPerson<'_>> = super::read(bytes)?;
    let entries = bundle.entries()?.into_iter();
    entries
        .map(|entry| {
            let resource = entry.resource.ok_or(DecodeError::of(DecodeErrorKind::ResourceType))?;
            related_person_of(&resource)
        })
        .collect()
}
