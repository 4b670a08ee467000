use crate::demographics::{Demographics, redacted_debug};
use crate::matching::{Relations, Risk, Veto};
use crate::nhs_number::NhsNumber;
use crate::trace::Exchange;
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// A person whom a service returned for a case, and the evidence that it is the person of the case.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Candidate {
    /// The person's NHS Number.
    pub nhs_number: NhsNumber,
    /// What PDS has recorded about the person.
    pub person: Demographics,
    /// How each field of the case relates to that of the person.
    pub relations: Relations,
    /// The probability that this is a different person.
    pub risk: Risk,
    /// Why the number must not be written unattended, whatever the risk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vetoes: Vec<Veto>,
    /// The step of the strategy that found the person.
    pub step: String,
    /// The exchange in which the person was returned.
    pub exchange: Exchange,
    /// Whether the response came from a provider's copy, and not from the Spine itself.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub stale: bool,
    /// Whether the record is restricted.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub restricted: bool,
}

impl Candidate {
    /// Returns the candidate with this number and this evidence, found in a step in an exchange with the Spine.
    #[must_use]
    pub fn new(
        nhs_number: NhsNumber,
        person: Demographics,
        relations: Relations,
        risk: Risk,
        vetoes: Vec<Veto>,
        step: impl Into<String>,
        exchange: Exchange,
    ) -> Self {
        let (stale, restricted) = (false, false);
        let step = step.into();
        Self { nhs_number, person, relations, risk, vetoes, step, exchange, stale, restricted }
    }

    /// Why a person must decide about this candidate, in words: what agrees, what differs, and how likely it
    /// is that this is another person. Contains nothing about the person.
    ///
    /// ```text
    /// the same name and date of birth; the postcode is another one: 1 in 54 that this is a different person
    /// ```
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut said = vec![self.relations.in_words()];
        said.extend(self.vetoes.iter().map(|veto| veto.in_words().to_owned()));
        format!("{}: {}", said.join("; "), self.risk_in_words())
    }

    /// The risk in words. Beside a veto the figure would only reassure, so it is not stated.
    #[must_use]
    pub fn risk_in_words(&self) -> String {
        if self.vetoes.is_empty() {
            format!("{} that this is a different person", self.risk)
        } else {
            "may be a different person".to_owned()
        }
    }
}

redacted_debug!(Candidate);

/// What one question of a strategy has shown about a case.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Heard {
    /// The step of the strategy.
    pub step: String,
    /// The person returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Box<Candidate>>,
    /// Whether several people matched.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub several: bool,
}

impl Heard {
    /// No person matched in this step.
    #[must_use]
    pub const fn none(step: String) -> Self {
        Self { step, candidate: None, several: false }
    }

    /// Several people matched in this step.
    #[must_use]
    pub const fn several(step: String) -> Self {
        Self { step, candidate: None, several: true }
    }

    /// This person was returned in a step.
    #[must_use]
    pub fn person(candidate: Candidate) -> Self {
        Self { step: candidate.step.clone(), candidate: Some(Box::new(candidate)), several: false }
    }
}

redacted_debug!(Heard);
