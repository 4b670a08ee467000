use crate::nhs_number::NhsNumber;
use crate::service::fhir::patient::{Patient, PatientMatch};
use crate::service::fhir::related_person::RelatedPerson;
use crate::trace::{Exchange, Match, Outcome};

/// An answer with its exchange.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Received<T> {
    /// The answer.
    pub answer: T,
    /// The exchange: operation, message identifier, time and references.
    pub exchange: Exchange,
}

impl<T> Received<T> {
    /// `answer`, received in `exchange`.
    #[must_use]
    pub const fn new(answer: T, exchange: Exchange) -> Self {
        Self { answer, exchange }
    }
}

/// The answer to a retrieval by NHS Number.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Retrieval {
    /// The person with this number.
    Found(Box<Patient>),
    /// The number is superseded. This is the record with the new number. Never treat it as if the old
    /// number had been found.
    Superseded(Box<Patient>),
    /// The number is no longer valid, and none replaces it (`INVALIDATED_RESOURCE`).
    Invalidated,
    /// No person has this number (`RESOURCE_NOT_FOUND`).
    None,
}

impl Retrieval {
    /// The same in the crate's own terms; `None` if the identifier of the person found is not an NHS
    /// Number.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        Some(match self {
            Self::Found(patient) => Outcome::Found(Box::new(found(patient)?)),
            Self::Superseded(patient) => Outcome::Superseded {
                by: patient.nhs_number,
                person: Some(Box::new(patient.demographics())),
            },
            Self::Invalidated => Outcome::Invalidated,
            Self::None => Outcome::None,
        })
    }

    /// The patient, if there is one.
    #[must_use]
    pub fn patient(&self) -> Option<&Patient> {
        match self {
            Self::Found(patient) | Self::Superseded(patient) => Some(patient),
            Self::Invalidated | Self::None => None,
        }
    }
}

/// The answer to a request for the people related to a patient.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RelatedPeople {
    /// These people. The list is empty when no related people are recorded, or when the patient's record
    /// is restricted. The service reports "none" as an empty bundle or as 404 `RESOURCE_NOT_FOUND`.
    /// Neither says anything about the patient's number.
    People(Vec<RelatedPerson>),
    /// The patient's number is no longer valid, and none replaces it (`INVALIDATED_RESOURCE`).
    Invalidated,
}

impl RelatedPeople {
    /// The people in the answer.
    #[must_use]
    pub fn people(&self) -> &[RelatedPerson] {
        match self {
            Self::People(people) => people,
            Self::Invalidated => &[],
        }
    }
}

/// The answer to a search.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum SearchResult {
    /// These people, the best match first; empty if no person matches.
    Matches(Vec<PatientMatch>),
    /// More people match than may be returned (`TOO_MANY_MATCHES`). None is returned.
    TooMany,
}

impl SearchResult {
    /// The same in the crate's own terms; `None` if one person was found whose identifier is not an NHS
    /// Number.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        Some(match self {
            Self::TooMany => Outcome::Ambiguous(Vec::new()),
            Self::Matches(matches) => match matches.as_slice() {
                [] => Outcome::None,
                [only] => {
                    let mut found = found(&only.patient)?;
                    found.score = only.score;
                    Outcome::Found(Box::new(found))
                }
                several => {
                    Outcome::Ambiguous(several.iter().map(PatientMatch::candidate).collect())
                }
            },
        })
    }

    /// The matches in the answer.
    #[must_use]
    pub fn matches(&self) -> &[PatientMatch] {
        match self {
            Self::Matches(matches) => matches,
            Self::TooMany => &[],
        }
    }
}

fn found(patient: &Patient) -> Option<Match> {
    let number: NhsNumber = patient.nhs_number?;
    let mut found = Match::new(number).with_person(patient.demographics());
    found.record_version.clone_from(&patient.version);
    found.restriction = patient.restriction;
    Some(found)
}
