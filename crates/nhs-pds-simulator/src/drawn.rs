//! Small registers with many namesakes, and the fields of searches for them. Tests compare an index with a
//! scan by them.

use crate::further::{NameUse, OtherAddress, OtherAddressUse, OtherName};
use crate::people::one_of;
use crate::person::{Person, Sensitivity};
use crate::register::Register;
use crate::seed::SplitMix64;
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::Synthetic;

pub(crate) const FAMILIES: [&str; 12] = [
    "Smith",
    "Smythe",
    "Smithson",
    "O\u{2019}Brien",
    "O'Brien",
    "OBrien",
    "Müller",
    "Muller",
    "Khan",
    "St Clair",
    "ʻOkina",
    "李",
];
pub(crate) const GIVEN: [&str; 12] = [
    "Sam",
    "Samuel",
    "Zoe\u{308}",
    "Zoë",
    "Zoe",
    "Mary Ann",
    "Mary",
    "Joe",
    "Joseph",
    "Khan",
    "J",
    "",
];
pub(crate) const POSTCODES: [&str; 6] = ["LS1 6AE", "ls16ae", "LS1 6AF", "YO1 7AA", "ZZ99 3VZ", ""];
pub(crate) const BIRTHS: [&str; 8] = [
    "1980-01-01",
    "1980-01-02",
    "1980-02-01",
    "1980-01",
    "1980",
    "1981-01-01",
    "1943-05-19",
    "2020-12-31",
];

fn name(seed: &mut SplitMix64) -> OtherName {
    let uses = [NameUse::Former, NameUse::Maiden, NameUse::Nickname, NameUse::Temporary];
    let family = if seed.below(3) == 0 { "" } else { *one_of(&FAMILIES, seed) };
    let mut name = OtherName::new(*one_of(&uses, seed), family);
    name.given = (*one_of(&GIVEN, seed)).to_owned();
    name.to = (seed.below(2) == 0).then(|| "2020-01-01".parse().unwrap());
    name
}

fn person(numbers: &mut Synthetic, seed: &mut SplitMix64) -> Person {
    let genders = [Gender::Male, Gender::Female, Gender::NotKnown];
    let birth: PartialDate = one_of(&BIRTHS, seed).parse().unwrap();
    let family = *one_of(&FAMILIES, seed);
    let mut person = Person::new(numbers.next().unwrap(), family, *one_of(&genders, seed), birth);
    person.given = (*one_of(&GIVEN, seed)).to_owned();
    person.other_given = (*one_of(&GIVEN, seed)).to_owned();
    person.postcode = (*one_of(&POSTCODES, seed)).to_owned();
    let kinds = [Sensitivity::None, Sensitivity::None, Sensitivity::Restricted];
    person.sensitivity = *one_of(&kinds, seed);
    person.other_names = (0..seed.below(3)).map(|_| name(seed)).collect();
    let uses =
        [OtherAddressUse::Former, OtherAddressUse::Temporary, OtherAddressUse::Correspondence];
    for _ in 0..seed.below(3) {
        let postcode = *one_of(&POSTCODES, seed);
        let address = OtherAddress::new(*one_of(&uses, seed), Default::default(), postcode);
        person.other_addresses.push(address);
    }
    person.telecoms = vec!["tel:01632960587".into()];
    person.former_genders = (0..seed.below(2)).map(|_| *one_of(&genders, seed)).collect();
    person
}

/// A register that was filled and then changed: some people were replaced by others.
pub(crate) fn register(seed: &mut SplitMix64) -> Register {
    let mut numbers = Synthetic::from_seed(seed.next());
    let mut register = Register::default();
    for _ in 0..40 {
        register.insert(person(&mut numbers, seed)).unwrap();
    }
    let all: Vec<_> = register.iter().map(|person| person.nhs_number).collect();
    for _ in 0..10 {
        let mut changed = person(&mut numbers, seed);
        changed.nhs_number = *one_of(&all, seed);
        assert!(register.replace(changed).is_some());
    }
    register
}

/// A text of the list, or a part of it with a wildcard.
pub(crate) fn asked(list: &[&str], wild: bool, seed: &mut SplitMix64) -> String {
    let text = *one_of(list, seed);
    let letters: Vec<char> = text.chars().collect();
    if !wild || letters.len() < 3 {
        return text.to_owned();
    }
    let kept = 2 + seed.below(letters.len() as u64 - 2) as usize;
    let start: String = letters.iter().take(kept).collect();
    let end = letters.last().filter(|_| seed.below(2) == 0);
    format!("{start}*{}", end.map(char::to_string).unwrap_or_default())
}
