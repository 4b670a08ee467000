//! Checks the signed JWT with which an application requests a token.

use super::access::Access;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// The latest permitted expiry of an assertion, in seconds from now: five minutes and ten seconds.
const FURTHEST: i64 = 310;

/// The reason why there is no token: status, `error` and `error_description`.
pub(super) struct Denial {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) description: String,
}

impl Denial {
    pub(super) fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into() }
    }

    fn request(status: u16, description: &str) -> Self {
        Self::new(status, "invalid_request", description)
    }
}

/// Checks the assertion sent to `token_url`, in the order of the live service: first what does not depend
/// on the application, and last whether the assertion is new.
pub(super) fn check(
    assertion: &str,
    token_url: &str,
    access: &mut Access,
    now: DateTime<Utc>,
) -> Result<(), Denial> {
    let malformed = || Denial::request(400, "Malformed JWT in client_assertion");
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Err(malformed()) };
    let signed = format!("{header}.{claims}");
    let object = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
    };
    let header = object(header).ok_or_else(malformed)?;
    let claims = object(claims).ok_or_else(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let kid = check_header(&header)?;
    check_expiry(&claims, now)?;
    let text =
        |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let client_id = text("iss").filter(|issuer| text("sub") == Some(issuer)).ok_or_else(|| {
        Denial::request(400, "Missing or non-matching iss/sub claims in client_assertion JWT")
    })?;
    let jti = text("jti")
        .ok_or_else(|| Denial::request(400, "Missing 'jti' claim in client_assertion JWT"))?;
    let application = access.application(client_id).ok_or_else(|| {
        Denial::request(401, "Invalid 'iss'/'sub' claims in client_assertion JWT")
    })?;
    if text("aud") != Some(token_url) {
        let why = "Missing or invalid 'aud' claim in client_assertion JWT";
        return Err(Denial::request(401, why));
    }
    if !application.has_key(kid) {
        let why = "Invalid 'kid' header in client_assertion JWT - no matching public key";
        return Err(Denial::request(401, why));
    }
    if !application.has_signed(kid, signed.as_bytes(), &signature) {
        return Err(Denial::new(401, "public_key error", "JWT signature verification failed"));
    }
    if !access.is_first(client_id, jti, now) {
        return Err(Denial::request(400, "Non-unique jti claim in client_assertion JWT"));
    }
    Ok(())
}

fn check_header(header: &Value) -> Result<&str, Denial> {
    let text = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("alg") != "RS512" {
        return Err(Denial::request(
            400,
            "Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm - must be 'RS512'",
        ));
    }
    if text("kid").is_empty() {
        return Err(Denial::request(400, "Missing 'kid' header in client_assertion JWT"));
    }
    if !text("typ").eq_ignore_ascii_case("JWT") {
        let why = "Invalid 'typ' header in client_assertion JWT - must be 'JWT'";
        return Err(Denial::request(400, why));
    }
    Ok(text("kid"))
}

fn check_expiry(claims: &Value, now: DateTime<Utc>) -> Result<(), Denial> {
    let Some(expiry) = claims.get("exp") else {
        return Err(Denial::request(400, "Missing 'exp' claim in client_assertion JWT"));
    };
    let invalid = |why: &str| {
        let why = format!("Invalid 'exp' claim in client_assertion JWT - {why}");
        Err(Denial::new(400, "invalid_request", why))
    };
    match expiry.as_i64().map(|expiry| expiry.saturating_sub(now.timestamp())) {
        None => invalid("must be an integer"),
        Some(left) if left <= 0 => invalid("JWT has expired"),
        Some(left) if left > FURTHEST => invalid("more than 5 minutes in future"),
        Some(_) => Ok(()),
    }
}
