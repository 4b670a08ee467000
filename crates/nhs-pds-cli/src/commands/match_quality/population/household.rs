//! Families at one address: couples, children, twins, and children with a parent's name.

use super::dice::{Dice, Weights};
use super::names::{Names, Origin};
use super::place::{Home, Places};
use crate::simulated::{NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Sensitivity};
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::{NhsNumber, Synthetic};

/// The year of the register.
pub(crate) const THIS_YEAR: u16 = 2026;

/// How many people of each age group there are: the first age, the number of ages, and the weight.
const AGES: [(u16, u16, f64); 8] = [
    (18, 12, 15.0),
    (30, 10, 14.0),
    (40, 10, 13.0),
    (50, 10, 14.0),
    (60, 10, 11.0),
    (70, 10, 9.0),
    (80, 10, 4.5),
    (90, 8, 0.8),
];

/// The share of births that are twins, and of children with the name of a parent of their sex.
const TWINS: f64 = 0.015;
const NAMED_AFTER_PARENT: f64 = 0.01;

/// A person of the register, and the people who are easily mistaken for them.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) person: Person,
    pub(crate) home: Home,
    pub(crate) origin: Origin,
    pub(crate) twin: Option<usize>,
    pub(crate) sibling: Option<usize>,
    /// A parent or child with the same name and sex.
    pub(crate) name_parent: Option<usize>,
    /// Whether a case is about this person or needs them.
    pub(crate) taken: bool,
}

impl Member {
    pub(crate) fn is_female(&self) -> bool {
        self.person.gender == Gender::Female
    }
}

/// What a family needs.
pub(crate) struct Maker {
    pub(crate) names: Names,
    pub(crate) places: Places,
    pub(crate) numbers: Synthetic,
    ages: Weights,
}

impl Maker {
    pub(crate) fn new(seed: u64, dice: &mut Dice) -> Self {
        Self {
            names: Names::shipped(),
            places: Places::new(dice),
            numbers: Synthetic::from_seed(seed),
            ages: Weights::new(AGES.iter().map(|(_, _, weight)| *weight)),
        }
    }

    pub(crate) fn number(&mut self) -> NhsNumber {
        #[expect(clippy::expect_used, reason = "a seed has ninety million numbers")]
        self.numbers.next().expect("a number")
    }

    fn adult_born(&self, dice: &mut Dice) -> u16 {
        let (first, count, _) = AGES.get(self.ages.draw(dice)).copied().unwrap_or((40, 10, 1.0));
        THIS_YEAR - first - dice.below(count.into()) as u16
    }

    /// Adds the people of one address.
    pub(crate) fn household(&mut self, people: &mut Vec<Member>, dice: &mut Dice) {
        let home = self.places.next(dice);
        let origin = self.names.origin(dice);
        let family = self.family(origin, dice);
        match dice.below(100) {
            0..32 => {
                let born = self.adult_born(dice);
                let female = dice.chance(0.52);
                let single = self.member(&family, female, born, origin, &home, dice);
                people.push(single);
            }
            32..60 => {
                let born = self.adult_born(dice);
                self.couple(people, &family, born, origin, &home, dice);
            }
            60..95 => {
                let born = THIS_YEAR - 22 - dice.below(29) as u16;
                self.couple(people, &family, born, origin, &home, dice);
                self.children(people, &family, born, origin, &home, dice);
            }
            _ => {
                for _ in 0..2 + dice.below(3) {
                    let (origin, born) = (self.names.origin(dice), self.adult_born(dice));
                    let family = self.family(origin, dice);
                    let female = dice.chance(0.5);
                    let sharer = self.member(&family, female, born, origin, &home, dice);
                    people.push(sharer);
                }
            }
        }
    }

    fn couple(
        &mut self,
        people: &mut Vec<Member>,
        family: &str,
        born: u16,
        origin: Origin,
        home: &Home,
        dice: &mut Dice,
    ) {
        let man = self.member(family, false, born, origin, home, dice);
        let about = born.saturating_add(dice.below(7) as u16).saturating_sub(2).min(THIS_YEAR - 18);
        let maiden = self.family(origin, dice);
        let shares = dice.chance(0.7);
        let name = if shares { family } else { &maiden };
        let mut woman = self.member(name, true, about, origin, home, dice);
        if shares && dice.chance(0.6) {
            woman.person.other_names.push(OtherName::new(NameUse::Former, maiden));
        }
        people.extend([man, woman]);
    }

    fn children(
        &mut self,
        people: &mut Vec<Member>,
        family: &str,
        parents_born: u16,
        origin: Origin,
        home: &Home,
        dice: &mut Dice,
    ) {
        let parents = people.len() - 2;
        let mut year = (parents_born + 20 + dice.below(14) as u16).min(THIS_YEAR - 1);
        let mut before: Option<usize> = None;
        for _ in 0..1 + dice.below(3) {
            if year >= THIS_YEAR {
                break;
            }
            let female = dice.chance(0.487);
            let mut child = self.member(family, female, year, origin, home, dice);
            let names = &self.names;
            // Siblings have different names.
            for _ in 0..20 {
                let given = &child.person.given;
                if !people.iter().skip(parents).any(|other| other.person.given == *given) {
                    break;
                }
                child.person.given.clone_from(&names.given(female, origin, year, dice).text);
            }
            let parent = parents + usize::from(female);
            let at = people.len();
            if dice.chance(NAMED_AFTER_PARENT)
                && let Some(parent) = people.get_mut(parent)
                && parent.person.family == family
            {
                child.person.given.clone_from(&parent.person.given);
                parent.name_parent = Some(at);
                child.name_parent = Some(parents + usize::from(female));
            }
            if let Some(before) = before.and_then(|before| people.get_mut(before)) {
                before.sibling = Some(at);
            }
            child.sibling = before;
            before = Some(at);
            if dice.chance(TWINS) {
                let twin = self.twin(&child, dice);
                child.twin = Some(at + 1);
                people.push(child);
                people.push(Member { twin: Some(at), ..twin });
            } else {
                people.push(child);
            }
            year += 1 + dice.below(5) as u16;
        }
    }

