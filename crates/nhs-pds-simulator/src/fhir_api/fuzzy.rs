//! A fuzzy search: who is found, and the score.
//!
//! A person is found by family name, given name and date of birth; or by one of the names, date of birth,
//! gender and postcode. Names are equal here if they sound the same, as sent or swapped, current or former.
//! Every other field only changes the score.
//!
//! A score is a product of one factor for each field. The weights and the similarity of names are fitted to
//! the published scores of the live service, within 0.03. The live formula is not published.

use super::parameters::Query;
use super::search::{Rules, Stage};
use crate::disputed::familiar;
use crate::index::recorded;
use crate::recorded::{RecordedName, compact, names, postcodes};
use crate::sound::{Sound, folded, similarity, sounds};
use crate::{Person, Register};
use chrono::Datelike;
use nhs_pds::demographics::PartialDate;

/// The weights of the fields. If some are not sent, the others keep their proportion.
const FAMILY: f64 = 0.0852;
const GIVEN: f64 = 0.133;
const BIRTH: f64 = 0.695;
const GENDER: f64 = 0.037;
const POSTCODE: f64 = 0.05;
/// A former name or gender, for each field.
const PAST: f64 = 0.825;
/// The similarity of a former postcode.
const PAST_POSTCODE: f64 = 0.5;
/// The part of the similarity of given names that is lost when the further given names differ.
const FURTHER: f64 = 0.1;
/// The similarity of a date of birth of which one part differs.
const NEAR: f64 = 2.0 / 3.0;
/// Given and family name swapped.
const TRANSPOSED: f64 = 0.9;
/// A different date of death or GP practice.
const DIFFERENT: f64 = 0.9;

/// A name of the search.
struct AskedName<'q> {
    text: &'q str,
    sounds: Vec<Sound>,
}

impl AskedName<'_> {
    fn is_like(&self, recorded: &Part<'_>) -> bool {
        recorded.sounds.iter().any(|sound| self.sounds.contains(sound))
    }
}

/// A family name or a given name of a record.
struct Part<'a> {
    form: String,
    sounds: Vec<Sound>,
    is_past: bool,
    /// The given names after it.
    further: Vec<&'a str>,
}

impl<'a> Part<'a> {
    fn new(name: &'a str, is_past: bool, further: &[&'a str]) -> Self {
        let (form, sounds) = (recorded(name), sounds(name));
        Self { form, sounds, is_past, further: further.to_vec() }
    }
}

/// The names of a record.
struct Parts<'a> {
    families: Vec<Part<'a>>,
    given: Vec<Part<'a>>,
}

/// A fuzzy search.
pub(super) struct Fuzzy<'q> {
    query: &'q Query,
    rules: &'q Rules,
    family: Option<AskedName<'q>>,
    given: Vec<AskedName<'q>>,
    /// The sum of the weights of the fields that were sent.
    total: f64,
}

impl<'q> Fuzzy<'q> {
    pub(super) fn new(query: &'q Query, rules: &'q Rules) -> Self {
        let compared = if rules.disputed.any_given_name { query.given.len() } else { 1 };
        let given = query.given.iter().take(compared).map(|given| {
            let text = given.as_str();
            let mut heard = sounds(text);
            if rules.disputed.familiar_forms {
                heard.extend(familiar(&folded(text)).flat_map(sounds));
            }
            AskedName { text, sounds: heard }
        });
        let weight = |weight: f64, is_sent: bool| if is_sent { weight } else { 0.0 };
        let total = BIRTH
            + weight(FAMILY, query.family.is_some())
            + weight(GIVEN, !query.given.is_empty())
            + weight(GENDER, query.gender.is_some())
            + weight(POSTCODE, query.postcode.is_some());
        let family = query.family.as_ref().map(|family| {
            let text = family.as_str();
            AskedName { text, sounds: sounds(text) }
        });
        Self { query, rules, family, given: given.collect(), total }
    }

