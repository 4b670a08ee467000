//! Finds the people who may match a search, without a scan of the register.
//!
//! Each lookup returns every person who can match, and some who cannot: the rules of the service decide.

use crate::pattern::Pattern;
use crate::recorded::compact;
use crate::sound::{self, Sound, folded};
use crate::{OtherName, Person};
use nhs_pds::demographics::{PartialDate, name_form};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;

/// The place of a person in the register.
pub(crate) type Place = u32;

/// Places by name and by date of birth, in the order of the register.
#[derive(Clone, Default, Eq, PartialEq)]
pub(crate) struct Index {
    by_name_and_birth: HashMap<u64, Vec<Place>>,
    by_birth: BTreeMap<PartialDate, Vec<Place>>,
    /// By the folded form.
    by_family: BTreeMap<Box<str>, Vec<Place>>,
    /// By the sounds of all names, family and given.
    by_sound: HashMap<Sound, Vec<Place>>,
    by_postcode: HashMap<Box<str>, Vec<Place>>,
    /// By the first two characters of the postcode.
    by_area: HashMap<Box<str>, Vec<Place>>,
}

/// The keys of one person.
struct Keys {
    birth: PartialDate,
    families: Vec<String>,
    pairs: Vec<u64>,
    sounds: Vec<Sound>,
    postcodes: Vec<String>,
    areas: Vec<String>,
}

