//! Scores how well a record matches a search.
//!
//! A score is a product of one factor for each parameter: 1 where it equals the record's present field, and
//! otherwise a constant below. It is rounded to four decimals. The formula of the live service is not
//! published; only the meaning of 1 is the same in both.

use super::parameters::Query;
use crate::pattern::Pattern;
use crate::{OtherAddressUse, OtherName, Person};
use chrono::NaiveDate;
use nhs_pds::demographics::{PartialDate, name_form};

/// A name or postcode with a wildcard.
const WILDCARD: f64 = 0.95;
/// A former name, postcode, telecom or gender.
const PAST: f64 = 0.9;
/// Fuzzy: a name that only sounds the same.
const HOMOPHONE: f64 = 0.85;
/// Fuzzy: given and family name swapped.
const TRANSPOSED: f64 = 0.8;
/// Fuzzy: a different date of death, GP practice or further given name.
const DIFFERENT: f64 = 0.9;

/// The score of `person`, or `None` when the search does not find them.
pub(super) fn score(person: &Person, query: &Query, today: NaiveDate) -> Option<f64> {
    let withheld = person.sensitivity.is_restricted()
        && (query.postcode.is_some() || query.practice.is_some());
    if withheld || !query.birth.contains(person.birth) {
        return None;
    }
    let death = query
        .death
        .is_none_or(|death| person.death.is_some_and(|recorded| death.contains(recorded)));
    let practice =
        query.practice.as_ref().is_none_or(|code| code.eq_ignore_ascii_case(&person.practice_code));
    let product = soft(death, query.fuzzy)?
        * soft(practice, query.fuzzy)?
        * gender(person, query)?
        * postcode(person, query, today)?
        * names(person, query, today)?
        * telecom(person, query, "tel:", query.phone.as_deref())?
        * telecom(person, query, "mailto:", query.email.as_deref())?;
    Some((product * 10_000.0).round() / 10_000.0)
}

/// A field that only lowers the score of a fuzzy search, and excludes the record in any other search.
fn soft(fits: bool, fuzzy: bool) -> Option<f64> {
    match (fits, fuzzy) {
        (true, _) => Some(1.0),
        (false, true) => Some(DIFFERENT),
        (false, false) => None,
    }
}

/// The best of several scores.
fn best(scores: impl Iterator<Item = f64>) -> Option<f64> {
    scores.max_by(f64::total_cmp)
}

/// A name of a record: family and given names, and the factor for a former name.
struct Name<'a> {
    family: &'a str,
    given: Vec<&'a str>,
    cost: f64,
}

fn names(person: &Person, query: &Query, today: NaiveDate) -> Option<f64> {
    let usual = Name {
        family: &person.family,
        given: [&*person.given, &*person.other_given]
            .into_iter()
            .filter(|name| !name.is_empty())
            .collect(),
        cost: 1.0,
    };
    // Parts that another name lacks are those of the usual name.
    let others = person.other_names.iter().filter_map(|name| {
        let past = is_past(name, today);
        (query.history || !past).then(|| Name {
            family: or(&name.family, &person.family),
            given: vec![or(&name.given, &person.given)],
            cost: if past { PAST } else { 1.0 },
        })
    });
    best(std::iter::once(usual).chain(others).filter_map(|name| {
        let fits = if query.fuzzy { fuzzy(&name, query) } else { plain(&name, query) };
        Some(fits? * name.cost)
    }))
}

fn or<'a>(text: &'a str, usual: &'a str) -> &'a str {
    if text.is_empty() { usual } else { text }
}

fn is_past(name: &OtherName, today: NaiveDate) -> bool {
    name.name_use.is_past() || ended(name.to, today)
}

fn ended(last: Option<PartialDate>, today: NaiveDate) -> bool {
    last.and_then(PartialDate::full).is_some_and(|last| last.date() < today)
}

fn pattern(asked: &Pattern, recorded: &str) -> Option<f64> {
    asked.fits(recorded).then_some(if asked.is_wild() { WILDCARD } else { 1.0 })
}

/// Given names are compared in order. A wildcard is permitted only in the first.
fn plain(name: &Name<'_>, query: &Query) -> Option<f64> {
    let mut score = match &query.family {
        Some(family) => pattern(family, name.family)?,
        None => 1.0,
    };
    for (place, asked) in query.given.iter().enumerate() {
        if place > 0 && asked.is_wild() {
            return None;
        }
        score *= pattern(asked, name.given.get(place)?)?;
    }
    Some(score)
}

