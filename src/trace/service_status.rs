use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a program knows of its connection to a service: the limits it keeps, whether it sends queries, and when its
/// credentials expire (HAV-6). Contains no personal data and no secrets.
///
/// A field is `None` where the tracer does not know it: a client without a
/// [gateway](https://docs.rs/nhs-pds/latest/nhs_pds/resilience) has no rate limit, for example.
///
/// ```
/// use nhs_pds::trace::{ScriptedTracer, ServiceStatus, Tracer};
///
/// // A tracer of a test has no limits and no credentials.
/// let tracer = ScriptedTracer::new([]);
/// assert_eq!(tracer.service_status(), ServiceStatus::default());
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct ServiceStatus {
    /// The most queries a second.
    pub per_second: Option<u32>,
    /// The most queries in progress at a time.
    pub in_flight: Option<u32>,
    /// Whether queries are sent.
    pub circuit_breaker: Option<CircuitBreakerState>,
    /// When queries were suspended, unless the circuit breaker is closed.
    pub suspended_since: Option<DateTime<Utc>>,
    /// When the next query may be sent, unless the circuit breaker is closed.
    pub suspended_until: Option<DateTime<Utc>>,
    /// When the client certificate expires: the earliest of its own expiry and those of its issuers.
    pub certificate_expires: Option<DateTime<Utc>>,
    /// The id of the key that signs requests for access tokens. It is not a secret. A signing key has no expiry of its
    /// own.
    pub key_id: Option<String>,
}

/// Whether queries are sent to a service.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CircuitBreakerState {
    /// Queries are sent.
    Closed,
    /// One query is in progress, to find out whether the service works again.
    Probing,
    /// Queries are suspended. If only a few different subjects failed, a query about another subject is still sent, as
    /// the probe.
    Open,
}

impl CircuitBreakerState {
    /// Returns a stable word for status pages: `closed`, `probing` or `open`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Probing => "probing",
            Self::Open => "open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn a_status_is_read_as_it_was_written_and_old_ones_have_nothing() {
        let status = ServiceStatus {
            per_second: Some(5),
            circuit_breaker: Some(CircuitBreakerState::Open),
            suspended_until: Some(DateTime::UNIX_EPOCH),
            ..ServiceStatus::default()
        };
        let json = to_value(&status).unwrap();
        assert_eq!(json["circuit_breaker"], "open");
        assert_eq!(from_value::<ServiceStatus>(json).unwrap(), status);
        assert_eq!(from_value::<ServiceStatus>(json!({})).unwrap(), ServiceStatus::default());
        for state in
            [CircuitBreakerState::Closed, CircuitBreakerState::Probing, CircuitBreakerState::Open]
        {
            assert_eq!(to_value(state).unwrap(), state.as_str());
        }
    }
}
