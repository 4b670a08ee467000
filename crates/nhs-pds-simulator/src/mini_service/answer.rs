//! The responses of the service: the rules of a trace.

use super::parameters::{Number, Query};
use crate::fhir_api::Rules;
use crate::pattern::Pattern;
use crate::recorded::{compact, names, postcodes};
use crate::{Person, Register, Sensitivity};
use nhs_pds::demographics::{PartialDate, Postcode};
use nhs_pds::nhs_number::NhsNumber;
use std::borrow::Cow;

/// The number was replaced.
pub(super) const SUPERSEDED: &str = "DEMOG-0017";

/// This code replaces success, and still comes with the person's data.
const STALE: &str = "SMSP-0003";

/// A response code, and the people of the response.
pub(super) struct Verdict<'a> {
    pub(super) code: Cow<'a, str>,
    /// The person whose data the response has.
    pub(super) subject: Option<&'a Person>,
    /// The people of the request: those that it names and those that it finds.
    pub(super) about: Vec<NhsNumber>,
}

impl Verdict<'_> {
    /// Returns a code without data.
    pub(super) const fn of(code: &'static str) -> Self {
        Self { code: Cow::Borrowed(code), subject: None, about: Vec::new() }
    }
}

/// Answers `query`.
pub(super) fn decide<'a>(register: &'a Register, query: &Query, rules: &Rules) -> Verdict<'a> {
    match query.number {
        Some(Number::Invalid) => Verdict::of("DEMOG-0042"),
        Some(Number::Valid(number)) => by_number(register, query, number),
        None => by_search(register, query, rules),
    }
}

fn by_number<'a>(register: &'a Register, query: &Query, number: NhsNumber) -> Verdict<'a> {
    let mut verdict = match register.get(number) {
        None => Verdict::of("DEMOG-0001"),
        Some(person) => match settled(register, person) {
            Some(verdict) => verdict,
            None if agrees(query, person) => success(person),
            None => Verdict::of("DEMOG-0040"),
        },
    };
    verdict.about = vec![number];
    verdict
}

/// Returns the verdict of a record that is the same for every query, if there is one.
fn settled<'a>(register: &'a Register, person: &'a Person) -> Option<Verdict<'a>> {
    if let Some(code) = person.answer.as_deref().filter(|code| *code != STALE) {
        return Some(Verdict { code: code.into(), ..Verdict::of("") });
    }
    if person.sensitivity == Sensitivity::Invalidated {
        return Some(Verdict::of("DEMOG-0022"));
    }
    person.superseded_by.map(|_| match register.replacement(person) {
        // An invalid number does not replace another number.
        Some(by) if by.sensitivity == Sensitivity::Invalidated => Verdict::of("DEMOG-0022"),
        subject => Verdict { subject, ..Verdict::of(SUPERSEDED) },
    })
}

fn success(person: &Person) -> Verdict<'_> {
    let code = person.answer.as_deref().unwrap_or("SMSP-0000");
    Verdict { code: code.into(), subject: Some(person), about: Vec::new() }
}

/// Returns whether the demographics in the request match the person with the number. Gender and postcode
/// are not part of the operations by number. If a request has them, they are ignored.
fn agrees(query: &Query, person: &Person) -> bool {
    same_birth(query.birth, person.birth)
        && query.family.as_ref().is_none_or(|family| family.fits(&person.family))
        && query.given.as_ref().is_none_or(|given| given.fits(&person.given))
}

fn by_search<'a>(register: &'a Register, query: &Query, rules: &Rules) -> Verdict<'a> {
    let matches = search(register, query, rules);
    let about = matches.iter().map(|person| person.nhs_number).collect();
    // A record and its replacement are one person.
    let standing: Vec<_> = matches
        .iter()
        .filter(|person| {
            register.replacement(person).is_none_or(|replacement| {
                !matches.iter().any(|other| other.nhs_number == replacement.nhs_number)
            })
        })
        .collect();
    let verdict = match standing.as_slice() {
        [] => Verdict::of("DEMOG-0001"),
        [person] => settled(register, person).unwrap_or_else(|| success(person)),
        _ => Verdict::of("DEMOG-0007"),
    };
    Verdict { about, ..verdict }
}

/// Returns every record that `query` finds, also superseded and invalidated ones.
pub(super) fn search<'a>(register: &'a Register, query: &Query, rules: &Rules) -> Vec<&'a Person> {
    let Some(family) = &query.family else { return Vec::new() };
    let adjust = |pattern: &Pattern| {
        let pattern = pattern.clone();
        if rules.disputed.ignore_accents { pattern.ignoring_accents() } else { pattern }
    };
    let (family, given) = (adjust(family), query.given.as_ref().map(adjust));
    let born = query.birth;
    // A record with less of the date does not contradict it.
    let year =
        born.full().is_none().then(|| PartialDate::new(born.year(), None, None).ok()).flatten();
    let born = year.unwrap_or(born)..=born.last_day().into();
    let found = register.candidates(&family, born, query.postcode.as_ref());
    found.filter(|person| fits(person, &family, given.as_ref(), query, rules)).collect()
}

