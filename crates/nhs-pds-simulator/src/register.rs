use super::{Error, ErrorKind, Person};
use crate::index::{Index, Place};
use crate::pattern::Pattern;
use crate::sound::Sound;
use nhs_pds::demographics::{PartialDate, name_form};
use nhs_pds::nhs_number::NhsNumber;
use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;

/// The form of a family name for lookups. Lower case may have another form than upper case.
fn key(family: &str) -> String {
    name_form(&family.to_lowercase())
}

/// The people on the simulated PDS.
///
/// The cost of a lookup by number, or by family name and date of birth, does not depend on the size of the
/// register. Other searches look at the people with a name of this form, or born in this time, whichever
/// are fewer. The index has other and former names too, and follows each change.
///
/// ```
/// use nhs_pds_simulator::Register;
///
/// let register = Register::from_seed(1, 1_000);
/// let person = register.iter().next().expect("a person");
/// assert_eq!(register.get(person.nhs_number), Some(person));
/// assert_eq!(format!("{register:?}"), "Register(1000 people)");
/// ```
#[derive(Clone, Default)]
pub struct Register {
    people: Vec<Person>,
    by_number: HashMap<NhsNumber, Place>,
    index: Index,
}

impl Register {
    /// Adds a person.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Duplicate`] when the register already has this number.
    pub fn insert(&mut self, person: Person) -> Result<(), Error> {
        if self.by_number.contains_key(&person.nhs_number) {
            return Err(Error::new(ErrorKind::Duplicate));
        }
        self.replace(person);
        Ok(())
    }

    /// Adds a person, or replaces the record with the same number. Returns the earlier record.
    ///
    /// ```
    /// use nhs_pds_simulator::Register;
    ///
    /// let mut register = Register::from_seed(1, 100);
    /// let mut person = register.iter().next().expect("a person").clone();
    /// person.family = "Ainsley-Moved".into();
    /// assert!(register.replace(person.clone()).is_some());
    /// assert_eq!(register.born("Ainsley-Moved", person.birth).count(), 1);
    /// assert_eq!(register.len(), 100);
    /// ```
    #[expect(
        clippy::cast_possible_truncation,
        reason = "four billion people outlast a machine's memory"
    )]
    pub fn replace(&mut self, person: Person) -> Option<Person> {
        let next = self.people.len() as Place;
        let place = *self.by_number.entry(person.nhs_number).or_insert(next);
        if let Some(record) = self.people.get_mut(place as usize) {
            self.index.remove(record, place);
            self.index.add(&person, place);
            return Some(std::mem::replace(record, person));
        }
        self.index.add(&person, place);
        self.people.push(person);
        None
    }

    /// Returns the record with `number`.
    #[must_use]
    pub fn get(&self, number: NhsNumber) -> Option<&Person> {
        self.people.get(*self.by_number.get(&number)? as usize)
    }

    /// Returns the people with this family name, in its [form](name_form) and in any letter case, and
    /// exactly this date of birth.
    pub fn born(&self, family: &str, birth: PartialDate) -> impl Iterator<Item = &Person> {
        let form = key(family);
        let named = self.index.named(family, birth).iter().copied();
        self.at(named)
            .filter(move |person| person.birth == birth && key(&name_form(&person.family)) == form)
    }

    /// Returns every person whom a search by family name, date of birth and postcode can find, and some whom
    /// it cannot.
    pub(super) fn candidates(
        &self,
        family: &Pattern,
        born: RangeInclusive<PartialDate>,
        postcode: Option<&Pattern>,
    ) -> impl Iterator<Item = &Person> + use<'_> {
        self.at(self.index.fewest(family, born, postcode).into_iter())
    }

    /// Returns every person who has a name with one of the first and a name with one of the second sounds of
    /// `both`, and those who have this postcode.
    pub(super) fn sounding(
        &self,
        both: Option<[&[Sound]; 2]>,
        postcode: Option<&str>,
    ) -> impl Iterator<Item = &Person> + use<'_> {
        self.at(self.index.sounding(both, postcode).into_iter())
    }

    fn at(&self, places: impl Iterator<Item = Place>) -> impl Iterator<Item = &Person> {
        places.filter_map(|place| self.people.get(place as usize))
    }

    /// Returns the current record of a person with a superseded number. Replacements are followed to the
    /// end, unless they leave the register or form a circle.
    #[must_use]
    pub fn replacement(&self, person: &Person) -> Option<&Person> {
        let mut next = self.get(person.superseded_by?)?;
        for _ in 0..self.people.len() {
            match next.superseded_by {
                Some(number) => next = self.get(number)?,
                None => return Some(next),
            }
        }
        None
    }

    /// Returns all people, in the order of their insertion.
    pub fn iter(&self) -> std::slice::Iter<'_, Person> {
        self.people.iter()
    }

    /// Returns the number of records.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.people.len()
    }

    /// Returns whether the register is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.people.is_empty()
    }
}

impl<'a> IntoIterator for &'a Register {
    type Item = &'a Person;
    type IntoIter = std::slice::Iter<'a, Person>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Register({} people)", self.people.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawn;
    use crate::seed::SplitMix64;

    #[test]
    fn the_index_of_a_changed_register_is_that_of_a_new_one() {
        let mut seed = SplitMix64::new(14);
        for _ in 0..50 {
            let changed = drawn::register(&mut seed);
            let mut new = Register::default();
            for person in &changed {
                new.insert(person.clone()).unwrap();
            }
            assert!(changed.index == new.index, "an earlier name or home is left over");
        }
    }
}
