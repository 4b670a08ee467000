use crate::demographics::Gender;
use crate::matching::local_record::LocalRecord;
use crate::matching::names::key::name_key;
use crate::matching::normalise::normalised_name;
use std::collections::HashMap;

/// A name that fewer people of a caseload have is not counted. A person and their family must not
/// make their own name common.
const LEAST: u32 = 10;

/// How many people of a caseload have each name.
#[derive(Default)]
pub(super) struct CaseloadNames {
    families: Counts,
    /// First given names: female, male, and of any gender.
    given: [Counts; 3],
}

#[derive(Default)]
struct Counts {
    people: u32,
    names: HashMap<String, u32>,
}

impl CaseloadNames {
    /// Counts one person.
    pub(super) fn add(&mut self, person: &LocalRecord) {
        if let Some(family) = &person.surname {
            self.families.add(name_key(family));
        }
        let Some(given) = &person.forename else { return };
        let form = normalised_name(given);
        let first = name_key(form.split(' ').next().unwrap_or_default());
        let [female, male, any] = &mut self.given;
        match person.gender {
            Some(Gender::Female) => female.add(first.clone()),
            Some(Gender::Male) => male.add(first.clone()),
            _ => {}
        }
        any.add(first);
    }

    /// The share of people with this surname.
    pub(super) fn family_share(&self, key: &str) -> f64 {
        self.families.share(key)
    }

    /// The share of people of this sex with this first given name.
    pub(super) fn given_share(&self, key: &str, gender: Option<Gender>) -> f64 {
        let [female, male, any] = &self.given;
        match gender {
            Some(Gender::Female) => female.share(key),
            Some(Gender::Male) => male.share(key),
            _ => [female, male, any].map(|names| names.share(key)).into_iter().fold(0.0, f64::max),
        }
    }
}

impl Counts {
    fn add(&mut self, key: String) {
        if !key.is_empty() {
            self.people = self.people.saturating_add(1);
            let count = self.names.entry(key).or_default();
            *count = count.saturating_add(1);
        }
    }

    fn share(&self, key: &str) -> f64 {
        match self.names.get(key) {
            Some(&count) if count >= LEAST => f64::from(count) / f64::from(self.people),
            _ => 0.0,
        }
    }
}
