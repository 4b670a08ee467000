//! The scenes from other services. The decision is the same; only the service's own words differ.

use serde_json::{Map, Value, json};

/// A service with its own words for the codes of SMSP.
pub(super) struct Service {
    name: &'static str,
    operation: &'static str,
    codes: &'static [(&'static str, Said)],
}

/// What a service returns where SMSP returns a code.
#[derive(Clone, Copy)]
enum Said {
    Code(&'static str),
    /// No code: the answer itself says it.
    Nothing,
    /// The service has no such answer.
    Never,
}

/// The services other than SMSP.
pub(super) const OTHERS: &[Service] = &[Service {
    name: "PDS FHIR",
    operation: "GET /Patient",
    codes: &[
        ("SMSP-0000", Said::Nothing),
        ("SMSP-0001", Said::Code("INVALID_SEARCH_DATA")),
        ("SMSP-0002", Said::Nothing),
        // The service has no copy of the Spine.
        ("SMSP-0003", Said::Never),
        ("SMSP-0005", Said::Code("ACCESS_DENIED")),
        ("SMSP-9999", Said::Code("UNKNOWN_ERROR")),
        // HTTP 413, 414, 422 or 431, without a code.
        ("Client/1000", Said::Nothing),
        ("DEMOG-0001", Said::Code("RESOURCE_NOT_FOUND")),
        ("DEMOG-0007", Said::Code("TOO_MANY_MATCHES")),
        ("DEMOG-0017", Said::Nothing),
        ("DEMOG-0022", Said::Code("INVALIDATED_RESOURCE")),
        ("DEMOG-0040", Said::Nothing),
        ("DEMOG-0042", Said::Code("INVALID_RESOURCE_ID")),
    ],
}];

impl Service {
    /// Whether the service can return this.
    pub(super) fn says(&self, code: &str) -> bool {
        !matches!(self.said(code), Said::Never)
    }

    fn said(&self, code: &str) -> Said {
        let found = self.codes.iter().find(|(smsp, _)| *smsp == code);
        found.unwrap_or_else(|| panic!("{code} in the table of {}", self.name)).1
    }

    /// Replaces every exchange and every code of the scene in `written` with those of this service. Data that
    /// the case had before stay.
    pub(super) fn rewritten(&self, written: &Value) -> Value {
        match written {
            Value::Array(values) => values.iter().map(|value| self.rewritten(value)).collect(),
            Value::Object(fields) => {
                let mut rewritten: Map<String, Value> = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), self.rewritten(value)))
                    .collect();
                let of_the_scene = fields.get("message_id").is_none_or(|id| id == "M-7");
                if of_the_scene && let Some(code) = fields.get("code").and_then(Value::as_str) {
                    match self.said(code) {
                        Said::Code(code) => drop(rewritten.insert("code".into(), json!(code))),
                        _ => drop(rewritten.remove("code")),
                    }
                    if fields.contains_key("service") {
                        let own = json!({
                            "service": self.name, "operation": self.operation,
                            "references": {"X-Correlation-ID": "M-7"},
                        });
                        rewritten.extend(own.as_object().unwrap().clone());
                    }
                }
                Value::Object(rewritten)
            }
            other => other.clone(),
        }
    }
}
