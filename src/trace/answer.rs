use crate::demographics::Demographics;
use crate::nhs_number::NhsNumber;
use crate::secret::Secret;
use crate::trace::LocalIdentifier;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A service's answer, and the exchange that brought it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the service answered.
    pub outcome: Outcome,
    /// Where the answer comes from.
    pub exchange: Exchange,
}

impl Answer {
    /// `outcome`, brought by `exchange`.
    #[must_use]
    pub const fn new(outcome: Outcome, exchange: Exchange) -> Self {
        Self { outcome, exchange }
    }
}

/// Where an answer comes from: what a number's provenance and the audit trail keep.
///
/// Holds nothing about a person.
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
    /// What else the request can be traced by at the service, by the service's names for it: the
    /// session, the organisation, an identifier that several messages share. Goes into the audit trail.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, String>,
}

impl Exchange {
    /// An exchange that has brought no code yet.
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

    /// The same exchange, with one more reference.
    #[must_use]
    pub fn with_reference(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.references.insert(name.into(), value.into());
        self
    }

    /// The same exchange, with the code it brought.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

/// What a service answered. None of these is an error.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// One person matches, or the number was verified (SMSP-0000, and SMSP-0003 with data).
    Found(Box<Match>),
    /// Nobody matches (DEMOG-0001).
    None,
    /// More than one person matches (DEMOG-0007). Nothing may be chosen from this unattended.
    Ambiguous(Vec<Candidate>),
    /// The number has been replaced (DEMOG-0017). It must not be used as if it had been found.
    Superseded {
        /// The number that replaces it; `None` when it was not told, and has to be asked for.
        by: Option<NhsNumber>,
        /// What is held under the new number, when it was returned.
        person: Option<Box<Demographics>>,
    },
    /// The number is no longer valid, and none replaces it (DEMOG-0022).
    Invalidated,
    /// The number is in use, but not by a person with these particulars (DEMOG-0040).
    NotVerified,
}

impl Outcome {
    /// A stable word for reports and metrics: `found`, `none`, `ambiguous`, `superseded`,
    /// `invalidated` or `not_verified`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
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

/// The one person who matches.
#[non_exhaustive]
#[derive(Clone, PartialEq)]
pub struct Match {
    /// The person's NHS Number.
    pub nhs_number: NhsNumber,
    /// What is held about them; `None` from operations that return no particulars.
    pub person: Option<Demographics>,
    /// The caller's own identifier, when the service repeated it.
    pub local_identifier: Option<LocalIdentifier>,
    /// Whether the answer comes from the Spine or from a provider's copy.
    pub freshness: Freshness,
    /// How well the person matches, from services that tell.
    pub score: Option<Score>,
    /// The version of the record, from services that have versions.
    pub record_version: Option<String>,
    /// Whether parts of the record are withheld.
    pub restriction: Restriction,
}

impl Match {
    /// A live match of which only the number is known.
    #[must_use]
    pub const fn new(nhs_number: NhsNumber) -> Self {
        Self {
            nhs_number,
            person: None,
            local_identifier: None,
            freshness: Freshness::Live,
            score: None,
            record_version: None,
            restriction: Restriction::NotTold,
        }
    }

    /// The same match, with the person's particulars.
    #[must_use]
    pub fn with_person(mut self, person: Demographics) -> Self {
        self.person = Some(person);
        self
    }

    /// Whether PDS says that the person has died; `None` when no particulars were returned.
    #[must_use]
    pub fn is_deceased(&self) -> Option<bool> {
        self.person.as_ref().map(Demographics::is_deceased)
    }
}

impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A version is whatever the service writes in its place.
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
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Freshness {
    /// From the Spine, now.
    Live,
    /// From a provider's own copy, while the Spine could not be reached (SMSP-0003). Usable, but to
    /// be asked again.
    Stale,
}

/// Whether parts of a record are withheld to protect the person.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Restriction {
    /// The service does not say. SMSP never does: a record may come without address, telecom and GP
    /// practice because they are withheld or because none are held.
    NotTold,
    /// Nothing is withheld.
    Unrestricted,
    /// Where the person lives, how they are reached and who treats them are withheld.
    Restricted,
    /// The name and the date of birth are withheld as well.
    VeryRestricted,
}

/// One of several people who match, from services that name them.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The person's identifier as the service sent it, which need not be a valid NHS Number.
    pub id: Secret<String>,
    /// The identifier as an NHS Number, when it is one.
    pub nhs_number: Option<NhsNumber>,
    /// What is held about them.
    pub person: Option<Demographics>,
    /// How well they match, from services that tell.
    pub score: Option<Score>,
}

impl Candidate {
    /// A candidate of whom only the identifier is known.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self { nhs_number: id.parse().ok(), id: Secret::new(id), person: None, score: None }
    }
}

/// How well a person matches a question: 0 (not at all) to 1 (exactly).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Score(f64);

impl Score {
    /// A score.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when `score` is not between 0 and 1.
    pub fn new(score: f64) -> Result<Self, ScoreError> {
        if (0.0..=1.0).contains(&score) { Ok(Self(score)) } else { Err(ScoreError) }
    }

    /// The score, 0 to 1.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }
}

/// The score does not lie between 0 and 1. Report a defect at the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a score lies between 0 and 1")]
pub struct ScoreError;