/// Returns whether a search finds `person`.
fn fits(
    person: &Person,
    family: &Pattern,
    given: Option<&Pattern>,
    query: &Query,
    rules: &Rules,
) -> bool {
    let compared = if rules.disputed.former_names_over_smsp { usize::MAX } else { 1 };
    Some(person.gender) == query.gender
        && same_birth(query.birth, person.birth)
        && query.postcode.as_ref().is_none_or(|asked| lives_at(person, asked, rules))
        && names(person, rules.today).take(compared).any(|name| {
            let first = name.given.first().copied().unwrap_or_default();
            family.fits(name.family) && given.is_none_or(|given| given.fits(first))
        })
}

/// Text that is not a postcode never matches.
fn lives_at(person: &Person, asked: &Pattern, rules: &Rules) -> bool {
    let fits = |recorded: &str| {
        recorded.parse::<Postcode>().is_ok() && asked.fits_form(&compact(recorded))
    };
    let others = postcodes(person, rules.today).filter(|(_, is_past)| !is_past);
    fits(&person.postcode)
        || (rules.disputed.other_postcodes && others.map(|(postcode, _)| postcode).any(fits))
}

/// Full dates must be equal. A partial date must not contradict the record.
fn same_birth(asked: PartialDate, recorded: PartialDate) -> bool {
    if asked.full().is_some() { asked == recorded } else { asked.may_be(recorded) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Disputed;
    use crate::drawn::{BIRTHS, FAMILIES, GIVEN, POSTCODES, asked, register};
    use crate::people::one_of;
    use crate::seed::SplitMix64;
    use crate::{NameUse, OtherAddress, OtherAddressUse, OtherName};
    use chrono::NaiveDate;
    use nhs_pds::demographics::Gender;
    use nhs_pds::nhs_number::Synthetic;

    #[test]
    fn the_index_finds_what_a_scan_finds() {
        let mut seed = SplitMix64::new(14);
        let today = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
        let readings = [Disputed::default(), Disputed::finding_most(), Disputed::finding_fewest()];
        let (mut searches, mut found) = (0, 0);
        for _ in 0..200 {
            let register = register(&mut seed);
            for _ in 0..60 {
                let wild = seed.below(2) == 0;
                let text = asked(&FAMILIES, wild, &mut seed);
                let Some(family) = Pattern::new(&text) else { continue };
                let disputed = *one_of(&readings, &mut seed);
                let rules = Rules { today, disputed };
                let adjust = |pattern: Pattern| match disputed.ignore_accents {
                    true => pattern.ignoring_accents(),
                    false => pattern,
                };
                let family = adjust(family);
                let mut draw = |list: &[&str]| {
                    let is_asked = seed.below(3) == 0;
                    let text = asked(list, wild, &mut seed).replace(' ', "");
                    Pattern::new(&text).filter(|_| is_asked)
                };
                let (given, postcode) = (draw(&GIVEN).map(adjust), draw(&POSTCODES));
                let birth = BIRTHS[seed.below(BIRTHS.len() as u64) as usize].parse().unwrap();
                let query = Query {
                    birth,
                    gender: Some(Gender::Male),
                    local: None,
                    number: None,
                    given,
                    family: Some(family.clone()),
                    postcode,
                };
                let of = |people: Vec<&Person>| -> Vec<_> {
                    people.iter().map(|person| person.nhs_number).collect()
                };
                let scanned = register
                    .iter()
                    .filter(|person| fits(person, &family, query.given.as_ref(), &query, &rules));
                let scanned = of(scanned.collect());
                assert_eq!(of(search(&register, &query, &rules)), scanned, "{text} {birth}");
                searches += 1;
                found += usize::from(!scanned.is_empty());
            }
        }
        assert!(searches > 5_000 && found > 1_000, "{searches} searches, {found} with people");
    }

    #[test]
    fn former_names_and_other_addresses_are_switches() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
        let mut numbers = Synthetic::from_seed(14);
        let birth = "1980-02-01".parse().unwrap();
        let mut person = Person::new(numbers.next().unwrap(), "Ainsley", Gender::Female, birth);
        (person.given, person.postcode) = ("Rose".into(), "LS1 6AE".into());
        person.other_names = vec![OtherName::new(NameUse::Maiden, "Bird")];
        let address = |of, postcode| OtherAddress::new(of, Default::default(), postcode);
        person.other_addresses = vec![
            address(OtherAddressUse::Temporary, "YO1 7AA"),
            address(OtherAddressUse::Former, "HU1 1AA"),
        ];
        let mut register = Register::default();
        register.insert(person).unwrap();
        for (family, postcode, [default, most, fewest]) in [
            ("ainsley", "ls16ae", [1, 1, 1]),
            ("bird", "ls16ae", [0, 1, 0]),
            ("ainsley", "yo17aa", [1, 1, 0]),
            ("ainsley", "hu11aa", [0, 0, 0]),
        ] {
            for (disputed, found) in [
                (Disputed::default(), default),
                (Disputed::finding_most(), most),
                (Disputed::finding_fewest(), fewest),
            ] {
                let query = Query {
                    birth,
                    gender: Some(Gender::Female),
                    local: None,
                    number: None,
                    given: Pattern::new("rose"),
                    family: Pattern::new(family),
                    postcode: Pattern::new(postcode),
                };
                let rules = Rules { today, disputed };
                let people = search(&register, &query, &rules).len();
                assert_eq!(people, found, "{family} {postcode} {disputed:?}");
            }
        }
    }
}
