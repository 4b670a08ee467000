//! An invented register and caseload, with the truth about every case.
//!
//! Everything follows from the seed. NHS Numbers are never issued, telephone numbers are reserved for drama, and
//! e-mail addresses are in a domain for examples.

mod change_name;
mod change_other;
mod change_person;
pub(crate) mod dice;
pub(crate) mod files;
pub(crate) mod household;
pub(crate) mod kind;
pub(crate) mod local;
pub(crate) mod names;
mod neighbours;
pub(crate) mod place;
mod scene;
mod sound;
mod text;

use crate::simulated::{Error, Register};
use dice::{Dice, Weights};
use household::{Maker, Member, THIS_YEAR};
use kind::{Group, Kind, Mix};
use local::{Local, TrueCase};
use scene::Scene;

/// A register and the cases of one council.
pub(crate) struct Population {
    pub(crate) register: Register,
    pub(crate) cases: Vec<TrueCase>,
}

impl Population {
    /// Makes about `people` people and exactly `cases` cases.
    ///
    /// # Errors
    ///
    /// Two people have one number, which a seed does not give.
    pub(crate) fn new(seed: u64, people: usize, cases: usize, mix: Mix) -> Result<Self, Error> {
        let base = Dice::new(seed);
        let mut dice = base.branch(1);
        let mut maker = Maker::new(seed, &mut dice);
        let mut members = Vec::with_capacity(people + people / 8);
        while members.len() < people {
            maker.household(&mut members, &mut dice);
        }
        let mut dice = base.branch(2);
        let weights = Weights::new(Kind::ALL.iter().map(|kind| kind.weight(mix)));
        let mut made: Vec<TrueCase> = Vec::with_capacity(cases);
        for place in 0..cases {
            let kind = Kind::ALL.get(weights.draw(&mut dice)).copied().unwrap_or(Kind::Exact);
            let case = case(place, kind, &mut maker, &mut members, &made, &mut dice);
            made.push(case);
        }
        if mix == Mix::National {
            neighbours::add(&made, &mut maker, &mut members, &mut base.branch(3));
        }
        let mut register = Register::default();
        for member in members {
            register.insert(member.person)?;
        }
        Ok(Self { register, cases: made })
    }
}

/// Makes one case of this kind.
fn case(
    place: usize,
    kind: Kind,
    maker: &mut Maker,
    people: &mut Vec<Member>,
    before: &[TrueCase],
    dice: &mut Dice,
) -> TrueCase {
    let earlier = (kind == Kind::SecondCase).then(|| {
        before.iter().rev().find(|case| case.kind == Kind::Exact).and_then(|case| {
            people.iter().position(|member| Some(member.person.nhs_number) == case.truth)
        })
    });
    let at = earlier.flatten().unwrap_or_else(|| choose(kind, people, dice));
    let mut scene = Scene { maker, people, dice, at, local: Local::default(), truth: None };
    scene.me().taken = true;
    scene.copy();
    match kind.group() {
        Group::Plain => change_person::plain(kind, &mut scene),
        Group::Given => change_name::given(kind, &mut scene),
        Group::Family => change_name::family(kind, &mut scene),
        Group::Birth => change_other::birth(kind, &mut scene),
        Group::Home => change_other::home(kind, &mut scene),
        Group::Gender => change_other::gender(kind, &mut scene),
        Group::Several => change_other::several(kind, &mut scene),
        Group::Record => change_person::record(kind, &mut scene),
        Group::Close => change_person::close(kind, &mut scene),
        Group::Absent => change_person::absent(kind, &mut scene),
        Group::Held => change_person::held(kind, &mut scene),
    }
    let truth = kind.is_findable().then(|| scene.number());
    // Local systems have few details of contact.
    if scene.dice.chance(0.5) {
        scene.local.telephone.clear();
    }
    if scene.dice.chance(0.7) {
        scene.local.email.clear();
    }
    TrueCase { id: format!("case-{place:06}"), kind, truth, local: scene.local }
}

/// A person who is in no other case. Old and young people are clients more often.
fn choose(kind: Kind, people: &[Member], dice: &mut Dice) -> usize {
    let mut at = 0;
    for tries in 0..10_000 {
        at = dice.below(people.len());
        let Some(member) = people.get(at) else { continue };
        let person = &member.person;
        let age = THIS_YEAR - person.birth.year();
        let share = match age {
            70.. => 1.0,
            18.. => 0.35,
            _ => 0.6,
        };
        let is_usual = !member.taken
            && person.death.is_none()
            && person.sensitivity == crate::simulated::Sensitivity::None
            && person.superseded_by.is_none();
        // A twin, a sibling and a parent of another case must stay as they are.
        let fits = match kind {
            Kind::ExactTwin | Kind::TwinMoved | Kind::HeldTwin if tries < 2_000 => {
                member.twin.is_some()
            }
            Kind::ExactParent | Kind::HeldParent if tries < 2_000 => member.name_parent.is_some(),
            Kind::SiblingBirth | Kind::HeldSibling if tries < 2_000 => member.sibling.is_some(),
            _ => true,
        };
        if is_usual && fits && dice.chance(share) {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_seed_gives_the_same_people_and_cases() {
        let (one, other) = (
            Population::new(5, 2_000, 200, Mix::Stress).unwrap(),
            Population::new(5, 2_000, 200, Mix::Stress).unwrap(),
        );
        let rows = |population: &Population| {
            let mut bytes = Vec::new();
            population.write_caseload(&mut bytes).unwrap();
            bytes
        };
        assert_eq!(rows(&one), rows(&other));
        assert_ne!(rows(&one), rows(&Population::new(6, 2_000, 200, Mix::Stress).unwrap()));
    }

    #[test]
    fn every_kind_has_its_truth_in_the_register() {
        let population = Population::new(7, 4_000, 3_000, Mix::Stress).unwrap();
        let register = &population.register;
        let kinds: HashSet<Kind> = population.cases.iter().map(|case| case.kind).collect();
        assert_eq!(kinds.len(), Kind::ALL.len());
        for case in &population.cases {
            let word = case.kind.as_str();
            assert_eq!(case.truth.is_some(), case.kind.is_findable(), "{word}");
            let Some(truth) = case.truth else { continue };
            assert!(truth.is_synthetic());
            let person = register.get(truth).unwrap();
            assert!(person.superseded_by.is_none(), "{word}");
            if case.kind == Kind::Exact {
                assert_eq!(case.local.family, person.family);
                assert_eq!(case.local.birth, person.birth.to_string());
            }
            if case.kind == Kind::HeldRight {
                assert_eq!(case.local.number, case.truth);
            }
            if matches!(case.kind, Kind::HeldTwin | Kind::HeldNamesake | Kind::HeldParent) {
                assert_ne!(case.local.number, case.truth);
                assert!(register.get(case.local.number.unwrap()).is_some());
            }
        }
    }

    #[test]
    fn absent_people_are_not_in_the_register() {
        let population = Population::new(8, 4_000, 2_000, Mix::Stress).unwrap();
        let register = &population.register;
        for case in population.cases.iter().filter(|case| case.truth.is_none()) {
            let local = &case.local;
            let planted = matches!(
                case.kind,
                Kind::AbsentNamesake
                    | Kind::AbsentNamesakeNear
                    | Kind::AbsentNamesakeBare
                    | Kind::AbsentInvalid
            );
            let namesakes = register.iter().filter(|person| {
                person.family == local.family
                    && person.given == local.given
                    && person.birth.to_string() == local.birth
            });
            assert_eq!(namesakes.count() > 0, planted, "{}", case.kind.as_str());
        }
    }
}
