//! A case as the local system has it, with the truth.

use super::household::Member;
use super::kind::Kind;
use super::place::Home;
use crate::simulated::Person;
use nhs_pds::demographics::Gender;
use nhs_pds::nhs_number::NhsNumber;

/// The fields of a caseload's row.
#[derive(Clone, Default)]
pub(crate) struct Local {
    pub(crate) given: String,
    pub(crate) other_given: String,
    pub(crate) family: String,
    pub(crate) former_families: Vec<String>,
    /// An ISO date, or a part of it.
    pub(crate) birth: String,
    pub(crate) gender: Option<Gender>,
    pub(crate) lines: [String; 5],
    pub(crate) postcode: String,
    pub(crate) former_postcodes: Vec<String>,
    pub(crate) telephone: String,
    pub(crate) email: String,
    pub(crate) number: Option<NhsNumber>,
}

/// A case, its kind, and the number of the person it is about. An absent person has no number.
#[derive(Clone)]
pub(crate) struct TrueCase {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) truth: Option<NhsNumber>,
    pub(crate) local: Local,
}

impl Local {
    /// Everything as on PDS.
    pub(crate) fn of(member: &Member) -> Self {
        let person = &member.person;
        let mut local = Self {
            given: person.given.clone(),
            family: person.family.clone(),
            birth: person.birth.to_string(),
            gender: Some(person.gender),
            telephone: telecom(person, "tel:").replace("tel:", ""),
            email: telecom(person, "mailto:").replace("mailto:", ""),
            ..Self::default()
        };
        local.live_at(&member.home);
        local
    }

    pub(crate) fn live_at(&mut self, home: &Home) {
        self.lines.clone_from(&home.lines);
        self.postcode.clone_from(&home.postcode);
    }
}

fn telecom<'a>(person: &'a Person, scheme: &str) -> &'a str {
    person.telecoms.iter().find(|telecom| telecom.starts_with(scheme)).map_or("", String::as_str)
}
