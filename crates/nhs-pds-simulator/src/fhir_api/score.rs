//! A search that is not fuzzy: every field that was sent must equal the record's, or match its wildcard.
//!
//! The score is 1 without wildcards, also for former names and homes. The score of a wildcard is that of the
//! published answers of the live service.

use super::parameters::Query;
use super::search::Rules;
use crate::Person;
use crate::pattern::Pattern;
use crate::recorded::{RecordedName, compact, names, postcodes};

/// A name with a wildcard.
const NAME_WILDCARD: f64 = 0.9259;
/// A postcode with a wildcard.
const POSTCODE_WILDCARD: f64 = 0.965;

/// The score of `person`, or `None` when the search does not find them.
pub(super) fn score(person: &Person, query: &Query, rules: &Rules) -> Option<f64> {
    let withheld = person.sensitivity.is_restricted()
        && (query.postcode.is_some() || query.practice.is_some());
    let fits = !withheld
        && query.birth.contains(person.birth)
        && has_postcode(person, query, rules)
        && has_gender(person, query)
        && names(person, rules.today).any(|name| has_name(&name, query))
        && has_telecom(person, query, "tel:", query.phone.as_deref())
        && has_telecom(person, query, "mailto:", query.email.as_deref())
        && query
            .death
            .is_none_or(|death| person.death.is_some_and(|recorded| death.contains(recorded)))
        && query
            .practice
            .as_ref()
            .is_none_or(|code| code.eq_ignore_ascii_case(&person.practice_code));
    fits.then(|| {
        let wild = |pattern: &&Pattern| pattern.is_wild();
        let names = query.family.iter().chain(&query.given).filter(wild).map(|_| NAME_WILDCARD);
        let postcode = query.postcode.iter().filter(wild).map(|_| POSTCODE_WILDCARD);
        let product: f64 = names.chain(postcode).product();
        (product * 10_000.0).round() / 10_000.0
    })
}

/// Given names are compared in order. A wildcard is permitted only in the first.
fn has_name(name: &RecordedName<'_>, query: &Query) -> bool {
    let mut given = query.given.iter().enumerate();
    (query.history || !name.is_past)
        && query.family.as_ref().is_none_or(|family| family.fits(name.family))
        && given.all(|(place, asked)| {
            (place == 0 || !asked.is_wild())
                && name.given.get(place).is_some_and(|recorded| asked.fits(recorded))
        })
}

fn has_gender(person: &Person, query: &Query) -> bool {
    query.gender.is_none_or(|asked| {
        asked == person.gender || (query.history && person.former_genders.contains(&asked))
    })
}

fn has_postcode(person: &Person, query: &Query, rules: &Rules) -> bool {
    let Some(asked) = &query.postcode else { return true };
    let home_alone = !rules.disputed.other_postcodes && !query.history;
    let compared = if home_alone { 1 } else { usize::MAX };
    let home_is_blank = person.postcode.is_empty() && home_alone;
    !home_is_blank
        && postcodes(person, rules.today)
            .take(compared)
            .filter(|(_, is_past)| query.history || !is_past)
            .any(|(postcode, _)| asked.fits_form(&compact(postcode)))
}

/// Telephone numbers are compared exactly, e-mail addresses without letter case.
fn has_telecom(person: &Person, query: &Query, scheme: &str, asked: Option<&str>) -> bool {
    let Some(asked) = asked else { return true };
    let fits = |recorded: &String| {
        recorded.strip_prefix(scheme).is_some_and(|value| value.eq_ignore_ascii_case(asked))
    };
    person.telecoms.iter().any(fits) || (query.history && person.former_telecoms.iter().any(fits))
}