/// Names as given or swapped: the better score counts.
fn fuzzy(name: &Name<'_>, query: &Query) -> Option<f64> {
    let first = name.given.first().copied().unwrap_or_default();
    let pair = |family: &str, given: &str| {
        let one = |asked: Option<&Pattern>, recorded: &str| {
            asked.map_or(Some(1.0), |asked| sounds(asked.as_str(), recorded))
        };
        Some(one(query.family.as_ref(), family)? * one(query.given.first(), given)?)
    };
    let straight = pair(name.family, first);
    let transposed = pair(first, name.family).map(|score| score * TRANSPOSED);
    let mut score = best(straight.into_iter().chain(transposed))?;
    for (place, asked) in query.given.iter().enumerate().skip(1) {
        if !name.given.get(place).is_some_and(|recorded| asked.fits(recorded)) {
            score *= DIFFERENT;
        }
    }
    Some(score)
}

fn sounds(asked: &str, recorded: &str) -> Option<f64> {
    if asked == name_form(recorded).to_lowercase() {
        return Some(1.0);
    }
    let asked = soundex(asked)?;
    (Some(asked) == soundex(recorded)).then_some(HOMOPHONE)
}

/// American Soundex of the ASCII letters. `None` without letters.
fn soundex(name: &str) -> Option<[u8; 4]> {
    let digit = |letter: u8| match letter {
        b'B' | b'F' | b'P' | b'V' => b'1',
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => b'2',
        b'D' | b'T' => b'3',
        b'L' => b'4',
        b'M' | b'N' => b'5',
        b'R' => b'6',
        // Equal digits count once across these letters; vowels separate them.
        b'H' | b'W' => b'-',
        _ => b'0',
    };
    let mut letters =
        name.bytes().filter(u8::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase());
    let first = letters.next()?;
    let mut last = digit(first);
    let mut digits = Vec::new();
    for letter in letters {
        let next = digit(letter);
        if next == b'-' {
            continue;
        }
        if next != last && next != b'0' {
            digits.push(next);
        }
        last = next;
    }
    let mut code = [first, b'0', b'0', b'0'];
    for (place, digit) in code.iter_mut().skip(1).zip(digits) {
        *place = digit;
    }
    Some(code)
}

fn gender(person: &Person, query: &Query) -> Option<f64> {
    match query.gender {
        None => Some(1.0),
        Some(asked) if asked == person.gender => Some(1.0),
        Some(asked) => (query.history && person.former_genders.contains(&asked)).then_some(PAST),
    }
}

fn postcode(person: &Person, query: &Query, today: NaiveDate) -> Option<f64> {
    let Some(asked) = &query.postcode else { return Some(1.0) };
    let fits = |recorded: &str| pattern(asked, &recorded.replace(' ', ""));
    let others = person.other_addresses.iter().filter_map(|address| {
        let past = address.address_use == OtherAddressUse::Former || ended(address.to, today);
        let cost = if past { PAST } else { 1.0 };
        (query.history || !past).then(|| fits(&address.postcode).map(|fits| fits * cost))?
    });
    best(fits(&person.postcode).into_iter().chain(others))
}

/// Telephone numbers are compared exactly, e-mail addresses without letter case.
fn telecom(person: &Person, query: &Query, scheme: &str, asked: Option<&str>) -> Option<f64> {
    let Some(asked) = asked else { return Some(1.0) };
    let fits = |recorded: &String| {
        recorded.strip_prefix(scheme).is_some_and(|value| value.eq_ignore_ascii_case(asked))
    };
    if person.telecoms.iter().any(fits) {
        return Some(1.0);
    }
    (query.history && person.former_telecoms.iter().any(fits)).then_some(PAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soundex_as_published() {
        // The examples of the United States National Archives.
        for (name, code) in [
            ("Washington", "W252"),
            ("Lee", "L000"),
            ("Gutierrez", "G362"),
            ("Pfister", "P236"),
            ("Jackson", "J250"),
            ("Tymczak", "T522"),
            ("Ashcraft", "A261"),
            ("Smythe", "S530"),
            ("smith", "S530"),
        ] {
            assert_eq!(soundex(name).unwrap(), code.as_bytes(), "{name}");
        }
        assert_eq!(soundex("'"), None);
    }
}
