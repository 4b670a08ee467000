use crate::case::candidate::Candidate;
use crate::case::identity::Identity;
use crate::matching::{Corroboration, Relations, Risk};
use crate::nhs_number::NhsNumber;
use crate::trace::{Exchange, Freshness};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A case's NHS Number and where it comes from (HAV-5).
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RecordedNumber {
    /// The number.
    pub number: NhsNumber,
    /// Its source.
    pub source: NumberSource,
    /// Whether the number may be relied upon.
    #[serde(default, rename = "standing", skip_serializing_if = "NumberStatus::is_usable")]
    pub status: NumberStatus,
    /// Since when the case has the number; `None` when this is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// The person for whom the number was imported or last confirmed. When the case is about
    /// another person ([`Case::person_changed`](crate::case::Case::person_changed)), the number is
    /// in doubt. `None` when no person is recorded. Then a traced number counts as that of the
    /// person in the last query, and any other number as that of the case's person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Identity>,
}

impl RecordedNumber {
    /// Creates a usable `number` from `source`.
    #[must_use]
    pub const fn new(number: NhsNumber, source: NumberSource) -> Self {
        Self { number, source, status: NumberStatus::Usable, since: None, person: None }
    }

    /// The recorded independent evidence for the number, unless the service has contradicted the
    /// number. Being superseded is not a contradiction: the number remains evidence for the
    /// identity of its successor's person (MSCA-DQ-03).
    pub(crate) const fn corroboration(&self) -> Option<Corroboration> {
        match (&self.source, self.status) {
            (NumberSource::Traced(provenance), NumberStatus::Usable | NumberStatus::Superseded) => {
                provenance.corroboration
            }
            _ => None,
        }
    }

    /// Whether the number comes from a search, and no independent evidence for it is recorded. A response about
    /// the number may then only repeat what that search found.
    pub(crate) const fn is_only_from_a_search(&self) -> bool {
        match &self.source {
            NumberSource::Traced(provenance) => {
                self.corroboration().is_none() && provenance.confirmed_by.is_none()
            }
            NumberSource::Imported(_) => false,
        }
    }

    /// Whether the evidence rule confirmed the number by a response of the Spine itself, and nothing since
    /// contradicts that it is the person's. A superseded number is still confirmed.
    pub(crate) fn is_confirmed(&self) -> bool {
        let NumberSource::Traced(provenance) = &self.source else { return false };
        provenance.freshness == Freshness::Live
            && self.corroboration().is_some_and(|by| by != Corroboration::Successor)
    }

    /// Marks the number as not to be relied upon. Evidence that the service has spoken against is dropped.
    pub(crate) fn mark(&mut self, status: NumberStatus) {
        let before = self.corroboration();
        self.status = status;
        let after = self.corroboration().and(before);
        if let NumberSource::Traced(provenance) = &mut self.source {
            provenance.corroboration = after;
        }
    }

    /// Returns this number, recorded since `since`.
    #[must_use]
    pub const fn with_since(mut self, since: DateTime<Utc>) -> Self {
        self.since = Some(since);
        self
    }

    /// Returns this number, imported or confirmed for `person`.
    #[must_use]
    pub fn with_person(mut self, person: Identity) -> Self {
        self.person = Some(person);
        self
    }

    /// When the Spine itself last confirmed the number, if known.
    pub(crate) fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        match &self.source {
            NumberSource::Traced(provenance) if provenance.freshness == Freshness::Live => {
                Some(provenance.exchange.sent_at)
            }
            _ => None,
        }
    }
}

/// Whether a case's NHS Number may be relied upon.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberStatus {
    /// Nothing is known against it.
    #[default]
    Usable,
    /// It was replaced by a number that is not known, or that another case has (MSCA-DQ-03).
    Superseded,
    /// It is no longer valid (MSCA-DQ-04).
    Invalid,
    /// The service did not confirm it for this person.
    NotVerified,
}

impl NumberStatus {
    /// Whether nothing is known against the number.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        matches!(self, Self::Usable)
    }

    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::Superseded => "superseded",
            Self::Invalid => "invalid",
            Self::NotVerified => "not_verified",
        }
    }
}

/// Where a case's NHS Number comes from.
///
/// The local system's text may contain anything, so `Debug` does not show it; `Display` does.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "most numbers are traced ones")]
pub enum NumberSource {
    /// A trace with a known exchange.
    Traced(Provenance),
    /// The local system, which may say how it got the number, in a text such as `GP letter`.
    Imported(Option<String>),
}

