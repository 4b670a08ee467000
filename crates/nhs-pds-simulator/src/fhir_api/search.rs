//! Finds the records of a search.

use super::access::Mode;
use super::fuzzy::Fuzzy;
use super::parameters::{Query, Sent};
use super::score::score;
use crate::{Disputed, Person, Register, Sensitivity};
use chrono::NaiveDate;

/// What decides a search beside its parameters.
pub(crate) struct Rules {
    pub(crate) today: NaiveDate,
    pub(crate) disputed: Disputed,
}

/// The part of a fuzzy search that finds a record. Other searches have one part.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Stage {
    /// Family name, given name and date of birth.
    Names,
    /// One of the names, date of birth, gender and postcode.
    Postcode,
}

/// A record that matches, with its score.
pub(super) struct Hit<'a> {
    pub(super) person: &'a Person,
    pub(super) score: f64,
    pub(super) stage: Stage,
}

/// Returns every record that matches, including records that no response shows. The best score is first;
/// equal scores are in the order of the register.
pub(super) fn find<'a>(register: &'a Register, query: &Query, rules: &Rules) -> Vec<Hit<'a>> {
    if query.fuzzy {
        return rank(Fuzzy::new(query, rules).candidates(register), query, rules);
    }
    let Some(family) = &query.family else { return Vec::new() };
    let born = query.birth.recorded();
    rank(register.candidates(family, born, query.postcode.as_ref()), query, rules)
}

/// Returns every record that a fuzzy search by these parameters shows, with its score. None, if the service would
/// refuse the search.
pub(crate) fn fuzzy_search<'a>(
    register: &'a Register,
    parameters: &str,
    rules: &Rules,
) -> Vec<(&'a Person, f64)> {
    let Ok(query) = Sent::new(parameters).read(&Mode::HealthcareWorker(Vec::new())) else {
        return Vec::new();
    };
    let hits = find(register, &query.under(rules.disputed), rules).into_iter();
    hits.filter(|hit| is_shown(hit.person)).map(|hit| (hit.person, hit.score)).collect()
}

/// Returns the matches among `people`, who are in the order of the register.
fn rank<'a>(
    people: impl Iterator<Item = &'a Person>,
    query: &Query,
    rules: &Rules,
) -> Vec<Hit<'a>> {
    let fuzzy = query.fuzzy.then(|| Fuzzy::new(query, rules));
    let scored = people.filter_map(|person| {
        let (score, stage) = match &fuzzy {
            Some(fuzzy) => fuzzy.score(person)?,
            None => (score(person, query, rules)?, Stage::Names),
        };
        Some(Hit { person, score, stage })
    });
    let mut hits: Vec<Hit<'a>> = scored.filter(|hit| !query.exact || hit.score >= 1.0).collect();
    hits.sort_by(|one, other| other.score.total_cmp(&one.score));
    hits
}

/// Returns whether responses show this record. Superseded and invalidated records are never shown.
pub(super) fn is_shown(person: &Person) -> bool {
    person.superseded_by.is_none() && person.sensitivity != Sensitivity::Invalidated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawn::{BIRTHS, FAMILIES, GIVEN, POSTCODES, asked, register};
    use crate::people::one_of;
    use crate::seed::SplitMix64;
    use url::form_urlencoded::Serializer;

    /// The query string of a search, with any of the parameters.
    fn drawn(seed: &mut SplitMix64) -> String {
        let fuzzy = seed.below(3) == 0;
        let mut query = Serializer::new(String::new());
        let mut add = |name: &str, value: &str| {
            query.append_pair(name, value);
        };
        let mut wild = || !fuzzy && seed.below(3) == 0;
        let (family_is_wild, given_is_wild, postcode_is_wild) = (wild(), wild(), wild());
        if seed.below(8) > 0 {
            add("family", &asked(&FAMILIES, family_is_wild, seed));
        }
        if seed.below(3) > 0 {
            add("given", &asked(&GIVEN, given_is_wild, seed));
        }
        if seed.below(2) == 0 {
            add("gender", if seed.below(2) == 0 { "male" } else { "unknown" });
        }
        let full: Vec<&str> = BIRTHS.into_iter().filter(|birth| birth.len() == 10).collect();
        let day = full[seed.below(full.len() as u64) as usize];
        match seed.below(4) {
            0 => add("birthdate", &format!("ge{day}")),
            1 => {
                add("birthdate", "ge1900-01-01");
                add("birthdate", &format!("le{day}"));
            }
            _ => add("birthdate", day),
        }
        if seed.below(2) == 0 {
            add("address-postalcode", &asked(&POSTCODES, postcode_is_wild, seed));
        }
        if seed.below(6) == 0 {
            add("phone", "01632960587");
        }
        if fuzzy {
            add("_fuzzy-match", "true");
        }
        if seed.below(2) == 0 {
            add("_history", "true");
        }
        query.finish()
    }

    #[test]
    fn the_index_finds_what_a_scan_finds() {
        let mut seed = SplitMix64::new(14);
        let today = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
        let readings = [Disputed::default(), Disputed::finding_most(), Disputed::finding_fewest()];
        let (mut searches, mut found) = (0, 0);
        for _ in 0..200 {
            let register = register(&mut seed);
            for _ in 0..60 {
                let text = drawn(&mut seed);
                let worker = Mode::HealthcareWorker(Vec::new());
                let Ok(query) = Sent::new(&text).read(&worker) else { continue };
                let disputed = *one_of(&readings, &mut seed);
                let rules = Rules { today, disputed };
                let query = query.under(disputed);
                let of = |hits: Vec<Hit<'_>>| -> Vec<_> {
                    hits.iter().map(|hit| (hit.person.nhs_number, hit.score)).collect()
                };
                let scanned = of(rank(register.iter(), &query, &rules));
                assert_eq!(of(find(&register, &query, &rules)), scanned, "{text}");
                searches += 1;
                found += usize::from(!scanned.is_empty());
            }
        }
        assert!(searches > 5_000 && found > 1_000, "{searches} searches, {found} with people");
    }
}