impl Keys {
    fn of(person: &Person) -> Self {
        let forms: Vec<String> = families(person).map(recorded).collect();
        let mut families: Vec<String> = forms.iter().map(|form| folded(form)).collect();
        families.sort_unstable();
        families.dedup();
        let mut pairs: Vec<u64> = forms.iter().map(|form| pair(form, person.birth)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut sounds: Vec<Sound> =
            self::families(person).chain(given(person)).flat_map(sound::sounds).collect();
        sounds.sort_unstable();
        sounds.dedup();
        let others = person.other_addresses.iter().map(|address| address.postcode.as_str());
        let mut postcodes: Vec<String> =
            std::iter::once(person.postcode.as_str()).chain(others).map(compact).collect();
        postcodes.sort_unstable();
        postcodes.dedup();
        postcodes.retain(|postcode| !postcode.is_empty());
        let mut areas: Vec<String> = postcodes.iter().map(|postcode| area(postcode)).collect();
        areas.dedup();
        Self { birth: person.birth, families, pairs, sounds, postcodes, areas }
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
        for sound in keys.sounds {
            put(self.by_sound.entry(sound).or_default(), place);
        }
        for postcode in keys.postcodes {
            put(self.by_postcode.entry(postcode.into()).or_default(), place);
        }
        for area in keys.areas {
            put(self.by_area.entry(area.into()).or_default(), place);
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
        for sound in keys.sounds {
            if self.by_sound.get_mut(&sound).is_some_and(|places| take(places, place)) {
                self.by_sound.remove(&sound);
            }
        }
        for postcode in keys.postcodes {
            if self.by_postcode.get_mut(&*postcode).is_some_and(|places| take(places, place)) {
                self.by_postcode.remove(&*postcode);
            }
        }
        for area in keys.areas {
            if self.by_area.get_mut(&*area).is_some_and(|places| take(places, place)) {
                self.by_area.remove(&*area);
            }
        }
        if self.by_birth.get_mut(&keys.birth).is_some_and(|places| take(places, place)) {
            self.by_birth.remove(&keys.birth);
        }
    }

    /// Returns the people with this family name, current or former, and exactly this date of birth.
    pub(crate) fn named(&self, family: &str, birth: PartialDate) -> &[Place] {
        let pair = pair(&family.to_lowercase(), birth);
        self.by_name_and_birth.get(&pair).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the people whose family name may match `family`, or those whose date of birth is in `born`, or
    /// those with this postcode, whichever are fewer. Names and postcodes may be former ones.
    pub(crate) fn fewest(
        &self,
        family: &Pattern,
        born: RangeInclusive<PartialDate>,
        postcode: Option<&Pattern>,
    ) -> Vec<Place> {
        if born.start() == born.end() && !family.is_wild() {
            return self.named(family.as_str(), *born.start()).to_vec();
        }
        let named = self.families(family);
        let most = count(&named);
        let there = postcode.map(|postcode| self.there(postcode)).unwrap_or_default();
        if postcode.is_some_and(|postcode| !postcode.is_wild()) && there.len() <= most {
            return there.to_vec();
        }
        let mut dated = Vec::new();
        let mut dated_count = 0;
        for (_, places) in self.by_birth.range(born) {
            dated_count += places.len();
            if dated_count >= most {
                let named = in_order(&named);
                return if postcode.is_some() { common(&named, there) } else { named };
            }
            dated.push(places.as_slice());
        }
        in_order(&dated)
    }

    /// Returns the people with this postcode, or with one in the area of this pattern.
    fn there(&self, postcode: &Pattern) -> &[Place] {
        let found = if postcode.is_wild() {
            self.by_area.get(&*area(postcode.start()))
        } else {
            self.by_postcode.get(postcode.as_str())
        };
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the people who have a name with one of the first and a name with one of the second sounds of
    /// `both`, and those who have this postcode, current or former.
    pub(crate) fn sounding(
        &self,
        both: Option<[&[Sound]; 2]>,
        postcode: Option<&str>,
    ) -> Vec<Place> {
        let with = |sounds: &[Sound]| {
            let heard: Vec<&[Place]> = sounds
                .iter()
                .filter_map(|sound| self.by_sound.get(sound))
                .map(Vec::as_slice)
                .collect();
            in_order(&heard)
        };
        let named = both.map(|[one, other]| common(&with(one), &with(other))).unwrap_or_default();
        let there = postcode.and_then(|postcode| self.by_postcode.get(postcode));
        in_order(&[&named, there.map(Vec::as_slice).unwrap_or_default()])
    }

    fn families(&self, family: &Pattern) -> Vec<&[Place]> {
        if !family.is_wild() {
            return self
                .by_family
                .get(&*folded(family.as_str()))
                .map(Vec::as_slice)
                .into_iter()
                .collect();
        }
        let start = folded(family.start());
        let start = start.as_str();
        let from = (std::ops::Bound::Included(start), std::ops::Bound::Unbounded);
        let named = self.by_family.range::<str, _>(from);
        named
            .take_while(|(name, _)| name.starts_with(start))
            .map(|(_, places)| places.as_slice())
            .collect()
    }
}

/// The family names of a person. A name without one has the usual one.
fn families(person: &Person) -> impl Iterator<Item = &str> {
    let others = person.other_names.iter().map(|name: &OtherName| name.family.as_str());
    std::iter::once(person.family.as_str()).chain(others.filter(|family| !family.is_empty()))
}

/// The given names of a person.
fn given(person: &Person) -> impl Iterator<Item = &str> {
    let others = person.other_names.iter().map(|name| name.given.as_str());
    [&*person.given, &*person.other_given].into_iter().chain(others)
}

/// A recorded name in the form in which it is compared.
pub(crate) fn recorded(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'\'');
    if name.bytes().all(is_plain) {
        return name.to_ascii_lowercase();
    }
    name_form(name).to_lowercase()
}

/// The first two characters of a postcode in its compact form.
fn area(postcode: &str) -> String {
    postcode.chars().take(2).collect()
}

/// Different pairs may have one key.
fn pair(family: &str, birth: PartialDate) -> u64 {
    let mut hasher = DefaultHasher::new();
    folded(&name_form(family)).hash(&mut hasher);
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

/// The places of both lists, which are in the order of the register.
fn common(one: &[Place], other: &[Place]) -> Vec<Place> {
    let (fewer, more) = if one.len() < other.len() { (one, other) } else { (other, one) };
    fewer.iter().copied().filter(|place| more.binary_search(place).is_ok()).collect()
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