impl NumberSource {
    /// Whether the number was traced on the Spine itself, so that it is not traced again (HAV-3).
    ///
    /// A number from a provider's own copy ([`Freshness::Stale`]) must still be traced. An imported
    /// number counts as traced when the local system names a tracing service, such as `SMSP` or
    /// `DBS`, in any case, although the exchange is not known. `reference/tracing_services.txt`
    /// lists the names.
    ///
    /// ```
    /// use nhs_pds::case::NumberSource;
    ///
    /// assert!(NumberSource::Imported(Some("smsp".into())).is_traced());
    /// assert!(!NumberSource::Imported(Some("GP letter".into())).is_traced());
    /// assert!(!NumberSource::Imported(None).is_traced());
    /// ```
    #[must_use]
    pub fn is_traced(&self) -> bool {
        match self {
            Self::Traced(provenance) => provenance.freshness == Freshness::Live,
            Self::Imported(text) => text.as_deref().is_some_and(is_tracing_service),
        }
    }
}

/// The names that local systems use for tracing services. A data file, because the names describe
/// local systems: no code depends on what a service is.
const TRACING_SERVICES: &str = include_str!("../../reference/tracing_services.txt");

/// Whether this is a local system's name for a tracing service.
fn is_tracing_service(text: &str) -> bool {
    let names = TRACING_SERVICES.lines().filter(|line| !line.starts_with('#'));
    names.map(str::trim).any(|name| !name.is_empty() && name.eq_ignore_ascii_case(text.trim()))
}

impl fmt::Debug for NumberSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traced(provenance) => f.debug_tuple("Traced").field(provenance).finish(),
            Self::Imported(None) => f.write_str("Imported(None)"),
            Self::Imported(Some(_)) => f.write_str("Imported(redacted)"),
        }
    }
}

impl fmt::Display for NumberSource {
    /// Writes the service's name (with ` (stale)` for a provider's copy), or the local system's text;
    /// nothing when there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traced(Provenance { exchange, freshness: Freshness::Live, .. }) => {
                f.write_str(&exchange.service)
            }
            Self::Traced(Provenance { exchange, freshness: Freshness::Stale, .. }) => {
                write!(f, "{} (stale)", exchange.service)
            }
            Self::Imported(text) => f.write_str(text.as_deref().unwrap_or_default()),
        }
    }
}

/// The trace that found a number: the evidence stored on the record (HAV-5).
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Provenance {
    /// Service, operation, message id, time and code.
    pub exchange: Exchange,
    /// Whether the response came from the Spine or from a provider's copy.
    #[serde(with = "freshness")]
    pub freshness: Freshness,
    /// The search strategy that found the person, such as `exact`.
    pub strategy: String,
    /// What agreed besides names, date of birth and gender; `None` when a user decided, and for a
    /// number from before this was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corroboration: Option<Corroboration>,
    /// The user id of the user who confirmed the person; `None` when no confirmation was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// The step of the strategy; `None` for a number from before this was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The probability that the person returned was a different person, when the number was written or
    /// confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// How the fields of the case related to those of the person returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relations: Option<Relations>,
}

impl Provenance {
    /// Creates the provenance of a number returned in `exchange` by the search strategy `strategy`.
    #[must_use]
    pub fn new(exchange: Exchange, freshness: Freshness, strategy: impl Into<String>) -> Self {
        Self {
            exchange,
            freshness,
            strategy: strategy.into(),
            corroboration: None,
            confirmed_by: None,
            step: None,
            risk: None,
            relations: None,
        }
    }

    /// Returns this provenance with the independent evidence.
    #[must_use]
    pub const fn with_corroboration(mut self, corroboration: Corroboration) -> Self {
        self.corroboration = Some(corroboration);
        self
    }

    /// Returns this provenance with the evidence of `candidate`: its step, its relations and its risk.
    #[must_use]
    pub fn with_evidence(mut self, candidate: &Candidate) -> Self {
        self.step = Some(candidate.step.clone());
        self.risk = Some(candidate.risk);
        self.relations = Some(candidate.relations);
        self
    }

    /// Returns this provenance, confirmed by `user`.
    #[must_use]
    pub fn with_confirmed_by(mut self, user: impl Into<String>) -> Self {
        self.confirmed_by = Some(user.into());
        self
    }
}

/// The independent evidence that a number is the person's, when names, date of birth and gender
/// agree. A twin or a namesake may share those fields.
///
/// Contains nothing about the person.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TraceRecord {
    /// When the response was processed.
    pub at: DateTime<Utc>,
    /// The result's stable word, such as `found` or `ambiguous`.
    pub result: String,
    /// What the result leaves open, as a stable word. For a person who was found but left for a
    /// person to decide (HAV-10), the reason, such as `differs:given`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The service's code, when it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The identifier of the request, when a message was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

