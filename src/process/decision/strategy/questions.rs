//! The questions of a step about a case.

use crate::case::Case;
use crate::demographics::{FullDate, Gender, Postcode};
use crate::process::decision::strategy::parts::Parts;
use crate::process::decision::strategy::steps::{Birth, Family, Given, Home, Sex, Step, When};
use crate::trace::{FindPerson, NameText};

/// How many years around the date of birth [`Birth::Around`] covers.
const YEARS: u8 = 50;

/// How many questions one step may ask about a case.
const MOST: usize = 2;

/// A question of a strategy about a case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::process) struct Asked {
    /// The step's word; a second question of the step has a number.
    pub(in crate::process) step: String,
    pub(in crate::process) when: When,
    pub(in crate::process) find: FindPerson,
}

/// The questions that `steps` may ask about the case, each once. A step that sends what the case does not
/// have asks nothing.
pub(in crate::process) fn questions(steps: &[Step], case: &Case, parts: &Parts) -> Vec<Asked> {
    let mut listed: Vec<Asked> = Vec::new();
    for step in steps {
        let mut count = 0;
        for find in of_step(step, case, parts) {
            if count < MOST && listed.iter().all(|earlier| earlier.find != find) {
                count += 1;
                let name = match count {
                    1 => step.name.to_owned(),
                    _ => format!("{}_{count}", step.name),
                };
                listed.push(Asked { step: name, when: step.when, find });
            }
        }
    }
    listed
}

fn of_step(step: &Step, case: &Case, parts: &Parts) -> Vec<FindPerson> {
    let mut found = Vec::new();
    for gender in genders(step.gender, parts) {
        for family in families(step.family, case, parts) {
            for given in givens(step.given, parts) {
                for (born, years) in births(step.birth, parts) {
                    for postcode in homes(step.home, parts) {
                        let mut find = FindPerson::new(family.clone(), gender, born)
                            .with_breadth(step.breadth)
                            .with_birth_years(years);
                        if let Some(given) = &given {
                            find = find.with_given(given.clone());
                        }
                        if let Some(postcode) = postcode {
                            find = find.with_postcode(postcode);
                        }
                        found.push(find.with_local_identifier(parts.local.clone()));
                    }
                }
            }
        }
    }
    found
}

fn families(family: Family, case: &Case, parts: &Parts) -> Vec<NameText> {
    match family {
        Family::Own => vec![parts.plain_family()],
        Family::Respelt => parts.respelt(),
        Family::Part => parts.family_parts(),
        Family::Former => parts.former_families(case),
        Family::Given => parts.first_given().into_iter().collect(),
    }
}

/// The given names; `None` in the list is a question without one.
fn givens(given: Given, parts: &Parts) -> Vec<Option<NameText>> {
    match given {
        // A case without a given name is still asked about.
        Given::Own => vec![parts.plain_given()],
        Given::First => parts.first_given().map(Some).into_iter().collect(),
        Given::Family => vec![Some(parts.plain_family())],
        Given::None => vec![None],
    }
}

fn births(birth: Birth, parts: &Parts) -> Vec<(FullDate, u8)> {
    match birth {
        Birth::Own => vec![(parts.born, 0)],
        Birth::Swapped => parts.swapped_birth().map(|born| (born, 0)).into_iter().collect(),
        Birth::Around => vec![(parts.born, YEARS)],
    }
}

/// The genders to send, one after the other.
fn genders(gender: Sex, parts: &Parts) -> Vec<Gender> {
    let own = parts.gender.filter(|own| matches!(own, Gender::Female | Gender::Male));
    match (gender, own) {
        (Sex::LeftOut, _) | (Sex::IfKnown, None) => vec![Gender::NotKnown],
        // As the local system has it: a service may know a gender that is not specified.
        (Sex::Own, _) => parts.gender.into_iter().collect(),
        (Sex::Each | Sex::IfKnown, Some(own)) => vec![own],
        (Sex::Each, None) => vec![Gender::Female, Gender::Male],
        (Sex::Other, Some(Gender::Female)) => vec![Gender::Male],
        (Sex::Other, Some(_)) => vec![Gender::Female],
        (Sex::Other, None) => Vec::new(),
    }
}

/// The postcodes; `None` in the list is a question without one.
fn homes(home: Home, parts: &Parts) -> Vec<Option<Postcode>> {
    match home {
        // A case without a postcode is still asked about.
        Home::Own => vec![parts.postcode],
        Home::LeftOut => vec![None],
    }
}
