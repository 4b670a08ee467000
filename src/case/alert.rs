use crate::case::id::CaseId;
use crate::demographics::{Gender, PartialDate, redacted_debug};
use crate::nhs_number::NhsNumber;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A notification for the back office, to be processed once (MSCA-DQ-01, DQ-03, DQ-04).
///
/// It stays on its case until it has been delivered, so that it is not lost when the process ends
/// in between. If it is delivered twice, both deliveries have the same [`id`](Self::id). It
/// identifies a person, so `Debug` shows nothing of it.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Alert {
    /// The same for every delivery of one alert, and different for every other alert.
    pub id: String,
    /// What happened.
    pub kind: AlertKind,
    /// The time of the decision.
    pub at: DateTime<Utc>,
    /// The case; `None` when the alert is about the service and not about a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<CaseId>,
    /// The other cases concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<CaseId>,
    /// The number that two cases have, that was replaced, or whose person has died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<NhsNumber>,
    /// The number that replaces `nhs_number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_nhs_number: Option<NhsNumber>,
    /// A number that must not be used: it is no longer valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_nhs_number: Option<NhsNumber>,
    /// Who the person is, according to the local system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<AlertedPerson>,
    /// The service's code, when it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Alert {
    /// Creates an alert about the service.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: AlertKind, at: DateTime<Utc>) -> Self {
        Self {
            id: id.into(),
            kind,
            at,
            case_id: None,
            others: Vec::new(),
            nhs_number: None,
            new_nhs_number: None,
            invalid_nhs_number: None,
            person: None,
            code: None,
        }
    }
}

/// The person that an alert is about, as recorded in the local system (MSCA-DQ-04).
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct AlertedPerson {
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// First given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forename: Option<String>,
    /// Other names of the person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Date of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<PartialDate>,
    /// Administrative gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// The usual address.
    pub address: [String; 5],
    /// Its postcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
}

redacted_debug!(Alert, AlertedPerson);

/// The kind of an alert.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Two cases have one number (MSCA-DQ-01).
    Duplicate,
    /// A number was replaced (MSCA-DQ-03).
    Superseded,
    /// A number is no longer valid (MSCA-DQ-04).
    Invalidated,
    /// A person has died.
    Deceased,
    /// The service's responses cannot be read.
    Defect,
    /// The service rejects our configuration. No case is traced until it is fixed.
    Configuration,
}

impl AlertKind {
    /// A stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Invalidated => "invalidated",
            Self::Deceased => "deceased",
            Self::Defect => "defect",
            Self::Configuration => "configuration",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
