//! Responses, and refusals in both versions of the API.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use nhs_pds::secret::RawBody;
use nhs_pds::transport::Response;
use serde_json::{Value, json};

/// The version of the API that a client accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    One,
    Two,
}

impl Version {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok());
        if accept.is_some_and(|accept| accept.contains("vnd.mesh.v2")) {
            Self::Two
        } else {
            Self::One
        }
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::One => "application/json",
            Self::Two => "application/vnd.mesh.v2+json",
        }
    }
}

/// Why a call is refused.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) event: &'static str,
    pub(super) code: &'static str,
    pub(super) text: &'static str,
    pub(super) message: Option<String>,
}

impl Refusal {
    pub(super) const fn new(
        status: StatusCode,
        event: &'static str,
        code: &'static str,
        text: &'static str,
    ) -> Self {
        Self { status, event, code, text, message: None }
    }

    /// 403, which never has a code.
    pub(super) const fn forbidden(text: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "", "", text)
    }

    /// 417: a message that is not accepted.
    pub(super) const fn unsent(code: &'static str, text: &'static str) -> Self {
        Self::new(StatusCode::EXPECTATION_FAILED, "SEND", code, text)
    }

    pub(super) const fn unknown_message() -> Self {
        Self::new(StatusCode::NOT_FOUND, "RECEIVE", "20", "Message does not exist")
    }

    /// A status that says everything: the text is its name.
    pub(super) fn bare(status: StatusCode) -> Self {
        Self::new(status, "", "", status.canonical_reason().unwrap_or_default())
    }

    /// 423: a message that is complete. The response does not say so.
    pub(super) const fn locked() -> Self {
        Self::new(StatusCode::LOCKED, "", "", "")
    }

    pub(super) fn about(self, message: &str) -> Self {
        Self { message: Some(message.to_owned()), ..self }
    }

    pub(super) fn response(&self, version: Version) -> Response {
        let body = match version {
            _ if self.text.is_empty() => {
                json!({ "message": "An internal error occurred.\n\nPlease contact support." })
            }
            Version::One => {
                let mut body = json!({
                    "errorEvent": self.event,
                    "errorCode": self.code,
                    "errorDescription": self.text,
                });
                add(&mut body, "messageID", self.message.as_deref());
                body
            }
            Version::Two => {
                let detail = json!({ "event": self.event, "code": self.code, "msg": self.text });
                let mut body = json!({ "detail": [detail] });
                add(&mut body, "message_id", self.message.as_deref());
                body
            }
        };
        json(self.status, &body, version)
    }
}

/// A request without a required header, or with a value that is out of range.
pub(super) fn invalid(place: &str, name: &str, text: &str) -> Response {
    let detail = json!([{ "type": "missing", "loc": [place, name], "msg": text }]);
    json(StatusCode::BAD_REQUEST, &json!({ "detail": detail }), Version::One)
}

pub(super) fn add(body: &mut Value, name: &str, value: Option<&str>) {
    if let (Some(fields), Some(value)) = (body.as_object_mut(), value) {
        fields.insert(name.to_owned(), value.into());
    }
}

pub(super) fn json(status: StatusCode, body: &Value, version: Version) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(version.media_type()));
    with(status, headers, body.to_string().into())
}

pub(super) fn with(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    Response::new(status, RawBody::from(body)).with_headers(headers)
}

/// Adds a header, if there is a value that a header can have.
pub(super) fn put(headers: &mut HeaderMap, name: &'static str, value: Option<&str>) {
    let value = value.filter(|value| !value.is_empty()).map(HeaderValue::from_str);
    if let Some(Ok(value)) = value {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// The text of a header.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    value.filter(|value| !value.is_empty())
}
