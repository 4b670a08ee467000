//! Invents people from a seed.

use super::places::{LOCALITIES, PRACTICES, PREMISES, STREETS, TOWNS};
use super::words::{FAMILY, FEMALE, MALE, words};
use super::{Person, Register, Sensitivity};
use crate::seed::SplitMix64;
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::{NhsNumber, Synthetic};

/// Letters that the second half of a postcode may have.
const UNIT_LETTERS: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";

impl Register {
    /// Makes a register of `count` invented people. A seed always gives the same people.
    ///
    /// Their NHS Numbers are never issued, their telephone numbers are reserved by Ofcom for drama, and
    /// their e-mail addresses are in domains reserved for examples. A thousand draws have, on average, 50
    /// people who died, 20 restricted records, 5 invalidated numbers, 10 superseded records beside their
    /// replacements (half of them under another family name), 10 pairs of twins, and 5 pairs of strangers
    /// with the same name, gender and date of birth.
    ///
    /// ```
    /// use nhs_pds_simulator::Register;
    ///
    /// let register = Register::from_seed(7, 500);
    /// assert_eq!(register.len(), 500);
    /// assert!(register.iter().all(|person| person.nhs_number.is_synthetic()));
    /// ```
    #[must_use]
    pub fn from_seed(seed: u64, count: usize) -> Self {
        let mut people = People::from_seed(seed);
        let mut register = Self::default();
        while register.len() < count {
            let group = people.draw();
            if group.len() > count - register.len() {
                continue;
            }
            for person in group {
                // A seed gives no number twice.
                if register.insert(person).is_err() {
                    return register;
                }
            }
        }
        register
    }
}

/// A source of invented people.
pub(super) struct People {
    pub(super) seed: SplitMix64,
    numbers: Synthetic,
    male: Vec<&'static str>,
    female: Vec<&'static str>,
    family: Vec<&'static str>,
}

