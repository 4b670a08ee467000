//! Invalid bytes: each is an error that quotes nothing, or an answer to the query.

use crate::fhir::{JANE, answered_by, but, headers, issue, patient, response, us};
use http::StatusCode;
use nhs_pds::fhir::{
    DateRange, DecodeErrorKind, Patient, Received, RelatedPeople, Retrieval, Search, SearchResult,
};
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::transport::Response;
use serde_json::{Value, json};
use std::error::Error as _;

const FULL: &str = include_str!("../../data/fhir/patient.json");
const RELATED: &str = include_str!("../../data/fhir/related_people.json");

async fn retrieve(response: Response) -> Result<Received<Retrieval>, Error> {
    answered_by(response).0.retrieve(&us(), JANE).await
}

async fn search(response: Response) -> Result<Received<SearchResult>, Error> {
    let born = DateRange::on("2010-10-22".parse().unwrap());
    let search: Search = Search::exact("Smith".parse().unwrap(), born);
    answered_by(response).0.search(&us(), &search).await
}

async fn related(response: Response) -> Result<Received<RelatedPeople>, Error> {
    answered_by(response).0.related_people(&us(), JANE).await
}

/// The result of each interaction for a body with status 200; `None` for an answer.
async fn refused(body: &[u8]) -> [Option<ErrorKind>; 3] {
    let response = || Response::new(StatusCode::OK, body.to_vec().into());
    let errors = [
        retrieve(response()).await.err(),
        search(response()).await.err(),
        related(response()).await.err(),
    ];
    errors.map(|error| {
        let error = error?;
        assert_eq!(error.body().expose(), body);
        let cause = error.source().map(|cause| format!("{cause} {cause:?}"));
        let said = format!("{error} {error:?} {}", cause.unwrap_or_default());
        assert!(!["Smith", "Jane", "9000000009"].iter().any(|it| said.contains(it)), "{said}");
        Some(error.kind())
    })
}

const ALL: [Option<ErrorKind>; 3] = [Some(ErrorKind::Unreadable); 3];

fn compact(json: &str) -> String {
    serde_json::from_str::<Value>(json).unwrap().to_string()
}

fn found(patients: Vec<Value>) -> Value {
    let entries: Vec<Value> = patients.into_iter().map(|it| json!({"resource": it})).collect();
    json!({"resourceType": "Bundle", "total": entries.len(), "entry": entries})
}

#[tokio::test]
async fn every_truncation_is_noticed() {
    let bundle = found(vec![patient("9000000009")]).to_string();
    for whole in [compact(FULL), bundle, compact(RELATED)] {
        for cut in 0..whole.len() {
            assert_eq!(refused(&whole.as_bytes()[..cut]).await, ALL, "{cut}");
        }
        assert_ne!(refused(whole.as_bytes()).await, ALL);
    }
}

#[tokio::test]
async fn documents_that_are_not_one_resource() {
    let whole = patient("9000000009").to_string();
    for body in [
        format!("{whole}{whole}"),
        format!("{whole},"),
        format!("[{whole}]"),
        format!("\u{feff}\u{feff}{whole}"),
        format!("<html>{whole}</html>"),
        format!("//{whole}\n{whole}"),
        format!("{whole}\0"),
        whole.replace('"', "'"),
        whole.replacen('{', "{\"id\":\"9000000009\",", 1),
        whole.replacen(':', "=", 1),
        whole.replace("Smith", "Smith\n"),
        whole.replace("Smith", "\\ud800"),
        whole.replace("\"Smith\"", "NaN"),
        "\"Smith\"".into(),
        "9000000009".into(),
        "null".into(),
        String::new(),
        "{".repeat(100_000),
        "[".repeat(100_000),
        "{\"extension\":[".repeat(100_000),
    ] {
        assert_eq!(refused(body.as_bytes()).await, ALL, "{}", &body[..body.len().min(80)]);
    }
    let mut noise = whole.into_bytes();
    noise.push(0xff);
    assert_eq!(refused(&noise).await, ALL);
    assert_eq!(refused(&FULL.as_bytes().iter().map(|byte| !byte).collect::<Vec<_>>()).await, ALL);
}