    /// A twin of `first`: the same family name, birth and home, and another given name.
    pub(crate) fn twin(&mut self, first: &Member, dice: &mut Dice) -> Member {
        let female = if dice.chance(0.65) { first.is_female() } else { !first.is_female() };
        let born = first.person.birth.year();
        loop {
            let family = &first.person.family;
            let mut twin = self.member(family, female, born, first.origin, &first.home, dice);
            twin.person.birth = first.person.birth;
            if twin.person.given != first.person.given {
                twin.taken = first.taken;
                return twin;
            }
        }
    }

    /// A surname; one in twenty is a double name.
    pub(crate) fn family(&self, origin: Origin, dice: &mut Dice) -> String {
        let first = self.names.family(origin, dice).text.clone();
        if dice.chance(0.95) {
            return first;
        }
        let second = &self.names.family(origin, dice).text;
        if *second == first { first } else { format!("{first}-{second}") }
    }

    /// A person with this family name, sex and year of birth.
    pub(crate) fn member(
        &mut self,
        family: &str,
        female: bool,
        born: u16,
        origin: Origin,
        home: &Home,
        dice: &mut Dice,
    ) -> Member {
        let gender = if female { Gender::Female } else { Gender::Male };
        let mut person = Person::new(self.number(), family, gender, birth(born, origin, dice));
        person.given.clone_from(&self.names.given(female, origin, born, dice).text);
        if dice.chance(0.6) {
            person.other_given.clone_from(&self.names.given(female, origin, born, dice).text);
        }
        person.address = home.lines.clone();
        person.postcode.clone_from(&home.postcode);
        contact(&mut person, home, dice);
        self.past(&mut person, home, dice);
        Member {
            person,
            home: home.clone(),
            origin,
            twin: None,
            sibling: None,
            name_parent: None,
            taken: false,
        }
    }

    /// Former homes, other names, death and restrictions.
    fn past(&self, person: &mut Person, home: &Home, dice: &mut Dice) {
        for _ in 0..dice.below(3) {
            let former = self.places.moved(home, dice);
            person.other_addresses.push(OtherAddress::new(
                OtherAddressUse::Former,
                former.lines,
                former.postcode,
            ));
        }
        if dice.chance(0.03)
            && let Some(short) = self.names.familiar(&person.given, dice)
        {
            let mut name = OtherName::new(NameUse::Nickname, "");
            name.given = short.to_owned();
            person.other_names.push(name);
        }
        let age = THIS_YEAR - person.birth.year();
        if dice.chance(if age > 75 { 0.12 } else { 0.004 }) {
            let year = THIS_YEAR - 1 - dice.below(3) as u16;
            person.death = (year > person.birth.year()).then(|| day(year, dice));
        }
        match dice.below(1_000) {
            0..8 => person.sensitivity = Sensitivity::Restricted,
            8..11 => person.sensitivity = Sensitivity::Invalidated,
            _ => {}
        }
    }
}

/// A day in `year`. People who came from abroad with an unknown birthday have the 1st of January.
pub(crate) fn birth(year: u16, origin: Origin, dice: &mut Dice) -> PartialDate {
    let from_abroad = origin == Origin::SouthAsian && year < 1985;
    if dice.chance(if from_abroad { 0.04 } else { 0.001 }) {
        return date(year, 1, 1);
    }
    day(year, dice)
}

pub(crate) fn day(year: u16, dice: &mut Dice) -> PartialDate {
    let month = 1 + dice.below(12) as u8;
    let days = match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    date(year, month, 1 + dice.below(days) as u8)
}

/// A day that the calendar has.
pub(crate) fn date(year: u16, month: u8, day: u8) -> PartialDate {
    #[expect(clippy::expect_used, reason = "the callers count the days of each month")]
    PartialDate::new(year, Some(month), Some(day)).expect("a date")
}

/// Telephone numbers that are reserved for drama, addresses in domains for examples, and a GP practice.
fn contact(person: &mut Person, home: &Home, dice: &mut Dice) {
    if dice.chance(0.5) {
        person.telecoms.push(format!("tel:{}", home.landline));
    }
    // Few, because only a thousand mobile numbers are reserved, and chance agreement must be rare.
    if dice.chance(0.25) {
        person.telecoms.push(format!("tel:07700900{:03}", dice.below(1_000)));
    }
    if dice.chance(0.35) {
        let name: String =
            person.given.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
        person.telecoms.push(format!("mailto:{name}.{:05}@example.com", dice.below(100_000)));
    }
    person.practice_code = format!("Z99{:03}", 1 + dice.below(40));
}
