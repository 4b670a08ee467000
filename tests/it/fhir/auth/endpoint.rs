//! Requests to the token endpoint, and the consequence of each refusal.

use crate::fhir::auth::{
    Assertion, CLIENT_ID, Endpoint, TOKEN_URL, config, form, granted, headers, key, tokens,
};
use crate::telemetry::Board;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Method, StatusCode};
use metrics::with_local_recorder;
use nhs_pds::fhir::auth::{ApplicationTokens, RefusedPart, TokenConfig};
use nhs_pds::resilience::telemetry;
use nhs_pds::service;
use nhs_pds::trace::ErrorKind;
use nhs_pds::transport::{self, Response, Scripted};
use serde_json::json;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

async fn failing(answer: Result<Response, transport::Error>) -> service::Error {
    let scripted = Arc::new(Scripted::new([answer]));
    ApplicationTokens::new(config(), key("client-a"), scripted).token().await.unwrap_err()
}

#[tokio::test]
async fn the_request_is_a_form_of_three_fields() {
    let scripted = Arc::new(Scripted::new([granted("one")]));
    let url = TOKEN_URL.replace("https://", "https://user:password@") + "#part";
    let config = TokenConfig::new(url.parse().unwrap(), CLIENT_ID.parse().unwrap());
    let tokens = ApplicationTokens::new(config, key("client-a"), Arc::<Scripted>::clone(&scripted));
    tokens.token().await.unwrap();
    let [request] = &scripted.sent()[..] else { panic!("one request") };
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.url().as_str(), TOKEN_URL);
    assert_eq!(request.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
    let [grant, kind, assertion] = &form(request)[..] else { panic!("three fields") };
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(*grant, field("grant_type", "client_credentials"));
    let bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(*kind, field("client_assertion_type", bearer));
    assert_eq!(assertion.0, "client_assertion");
    let assertion = Assertion::of(request);
    assert_eq!(assertion.claims["aud"], TOKEN_URL);
    assert_eq!(assertion.claims["iss"], assertion.claims["sub"]);
}

/// Status, code, the part at fault, and the endpoint's text, as published.
const REFUSALS: &str = "
    400 | invalid_request | - | Missing client_assertion
    400 | invalid_request | - | Malformed JWT in client_assertion
    400 | invalid_request | Jti | Non-unique jti claim in client_assertion JWT
    400 | invalid_request | Expiry | Invalid 'exp' claim in client_assertion JWT - JWT has expired
    400 | invalid_request | ClientId | Missing or non-matching iss/sub claims in client_assertion JWT
    400 | invalid_request | Grant | grant_type is missing
    400 | unsupported_grant_type | Grant | grant_type is invalid
    401 | invalid_request | ClientId | Invalid 'iss'/'sub' claims in client_assertion JWT
    401 | invalid_request | Audience | Missing or invalid 'aud' claim in client_assertion JWT
    401 | invalid_request | KeyId | Invalid 'kid' header in client_assertion JWT - no matching public key
    401 | public_key error | Signature | JWT signature verification failed
    403 | public_key error | KeySet | The JWKS endpoint, for your client_assertion can't be reached
    415 | invalid_request | ContentType | Content-Type header must be application/x-www-form-urlencoded
";

#[tokio::test]
async fn each_refusal_has_its_action_and_its_part() {
    for refusal in REFUSALS.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<_> = refusal.split(" | ").collect();
        let [status, code, part, description] = words[..] else { panic!("{refusal}") };
        let body =
            json!({ "error": code, "error_description": description, "message_id": "rrt-1" });
        let status: StatusCode = status.parse().unwrap();
        let error = failing(Ok(Response::new(status, body.to_string().into()))).await;
        assert_eq!(error.kind(), service::ErrorKind::TokenRefused, "{refusal}");
        assert_eq!(error.action(), ErrorKind::Configuration, "{refusal}");
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.code(), Some(code), "{refusal}");
        let found = RefusedPart::find_in(&error).map_or("-".to_owned(), |part| format!("{part:?}"));
        assert_eq!(found, part, "{refusal}");
        assert_eq!(error.body().expose(), body.to_string().as_bytes());
        assert!(!error.is_transient());
        assert!(!error.to_string().contains("rrt-1"));
    }
}

#[tokio::test]
async fn a_body_without_a_message_is_kept_and_the_status_decides() {
    for (status, action) in [
        (405, ErrorKind::Configuration),
        (302, ErrorKind::Configuration),
        (408, ErrorKind::Unavailable),
        (429, ErrorKind::Unavailable),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let response = Response::new(status, "Method Not Allowed".into());
        let error = failing(Ok(response.with_headers(headers(RETRY_AFTER, "30")))).await;
        assert_eq!((error.kind(), error.action()), (service::ErrorKind::Token, action), "{status}");
        assert_eq!(error.code(), None);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
        assert_eq!(error.body().expose(), "Method Not Allowed");
    }
}

#[tokio::test]
async fn without_a_response_the_transport_error_decides() {
    use transport::ErrorKind::{Connect, Interrupted, ServerName, Timeout, TooLarge};
    for (kind, action) in [
        (Connect, ErrorKind::Unavailable),
        (Interrupted, ErrorKind::Unavailable),
        (Timeout, ErrorKind::Unavailable),
        (ServerName, ErrorKind::Configuration),
        (TooLarge, ErrorKind::Configuration),
    ] {
        let error = failing(Err(transport::Error::new(kind))).await;
        assert_eq!((error.kind(), error.action()), (service::ErrorKind::Token, action), "{kind:?}");
        assert_eq!(error.status(), None);
        assert!(error.body().is_empty());
        let source = error.source().unwrap().downcast_ref::<transport::Error>().unwrap();
        assert_eq!(source.kind(), kind);
    }
}

#[test]
fn the_result_of_each_request_is_counted() {
    let board = Board::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    with_local_recorder(&board, || {
        telemetry::describe();
        runtime.block_on(async {
            let endpoint = Endpoint::new([
                Err(transport::Error::new(transport::ErrorKind::Timeout)),
                Ok(Response::new(StatusCode::UNAUTHORIZED, "".into())),
                granted("one"),
            ]);
            let (tokens, _) = tokens(&endpoint);
            let labels = nhs_pds::tenant::Labels::default().with_service("fhir");
            let tokens = tokens.with_labels(labels);
            for _ in 0..5 {
                let _ = tokens.token().await;
            }
        });
    });
    for outcome in ["error_unavailable", "error_configuration", "granted"] {
        let name = format!("token_requests_total outcome={outcome} service=fhir");
        assert_eq!(board.value(&name), Some(1.0), "{outcome}");
    }
}
