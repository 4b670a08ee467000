//! The token endpoint, and the access that its tokens give.

use super::ask::{Answer, ask, people, send, simulator};
use super::jwt::{
    ASSERTION_TYPE, CLIENT, NOW, TOKEN_URL, application, asking, assertion, authorised, claims,
    form, header, jwk, key, sign, token,
};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use nhs_pds::clock::FixedClock;
use nhs_pds::transport::Request;
use nhs_pds_simulator::{Application, ErrorKind, Fault, Simulator, When};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/Patient/9449304424";

fn closed() -> Simulator {
    simulator().with_application(application())
}

/// Status, error and description of a response without a token.
fn denial(answer: &Answer) -> (u16, &str, &str) {
    assert!(answer.json["message_id"].is_string());
    assert_eq!(answer.content_type(), "application/json");
    let text = |name: &str| answer.json[name].as_str().unwrap();
    (answer.status, text("error"), text("error_description"))
}

#[tokio::test]
async fn a_token_opens_the_service() {
    let simulator = closed();
    let answer = send(&simulator, asking(&assertion("1"))).await;
    assert_eq!((answer.status, answer.content_type()), (200, "application/json"));
    assert_eq!(answer.json["expires_in"], "599");
    assert_eq!(answer.json["token_type"], "Bearer");
    assert_eq!(answer.json["issued_at"], format!("{NOW}000"));
    let bearer = format!("Bearer {}", answer.json["access_token"].as_str().unwrap());
    assert_eq!(send(&simulator, authorised(PATH, &bearer)).await.status, 200);
    assert_eq!((simulator.token_count(), simulator.request_count()), (1, 1));
    assert_eq!((simulator.received().len(), simulator.received_requests().len()), (1, 2));

    let simulator = closed().with_numeric_expires_in(true).with_token_life(Duration::from_secs(30));
    let answer = send(&simulator, asking(&assertion("1"))).await;
    assert_eq!(answer.json["expires_in"], 30);
    let shorter = form(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &assertion("2")),
        ("_access_token_expiry_ms", "5000"),
    ]);
    assert_eq!(send(&simulator, shorter).await.json["expires_in"], 5);
}

#[tokio::test]
async fn a_request_without_a_token_is_refused() {
    let simulator = closed();
    let answer = ask(&simulator, PATH).await;
    assert_eq!(answer.error(), (401, "ACCESS_DENIED"));
    assert_eq!(answer.diagnostics(), "Missing Authorization header");
    assert_eq!(answer.content_type(), "application/json");
    assert!(!answer.header("x-request-id").is_empty());
    let good = token(&simulator, "1").await;
    for (authorization, why) in [
        ("", "Empty Authorization header"),
        ("Bearer", "Missing access token"),
        ("Bearer ", "Missing access token"),
        ("Basic abc", "Invalid token type 'Basic', must be 'Bearer'"),
        (&*format!("bearer {good}"), "Invalid token type 'bearer', must be 'Bearer'"),
        ("Bearer other", "Invalid Access Token"),
    ] {
        let answer = send(&simulator, authorised(PATH, authorization)).await;
        assert_eq!(answer.error(), (401, "ACCESS_DENIED"), "{authorization}");
        assert_eq!(answer.diagnostics(), why);
    }
    let bearer = format!("Bearer {good}");
    assert_eq!(send(&simulator, authorised(PATH, &bearer)).await.status, 200);
    simulator.revoke_tokens();
    let answer = send(&simulator, authorised(PATH, &bearer)).await;
    assert_eq!(answer.diagnostics(), "Invalid Access Token");
    // The token is checked before everything else.
    assert_eq!(ask(&simulator, "/Elsewhere").await.error(), (401, "ACCESS_DENIED"));
}

