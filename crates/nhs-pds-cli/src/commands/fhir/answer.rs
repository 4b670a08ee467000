//! Answers and failures as JSON.

use nhs_pds::fhir::{Patient, PatientMatch, Retrieval, SearchResult};
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::trace::{self, Restriction, Score};
use serde_json::{Value, json};

pub(super) fn retrieval(retrieval: &Retrieval) -> Result<Value, Value> {
    if retrieval.outcome().is_none() {
        return Err(not_a_number());
    }
    let (outcome, patient) = match retrieval {
        Retrieval::Found(patient) => (found(patient), Some(patient)),
        Retrieval::Superseded(patient) => ("superseded", Some(patient)),
        Retrieval::Invalidated => ("invalidated", None),
        _ => ("none", None),
    };
    let mut shown = json!({ "outcome": outcome, "matches": [] });
    if let Some(patient) = patient {
        show(&mut shown, patient);
        add(&mut shown, "matches", json!([{ "id": patient.id, "score": null }]));
    }
    Ok(shown)
}

pub(super) fn search_result(result: &SearchResult) -> Result<Value, Value> {
    if result.outcome().is_none() {
        return Err(not_a_number());
    }
    let matches: Vec<Value> = result.matches().iter().map(one_match).collect();
    let (outcome, only) = match (result, result.matches()) {
        (SearchResult::TooMany, _) => ("ambiguous", None),
        (_, []) => ("none", None),
        (_, [only]) => (found(&only.patient), Some(only)),
        _ => ("ambiguous", None),
    };
    let mut shown = json!({ "outcome": outcome, "matches": matches });
    if let Some(only) = only {
        show(&mut shown, &only.patient);
        if let Some(score) = only.score {
            add(&mut shown, "score", json!(score.value()));
        }
    }
    Ok(shown)
}

/// The only returned record has an identifier that is not an NHS Number, so it counts as a failure.
fn not_a_number() -> Value {
    json!({
        "kind": trace::ErrorKind::Unreadable.as_str(),
        "code": null,
        "status": 200,
        "retryable": false,
        "reason": "not_a_number",
    })
}

fn one_match(found: &PatientMatch) -> Value {
    json!({ "id": found.patient.id, "score": found.score.map(Score::value) })
}

/// The outcome word for a found person.
const fn found(patient: &Patient) -> &'static str {
    match patient.restriction {
        Restriction::Restricted | Restriction::VeryRestricted => "restricted",
        _ => "found",
    }
}

/// Adds the fields of a person.
fn show(shown: &mut Value, patient: &Patient) {
    if let Some(number) = patient.nhs_number {
        add(shown, "nhs_number", json!(number));
    }
    if let Some(version) = &patient.version {
        add(shown, "version", json!(version));
    }
    let restriction = match patient.restriction {
        Restriction::Unrestricted => Some("unrestricted"),
        Restriction::Restricted => Some("restricted"),
        Restriction::VeryRestricted => Some("very_restricted"),
        _ => None,
    };
    if let Some(restriction) = restriction {
        add(shown, "restriction", json!(restriction));
    }
    add(shown, "details", json!(patient.demographics()));
}

fn add(shown: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = shown {
        fields.insert(key.to_owned(), value);
    }
}

pub(super) fn failure(error: &Error) -> Value {
    let code = error.exchange().and_then(|exchange| exchange.code.as_deref());
    json!({
        "kind": error.action().as_str(),
        "code": code,
        "status": error.status().map(|status| status.as_u16()),
        "retryable": error.is_transient(),
        "cause": cause(error),
    })
}

/// The texts of the causes of `error`, such as `could not connect: … : Connection refused`. That there is no
/// token is a cause too.
pub(super) fn cause(error: &Error) -> Option<String> {
    let token = [ErrorKind::SignIn, ErrorKind::Token, ErrorKind::TokenRefused];
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |&cause| cause.source());
    let causes = causes.skip(usize::from(!token.contains(&error.kind())));
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(": "))
}