/// A value of another type in every place: rejected, or skipped where no field is read.
#[test]
fn values_of_other_types() {
    let full: Value = serde_json::from_str(FULL).unwrap();
    let mut places = Vec::new();
    walk(&full, String::new(), &mut places);
    assert!(places.len() > 150, "{}", places.len());
    let (mut taken, mut refused) = (0, 0);
    for place in &places {
        for value in [json!("x"), json!(-1), json!(1.5), json!(true), json!([[]]), json!({"x": {}})]
        {
            let mut changed = full.clone();
            *changed.pointer_mut(place).unwrap() = value;
            match Patient::decode(changed.to_string().as_bytes()) {
                Ok(_) => taken += 1,
                Err(error) => {
                    assert!(!format!("{error} {error:?}").contains("Smith"), "{place}");
                    refused += 1;
                }
            }
        }
    }
    assert!(taken > 200 && refused > 400, "{taken} {refused}");
}

fn walk(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| walk(value, format!("{place}/{key}"), places));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, it)| walk(it, format!("{place}/{at}"), places));
        }
        _ => {}
    }
    if !place.is_empty() {
        places.push(place);
    }
}

/// The largest bundle: the time to read it grows linearly.
#[tokio::test]
async fn a_large_bundle_is_read_once() {
    let people: Vec<Value> =
        (0..20_000).map(|it| json!({"resourceType": "Patient", "id": format!("X{it}")})).collect();
    let received = search(response(200, found(people.clone()))).await.unwrap();
    assert_eq!(received.answer.matches().len(), 20_000);
    let twice = [people.clone(), people].concat();
    let received = search(response(200, found(twice))).await.unwrap();
    assert_eq!(received.answer.matches().len(), 20_000);
}

/// A few bytes that would take much memory.
#[tokio::test]
async fn documents_above_the_limit_are_rejected() {
    for (key, one) in
        [("name", "{}"), ("extension", "{}"), ("address", "{}"), ("entry", "[null,null]")]
    {
        let many = vec![one; 100_001].join(",");
        let body = format!(r#"{{"resourceType":"Patient","id":"9000000009","{key}":[{many}]}}"#);
        assert_eq!(refused(body.as_bytes()).await, ALL, "{key}");
        let error = Patient::decode(body.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.line()), (DecodeErrorKind::TooLarge, 0));
    }
    let many = vec!["{}"; 99_998].join(",");
    let body = format!(r#"{{"resourceType":"Patient","id":"9000000009","name":[{many}]}}"#);
    assert_eq!(Patient::decode(body.as_bytes()).unwrap().names.len(), 99_998);
}

#[tokio::test]
async fn arbitrary_headers() {
    let good = || response(200, patient("9000000009"));
    for id in ["", "x", "9000000009", "{00000000-0000-4000-8000-000000000002}", "\u{e9}"] {
        let other = good().with_headers(headers(&[("x-request-id", id)]));
        assert_eq!(retrieve(other).await.unwrap_err().kind(), ErrorKind::Mismatch, "{id}");
    }
    let unversioned = || response(200, but(patient("9000000009"), json!({"meta": null})));
    for tag in ["", "W/\"", "W/\"\"", "\"2\"", "W/2", "2"] {
        let odd = unversioned().with_headers(headers(&[("etag", tag)]));
        let received = retrieve(odd).await.unwrap();
        assert_eq!(received.answer.patient().unwrap().version, None, "{tag}");
    }
    for after in ["", "x", "-1", "1e9", "Smith", "\u{e9}"] {
        let busy = response(503, issue("SERVICE_UNAVAILABLE"));
        let error = retrieve(busy.with_headers(headers(&[("retry-after", after)]))).await;
        let error = error.unwrap_err();
        assert_eq!((error.retry_after(), error.is_transient()), (None, true), "{after}");
    }
}

/// A version may be any text: it is kept, and not shown.
#[tokio::test]
async fn a_version_is_not_shown() {
    let odd = but(patient("9000000009"), json!({"meta": {"versionId": "Jane Smith"}}));
    let received = retrieve(response(200, odd)).await.unwrap();
    let outcome = received.answer.outcome();
    assert!(!format!("{received:?} {outcome:?}").contains("Smith"));
    assert_eq!(received.answer.patient().unwrap().version.as_deref(), Some("Jane Smith"));
}
