//! Finds the people who may match a search, without a scan of the register.
//!
//! Each lookup returns every person who can match, and some who cannot: the rules of the service decide.

use crate::pattern::Pattern;
use crate::{OtherName, Person};
use nhs_pds::demographics::{PartialDate, name_form};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;

/// The place of a person in the register.
pub(crate) type Place = u32;

/// Places by name and by date of birth, in the order of the register.
#[derive(Clone, Default)]
pub(crate) struct Index {
    by_name_and_birth: HashMap<u64, Vec<Place>>,
    by_birth: BTreeMap<PartialDate, Vec<Place>>,
    by_family: BTreeMap<Box<str>, Vec<Place>>,
}

/// The keys of one person.
struct Keys {
    birth: PartialDate,
    families: Vec<String>,
    pairs: Vec<u64>,
}

impl Keys {
    fn of(person: &Person) -> Self {
        let mut families: Vec<String> = families(person).map(recorded).collect();
        families.sort_unstable();
        families.dedup();
        let mut pairs: Vec<u64> =
            families.iter().map(|family| pair(&name_form(family), person.birth)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        Self { birth: person.birth, families, pairs }
    }
}

impl Index {
    /// Adds the person at `place`.
    pub(crate) fn add(&mut self, person: &Person, place: Place) {
        let keys = Keys::of(person);
        for pair in keys.pairs {
            put(self.by_name_and_birth.entry(pair).or_default(), place);
        }
        for family in keys.families {
            put(self.by_family.entry(family.into()).or_default(), place);
        }
        put(self.by_birth.entry(keys.birth).or_default(), place);
    }

    /// Removes the person at `place`. `person` must be the record that was added.
    pub(crate) fn remove(&mut self, person: &Person, place: Place) {
        let keys = Keys::of(person);
        for pair in keys.pairs {
            if self.by_name_and_birth.get_mut(&pair).is_some_and(|places| take(places, place)) {
                self.by_name_and_birth.remove(&pair);
            }
        }
        for family in keys.families {
            if self.by_family.get_mut(&*family).is_some_and(|places| take(places, place)) {
                self.by_family.remove(&*family);
            }
        }
        if self.by_birth.get_mut(&keys.birth).is_some_and(|places| take(places, place)) {
            self.by_birth.remove(&keys.birth);
        }
    }

    /// Returns the people with this family name, current or former, and exactly this date of birth.
    pub(crate) fn named(&self, family: &str, birth: PartialDate) -> &[Place] {
        let pair = pair(&name_form(&family.to_lowercase()), birth);
        self.by_name_and_birth.get(&pair).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the people whose family name, current or former, may match `family`, or those whose date of
    /// birth is in `born`, whichever are fewer.
    pub(crate) fn either(
        &self,
        family: Option<&Pattern>,
        born: RangeInclusive<PartialDate>,
    ) -> Vec<Place> {
        let Some(family) = family else { return self.born(born) };
        if born.start() == born.end() && !family.is_wild() {
            return self.named(family.as_str(), *born.start()).to_vec();
        }
        let named = self.families(family);
        let most = count(&named);
        let mut dated = Vec::new();
        let mut dated_count = 0;
        for (_, places) in self.by_birth.range(born) {
            dated_count += places.len();
            if dated_count >= most {
                return in_order(&named);
            }
            dated.push(places.as_slice());
        }
        in_order(&dated)
    }

    /// Returns the people whose recorded date of birth is in `born`.
    pub(crate) fn born(&self, born: RangeInclusive<PartialDate>) -> Vec<Place> {
        let dated: Vec<&[Place]> =
            self.by_birth.range(born).map(|(_, places)| places.as_slice()).collect();
        in_order(&dated)
    }

    fn families(&self, family: &Pattern) -> Vec<&[Place]> {
        if !family.is_wild() {
            return self.by_family.get(family.as_str()).map(Vec::as_slice).into_iter().collect();
        }
        let start = family.start();
        let from = (std::ops::Bound::Included(start), std::ops::Bound::Unbounded);
        let named = self.by_family.range::<str, _>(from);
        named
            .take_while(|(name, _)| name.starts_with(start))
            .filter(|(name, _)| family.fits_form(name))
            .map(|(_, places)| places.as_slice())
            .collect()
    }
}

/// The family names of a person. A name without one has the usual one.
fn families(person: &Person) -> impl Iterator<Item = &str> {
    let others = person.other_names.iter().map(|name: &OtherName| name.family.as_str());
    std::iter::once(person.family.as_str()).chain(others.filter(|family| !family.is_empty()))
}

/// A recorded name in the form in which it is compared.
pub(crate) fn recorded(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'\'');
    if name.bytes().all(is_plain) {
        return name.to_ascii_lowercase();
    }
    name_form(name).to_lowercase()
}

/// Different pairs may have one key.
fn pair(family: &str, birth: PartialDate) -> u64 {
    let mut hasher = DefaultHasher::new();
    family.hash(&mut hasher);
    birth.hash(&mut hasher);
    hasher.finish()
}

fn count(slices: &[&[Place]]) -> usize {
    slices.iter().map(|places| places.len()).sum()
}

/// Joins `slices`, in the order of the register and without duplicates.
fn in_order(slices: &[&[Place]]) -> Vec<Place> {
    let mut places = slices.concat();
    if slices.len() > 1 {
        places.sort_unstable();
        places.dedup();
    }
    places
}

fn put(places: &mut Vec<Place>, place: Place) {
    if let Err(at) = places.binary_search(&place) {
        places.insert(at, place);
    }
}

/// Returns whether no place is left.
fn take(places: &mut Vec<Place>, place: Place) -> bool {
    if let Ok(at) = places.binary_search(&place) {
        places.remove(at);
    }
    places.is_empty()
}
