//! Signed assertions, made by hand with the keys in `tests/data/fhir`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_TYPE, HeaderValue};
use nhs_pds::transport::{Request, Transport};
use nhs_pds_simulator::{Application, Simulator};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA512};
use serde_json::{Value, json};

use super::ask::{Answer, get};

pub(in crate::simulator) const TOKEN_URL: &str = "https://pds.example/oauth2/token";
pub(in crate::simulator) const CLIENT: &str = "an-api-key";
/// 2026-11-23T09:30:00Z, the simulator's time in these tests.
pub(super) const NOW: i64 = 1_795_426_200;
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The first key, or the other.
pub(super) fn key(name: &str) -> KeyPair {
    let path = format!("{}/tests/data/fhir/client-{name}.pem", env!("CARGO_MANIFEST_DIR"));
    let pem = pem::parse(std::fs::read(path).unwrap()).unwrap();
    if pem.tag() == "PRIVATE KEY" {
        KeyPair::from_pkcs8(pem.contents()).unwrap()
    } else {
        KeyPair::from_der(pem.contents()).unwrap()
    }
}

/// The public key that belongs to the key of this name, as a JSON Web Key.
pub(super) fn jwk(kid: &str, name: &str) -> Value {
    let public: PublicKeyComponents<Vec<u8>> = key(name).public_key().into();
    json!({
        "kty": "RSA", "alg": "RS512", "use": "sig", "kid": kid,
        "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
    })
}

/// An application whose key `test-1` is the first.
pub(in crate::simulator) fn application() -> Application {
    let jwks = json!({ "keys": [jwk("test-1", "a")] }).to_string();
    Application::new(CLIENT).with_jwks(&jwks).unwrap()
}

pub(super) fn header() -> Value {
    json!({ "alg": "RS512", "typ": "JWT", "kid": "test-1" })
}

pub(super) fn claims(jti: &str) -> Value {
    json!({ "iss": CLIENT, "sub": CLIENT, "aud": TOKEN_URL, "jti": jti, "exp": NOW + 180 })
}

pub(super) fn sign(header: &Value, claims: &Value, key: &KeyPair) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA512, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A valid assertion.
pub(super) fn assertion(jti: &str) -> String {
    sign(&header(), &claims(jti), &key("a"))
}

pub(super) fn form(fields: &[(&str, &str)]) -> Request {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let body = form.extend_pairs(fields).finish();
    Request::post(TOKEN_URL.parse().unwrap(), body.into())
        .with_header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
}

pub(super) fn asking(assertion: &str) -> Request {
    form(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ])
}

/// A token, fetched with a valid assertion.
pub(super) async fn token(simulator: &Simulator, jti: &str) -> String {
    let answer = Answer::of(simulator.send(asking(&assertion(jti))).await.unwrap());
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json["access_token"].as_str().unwrap().to_owned()
}

/// A request with `Authorization`.
pub(super) fn authorised(path: &str, authorization: &str) -> Request {
    get(path).with_header(http::header::AUTHORIZATION, authorization.parse().unwrap())
}
