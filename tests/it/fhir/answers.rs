//! Every response and every failure, by its consequence.

use crate::fhir::{
    JANE, answered_by, bundle, but, headers, issue, patient, response, scripted, us, user,
};
use nhs_pds::demographics::{Field, Gender};
use nhs_pds::fhir::{DateRange, IssueCode, Retrieval, Search, SearchResult};
use nhs_pds::ids::RandomIds;
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::trace::{
    Answer, Attended, Error as TraceError, ErrorKind as Action, FetchDetails, FindPerson,
    MessageId, Outcome, Question, Restriction, Tracer, VerifyNumber,
};
use nhs_pds::transport::{self, Response};
use serde_json::{Value, json};
use std::time::Duration;

async fn retrieved(response: Response) -> Result<Retrieval, Error> {
    let (client, _transport) = answered_by(response);
    client.retrieve(&us(), JANE).await.map(|received| received.answer)
}

async fn searched(response: Response) -> Result<SearchResult, Error> {
    let born = DateRange::on("2010-10-22".parse().unwrap());
    let search = Search::<_>::exact("Smith".parse().unwrap(), born);
    let (client, _transport) = answered_by(response);
    client.search(&us(), &search).await.map(|received| received.answer)
}

async fn traced(question: impl Into<Question>, response: Response) -> Result<Answer, TraceError> {
    let (client, _transport) = answered_by(response);
    client.trace(&us(), &question.into(), MessageId::fresh(&RandomIds)).await
}

fn verify(born: &str) -> VerifyNumber {
    VerifyNumber::new(JANE, born.parse().unwrap())
}

fn fetch(born: &str) -> FetchDetails {
    FetchDetails::new(JANE, born.parse().unwrap())
}

fn find() -> FindPerson {
    FindPerson::new("Smith".parse().unwrap(), Gender::Female, "2010-10-22".parse().unwrap())
}

#[tokio::test]
async fn retrievals() {
    let found = retrieved(response(200, patient("9000000009"))).await.unwrap();
    let Outcome::Found(person) = found.outcome().unwrap() else { panic!("{found:?}") };
    assert_eq!((person.nhs_number, person.record_version.as_deref()), (JANE, Some("2")));
    assert_eq!(person.restriction, Restriction::Unrestricted);

    let superseded = retrieved(response(200, patient("9000000017"))).await.unwrap();
    assert_eq!(superseded.outcome().unwrap().as_str(), "superseded");
    let Outcome::Superseded { by, person } = superseded.outcome().unwrap() else { panic!() };
    assert_eq!(by, "9000000017".parse().ok());
    assert_eq!(person.unwrap().date_of_birth.known().unwrap().to_string(), "2010-10-22");
    // The new identifier is not a number: it is not returned, and the old number is still superseded.
    let odd = retrieved(response(200, patient("9000000015"))).await.unwrap();
    assert!(matches!(odd.outcome(), Some(Outcome::Superseded { by: None, .. })));
    // An identifier from another system than PDS.
    for id in ["abc", "90000000090", "900000000x"] {
        let error = retrieved(response(200, patient(id))).await.unwrap_err();
        assert_eq!((error.kind(), error.action()), (ErrorKind::Mismatch, Action::Unreadable));
    }

    let none = retrieved(response(404, issue("RESOURCE_NOT_FOUND"))).await.unwrap();
    assert_eq!(none.outcome(), Some(Outcome::None));
    let invalid = retrieved(response(404, issue("INVALIDATED_RESOURCE"))).await.unwrap();
    assert_eq!(invalid.outcome(), Some(Outcome::Invalidated));
}

#[tokio::test]
async fn the_version_is_that_of_the_resource_or_of_a_weak_etag() {
    let version = async |meta: Value, tag: &str| {
        let body = but(patient("9000000009"), json!({"meta": meta}));
        let response = response(200, body).with_headers(headers(&[("etag", tag)]));
        retrieved(response).await.unwrap().patient().unwrap().version.clone()
    };
    assert_eq!(version(json!({"versionId": "2"}), "W/\"3\"").await.as_deref(), Some("2"));
    assert_eq!(version(json!({}), "W/\"3\"").await.as_deref(), Some("3"));
    assert_eq!(version(json!({}), "\"1ca6\"").await, None);
    assert_eq!(version(json!({}), "W/\"\"").await, None);
}

