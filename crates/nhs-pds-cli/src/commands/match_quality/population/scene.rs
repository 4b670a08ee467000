//! One case while it is made, and the register around it.

use super::dice::Dice;
use super::household::{Maker, Member};
use super::local::Local;
use super::place::Home;
use crate::simulated::{NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Sensitivity};
use nhs_pds::demographics::PartialDate;
use nhs_pds::nhs_number::NhsNumber;

/// The people, and the case that is made.
pub(super) struct Scene<'a> {
    pub(super) maker: &'a mut Maker,
    pub(super) people: &'a mut Vec<Member>,
    pub(super) dice: &'a mut Dice,
    /// The place of the person of the case.
    pub(super) at: usize,
    pub(super) local: Local,
    pub(super) truth: Option<NhsNumber>,
}

impl Scene<'_> {
    #[expect(clippy::indexing_slicing, reason = "the place comes from the list")]
    pub(super) fn me(&mut self) -> &mut Member {
        &mut self.people[self.at]
    }

    pub(super) fn person(&mut self) -> &mut Person {
        &mut self.me().person
    }

    pub(super) fn number(&mut self) -> NhsNumber {
        self.person().nhs_number
    }

    /// Changes the record before the case is copied from it.
    pub(super) fn record(&mut self, change: impl FnOnce(&mut Person)) {
        change(self.person());
        self.copy();
    }

    /// Copies the record to the case again.
    pub(super) fn copy(&mut self) {
        self.local = Local::of(self.me());
    }

    /// Adds a person to the register, who is of no other case. Returns the place.
    pub(super) fn add(&mut self, mut member: Member) -> usize {
        member.taken = true;
        self.people.push(member);
        self.people.len() - 1
    }

    /// Adds a person with the same names, sex and birth, who lives at `home`.
    pub(super) fn namesake(&mut self, home: &Home) -> usize {
        let me = self.me().clone();
        let born = me.person.birth.year();
        let female = me.is_female();
        let family = me.person.family.clone();
        let mut other = self.maker.member(&family, female, born, me.origin, home, self.dice);
        other.person.given.clone_from(&me.person.given);
        other.person.birth = me.person.birth;
        other.person.sensitivity = Sensitivity::None;
        other.person.death = None;
        self.add(other)
    }

    /// The place of the twin on PDS, who is added if the person has none. Both stay out of other cases.
    pub(super) fn twin(&mut self) -> usize {
        if let Some(twin) = self.me().twin {
            return twin;
        }
        let me = self.me().clone();
        let mut twin = self.maker.twin(&me, self.dice);
        twin.person.sensitivity = Sensitivity::None;
        let at = self.add(twin);
        self.me().twin = Some(at);
        at
    }

    /// The place of a sibling at the same address, who is added if the person has none.
    pub(super) fn sibling(&mut self) -> usize {
        if let Some(sibling) = self.me().sibling {
            return sibling;
        }
        let me = self.me().clone();
        let year = me.person.birth.year();
        let born = if self.dice.chance(0.5) && year < 2024 { year + 2 } else { year - 3 };
        let female = if self.dice.chance(0.7) { me.is_female() } else { !me.is_female() };
        let mut sibling =
            self.maker.member(&me.person.family, female, born, me.origin, &me.home, self.dice);
        while sibling.person.given == me.person.given {
            let names = &self.maker.names;
            sibling.person.given.clone_from(&names.given(female, me.origin, born, self.dice).text);
        }
        sibling.person.sensitivity = Sensitivity::None;
        sibling.person.death = None;
        self.add(sibling)
    }

    /// The place of a parent or child with the same name at the same address, who is added if there is none.
    pub(super) fn name_parent(&mut self) -> usize {
        if let Some(parent) = self.me().name_parent {
            return parent;
        }
        let me = self.me().clone();
        let year = me.person.birth.year();
        let apart = 20 + self.dice.below(15) as u16;
        let born = if year > 1975 { year - apart } else { (year + apart).min(2025) };
        let (family, female) = (&me.person.family, me.is_female());
        let mut other = self.maker.member(family, female, born, me.origin, &me.home, self.dice);
        other.person.given.clone_from(&me.person.given);
        other.person.sensitivity = Sensitivity::None;
        other.person.death = None;
        self.add(other)
    }

    /// The birth of another person.
    pub(super) fn birth_of(&self, place: usize) -> Option<PartialDate> {
        self.people.get(place).map(|member| member.person.birth)
    }

    pub(super) fn number_of(&self, place: usize) -> Option<NhsNumber> {
        self.people.get(place).map(|member| member.person.nhs_number)
    }

    /// A home to which the person moves.
    pub(super) fn new_home(&mut self) -> Home {
        let home = self.me().home.clone();
        self.maker.places.moved(&home, self.dice)
    }

    /// The case has a new address.
    pub(super) fn move_away(&mut self) {
        let home = self.new_home();
        self.local.live_at(&home);
    }

    /// PDS has a former address.
    pub(super) fn lived_at(&mut self, home: &Home, of: OtherAddressUse) {
        let address = OtherAddress::new(of, home.lines.clone(), home.postcode.clone());
        self.person().other_addresses.push(address);
    }

    /// PDS has a former surname.
    pub(super) fn was_called(&mut self, family: &str) {
        let name = OtherName::new(NameUse::Former, family);
        self.person().other_names.push(name);
    }

    /// A familiar form of the forename. If there is none, the record gets a forename that has one.
    pub(super) fn familiar(&mut self) -> String {
        let given = self.person().given.clone();
        if let Some(short) = self.maker.names.familiar(&given, self.dice) {
            return short.to_owned();
        }
        let female = self.me().is_female();
        let names: &[(&str, &[&str])] = if female { &FEMALE_FORMS } else { &MALE_FORMS };
        let pair = self.dice.pick(names).copied();
        let (formal, shorts) = pair.unwrap_or(("Robert", &["Bob"]));
        formal.clone_into(&mut self.person().given);
        formal.clone_into(&mut self.local.given);
        self.dice.word(shorts).to_owned()
    }

    /// Another surname of the person's origin.
    pub(super) fn other_family(&mut self) -> String {
        let (origin, mine) = (self.me().origin, self.person().family.clone());
        loop {
            let other = self.maker.names.family(origin, self.dice).text.clone();
            if other != mine {
                return other;
            }
        }
    }

    /// Another forename of the same sex and cohort.
    pub(super) fn other_given(&mut self) -> String {
        let me = self.me().clone();
        let year = me.person.birth.year();
        loop {
            let names = &self.maker.names;
            let other = names.given(me.is_female(), me.origin, year, self.dice).text.clone();
            if other != me.person.given {
                return other;
            }
        }
    }
}

const FEMALE_FORMS: [(&str, &[&str]); 8] = [
    ("Elizabeth", &["Liz", "Beth", "Betty"]),
    ("Margaret", &["Maggie", "Peggy"]),
    ("Catherine", &["Cathy", "Kate"]),
    ("Susan", &["Sue"]),
    ("Patricia", &["Pat", "Trish"]),
    ("Deborah", &["Debbie", "Deb"]),
    ("Jacqueline", &["Jackie"]),
    ("Victoria", &["Vicky", "Tori"]),
];
const MALE_FORMS: [(&str, &[&str]); 8] = [
    ("Robert", &["Bob", "Rob", "Bobby"]),
    ("William", &["Bill", "Will", "Billy"]),
    ("Anthony", &["Tony"]),
    ("Richard", &["Dick", "Rick"]),
    ("Edward", &["Ted", "Eddie", "Ned"]),
    ("Michael", &["Mike", "Mick"]),
    ("Christopher", &["Chris", "Kit"]),
    ("Alexander", &["Alex", "Sandy"]),
];