impl People {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self {
            seed: SplitMix64::new(seed),
            numbers: Synthetic::from_seed(seed),
            male: words(MALE),
            female: words(FEMALE),
            family: words(FAMILY),
        }
    }

    /// One person, or two records that belong together.
    fn draw(&mut self) -> Vec<Person> {
        let roll = self.seed.below(1_000);
        let mut person = self.person();
        match roll {
            0..10 => self.superseded(person).into(),
            10..15 => {
                person.sensitivity = Sensitivity::Invalidated;
                vec![person]
            }
            15..65 => {
                self.die(&mut person);
                vec![person]
            }
            65..85 => {
                person.sensitivity = Sensitivity::Restricted;
                vec![person]
            }
            85..95 => self.twins(person).into(),
            95..100 => self.strangers(person).into(),
            _ => vec![person],
        }
    }

    /// An ordinary person.
    pub(super) fn person(&mut self) -> Person {
        let gender = match self.seed.below(200) {
            0 => Gender::NotSpecified,
            1 => Gender::NotKnown,
            roll if roll % 2 == 0 => Gender::Female,
            _ => Gender::Male,
        };
        let family = self.family();
        let birth = self.day(1925, 83);
        let mut person = Person::new(self.number(), family, gender, birth);
        person.given = self.given(gender);
        if self.seed.below(10) < 6 {
            person.other_given = self.given(gender);
        }
        person.title = self.title(gender).to_owned();
        self.settle(&mut person);
        self.connect(&mut person);
        person
    }

    /// The next number.
    pub(super) fn number(&mut self) -> NhsNumber {
        #[expect(clippy::expect_used, reason = "ninety million outlast a machine's memory")]
        self.numbers.next().expect("a number")
    }

    /// A family name. One in twenty is a double name.
    pub(super) fn family(&mut self) -> String {
        let first = self.pick(Self::families);
        if self.seed.below(20) > 0 || first.contains('-') {
            return first.to_owned();
        }
        let second = self.pick(Self::families);
        if second == first || second.contains('-') {
            first.to_owned()
        } else {
            format!("{first}-{second}")
        }
    }

    fn families(&self) -> &[&'static str] {
        &self.family
    }

    pub(super) fn given(&mut self, gender: Gender) -> String {
        let female = match gender {
            Gender::Female => true,
            Gender::Male => false,
            _ => self.seed.below(2) == 0,
        };
        self.pick(|people| if female { &people.female } else { &people.male }).to_owned()
    }

    fn title(&mut self, gender: Gender) -> &'static str {
        let roll = self.seed.below(10);
        match gender {
            Gender::Male if roll > 0 => "Mr",
            Gender::Female if roll > 5 => "Mrs",
            Gender::Female if roll > 2 => "Ms",
            Gender::Female if roll > 0 => "Miss",
            _ if roll == 0 => "Dr",
            _ => "Mx",
        }
    }

    /// A day within `years` years from the year `first`.
    pub(super) fn day(&mut self, first: u16, years: u64) -> PartialDate {
        let year = first + self.seed.below(years) as u16;
        let month = 1 + self.seed.below(12) as u8;
        // The 29th to 31st are left out, which is simpler than weighting the months.
        let day = 1 + self.seed.below(28) as u8;
        #[expect(clippy::expect_used, reason = "every month of these years has 28 days")]
        PartialDate::new(year, Some(month), Some(day)).expect("a date")
    }

    /// Gives `person` a new home.
    pub(super) fn settle(&mut self, person: &mut Person) {
        let town = self.one_of(&TOWNS);
        let premises = match self.seed.below(8) {
            0 => self.one_of(&PREMISES).to_string(),
            1 => format!("Flat {}", 1 + self.seed.below(40)),
            _ => String::new(),
        };
        let street = format!("{} {}", 1 + self.seed.below(180), self.one_of(&STREETS));
        let locality = match self.seed.below(3) {
            0 => self.one_of(&LOCALITIES).to_string(),
            _ => String::new(),
        };
        person.address = [premises, street, locality, town.name.into(), town.county.into()];
        let district = *self.one_of(town.districts);
        let sector = self.seed.below(10);
        let unit: String = (0..2).map(|_| char::from(*self.one_of(UNIT_LETTERS))).collect();
        person.postcode = format!("{}{district} {sector}{unit}", town.area);
    }

    /// Gives `person` telecoms and a GP practice.
    fn connect(&mut self, person: &mut Person) {
        if self.seed.below(2) == 0 {
            person.telecoms.push(format!("tel:01632960{:03}", self.seed.below(1_000)));
        }
        if self.seed.below(3) > 0 {
            person.telecoms.push(format!("tel:07700900{:03}", self.seed.below(1_000)));
        }
        if self.seed.below(3) == 0 {
            let name: String =
                person.given.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
            let number = self.seed.below(10_000);
            let domain = if number.is_multiple_of(2) { "example.com" } else { "example.org" };
            person.telecoms.push(format!("mailto:{name}.{number:04}@{domain}"));
        }
        if self.seed.below(20) > 0 {
            let (code, name) = *self.one_of(&PRACTICES);
            person.practice_code = code.to_owned();
            person.practice_name = name.to_owned();
        }
    }

    pub(super) fn die(&mut self, person: &mut Person) {
        person.death = Some(self.day(2015, 10));
    }

    /// Returns the record that `present` replaced, and `present`.
    pub(super) fn superseded(&mut self, mut present: Person) -> [Person; 2] {
        let mut past = present.clone();
        past.nhs_number = self.number();
        past.superseded_by = Some(present.nhs_number);
        if self.seed.below(2) == 0 {
            present.family = self.other_family(&past.family);
        }
        [past, present]
    }

    /// Returns a family name other than `family`.
    pub(super) fn other_family(&mut self, family: &str) -> String {
        loop {
            let other = self.family();
            if other != family {
                return other;
            }
        }
    }

    /// The same family name, gender, date of birth and home; other given names.
    pub(super) fn twins(&mut self, first: Person) -> [Person; 2] {
        let mut second = first.clone();
        second.nhs_number = self.number();
        while second.given == first.given {
            second.given = self.given(first.gender);
        }
        second.other_given = self.given(first.gender);
        [first, second]
    }

    /// The same names, gender and date of birth; everything else differs.
    pub(super) fn strangers(&mut self, first: Person) -> [Person; 2] {
        let mut second = first.clone();
        second.nhs_number = self.number();
        second.other_given = self.given(first.gender);
        second.telecoms.clear();
        while second.postcode == first.postcode {
            self.settle(&mut second);
        }
        self.connect(&mut second);
        [first, second]
    }

    fn pick(&mut self, list: impl Fn(&Self) -> &[&'static str]) -> &'static str {
        let count = list(self).len().max(1) as u64;
        let place = self.seed.below(count) as usize;
        list(self).get(place).copied().unwrap_or("Nemo")
    }

    /// Returns one item of a list that is not empty.
    fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        one_of(list, &mut self.seed)
    }
}

/// Returns one item of a list that is not empty.
pub(super) fn one_of<'a, T>(list: &'a [T], seed: &mut SplitMix64) -> &'a T {
    let place = seed.below(list.len() as u64) as usize;
    #[expect(clippy::indexing_slicing, reason = "the place is below the length")]
    &list[place]
}
