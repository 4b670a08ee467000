//! The token endpoint: OAuth 2.0 client credentials with a signed JWT (RFC 7523).

use super::access::{Access, Mode};
use super::assertion::{self, Denial};
use super::outcome::{JSON, Reply};
use crate::received::Received;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, StatusCode};
use nhs_pds::ids::Ids;
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How tokens are issued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issuing {
    pub(crate) life: TimeDelta,
    /// Whether `expires_in` is a number. In the live service it is a string of digits.
    pub(crate) numeric: bool,
}

impl Default for Issuing {
    fn default() -> Self {
        Self { life: TimeDelta::seconds(599), numeric: false }
    }
}

/// Answers a request for a token.
pub(crate) fn answer(
    request: &Received,
    access: &mut Access,
    issuing: Issuing,
    ids: &dyn Ids,
    now: DateTime<Utc>,
) -> Reply {
    if request.method() != Method::POST {
        let mut reply = Reply::new(StatusCode::METHOD_NOT_ALLOWED, "text/plain", &Value::Null);
        reply.body = "Method Not Allowed".into();
        return reply.with_header(ALLOW, "POST");
    }
    match grant(request, access, issuing, ids, now) {
        Ok(token) => token,
        Err(denial) => denied(&denial, ids),
    }
}

/// The body of an error.
pub(crate) fn failed(status: StatusCode, error: &str, ids: &dyn Ids) -> Reply {
    let body = json!({
        "error": error,
        "error_description": "chosen by the test",
        "message_id": ids.next().to_string(),
    });
    Reply::new(status, JSON, &body)
}

fn denied(denial: &Denial, ids: &dyn Ids) -> Reply {
    let body = json!({
        "error": denial.error,
        "error_description": denial.description,
        "message_id": ids.next().to_string(),
    });
    let status = StatusCode::from_u16(denial.status).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::new(status, JSON, &body)
}

fn grant(
    request: &Received,
    access: &mut Access,
    issuing: Issuing,
    ids: &dyn Ids,
    now: DateTime<Utc>,
) -> Result<Reply, Denial> {
    let bad = |description: &str| Denial::new(400, "invalid_request", description);
    if request.headers().get(CONTENT_TYPE).is_none_or(|value| value != FORM) {
        let why = format!("Content-Type header must be {FORM}");
        return Err(Denial::new(415, "invalid_request", why));
    }
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(request.body().expose()).into_owned().collect();
    let field = |name: &str| {
        let found = form.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    };
    match field("grant_type") {
        None => return Err(bad("grant_type is missing")),
        Some("client_credentials") => {}
        Some(_) => {
            return Err(Denial::new(400, "unsupported_grant_type", "grant_type is invalid"));
        }
    }
    if field("client_assertion_type") != Some(ASSERTION_TYPE) {
        let why = format!("Missing or invalid client_assertion_type - must be '{ASSERTION_TYPE}'");
        return Err(bad(&why));
    }
    let assertion = field("client_assertion").ok_or_else(|| bad("Missing client_assertion"))?;
    assertion::check(assertion, &request.address(), access, now)?;
    // The client can only shorten the life.
    let wanted = field("_access_token_expiry_ms").and_then(|text| text.parse::<u32>().ok());
    let life = wanted
        .map_or(issuing.life, |wanted| issuing.life.min(TimeDelta::milliseconds(wanted.into())));
    let token = access.issue(Mode::Application, life, ids, now);
    let seconds = life.num_seconds();
    let body = json!({
        "access_token": token,
        "expires_in": if issuing.numeric { json!(seconds) } else { json!(seconds.to_string()) },
        "token_type": "Bearer",
        "issued_at": now.timestamp_millis().to_string(),
    });
    Ok(Reply::new(StatusCode::OK, JSON, &body).with_header(CACHE_CONTROL, "no-store"))
}
