//! Namesakes at the rate of a whole country.
//!
//! A council's register is too small to have the strangers who are mistaken for a client. For each case, this
//! draws the people of the country who were born on the same day, and adds to the register those whose names
//! sound like the case's.

use super::dice::Dice;
use super::household::{Maker, Member};
use super::local::TrueCase;
use super::names::Origin;
use super::sound::soundex;
use nhs_pds::demographics::{Gender, PartialDate};
use std::collections::HashMap;

/// 60 million people, born in 30,000 days.
const BORN_ON_ONE_DAY: usize = 2_000;
/// People from abroad whose record has the 1st of January, in addition.
const FROM_ABROAD: usize = 1_800;

pub(super) fn add(
    cases: &[TrueCase],
    maker: &mut Maker,
    people: &mut Vec<Member>,
    dice: &mut Dice,
) {
    let births: HashMap<_, PartialDate> =
        people.iter().map(|member| (member.person.nhs_number, member.person.birth)).collect();
    for case in cases {
        let recorded = case.truth.and_then(|truth| births.get(&truth)).copied();
        let written =
            case.local.birth.parse::<PartialDate>().ok().filter(|date| date.full().is_some());
        let mut days: Vec<PartialDate> = Vec::new();
        for day in [recorded, written, written.and_then(swapped)].into_iter().flatten() {
            if !days.contains(&day) {
                days.push(day);
            }
        }
        let sounds = |text: &str| -> Vec<u32> {
            let parts = text.split(|letter: char| !letter.is_alphabetic()).map(soundex);
            parts.chain([soundex(text)]).filter(|sound| *sound != 0).collect()
        };
        let (family, given) = (sounds(&case.local.family), sounds(&case.local.given));
        for day in days {
            born(day, &family, &given, maker, people, dice);
        }
    }
}

/// The 3rd of May for the 5th of March.
fn swapped(date: PartialDate) -> Option<PartialDate> {
    PartialDate::new(date.year(), date.day(), date.month()).ok()
}

fn born(
    day: PartialDate,
    family: &[u32],
    given: &[u32],
    maker: &mut Maker,
    people: &mut Vec<Member>,
    dice: &mut Dice,
) {
    let first_of_year = (day.month(), day.day()) == (Some(1), Some(1)) && day.year() < 1985;
    let more = if first_of_year { FROM_ABROAD } else { 0 };
    for place in 0..BORN_ON_ONE_DAY + more {
        let origin = if place < more { Origin::SouthAsian } else { maker.names.origin(dice) };
        let female = dice.chance(0.5);
        let (name, first) = (
            maker.names.family(origin, dice).clone(),
            maker.names.given(female, origin, day.year(), dice).clone(),
        );
        if !family.contains(&name.sound) && !given.contains(&first.sound) {
            continue;
        }
        let home = maker.places.anywhere(dice);
        let mut other = maker.member(&name.text, female, day.year(), origin, &home, dice);
        other.person.birth = day;
        other.person.given = first.text;
        debug_assert!(other.person.gender != Gender::NotKnown);
        people.push(other);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Population;
    use super::super::kind::Mix;

    #[test]
    fn a_common_name_has_namesakes_of_one_day_and_a_rare_one_seldom() {
        let population = Population::new(9, 1_000, 60, Mix::National).unwrap();
        let added = population.register.len();
        assert!(added > 2_000, "{added}");
        let register = &population.register;
        let same_day: usize = population
            .cases
            .iter()
            .filter(|case| !case.local.family.is_empty())
            .filter_map(|case| Some((case, case.local.birth.parse().ok()?)))
            .map(|(case, birth)| register.born(&case.local.family, birth).count())
            .sum();
        // More than the people of the cases themselves: strangers with the surname and birth.
        assert!(same_day > 90, "{same_day}");
    }
}