#[tokio::test]
async fn searches() {
    for empty in [
        bundle(&[]),
        but(bundle(&[]), json!({"entry": []})),
        but(bundle(&[]), json!({"entry": null})),
    ] {
        let result = searched(response(200, empty)).await.unwrap();
        assert_eq!(result.outcome(), Some(Outcome::None));
    }
    // Whole numbers and decimals are scores.
    let one = r#"{"resourceType": "Bundle", "total": 1, "entry": [{"search": {"score": 1},
        "resource": {"resourceType": "Patient", "id": "9000000009"}}]}"#;
    let result = searched(response(200, one)).await.unwrap();
    let Some(Outcome::Found(found)) = result.outcome() else { panic!("{result:?}") };
    assert_eq!(found.score.map(nhs_pds::trace::Score::value), Some(1.0));
    assert_eq!(found.restriction, Restriction::NotStated);

    let several = bundle(&[(0.8343, patient("9000000009")), (0.5, patient("9000000015"))]);
    let result = searched(response(200, several)).await.unwrap();
    let Some(Outcome::Ambiguous(candidates)) = result.outcome() else { panic!("{result:?}") };
    let ids: Vec<_> =
        candidates.iter().map(|it| (it.id.expose().as_str(), it.nhs_number)).collect();
    assert_eq!(ids, [("9000000009", Some(JANE)), ("9000000015", None)]);
    assert_eq!(candidates[0].score.unwrap().value(), 0.8343);

    let many = searched(response(200, issue("TOO_MANY_MATCHES"))).await.unwrap();
    assert_eq!(many, SearchResult::TooMany);
    assert_eq!(many.outcome(), Some(Outcome::Ambiguous(Vec::new())));

    // The same person twice counts as one person.
    let twice = bundle(&[(1.0, patient("9000000009")), (0.9, patient("9000000009"))]);
    let result = searched(response(200, twice)).await.unwrap();
    assert_eq!(result.outcome().unwrap().as_str(), "found");
}

/// A mistyped number may be any person's old number.
#[tokio::test]
async fn a_new_number_is_returned_if_the_person_matches() {
    let replaced = async |question: Question, changes: Value| {
        let body = but(patient("9000000017"), changes);
        match traced(question, response(200, body)).await.unwrap().outcome {
            Outcome::Superseded { by, person } => {
                assert_eq!(by.is_some(), person.is_some());
                by.is_some()
            }
            other => panic!("{other:?}"),
        }
    };
    let married = json!({"name": [{"use": "usual", "given": ["Jane"], "family": "Jones"},
        {"use": "old", "given": ["Jane"], "family": "Smith"}]});
    let another = json!({"name": [{"use": "usual", "given": ["Rosalind"], "family": "Quux"}]});
    let withheld = json!({"birthDate": null});
    let named = || fetch("2010-10-22").with_family("Smith".parse().unwrap());
    for question in [Question::from(named()), named().verification().clone().into()] {
        assert!(replaced(question.clone(), json!({})).await);
        assert!(replaced(question.clone(), married.clone()).await);
        assert!(!replaced(question.clone(), another.clone()).await);
        assert!(!replaced(question, withheld.clone()).await);
    }
    assert!(!replaced(fetch("2010-10-23").into(), json!({})).await);
}

#[tokio::test]
async fn a_partial_match_of_an_exact_search_is_a_mismatch() {
    for (score, found) in [(1.0, true), (0.9999, false), (0.0, false)] {
        let body = bundle(&[(score, patient("9000000009"))]);
        let answer = traced(find(), response(200, body)).await;
        assert_eq!(answer.is_ok_and(|answer| answer.outcome.as_str() == "found"), found, "{score}");
    }
}

