//! Invented people, the cases about them, and what the service knows.

use crate::random::Random;
use crate::shape::Shape;
use nhs_pds::case::{Allocation, Case, CaseId, NumberSource, RecordType, RecordedNumber};
use nhs_pds::demographics::{Demographics, Gender, PersonName, Recorded};
use nhs_pds::nhs_number::{NhsNumber, Synthetic};
use nhs_pds::trace::{Freshness, Match, Outcome};
use std::collections::BTreeMap;

/// What the service says about a case, each time that it answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Says {
    Found,
    FoundInACopy,
    FoundDead,
    Superseded,
    SupersededUnknown,
    Invalidated,
    NotVerified,
    NoMatch,
    Several,
    /// It is always too busy for this case.
    Nothing,
    /// It always refuses this case.
    Refused,
}

#[derive(Clone, Debug)]
pub(crate) struct Truth {
    /// The answer to a search.
    pub(crate) searched: Says,
    /// The answer to a question with a number.
    pub(crate) verified: Says,
    pub(crate) number: NhsNumber,
    pub(crate) person: Demographics,
}

/// The cases at the beginning, and the truth about each.
#[derive(Clone, Debug)]
pub(crate) struct People {
    pub(crate) cases: Vec<Case>,
    pub(crate) truth: BTreeMap<CaseId, Truth>,
}

const NAMES: [(&str, &str, &str, Gender); 6] = [
    ("AINDOW", "COMFORT", "1943-05-19", Gender::Female),
    ("BRISCOE", "HAROLD", "1951-11-02", Gender::Male),
    ("CULLIMORE", "EDITH", "1938-01-27", Gender::Female),
    ("DUNNICLIFF", "OSWALD", "1960-08-14", Gender::Male),
    ("ELVIDGE", "MURIEL", "1947-03-30", Gender::Female),
    ("FAIRCLOUGH", "WILFRED", "1955-12-09", Gender::Male),
];

impl People {
    pub(crate) fn of(shape: &Shape, random: &mut Random) -> Self {
        let (mut cases, mut truth) = (Vec::new(), BTreeMap::new());
        for place in 0..shape.cases {
            let id: CaseId = format!("c{place:02}").parse().unwrap();
            // Few numbers: several cases are of one person.
            let who = if shape.shared { random.below(shape.cases.div_ceil(3)) } else { place };
            let name = NAMES[usize::try_from(who).unwrap() % NAMES.len()];
            let number = number(who);
            let imported = random.chance(400).then(|| {
                if random.chance(700) { number } else { self::number(100 + random.below(3)) }
            });
            let (searched, verified) = (searched(random), verified(random));
            cases.push(case(id.clone(), name, imported));
            truth.insert(id, Truth { searched, verified, number, person: person(name) });
        }
        Self { cases, truth }
    }
}

/// A number in the range that is never issued.
pub(crate) fn number(place: u64) -> NhsNumber {
    Synthetic::from_seed(7).nth(usize::try_from(place).unwrap()).unwrap()
}

/// A person other than that of the case.
pub(crate) fn stranger(truth: &Truth) -> Demographics {
    let people = NAMES.iter().map(|name| person(*name));
    people.into_iter().find(|other| *other != truth.person).unwrap()
}

fn person((family, given, born, gender): (&str, &str, &str, Gender)) -> Demographics {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new(given, family));
    person.date_of_birth = Recorded::read(born);
    person.gender = Recorded::Known(gender);
    person
}

fn case(
    id: CaseId,
    (family, given, born, gender): (&str, &str, &str, Gender),
    imported: Option<NhsNumber>,
) -> Case {
    let mut case = Case::new(id, RecordType::AdultCase);
    (case.surname, case.forename) = (Some(family.to_owned()), Some(given.to_owned()));
    case.postcode = Some("KT17 1NA".to_owned());
    (case.date_of_birth, case.gender) = (Some(born.parse().unwrap()), Some(gender));
    case.allocations = vec![Allocation::new("A Worker")];
    let source = NumberSource::Imported(Some("GP letter".to_owned()));
    case.nhs_number = imported.map(|number| RecordedNumber::new(number, source));
    case
}

fn searched(random: &mut Random) -> Says {
    match random.below(20) {
        0..=9 => Says::Found,
        10 => Says::FoundInACopy,
        11 => Says::FoundDead,
        12 => Says::Superseded,
        13 => Says::Invalidated,
        14 => Says::NotVerified,
        15 => Says::NoMatch,
        16 => Says::Several,
        17 => Says::Refused,
        _ => Says::Nothing,
    }
}

fn verified(random: &mut Random) -> Says {
    match random.below(16) {
        0..=4 => Says::Found,
        5 => Says::FoundInACopy,
        6 => Says::FoundDead,
        7 => Says::Superseded,
        8 => Says::SupersededUnknown,
        9 | 10 => Says::Invalidated,
        11 | 12 => Says::NotVerified,
        13 | 14 => Says::NoMatch,
        _ => Says::Nothing,
    }
}

impl Truth {
    /// What the service says about the person, who is asked for by `number` or searched for; `None`
    /// where it says nothing.
    pub(crate) fn outcome(&self, asked: Option<NhsNumber>) -> Option<Outcome> {
        let says = if asked.is_some() { self.verified } else { self.searched };
        let mut person = self.person.clone();
        if says == Says::FoundDead {
            person.date_of_death = Recorded::read("2026-11-01");
        }
        let mut found = Match::new(asked.unwrap_or(self.number)).with_person(person);
        if says == Says::FoundInACopy {
            found.freshness = Freshness::Stale;
        }
        Some(match says {
            Says::Found | Says::FoundInACopy | Says::FoundDead => Outcome::Found(Box::new(found)),
            Says::Superseded => Outcome::Superseded {
                by: Some(self.number),
                person: Some(Box::new(self.person.clone())),
            },
            Says::SupersededUnknown => Outcome::Superseded { by: None, person: None },
            Says::Invalidated => Outcome::Invalidated,
            Says::NotVerified => Outcome::NotVerified,
            Says::NoMatch => Outcome::None,
            Says::Several => Outcome::Ambiguous(Vec::new()),
            Says::Nothing | Says::Refused => return None,
        })
    }
}