#[tokio::test]
async fn tokens_end() {
    let clock = Arc::new(FixedClock::at("2026-11-23T09:30:00Z".parse().unwrap()));
    let now = Arc::<FixedClock>::clone(&clock);
    let simulator = Simulator::new(people()).with_clock(now).with_application(application());
    let bearer = format!("Bearer {}", token(&simulator, "1").await);
    clock.set("2026-11-23T09:39:58Z".parse().unwrap());
    assert_eq!(send(&simulator, authorised(PATH, &bearer)).await.status, 200);
    clock.set("2026-11-23T09:39:59Z".parse().unwrap());
    let answer = send(&simulator, authorised(PATH, &bearer)).await;
    assert_eq!(answer.error(), (401, "ACCESS_DENIED"));
    assert_eq!(answer.diagnostics(), "Access Token expired");
}

#[tokio::test]
async fn forms_that_are_wrong() {
    let simulator = closed();
    let good = assertion("1");
    for (fields, denied) in [
        (vec![], (400, "invalid_request", "grant_type is missing")),
        (
            vec![("grant_type", "password")],
            (400, "unsupported_grant_type", "grant_type is invalid"),
        ),
        (
            vec![("grant_type", "client_credentials"), ("client_assertion", &*good)],
            (
                400,
                "invalid_request",
                "Missing or invalid client_assertion_type - must be 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'",
            ),
        ),
        (
            vec![("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE)],
            (400, "invalid_request", "Missing client_assertion"),
        ),
    ] {
        assert_eq!(denial(&send(&simulator, form(&fields)).await), denied);
    }
    for content_type in ["application/json", "application/x-www-form-urlencoded; charset=utf-8"] {
        let request =
            asking(&good).with_header(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let why = "Content-Type header must be application/x-www-form-urlencoded";
        assert_eq!(denial(&send(&simulator, request).await), (415, "invalid_request", why));
    }
    let answer = send(&simulator, Request::get(TOKEN_URL.parse().unwrap())).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    assert_eq!(answer.content_type(), "text/plain");
    // None of these used the assertion up.
    assert_eq!(send(&simulator, asking(&good)).await.status, 200);
}

/// The claims or header with one member changed or removed.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.into(), value);
    }
    object
}

#[tokio::test]
async fn headers_that_are_wrong() {
    let simulator = closed();
    for (name, value, status, why) in [
        ("alg", json!("RS256"), 400, "unsupported JWT algorithm - must be 'RS512'"),
        ("alg", json!("none"), 400, "unsupported JWT algorithm - must be 'RS512'"),
        ("kid", json!(null), 400, "Missing 'kid' header"),
        ("typ", json!(null), 400, "must be 'JWT'"),
        ("typ", json!("at+jwt"), 400, "must be 'JWT'"),
        ("kid", json!("test-2"), 401, "no matching public key"),
    ] {
        let header = with(header(), name, value);
        let answer = send(&simulator, asking(&sign(&header, &claims("1"), &key("a")))).await;
        let (code, error, description) = denial(&answer);
        assert_eq!((code, error), (status, "invalid_request"), "{name}");
        assert!(description.contains(why), "{description}");
    }
    let lower = with(header(), "typ", json!("jwt"));
    let answer = send(&simulator, asking(&sign(&lower, &claims("1"), &key("a")))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn claims_that_are_wrong() {
    let simulator = closed();
    for (name, value, status, why) in [
        ("exp", json!(null), 400, "Missing 'exp' claim"),
        ("exp", json!("1795426260"), 400, "must be an integer"),
        ("exp", json!(NOW), 400, "JWT has expired"),
        ("exp", json!(NOW + 311), 400, "more than 5 minutes in future"),
        ("exp", json!(i64::MIN), 400, "JWT has expired"),
        ("sub", json!("other"), 400, "non-matching iss/sub"),
        ("iss", json!(null), 400, "non-matching iss/sub"),
        ("jti", json!(null), 400, "Missing 'jti' claim"),
        ("jti", json!(7), 400, "Missing 'jti' claim"),
        ("aud", json!("https://other.example/oauth2/token"), 401, "invalid 'aud' claim"),
        ("aud", json!(null), 401, "invalid 'aud' claim"),
    ] {
        let claims = with(claims("1"), name, value);
        let answer = send(&simulator, asking(&sign(&header(), &claims, &key("a")))).await;
        let (code, error, description) = denial(&answer);
        assert_eq!((code, error), (status, "invalid_request"), "{description}");
        assert!(description.contains(why), "{description}");
    }
    let stranger = with(with(claims("1"), "iss", json!("x")), "sub", json!("x"));
    let answer = send(&simulator, asking(&sign(&header(), &stranger, &key("a")))).await;
    let why = "Invalid 'iss'/'sub' claims in client_assertion JWT";
    assert_eq!(denial(&answer), (401, "invalid_request", why));
    let furthest = with(claims("1"), "exp", json!(NOW + 310));
    let answer = send(&simulator, asking(&sign(&header(), &furthest, &key("a")))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn wrong_signatures_and_replayed_assertions() {
    let simulator = closed();
    let forged = sign(&header(), &claims("1"), &key("b"));
    let why = "JWT signature verification failed";
    assert_eq!(denial(&send(&simulator, asking(&forged)).await), (401, "public_key error", why));
    for text in ["abc", "a.b.c", "a.b.c.d", "e30.e30.=", ""] {
        let (status, error, _) = (400, "invalid_request", "");
        let answer = send(&simulator, asking(text)).await;
        assert_eq!((denial(&answer).0, denial(&answer).1), (status, error), "{text}");
    }
    assert_eq!(send(&simulator, asking(&assertion("1"))).await.status, 200);
    let why = "Non-unique jti claim in client_assertion JWT";
    let again = send(&simulator, asking(&assertion("1"))).await;
    assert_eq!(denial(&again), (400, "invalid_request", why));
}

#[tokio::test]
async fn keys_are_changed() {
    let both = json!({ "keys": [jwk("test-1", "a"), jwk("test-2", "b")] }).to_string();
    let simulator = closed();
    simulator.add_application(Application::new(CLIENT).with_jwks(&both).unwrap());
    let second = with(header(), "kid", json!("test-2"));
    let by_second = |jti| asking(&sign(&second, &claims(jti), &key("b")));
    assert_eq!(send(&simulator, by_second("1")).await.status, 200);
    assert_eq!(send(&simulator, asking(&assertion("2"))).await.status, 200);
    let one = jwk("test-2", "b").to_string();
    simulator.add_application(Application::new(CLIENT).with_jwks(&one).unwrap());
    assert_eq!(send(&simulator, by_second("3")).await.status, 200);
    assert_eq!(send(&simulator, asking(&assertion("4"))).await.status, 401);
    for jwks in
        ["", "{", r#"{"kty":"EC","kid":"1"}"#, r#"{"keys":[{"kty":"RSA","n":"AQ","e":"AQ"}]}"#]
    {
        let refused = Application::new(CLIENT).with_jwks(jwks).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Keys, "{jwks}");
    }
}

#[tokio::test]
async fn the_token_endpoint_has_its_own_faults() {
    let simulator = closed();
    simulator.add_fault(When::Always, Fault::code("UNKNOWN_ERROR"));
    simulator.add_token_fault(
        When::Next(1),
        Fault::Http { status: StatusCode::SERVICE_UNAVAILABLE, body: "later".into() },
    );
    simulator.add_token_fault(When::Next(1), Fault::code("invalid_client"));
    simulator.add_token_fault(When::Next(1), Fault::soap("soap:Server", "2100"));
    let mut statuses = Vec::new();
    for jti in ["1", "2", "3", "4"] {
        statuses.push(send(&simulator, asking(&assertion(jti))).await.status);
    }
    assert_eq!(statuses, [503, 400, 500, 200]);
    assert_eq!((simulator.token_count(), simulator.request_count()), (4, 0));
}