#[tokio::test]
async fn a_bundle_that_contradicts_itself_is_unreadable() {
    for (body, what) in [
        (but(bundle(&[]), json!({"total": 1})), "a match that is not there"),
        (but(bundle(&[(1.0, patient("1"))]), json!({"total": 0})), "a match that is not counted"),
        (json!({"resourceType": "Bundle", "total": 1, "entry": [{}]}), "no resource"),
        (json!({"resourceType": "Patient", "id": "9000000009"}), "another resource"),
        (
            bundle(&[(1.0, json!({"resourceType": "Person", "id": "1"}))]),
            "another person's resource",
        ),
        (json!([]), "a list"),
        (json!({}), "nothing"),
        (json!({"resourceType": "Bundle", "type": "searchset"}), "not a word about how many"),
    ] {
        let error = searched(response(200, body)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.action()),
            (ErrorKind::Unreadable, Action::Unreadable),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_person_without_a_valid_number_is_an_error() {
    let body = bundle(&[(1.0, patient("9000000015"))]);
    let result = searched(response(200, body.clone())).await.unwrap();
    assert_eq!(result.matches()[0].patient.id, "9000000015");
    assert_eq!(result.outcome(), None);
    let error = traced(find(), response(200, body)).await.unwrap_err();
    assert_eq!(error.kind(), Action::Unreadable);
    assert!(!format!("{error:?}").contains("9000000015"));
}

/// Every code of the API, with its status.
#[tokio::test]
async fn every_failure_by_its_code_and_status() {
    use Action::{Configuration, Rejected, Unavailable, Unreadable};
    for (status, code, action) in [
        (400, "INVALID_RESOURCE_ID", Rejected),
        (400, "UNSUPPORTED_SERVICE", Configuration),
        (400, "MISSING_VALUE", Configuration),
        (400, "INVALID_VALUE", Rejected),
        (400, "INVALID_SEARCH_DATA", Rejected),
        (400, "ADDITIONAL_PROPERTIES", Unreadable),
        (400, "UNSUPPORTED_REQUEST", Configuration),
        (400, "INVALID_UPDATE", Unreadable),
        (400, "VALIDATION_ERROR", Rejected),
        (400, "UNSUPPORTED_CHARACTERS_IN_FIELD", Rejected),
        (400, "UNSUPPORTED_VALUE", Rejected),
        (400, "TOO_FEW_VALUES_SUBMITTED", Rejected),
        (400, "TOO_MANY_VALUES_SUBMITTED", Rejected),
        (400, "INVALID_CREATE", Unreadable),
        (401, "ACCESS_DENIED", Configuration),
        (403, "ACCESS_DENIED", Configuration),
        (403, "INVALID_VALUE", Configuration),
        (403, "INVALID_METHOD", Configuration),
        (403, "FORBIDDEN_UPDATE", Configuration),
        (401, "SOMETHING_NEW", Configuration),
        (408, "UNABLE_TO_CALL_SERVICE", Unavailable),
        (409, "RESOURCE_VERSION_MISMATCH", Unreadable),
        (412, "PRECONDITION_FAILED", Unreadable),
        (429, "TOO_MANY_REQUESTS", Unavailable),
        (500, "UNKNOWN_ERROR", Unavailable),
        (502, "UNKNOWN_ERROR", Unavailable),
        (503, "SERVICE_UNAVAILABLE", Unavailable),
        (500, "SOMETHING_NEW", Unavailable),
        (400, "SOMETHING_NEW", Unreadable),
        // A response whose status does not fit is an error.
        (500, "RESOURCE_NOT_FOUND", Unavailable),
        (400, "RESOURCE_NOT_FOUND", Unreadable),
        (404, "TOO_MANY_MATCHES", Unreadable),
    ] {
        let error = retrieved(response(status, issue(code))).await.unwrap_err();
        assert_eq!((error.kind(), error.action()), (ErrorKind::Code, action), "{status} {code}");
        assert_eq!(error.code().map(IssueCode::from), Some(IssueCode::from(code)));
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.exchange().unwrap().code.as_deref(), Some(code));
        assert_eq!(error.body().expose(), issue(code).to_string().as_bytes());
        let field = (code == "INVALID_RESOURCE_ID").then_some(Field::NhsNumber);
        assert_eq!(error.field(), field);
    }
    // A search with another status finds no person.
    for code in ["RESOURCE_NOT_FOUND", "INVALIDATED_RESOURCE", "TOO_MANY_MATCHES"] {
        assert!(searched(response(404, issue(code))).await.is_err());
    }
}

#[tokio::test]
async fn a_refused_header_is_a_configuration_failure() {
    let mut body = issue("INVALID_VALUE");
    body["issue"][0]["diagnostics"] =
        json!("Invalid value - '123' in header 'NHSD-Session-URID'. Refer to the guidance");
    let error = retrieved(response(400, body)).await.unwrap_err();
    assert_eq!(error.action(), Action::Configuration);
}

#[tokio::test]
async fn status_and_body_are_always_kept() {
    use Action::{Configuration, Rejected, Unavailable, Unreadable};
    for (status, body, action) in [
        (502, "<html>Bad Gateway</html>", Unavailable),
        (503, "", Unavailable),
        (500, "{\"fault\": {}}", Unavailable),
        (404, "<html>Not Found</html>", Configuration),
        (404, "{\"resourceType\": \"OperationOutcome\"}", Configuration),
        (302, "", Configuration),
        (413, "", Rejected),
        (429, "slow down", Unavailable),
        (204, "", Unreadable),
        (202, "{}", Unreadable),
    ] {
        let error = retrieved(response(status, body)).await.unwrap_err();
        assert_eq!((error.kind(), error.action()), (ErrorKind::Status, action), "{status} {body}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.body().expose(), body.as_bytes());
    }
    for body in ["", "<html>Sign in</html>", "{", "[1]", "null", "\u{feff}{}"] {
        let error = retrieved(response(200, body)).await.unwrap_err();
        assert_eq!((error.kind(), error.action()), (ErrorKind::Unreadable, Unreadable), "{body}");
        assert_eq!(error.body().expose(), body.as_bytes());
    }
    // Status 200 with a reason: the reason counts.
    let error = retrieved(response(200, issue("UNKNOWN_ERROR"))).await.unwrap_err();
    assert_eq!((error.kind(), error.action()), (ErrorKind::Code, Unavailable));
    // A code of the sandbox only.
    let unmodelled = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-supported"}]});
    let error = searched(response(200, unmodelled)).await.unwrap_err();
    assert_eq!((error.kind(), error.action()), (ErrorKind::Code, Unreadable));
    assert_eq!(error.exchange().unwrap().code.as_deref(), Some("not-supported"));
}

#[tokio::test]
async fn retry_after_is_returned() {
    let busy =
        response(503, issue("SERVICE_UNAVAILABLE")).with_headers(headers(&[("retry-after", "5")]));
    let error = traced(verify("2010-10-22"), busy).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
    assert!(error.is_transient());
}

#[tokio::test]
async fn no_response_is_an_error() {
    for (kind, action) in [
        (transport::ErrorKind::Connect, Action::Unavailable),
        (transport::ErrorKind::Timeout, Action::Unavailable),
        (transport::ErrorKind::Interrupted, Action::Unavailable),
        (transport::ErrorKind::TooLarge, Action::Unreadable),
        (transport::ErrorKind::ServerName, Action::Configuration),
        (transport::ErrorKind::Insecure, Action::Configuration),
    ] {
        let (client, _transport) = scripted([Err(transport::Error::new(kind))]);
        let error = client.retrieve(&us(), JANE).await.unwrap_err();
        assert_eq!((error.kind(), error.action()), (ErrorKind::Transport, action));
        assert_eq!(error.exchange().unwrap().operation, "GET /Patient/{id}");
    }
}

#[tokio::test]
async fn a_response_to_another_request_is_never_used() {
    for (status, body) in [(200, patient("9000000009")), (404, issue("RESOURCE_NOT_FOUND"))] {
        let another = headers(&[("x-request-id", "60E0B220-8136-4CA5-AE46-1D97EF59D068")]);
        let error = retrieved(response(status, &body).with_headers(another)).await.unwrap_err();
        assert_eq!((error.kind(), error.action()), (ErrorKind::Mismatch, Action::Unreadable));
        let damaged = headers(&[("x-request-id", "?")]);
        assert!(retrieved(response(status, &body).with_headers(damaged)).await.is_err());
        // The index counts from one, and letter case is ignored.
        let same = headers(&[("x-request-id", "00000000-0000-4000-8000-000000000001")]);
        assert!(retrieved(response(status, &body).with_headers(same)).await.is_ok());
    }
    let another = headers(&[("x-request-id", "60E0B220-8136-4CA5-AE46-1D97EF59D068")]);
    let error = searched(response(200, bundle(&[])).with_headers(another)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
}

#[tokio::test]
async fn numbers_are_verified_on_the_record() {
    let jane = || response(200, patient("9000000009"));
    let answer = async |question| traced(question, jane()).await.unwrap().outcome.as_str();
    assert_eq!(answer(Question::from(verify("2010-10-22"))).await, "found");
    assert_eq!(answer(verify("2010-10-23").into()).await, "not_verified");
    assert_eq!(answer(fetch("2010-10-22").into()).await, "found");
    assert_eq!(answer(fetch("2010-10-23").into()).await, "not_verified");
    let named = |family: &str, given: &str| {
        verify("2010-10-22").with_family(family.parse().unwrap()).with_given(given.parse().unwrap())
    };
    assert_eq!(answer(named(" smith", "JANE").into()).await, "found");
    assert_eq!(answer(named("Smith", "Janet").into()).await, "not_verified");
    assert_eq!(answer(named("Smyth", "Jane").into()).await, "not_verified");
    // The given name of one name and the family name of another are not one name.
    let names = json!({"name": [{"use": "usual", "given": ["Jane"], "family": "Smith"},
        {"use": "old", "given": ["Joan"], "family": "Jones"}]});
    let two = but(patient("9000000009"), names);
    let outcome = traced(named("Jones", "Jane"), response(200, &two)).await.unwrap().outcome;
    assert_eq!(outcome, Outcome::NotVerified);
    let outcome = traced(named("Jones", "Joan"), response(200, &two)).await.unwrap().outcome;
    assert_eq!(outcome.as_str(), "found");
}

/// The API does not compare the old number with any field, as a trace does. A mistyped number may have been
/// replaced by any person's.
#[tokio::test]
async fn the_new_number_of_a_restricted_person_is_not_returned() {
    for body in [
        json!({"resourceType": "Patient", "id": "9000000017", "meta": {"security": [{"code": "V"}]}}),
        json!({"resourceType": "Patient", "id": "9000000017", "gender": "female"}),
    ] {
        for question in [Question::from(fetch("2010-10-22")), verify("2010-10-22").into()] {
            let outcome = traced(question, response(200, &body)).await.unwrap().outcome;
            assert_eq!(outcome, Outcome::Superseded { by: None, person: None });
        }
    }
    let told = traced(fetch("2010-10-22"), response(200, patient("9000000017"))).await.unwrap();
    let Outcome::Superseded { by, person } = told.outcome else { panic!() };
    assert!(by.is_some() && person.is_some());
}

/// A nickname often has no family name. The usual name is still another.
#[tokio::test]
async fn a_blank_name_does_not_hide_a_different_name() {
    let names = json!({"name": [{"use": "usual", "given": ["Jane"], "family": "Smith"},
        {"use": "nickname", "given": ["Janie"]}]});
    let body = but(patient("9000000009"), names);
    let fetched = async |family: &str| {
        let question = fetch("2010-10-22").with_family(family.parse().unwrap());
        traced(question, response(200, &body)).await.unwrap().outcome.as_str()
    };
    assert_eq!(fetched("Jones").await, "not_verified");
    assert_eq!(fetched("Smith").await, "found");
}

#[tokio::test]
async fn withheld_fields_neither_agree_nor_differ() {
    let very_restricted = json!({
        "resourceType": "Patient", "id": "9000000009", "meta": {"security": [{"code": "V"}]},
    });
    let answer = async |question: Question| {
        traced(question, response(200, &very_restricted)).await.unwrap().outcome
    };
    assert_eq!(answer(verify("2010-10-22").into()).await, Outcome::NotVerified);
    let Outcome::Found(found) = answer(fetch("2010-10-22").into()).await else { panic!() };
    assert_eq!(found.restriction, Restriction::VeryRestricted);
    assert!(found.person.unwrap().date_of_birth.is_not_returned());
    // PDS has only a month for her: it does not equal the queried day.
    let month = but(patient("9000000009"), json!({"birthDate": "2010-10"}));
    let outcome = traced(verify("2010-10-22"), response(200, month)).await.unwrap().outcome;
    assert_eq!(outcome, Outcome::NotVerified);
}

#[tokio::test]
async fn attended_questions_verify_partial_dates_and_wildcards() {
    let answer = async |question: VerifyNumber<Attended>| {
        let (client, _transport) = answered_by(response(200, patient("9000000009")));
        let id = MessageId::fresh(&RandomIds);
        client.trace_attended(&user(), &question.into(), id).await.unwrap().outcome.as_str()
    };
    let asked = |born: &str| VerifyNumber::attended(JANE, born.parse().unwrap());
    assert_eq!(answer(asked("2010")).await, "found");
    assert_eq!(answer(asked("2010-11")).await, "not_verified");
    assert_eq!(answer(asked("2010-10").with_family("Sm*".parse().unwrap())).await, "found");
    assert_eq!(answer(asked("2010-10").with_family("Jo*".parse().unwrap())).await, "not_verified");
}
