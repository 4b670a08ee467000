//! What a case has to send, in every form in which a step may send it.

use crate::case::Case;
use crate::demographics::{FullDate, Gender, Postcode};
use crate::matching::{normalised_name, without_notes};
use crate::trace::{LocalIdentifier, NameText};
use chrono::{Datelike, NaiveDate};

/// The longest name that a further step sends. PDS stores no longer one, and a service may refuse it.
const LONGEST: usize = 35;

/// The criteria of a case that can be queried.
#[derive(Clone, Debug)]
pub(in crate::process) struct Parts {
    pub(in crate::process) family: NameText,
    pub(in crate::process) given: Option<NameText>,
    pub(in crate::process) born: FullDate,
    pub(in crate::process) gender: Option<Gender>,
    pub(in crate::process) postcode: Option<Postcode>,
    pub(in crate::process) local: LocalIdentifier,
}

/// A name of a usable length.
fn name(text: &str) -> Option<NameText> {
    let name: NameText = text.parse().ok()?;
    (name.as_str().chars().count() <= LONGEST).then_some(name)
}

/// Each name once.
fn each(names: impl IntoIterator<Item = Option<NameText>>) -> Vec<NameText> {
    let mut kept: Vec<NameText> = Vec::new();
    for name in names.into_iter().flatten() {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

impl Parts {
    /// The family name without notes in brackets, as in `Smith (née Jones)`.
    pub(super) fn plain_family(&self) -> NameText {
        name(without_notes(self.family.as_str()).trim()).unwrap_or_else(|| self.family.clone())
    }

    /// The given names without notes in brackets.
    pub(super) fn plain_given(&self) -> Option<NameText> {
        let given = self.given.as_ref()?;
        name(without_notes(given.as_str()).trim()).or_else(|| Some(given.clone()))
    }

    /// Other spellings of the family name: without accents and apostrophes, and with its parts joined by
    /// hyphens, by spaces and by nothing.
    pub(super) fn respelt(&self) -> Vec<NameText> {
        let own = self.plain_family();
        let words = normalised_name(own.as_str());
        let joined = |by: &str| name(&words.replace(' ', by));
        let mut spelt = each([joined("-"), joined(" "), joined("")]);
        if own.as_str().contains('\'') {
            spelt.extend(name(&own.as_str().replace('\'', " ")));
        }
        spelt.extend(with_apostrophe(own.as_str()));
        let same =
            |a: &NameText, b: &NameText| a.as_str().to_uppercase() == b.as_str().to_uppercase();
        spelt.retain(|one| !same(one, &own));
        spelt
    }

    /// The parts of a double family name, of three letters or more. The last one comes first: it is the one
    /// that most records have.
    pub(super) fn family_parts(&self) -> Vec<NameText> {
        let own = self.plain_family();
        let words: Vec<&str> = own.as_str().split([' ', '-']).collect();
        if words.len() < 2 {
            return Vec::new();
        }
        let long = |word: &&&str| word.chars().count() > 2;
        each(words.iter().rev().filter(long).map(|word| name(word)))
    }

    /// The given names, one by one: those of the field of the first name, and the others.
    pub(super) fn first_given(&self) -> Option<NameText> {
        let given = self.plain_given()?;
        let first = given.as_str().split(' ').next()?;
        if first.chars().count() < 2 { None } else { name(first) }
    }

    /// The former family names.
    pub(super) fn former_families(&self, case: &Case) -> Vec<NameText> {
        let own = self.plain_family();
        let mut names = each(case.former_surnames.iter().map(|text| name(text)));
        names.retain(|one| *one != own);
        names
    }

    /// The date of birth with day and month exchanged, if that is another date.
    pub(super) fn swapped_birth(&self) -> Option<FullDate> {
        let born = self.born.date();
        let swapped = NaiveDate::from_ymd_opt(born.year(), born.day(), born.month())?;
        FullDate::try_from(swapped).ok().filter(|swapped| *swapped != self.born)
    }
}

/// The name with an apostrophe after a leading `O` or `D`, as in `O'Brien` and `D'Souza`, if names begin so.
fn with_apostrophe(text: &str) -> Option<NameText> {
    let mut letters = text.chars();
    let (initial, rest) = (letters.next()?.to_ascii_uppercase(), letters.as_str());
    let mut next = rest.chars().map(|letter| letter.to_ascii_uppercase());
    let (second, third) = (next.next()?, next.next()?);
    let begins = match initial {
        'O' if "LRST".contains(second) => "AEIOU".contains(third),
        'O' => "BCDFGHKMN".contains(second),
        'D' => "CMS".contains(second),
        _ => false,
    };
    let own = text.chars().next()?;
    begins.then(|| name(&format!("{own}'{rest}")))?
}