    /// Returns every person whom this search can find, and some whom it cannot.
    pub(super) fn candidates<'a>(
        &self,
        register: &'a Register,
    ) -> impl Iterator<Item = &'a Person> + use<'a> {
        let family = self.family.as_ref().map(|name| name.sounds.as_slice());
        let given: Vec<Sound> =
            self.given.iter().flat_map(|name| name.sounds.iter().cloned()).collect();
        let both = family.filter(|_| !given.is_empty()).map(|family| [family, &given]);
        let postcode = self.query.gender.and(self.query.postcode.as_ref());
        register.sounding(both, postcode.map(crate::pattern::Pattern::as_str))
    }

    /// The stage that finds `person`, and the score; `None` when the search does not find them.
    pub(super) fn score(&self, person: &Person) -> Option<(f64, Stage)> {
        let query = self.query;
        let birth = self.birth(person.birth)?;
        let withheld = person.sensitivity.is_restricted()
            && (query.postcode.is_some() || query.practice.is_some());
        if withheld || self.is_excluded(person) {
            return None;
        }
        let (gender, postcode) = (self.gender(person), self.postcode(person));
        let lives_there = query.gender.is_some() && gender > 0.0 && postcode > 0.0;
        let by_postcode = lives_there && query.postcode.is_some();
        let parts = self.parts(person);
        let (families, given): (Vec<&Part<'_>>, Vec<&Part<'_>>) =
            (parts.families.iter().collect(), parts.given.iter().collect());
        let family_like = |parts: &[&Part<'_>]| {
            self.family.as_ref().map(|name| parts.iter().any(|part| name.is_like(part)))
        };
        let given_like = |parts: &[&Part<'_>]| {
            let is_sent = !self.given.is_empty();
            is_sent
                .then(|| self.given.iter().any(|name| parts.iter().any(|part| name.is_like(part))))
        };
        let straight = [family_like(&families), given_like(&given)];
        let swapped = [family_like(&given), given_like(&families)];
        let all = |pair: [Option<bool>; 2]| pair == [Some(true); 2];
        let any = |pair: [Option<bool>; 2]| pair.contains(&Some(true));
        let stage = if all(straight) || all(swapped) {
            Stage::Names
        } else if by_postcode && (any(straight) || any(swapped)) {
            Stage::Postcode
        } else {
            return None;
        };
        let mut name = self.names(&families, &given);
        if all(swapped) || (any(swapped) && !any(straight)) {
            name = name.max(self.names(&given, &families) * TRANSPOSED);
        }
        let gender = if gender < 1.0 && gender > 0.0 { PAST } else { self.field(GENDER, gender) };
        let product = name
            * self.field(BIRTH, birth)
            * query.gender.map_or(1.0, |_| gender)
            * query.postcode.as_ref().map_or(1.0, |_| self.field(POSTCODE, postcode))
            * self.soft(person);
        Some(((product * 10_000.0).round() / 10_000.0, stage))
    }

    /// The factor of a field.
    fn field(&self, weight: f64, similarity: f64) -> f64 {
        1.0 - weight / self.total * (1.0 - similarity)
    }

    fn birth(&self, recorded: PartialDate) -> Option<f64> {
        if self.query.birth.contains(recorded) {
            return Some(1.0);
        }
        let asked = self.query.birth.day().filter(|_| self.rules.disputed.near_birth)?;
        let recorded = recorded.full()?.date();
        let equal = [
            asked.year() == recorded.year(),
            asked.month() == recorded.month(),
            asked.day() == recorded.day(),
        ];
        let is_swapped = asked.month() == recorded.day() && asked.day() == recorded.month();
        let near = equal.into_iter().filter(|&part| part).count() == 2
            || (equal.first() == Some(&true) && is_swapped);
        near.then_some(NEAR)
    }

    /// Returns whether a field excludes `person`, whatever the names are.
    fn is_excluded(&self, person: &Person) -> bool {
        let disputed = self.rules.disputed;
        let email = self.query.email.as_deref().filter(|_| disputed.email_excludes);
        let has = |email: &str| {
            person.telecoms.iter().chain(&person.former_telecoms).any(|recorded| {
                let value = recorded.strip_prefix("mailto:");
                value.is_some_and(|value| value.eq_ignore_ascii_case(email))
            })
        };
        let pseudo = self.query.postcode.as_ref().filter(|postcode| {
            disputed.pseudo_postcode_excludes && postcode.as_str().starts_with("zz99")
        });
        email.is_some_and(|email| !has(email)) || (pseudo.is_some() && self.postcode(person) == 0.0)
    }

    /// 1 for the recorded gender, a half for a former one.
    fn gender(&self, person: &Person) -> f64 {
        match self.query.gender {
            Some(asked) if asked == person.gender => 1.0,
            Some(asked) if person.former_genders.contains(&asked) => 0.5,
            _ => 0.0,
        }
    }

    fn postcode(&self, person: &Person) -> f64 {
        let Some(asked) = &self.query.postcode else { return 0.0 };
        postcodes(person, self.rules.today)
            .filter(|(postcode, _)| asked.as_str() == compact(postcode))
            .map(|(_, is_past)| if is_past { PAST_POSTCODE } else { 1.0 })
            .fold(0.0, f64::max)
    }

    /// Fields that only lower the score.
    fn soft(&self, person: &Person) -> f64 {
        let death = self
            .query
            .death
            .is_none_or(|death| person.death.is_some_and(|recorded| death.contains(recorded)));
        let code = self.query.practice.as_ref();
        let practice = code.is_none_or(|code| code.eq_ignore_ascii_case(&person.practice_code));
        [death, practice].into_iter().filter(|fits| !fits).map(|_| DIFFERENT).product()
    }

    fn parts<'a>(&self, person: &'a Person) -> Parts<'a> {
        let mut parts = Parts { families: Vec::new(), given: Vec::new() };
        for RecordedName { family, given, is_past } in names(person, self.rules.today) {
            parts.families.push(Part::new(family, is_past, &[]));
            let compared = if self.rules.disputed.any_given_name { given.len() } else { 1 };
            for (place, name) in given.iter().enumerate().take(compared) {
                let others: Vec<&str> =
                    if place == 0 { given.iter().skip(1).copied().collect() } else { Vec::new() };
                parts.given.push(Part::new(name, is_past, &others));
            }
        }
        parts
    }

    /// The factor of the names, if the record's names are these.
    fn names(&self, families: &[&Part<'_>], given: &[&Part<'_>]) -> f64 {
        let family = self.family.as_ref().map_or(1.0, |asked| {
            let alike = |part: &Part<'_>| similarity(asked.text, &part.form);
            self.name(FAMILY, asked, families, alike)
        });
        let given = self.given.iter().map(|asked| {
            let alike = |part: &Part<'_>| self.given_similarity(asked, part);
            self.name(GIVEN, asked, given, alike)
        });
        family * given.max_by(f64::total_cmp).unwrap_or(1.0)
    }

    /// The factor of one name: of the best recorded name with its sound, or of the best one without it.
    fn name(
        &self,
        weight: f64,
        asked: &AskedName<'_>,
        parts: &[&Part<'_>],
        alike: impl Fn(&Part<'_>) -> f64,
    ) -> f64 {
        let heard = parts
            .iter()
            .filter(|part| asked.is_like(part))
            .map(|part| self.field(weight, alike(part)) * if part.is_past { PAST } else { 1.0 });
        let others = parts.iter().map(|part| self.field(weight, alike(part)));
        heard
            .max_by(f64::total_cmp)
            .or_else(|| others.max_by(f64::total_cmp))
            .unwrap_or_else(|| self.field(weight, 0.0))
    }

    /// A value with several given names is compared with all of the record, and by its first word.
    fn given_similarity(&self, asked: &AskedName<'_>, part: &Part<'_>) -> f64 {
        let further: Vec<String> = part.further.iter().map(|name| recorded(name)).collect();
        let whole = [std::slice::from_ref(&part.form), further.as_slice()].concat().join(" ");
        if asked.text == whole {
            return 1.0;
        }
        let first = asked.text.split(' ').next().unwrap_or_default();
        let sent: Vec<&str> =
            self.query.given.iter().skip(1).map(crate::pattern::Pattern::as_str).collect();
        let lost = if sent == further { 0.0 } else { FURTHER };
        let by_first =
            if first == asked.text { 0.0 } else { similarity(first, &part.form) - FURTHER };
        (similarity(asked.text, &part.form) - lost).max(by_first).max(0.0)
    }
}
