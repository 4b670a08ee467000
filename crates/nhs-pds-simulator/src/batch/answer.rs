//! Traces the person of one row: cross-check, alphanumeric trace, algorithmic trace.

use super::check::Asked;
use super::own_answer::{Own, own};
use crate::fhir_api::{Rules, fuzzy_search};
use crate::mini_service::{Searched, search};
use crate::pattern::Pattern;
use crate::recorded::compact;
use crate::sound::similarity;
use crate::{Person, Register, Sensitivity, index};
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::NhsNumber;
use std::borrow::Cow;
use url::form_urlencoded::Serializer;

/// The content of `MATCHED_NHS_NO`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Matched {
    Number(NhsNumber),
    /// `0000000000`
    NoMatch,
    /// `9999999999`
    Several,
    Blank,
}

/// The answer to a row.
#[derive(Clone)]
pub(super) struct Answer<'a> {
    pub(super) code: Cow<'static, str>,
    /// The person whose data the row has.
    pub(super) person: Option<&'a Person>,
    pub(super) matched: Matched,
    /// The content of `MATCHED_ALGORITHM_INDICATOR`; blank if nothing was traced.
    pub(super) algorithm: &'static str,
    /// Per cent.
    pub(super) confidence: Option<f64>,
    /// Per cent: family name, given name, date of birth, gender, postcode. Only of an algorithmic trace.
    pub(super) scores: Option<[f64; 5]>,
}

impl<'a> Answer<'a> {
    /// A row that was not traced.
    pub(super) const fn untraced(code: Cow<'static, str>) -> Self {
        Self {
            code,
            person: None,
            matched: Matched::Blank,
            algorithm: "",
            confidence: None,
            scores: None,
        }
    }

    const fn no_match(code: &'static str) -> Self {
        let code = Cow::Borrowed(code);
        let (matched, confidence) = (Matched::NoMatch, Some(0.0));
        Self { code, person: None, matched, algorithm: "0", confidence, scores: None }
    }

    const fn several(code: &'static str, algorithm: &'static str) -> Self {
        let code = Cow::Borrowed(code);
        let (matched, confidence) = (Matched::Several, Some(0.0));
        Self { code, person: None, matched, algorithm, confidence, scores: None }
    }

    const fn found(person: &'a Person, algorithm: &'static str) -> Self {
        let code = if person.sensitivity.is_restricted() { "92" } else { "00" };
        Self {
            code: Cow::Borrowed(code),
            person: Some(person),
            matched: Matched::Number(person.nhs_number),
            algorithm,
            confidence: Some(100.0),
            scores: None,
        }
    }
}

/// The traces of one file.
pub(super) struct Tracing<'a> {
    pub(super) register: &'a Register,
    pub(super) rules: Rules,
    pub(super) algorithmic: bool,
}

impl<'a> Tracing<'a> {
    pub(super) fn answer(&self, asked: &Asked) -> Answer<'a> {
        let is_searchable = asked.family.is_some() && asked.gender.is_some();
        let Some(birth) = asked.birth.filter(|_| asked.has_number || is_searchable) else {
            return Answer::untraced("16".into());
        };
        if let Some(number) = asked.number
            && let Some(answer) = self.cross_check(number, birth)
        {
            return answer;
        }
        if let (Some(family), Some(gender)) = (asked.family.clone(), asked.gender) {
            let (given, postcode) = (asked.given.clone(), asked.postcode.clone());
            return self.by_fields(&Searched { birth, gender, family, given, postcode });
        }
        Answer::no_match("98")
    }

    /// `None`, if the number is not confirmed.
    fn cross_check(&self, number: NhsNumber, birth: PartialDate) -> Option<Answer<'a>> {
        let person = self.register.get(number)?;
        match person.answer.as_deref().map(own) {
            Some(Own::NoPerson) => return None,
            Some(Own::Invalidated) => return Some(Answer::no_match("91")),
            Some(Own::Code(code)) => return Some(Answer::untraced(code.into())),
            Some(Own::True | Own::Several) | None => {}
        }
        if person.sensitivity == Sensitivity::Invalidated {
            return Some(Answer::no_match("91"));
        }
        if person.superseded_by.is_some() {
            let by = self.register.replacement(person);
            // A number that was replaced by none, or by an invalid one, is invalid.
            let by = by.filter(|by| by.sensitivity != Sensitivity::Invalidated);
            return Some(by.map_or(Answer::no_match("91"), |by| Answer {
                code: "90".into(),
                ..Answer::found(by, "1")
            }));
        }
        (person.birth == birth).then(|| Answer::found(person, "1"))
    }

    fn by_fields(&self, fields: &Searched) -> Answer<'a> {
        let found = search(self.register, fields, &self.rules).into_iter();
        let current: Vec<&Person> = found.filter(|person| is_current(person)).collect();
        match current.as_slice() {
            [] if self.algorithmic => self.algorithmically(fields),
            [] => Answer::no_match("98"),
            [person] => by_search(Answer::found(person, "3"), person),
            _ => Answer::several("96", "3"),
        }
    }

    fn algorithmically(&self, fields: &Searched) -> Answer<'a> {
        let hits = fuzzy_search(self.register, &parameters(fields), &self.rules);
        match hits.as_slice() {
            [] => Answer::no_match("98"),
            [(person, score)] => {
                let found = Answer {
                    confidence: Some(score * 100.0),
                    scores: Some(scores(person, fields)),
                    ..Answer::found(person, "4")
                };
                by_search(found, person)
            }
            _ => Answer::several("97", "4"),
        }
    }
}

/// The answer of a search that finds only this person.
fn by_search<'a>(found: Answer<'a>, person: &Person) -> Answer<'a> {
    match person.answer.as_deref().map(own) {
        Some(Own::NoPerson | Own::Invalidated) => Answer::no_match("98"),
        Some(Own::Several) => Answer::several("97", found.algorithm),
        Some(Own::Code(code)) => Answer::untraced(code.into()),
        Some(Own::True) | None => found,
    }
}

/// Whether a search shows the record.
fn is_current(person: &Person) -> bool {
    person.superseded_by.is_none() && person.sensitivity != Sensitivity::Invalidated
}

/// The parameters of the fuzzy search with these fields.
fn parameters(fields: &Searched) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("_fuzzy-match", "true");
    query.append_pair("family", fields.family.as_str());
    if let Some(given) = &fields.given {
        query.append_pair("given", given.as_str());
    }
    let gender = match fields.gender {
        Gender::Male => "male",
        Gender::Female => "female",
        Gender::NotSpecified => "other",
        _ => "unknown",
    };
    query.append_pair("gender", gender);
    if let Some(birth) = fields.birth.full() {
        query.append_pair("birthdate", &birth.date().to_string());
    }
    if let Some(postcode) = &fields.postcode {
        query.append_pair("address-postalcode", postcode.as_str());
    }
    query.finish()
}

/// How much of each field is the same, in per cent.
fn scores(person: &Person, fields: &Searched) -> [f64; 5] {
    let name = |asked: &Pattern, recorded: &str| {
        (similarity(asked.as_str(), &index::recorded(recorded)) * 100.0).max(0.0)
    };
    let equal = |is_equal: bool| if is_equal { 100.0 } else { 0.0 };
    [
        name(&fields.family, &person.family),
        fields.given.as_ref().map_or(0.0, |given| name(given, &person.given)),
        equal(fields.birth == person.birth),
        equal(fields.gender == person.gender),
        equal(
            fields
                .postcode
                .as_ref()
                .is_some_and(|asked| asked.as_str() == compact(&person.postcode)),
        ),
    ]
}
