//! Finds the records of a search.

use super::parameters::Query;
use super::score::score;
use crate::pattern::Pattern;
use crate::{Person, Register, Sensitivity};
use chrono::NaiveDate;
use nhs_pds::demographics::{FullDate, PartialDate};

/// A record that matches, with its score.
pub(super) struct Hit<'a> {
    pub(super) person: &'a Person,
    pub(super) score: f64,
}

/// Returns every record that matches, including records that no response shows. The best score is first;
/// equal scores are in the order of the register.
pub(super) fn find<'a>(register: &'a Register, query: &Query, today: NaiveDate) -> Vec<Hit<'a>> {
    let mut hits: Vec<Hit<'a>> = candidates(register, query)
        .filter_map(|person| Some(Hit { person, score: score(person, query, today)? }))
        .filter(|hit| !query.exact || hit.score >= 1.0)
        .collect();
    hits.sort_by(|one, other| other.score.total_cmp(&one.score));
    hits
}

/// Returns whether responses show this record. Superseded and invalidated records are never shown.
pub(super) fn is_shown(person: &Person) -> bool {
    person.superseded_by.is_none() && person.sensitivity != Sensitivity::Invalidated
}

fn candidates<'q, 'a: 'q>(
    register: &'a Register,
    query: &'q Query,
) -> Box<dyn Iterator<Item = &'a Person> + 'q> {
    let plain = |family: &&Pattern| !family.is_wild() && !query.history;
    let indexed = query.family.as_ref().filter(plain).filter(|_| !register.has_other_names());
    let day = query.birth.day().and_then(|day| FullDate::try_from(day).ok());
    if let (Some(family), Some(day)) = (indexed, day) {
        return Box::new(register.born(family.as_str(), PartialDate::from(day)));
    }
    Box::new(query.birth.years().flat_map(|year| register.born_in(year)))
}
