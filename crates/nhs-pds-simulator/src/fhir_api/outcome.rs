//! Responses, and the errors of the API.

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Written by the service itself.
pub(super) const FHIR_JSON: &str = "application/fhir+json";
/// Written by the proxy in front of it.
pub(super) const JSON: &str = "application/json";

/// A response.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: String,
}

impl Reply {
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: &Value) -> Self {
        let body = filled(body).unwrap_or_default().to_string();
        Self { status, content_type, headers: Vec::new(), body }
    }

    /// A response without a body.
    pub(super) const fn empty(status: StatusCode) -> Self {
        Self { status, content_type: "", headers: Vec::new(), body: String::new() }
    }

    /// Returns the response with a header, unless the value is not a valid header value.
    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}

/// Returns a document without its empty parts. FHIR permits no empty text, list or object, and null only in
/// a list.
fn filled(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(all) => {
            let kept: Vec<Value> = all
                .iter()
                .filter(|element| element.is_null() || filled(element).is_some())
                .map(|element| filled(element).unwrap_or_default())
                .collect();
            kept.iter().any(|element| !element.is_null()).then_some(Value::Array(kept))
        }
        Value::Object(fields) => {
            let kept: Map<String, Value> = fields
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), filled(value)?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other.clone()),
    }
}

/// An `OperationOutcome` of one issue.
#[derive(Clone)]
pub(super) struct Issue {
    pub(super) status: u16,
    pub(super) code: Cow<'static, str>,
    /// `issue.code`.
    pub(super) kind: &'static str,
    pub(super) severity: &'static str,
    pub(super) display: Cow<'static, str>,
    pub(super) diagnostics: Option<String>,
    /// Whether the proxy in front of the service sends it.
    pub(super) by_proxy: bool,
}

impl Issue {
    pub(super) fn diagnosed(mut self, diagnostics: impl Into<String>) -> Self {
        self.diagnostics = Some(diagnostics.into());
        self
    }

    pub(super) const fn by_proxy(mut self) -> Self {
        self.by_proxy = true;
        self
    }

    pub(super) fn reply(&self) -> Reply {
        let mut issue = Map::new();
        issue.insert("severity".into(), self.severity.into());
        issue.insert("code".into(), self.kind.into());
        let coding = json!({
            "system": "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode",
            "version": "1",
            "code": self.code,
            "display": self.display,
        });
        issue.insert("details".into(), json!({ "coding": [coding] }));
        if let Some(diagnostics) = &self.diagnostics {
            issue.insert("diagnostics".into(), diagnostics.as_str().into());
        }
        let body = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let reply = Reply::new(status, if self.by_proxy { JSON } else { FHIR_JSON }, &body);
        // Only this error says when to retry.
        if self.status == 503 { reply.with_header(http::header::RETRY_AFTER, "5") } else { reply }
    }
}
