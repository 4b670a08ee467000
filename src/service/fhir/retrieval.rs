use crate::nhs_number::NhsNumber;
use crate::service::fhir::{Patient, PatientMatch, RelatedPerson};
use crate::trace::{Exchange, Match, Outcome};

/// What a call brought, and the exchange that brought it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Received<T> {
    /// What was answered.
    pub answer: T,
    /// The exchange: operation, message identifier, time and references.
    pub exchange: Exchange,
}

impl<T> Received<T> {
    /// `answer`, brought by `exchange`.
    #[must_use]
    pub const fn new(answer: T, exchange: Exchange) -> Self {
        Self { answer, exchange }
    }
}

/// What is held under an NHS Number.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Retrieval {
    /// The person whose number it is.
    Found(Box<Patient>),
    /// The number has been replaced: this is what is held under the new one. It must not be used as if
    /// the old one had been found.
    Superseded(Box<Patient>),
    /// The number is no longer valid, and none replaces it (`INVALIDATED_RESOURCE`).
    Invalidated,
    /// Nobody has this number (`RESOURCE_NOT_FOUND`).
    None,
}

impl Retrieval {
    /// The same in the crate's own terms; `None` when somebody was found whose identifier is no NHS
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

/// Who is related to a patient.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RelatedPeople {
    /// These people. The list is empty when the service knows of none, or when the patient's record is
    /// restricted. The service reports "none" as an empty bundle or as 404 `RESOURCE_NOT_FOUND`; neither says
    /// anything about the patient's number.
    People(Vec<RelatedPerson>),
    /// The patient's number is no longer valid, and none replaces it (`INVALIDATED_RESOURCE`).
    Invalidated,
}

impl RelatedPeople {
    /// The people that were returned.
    #[must_use]
    pub fn people(&self) -> &[RelatedPerson] {
        match self {
            Self::People(people) => people,
            Self::Invalidated => &[],
        }
    }
}

/// Who matches a search.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum SearchResult {
    /// These people, the best match first; nobody, if there are none.
    Matches(Vec<PatientMatch>),
    /// More people than may be returned (`TOO_MANY_MATCHES`); none is.
    TooMany,
}

impl SearchResult {
    /// The same in the crate's own terms; `None` when one person was found whose identifier is no NHS
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

    /// The matches that were returned.
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