impl TraceRecord {
    /// Creates the record of a trace processed at `at` with `result`, in `exchange` if there was
    /// one.
    #[must_use]
    pub fn new(at: DateTime<Utc>, result: impl Into<String>, exchange: Option<&Exchange>) -> Self {
        Self {
            at,
            result: result.into(),
            detail: None,
            code: exchange.and_then(|exchange| exchange.code.clone()),
            message_id: exchange.map(|exchange| exchange.message_id.clone()),
        }
    }

    /// Returns this record with what its result leaves open.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Whether a message was sent and rejected by a fault or an HTTP status, not by a code that
    /// blames the data.
    pub(crate) fn is_unexplained_refusal(&self) -> bool {
        // SOAP 1.1 section 4.4.1: no service code begins with any of these.
        const FAULTS: [&str; 5] = ["Client", "Server", "MustUnderstand", "VersionMismatch", "?"];
        self.result == "rejected"
            && self.message_id.is_some()
            && self
                .code
                .as_deref()
                .is_none_or(|code| FAULTS.contains(&code.split('/').next().unwrap_or_default()))
    }
}

/// The stored words for [`Freshness`].
mod freshness {
    use crate::trace::Freshness;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(
        freshness: &Freshness,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match freshness {
            Freshness::Live => "live",
            Freshness::Stale => "stale",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Freshness, D::Error> {
        match &*std::borrow::Cow::<'_, str>::deserialize(deserializer)? {
            "live" => Ok(Freshness::Live),
            "stale" => Ok(Freshness::Stale),
            _ => Err(D::Error::custom("a freshness is live or stale")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(freshness: Freshness) -> NumberSource {
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M1", DateTime::UNIX_EPOCH);
        NumberSource::Traced(Provenance::new(exchange.with_code("SMSP-0000"), freshness, "exact"))
    }

    #[test]
    fn only_a_number_from_the_spine_is_traced() {
        assert!(traced(Freshness::Live).is_traced());
        assert!(!traced(Freshness::Stale).is_traced());
        let all = TRACING_SERVICES.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(all.clone().count(), 3);
        let lower = all.clone().map(str::to_lowercase);
        for text in all.map(str::to_owned).chain(lower).chain([" smsp ".to_owned()]) {
            assert!(NumberSource::Imported(Some(text.clone())).is_traced(), "{text}");
        }
        for text in [
            "",
            "#",
            "PDS",
            "# What local systems call the services that trace people: a number from one of these was traced already",
            "SMSP (stale)",
            "not SMSP",
            "GP letter",
        ] {
            assert!(!NumberSource::Imported(Some(text.into())).is_traced(), "{text}");
        }
    }

    #[test]
    fn a_written_source_means_the_same_when_it_is_imported() {
        for source in [traced(Freshness::Live), traced(Freshness::Stale)] {
            let imported = NumberSource::Imported(Some(source.to_string()));
            assert_eq!(imported.is_traced(), source.is_traced());
        }
    }

    #[test]
    fn the_local_systems_text_is_not_shown() {
        let source = NumberSource::Imported(Some("told by Mrs Quentinsson".into()));
        let recorded = RecordedNumber::new(NhsNumber::constant(9_434_765_919), source);
        assert_eq!(format!("{:?}", recorded.source), "Imported(redacted)");
        assert!(!format!("{recorded:?} {recorded:#?}").contains("Quentinsson"));
        assert_eq!(format!("{:?}", NumberSource::Imported(None)), "Imported(None)");
        assert!(format!("{:?}", traced(Freshness::Live)).contains("SMSP-0000"));
    }

    #[test]
    fn records_are_read_back_with_and_without_a_detail() {
        let record = TraceRecord::new(DateTime::UNIX_EPOCH, "differs", None);
        let json = serde_json::to_string(&record).unwrap();
        assert!(!json.contains("detail"));
        assert_eq!(serde_json::from_str::<TraceRecord>(&json).unwrap(), record);
        let recorded = record.with_detail("differs:given");
        let json = serde_json::to_string(&recorded).unwrap();
        assert_eq!(serde_json::from_str::<TraceRecord>(&json).unwrap(), recorded);
    }

    #[test]
    fn sources_are_read_back() {
        for source in [
            traced(Freshness::Live),
            traced(Freshness::Stale),
            NumberSource::Imported(None),
            NumberSource::Imported(Some("GP letter".into())),
        ] {
            let json = serde_json::to_string(&source).unwrap();
            assert_eq!(serde_json::from_str::<NumberSource>(&json).unwrap(), source);
        }
        let unknown = r#"{"traced":{"exchange":{"service":"a","operation":"b","message_id":"c","sent_at":"1970-01-01T00:00:00Z"},"freshness":"old","strategy":"exact"}}"#;
        assert!(serde_json::from_str::<NumberSource>(unknown).is_err());
    }
}
