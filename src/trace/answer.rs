use crate::demographics::Demographics;
use crate::nhs_number::NhsNumber;
use crate::secret::Secret;
use crate::text::ValueError;
use crate::trace::criteria::LocalIdentifier;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A service's answer, and the exchange in which it was received.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The result.
    pub outcome: Outcome,
    /// The request and response that produced the answer.
    pub exchange: Exchange,
}

impl Answer {
    /// Returns the answer with this outcome and exchange.
    #[must_use]
    pub const fn new(outcome: Outcome, exchange: Exchange) -> Self {
        Self { outcome, exchange }
    }
}

/// Identifies the request behind an answer, for a number's provenance and for the audit trail.
///
/// Contains no personal data.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Exchange {
    /// The service, such as `SMSP`.
    pub service: String,
    /// The service's name for the operation.
    pub operation: String,
    /// The identifier of the request.
    pub message_id: String,
    /// When the request was sent.
    pub sent_at: DateTime<Utc>,
    /// The service's code for its answer, such as `SMSP-0000`, when it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Other references by which the service can find the request, under the service's names for
    /// them: the session, the organisation, an identifier that several messages share. Written to
    /// the audit trail.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, String>,
}

impl Exchange {
    /// Returns an exchange without a response code.
    #[must_use]
    pub fn new(
        service: impl Into<String>,
        operation: impl Into<String>,
        message_id: impl Into<String>,
        sent_at: DateTime<Utc>,
    ) -> Self {
        Self {
            service: service.into(),
            operation: operation.into(),
            message_id: message_id.into(),
            sent_at,
            code: None,
            references: BTreeMap::new(),
        }
    }

    /// Adds a reference.
    #[must_use]
    pub fn with_reference(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.references.insert(name.into(), value.into());
        self
    }

    /// Sets the response code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

/// The result of a question that the service answered. None of these is an error.
///
/// `Serialize` writes an object with `result`, the word of [`as_str`](Self::as_str), and `details`, which have the
/// person's data.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "result", content = "details", rename_all = "snake_case")]
pub enum Outcome {
    /// One person matches, or the number was verified (SMSP-0000, and SMSP-0003 with data).
    Found(Box<Match>),
    /// No person matches (DEMOG-0001).
    None,
    /// More than one person matches (DEMOG-0007). An unattended caller must not choose one of them.
    Ambiguous(Vec<Candidate>),
    /// The number has been replaced (DEMOG-0017). Do not use it as if it had been found.
    Superseded {
        /// The number that replaces it. `None` when the service did not return it: trace the person
        /// to find it.
        by: Option<NhsNumber>,
        /// What PDS has recorded under the new number, if the service returned it.
        person: Option<Box<Demographics>>,
    },
    /// The number is no longer valid, and no number replaces it (DEMOG-0022).
    Invalidated,
    /// The number is in use, but the demographics do not match its person (DEMOG-0040).
    NotVerified,
}

impl Outcome {
    /// Returns a stable word for reports and metrics: `found`, `none`, `ambiguous`, `superseded`,
    /// `invalidated` or `not_verified`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::None => "none",
            Self::Ambiguous(_) => "ambiguous",
            Self::Superseded { .. } => "superseded",
            Self::Invalidated => "invalidated",
            Self::NotVerified => "not_verified",
        }
    }
}

/// The one matching person.
#[non_exhaustive]
#[derive(Clone, PartialEq, Serialize)]
pub struct Match {
    /// The person's NHS Number.
    pub nhs_number: NhsNumber,
    /// What PDS has recorded about the person. `None` from operations that return no demographics.
    pub person: Option<Demographics>,
    /// The caller's own identifier, if the service repeated it.
    pub local_identifier: Option<LocalIdentifier>,
    /// Whether the answer comes from the Spine or from a provider's copy.
    pub freshness: Freshness,
    /// How well the person matches, from services that return a score.
    pub score: Option<Score>,
    /// The version of the record, from services that have versions.
    pub record_version: Option<String>,
    /// Whether the service withholds parts of the record.
    pub restriction: Restriction,
}

impl Match {
    /// Returns a live match that has only a number.
    #[must_use]
    pub const fn new(nhs_number: NhsNumber) -> Self {
        Self {
            nhs_number,
            person: None,
            local_identifier: None,
            freshness: Freshness::Live,
            score: None,
            record_version: None,
            restriction: Restriction::NotStated,
        }
    }

    /// Sets the person's demographics.
    #[must_use]
    pub fn with_person(mut self, person: Demographics) -> Self {
        self.person = Some(person);
        self
    }

    /// Whether PDS records the person as deceased. `None` when the service returned no
    /// demographics.
    #[must_use]
    pub fn is_deceased(&self) -> Option<bool> {
        self.person.as_ref().map(Demographics::is_deceased)
    }
}

impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The version is free text from the service, so it may contain personal data.
        f.debug_struct("Match")
            .field("nhs_number", &self.nhs_number)
            .field("person", &self.person)
            .field("local_identifier", &self.local_identifier)
            .field("freshness", &self.freshness)
            .field("score", &self.score)
            .field(
                "record_version",
                &self.record_version.as_ref().map(|_| format_args!("redacted")),
            )
            .field("restriction", &self.restriction)
            .finish()
    }
}

/// Whether an answer comes from the Spine itself.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// From the Spine, now.
    Live,
    /// From a provider's own copy, because the Spine could not be reached (SMSP-0003). Usable, but
    /// trace the person again later.
    Stale,
}

/// Whether parts of a record are withheld to protect the person.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Restriction {
    /// The service does not say. SMSP never does: a record without address, telecom and GP practice
    /// may be restricted, or may have none.
    NotStated,
    /// Nothing is withheld.
    Unrestricted,
    /// The address, telecoms and GP practice are withheld.
    Restricted,
    /// The name and date of birth are withheld too.
    VeryRestricted,
}

/// One of several matching people, from services that list them.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The person's identifier as the service sent it. It may not be a valid NHS Number.
    #[serde(serialize_with = "exposed")]
    pub id: Secret<String>,
    /// The identifier as an NHS Number, if it is valid.
    pub nhs_number: Option<NhsNumber>,
    /// What PDS has recorded about the person.
    pub person: Option<Demographics>,
    /// How well the person matches, from services that return a score.
    pub score: Option<Score>,
}

fn exposed<S: Serializer>(id: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.expose())
}

impl Candidate {
    /// Returns a candidate that has only an identifier.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self { nhs_number: id.parse().ok(), id: Secret::new(id), person: None, score: None }
    }
}

/// How well a person matches a question: 0 (no match) to 1 (exact match).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
pub struct Score(f64);

impl Score {
    /// Creates a score.
    ///
    /// # Errors
    ///
    /// Returns [`ValueError`] when `score` is not between 0 and 1.
    pub fn new(score: f64) -> Result<Self, ValueError> {
        if (0.0..=1.0).contains(&score) { Ok(Self(score)) } else { Err(INVALID) }
    }

    /// Returns the score, 0 to 1.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }
}

const INVALID: ValueError = ValueError::new("the score is not between 0 and 1");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::PersonName;
    use serde_json::{json, to_value};

    #[test]
    fn an_answer_as_json() {
        let exchange = Exchange::new("SMSP", "getPatientDetails", "M-1", DateTime::UNIX_EPOCH);
        let sent = json!({
            "service": "SMSP", "operation": "getPatientDetails", "message_id": "M-1",
            "sent_at": "1970-01-01T00:00:00Z",
        });
        let name = Some(PersonName::new("Zoë", "Aindow"));
        let person = Demographics { name, ..Demographics::default() };
        let mut found = Match::new(NhsNumber::constant(9_990_000_018)).with_person(person.clone());
        found.local_identifier = Some(LocalIdentifier::new("1.2", "RHM:00001").unwrap());
        found.score = Some(Score::new(0.75).unwrap());
        let answer = Answer::new(Outcome::Found(Box::new(found)), exchange.clone());
        let expected = json!({
            "outcome": {
                "result": "found",
                "details": {
                    "nhs_number": "9990000018",
                    "person": person,
                    "local_identifier": { "root": "1.2", "extension": "RHM:00001" },
                    "freshness": "live",
                    "score": 0.75,
                    "record_version": null,
                    "restriction": "not_stated",
                },
            },
            "exchange": sent,
        });
        assert_eq!(to_value(&answer).unwrap(), expected);
        assert!(expected.to_string().contains("Aindow"), "it has the person's data");

        let none = Answer::new(Outcome::None, exchange);
        let expected = json!({ "outcome": { "result": "none" }, "exchange": sent });
        assert_eq!(to_value(&none).unwrap(), expected);
    }

    #[test]
    fn an_outcome_has_its_word_as_json() {
        let number = Some(NhsNumber::constant(9_990_000_018));
        for outcome in [
            Outcome::Found(Box::new(Match::new(NhsNumber::constant(9_990_000_018)))),
            Outcome::None,
            Outcome::Ambiguous(vec![Candidate::new("9990000018")]),
            Outcome::Superseded { by: number, person: None },
            Outcome::Invalidated,
            Outcome::NotVerified,
        ] {
            assert_eq!(to_value(&outcome).unwrap()["result"], outcome.as_str());
        }
        let candidates = to_value(Outcome::Ambiguous(vec![Candidate::new("no number")])).unwrap();
        let expected =
            json!([{ "id": "no number", "nhs_number": null, "person": null, "score": null }]);
        assert_eq!(candidates["details"], expected);
        let superseded = to_value(Outcome::Superseded { by: number, person: None }).unwrap();
        assert_eq!(superseded["details"], json!({ "by": "9990000018", "person": null }));
    }
}
