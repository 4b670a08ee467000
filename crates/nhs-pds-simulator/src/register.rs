use super::{Error, ErrorKind, Person};
use nhs_pds::demographics::{PartialDate, name_form};
use nhs_pds::nhs_number::NhsNumber;
use std::collections::HashMap;
use std::fmt;

/// The form of a family name for lookups. Lower case may have another form than upper case.
fn key(family: &str) -> String {
    name_form(&family.to_lowercase())
}

/// The people on the simulated PDS.
///
/// The cost of a lookup by number, or by family name and date of birth, does not depend on the size of the
/// register. Other lookups search the people born in one year.
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
    by_number: HashMap<NhsNumber, usize>,
    by_name_and_birth: HashMap<(String, PartialDate), Vec<usize>>,
    by_year: HashMap<u16, Vec<usize>>,
    /// Whether any person has a name that is not in `by_name_and_birth`.
    has_other_names: bool,
}

impl Register {
    /// Adds a person.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Duplicate`] when the register already has this number.
    pub fn insert(&mut self, person: Person) -> Result<(), Error> {
        let place = self.people.len();
        match self.by_number.entry(person.nhs_number) {
            std::collections::hash_map::Entry::Occupied(_) => {
                return Err(Error::new(ErrorKind::Duplicate));
            }
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(place),
        };
        let key = (key(&name_form(&person.family)), person.birth);
        self.by_name_and_birth.entry(key).or_default().push(place);
        self.by_year.entry(person.birth.year()).or_default().push(place);
        self.has_other_names |= !person.other_names.is_empty();
        self.people.push(person);
        Ok(())
    }

    /// Returns the record with `number`.
    #[must_use]
    pub fn get(&self, number: NhsNumber) -> Option<&Person> {
        self.people.get(*self.by_number.get(&number)?)
    }

    /// Returns the people with this family name, in its [form](name_form) and in any letter case, and
    /// exactly this date of birth.
    pub fn born(&self, family: &str, birth: PartialDate) -> impl Iterator<Item = &Person> {
        let places = self.by_name_and_birth.get(&(key(family), birth));
        self.at(places)
    }

    /// Returns the people born in `year`.
    pub(super) fn born_in(&self, year: u16) -> impl Iterator<Item = &Person> {
        self.at(self.by_year.get(&year))
    }

    /// Returns whether any person has a name that is not the usual name. [`born`](Self::born) does not find
    /// such names.
    pub(super) const fn has_other_names(&self) -> bool {
        self.has_other_names
    }

    fn at<'a>(&'a self, places: Option<&'a Vec<usize>>) -> impl Iterator<Item = &'a Person> {
        places.into_iter().flatten().filter_map(|&place| self.people.get(place))
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
