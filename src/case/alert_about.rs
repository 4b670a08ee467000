//! Alerts that are about a case.

use crate::case::alert::{Alert, AlertKind, AlertedPerson};
use crate::case::record::Case;
use chrono::{DateTime, Utc};

impl Alert {
    /// Creates an alert about `case`, with the demographic fields that MSCA-DQ-04 lists.
    #[must_use]
    pub fn about(id: impl Into<String>, kind: AlertKind, at: DateTime<Utc>, case: &Case) -> Self {
        Self {
            case_id: Some(case.id.clone()),
            person: Some(AlertedPerson::of(case)),
            ..Self::new(id, kind, at)
        }
    }
}

impl AlertedPerson {
    fn of(case: &Case) -> Self {
        Self {
            surname: case.surname.clone(),
            forename: case.forename.clone(),
            aliases: case.aliases.clone(),
            date_of_birth: case.date_of_birth,
            gender: case.gender,
            address: case.address.clone(),
            postcode: case.postcode.clone(),
        }
    }
}
