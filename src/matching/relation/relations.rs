use crate::demographics::Demographics;
use crate::matching::names::tables::NameTables;
use crate::matching::relation::birth::{BirthRelation, birth};
use crate::matching::relation::contact::{ContactRelation, contact};
use crate::matching::relation::family::{FamilyRelation, family};
use crate::matching::relation::gender::{GenderRelation, gender};
use crate::matching::relation::given::{GivenRelation, given};
use crate::matching::relation::house::{HouseRelation, house};
use crate::matching::relation::local::Local;
use crate::matching::relation::person_names::Names;
use crate::matching::relation::postcode::{PostcodeRelation, postcode};
use serde::{Deserialize, Serialize};

/// How each field of a case relates to the field of the person that PDS returned.
///
/// [`relate`] creates it. Its serialised form has the stable word of each relation.
///
/// ```
/// use nhs_pds::demographics::Demographics;
/// use nhs_pds::matching::{Local, NameTables, relate};
///
/// let unknown = relate(&Local::default(), &Demographics::default(), &NameTables::shipped());
/// assert_eq!(unknown.family.in_words(), "the surname is not known");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Relations {
    /// Family name.
    pub family: FamilyRelation,
    /// Given names.
    pub given: GivenRelation,
    /// Date of birth.
    pub birth: BirthRelation,
    /// Administrative gender.
    pub gender: GenderRelation,
    /// Postcode.
    pub postcode: PostcodeRelation,
    /// The house, where the postcode is the same.
    pub house: HouseRelation,
    /// Telephone numbers and e-mail addresses.
    pub contact: ContactRelation,
}

/// Relates each field of `local` to what PDS has recorded about `person`.
///
/// Pure. A relation is a fact about two values: it does not say whether the two are one person.
///
/// ```
/// use nhs_pds::demographics::{Demographics, PersonName, Recorded};
/// use nhs_pds::matching::{
///     BirthRelation, FamilyRelation, GivenRelation, Local, NameTables, PostcodeRelation, relate,
/// };
///
/// let mut local = Local::default();
/// local.family = Some("O’Brien");
/// local.given = Some("Bob");
/// local.birth = Some("1943-05-19".parse()?);
/// let mut person = Demographics::default();
/// person.name = Some(PersonName::new("ROBERT", "OBRIEN"));
/// person.date_of_birth = Recorded::read("1943-05-18");
///
/// let relations = relate(&local, &person, &NameTables::shipped());
/// assert_eq!(relations.family, FamilyRelation::Equal);
/// assert_eq!(relations.given, GivenRelation::FamiliarForm);
/// assert_eq!(relations.birth, BirthRelation::DayOrMonthDigit);
/// assert_eq!(relations.postcode, PostcodeRelation::Unknown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn relate(local: &Local<'_>, person: &Demographics, names: &NameTables) -> Relations {
    let (ours, theirs) = (Names::of_local(local), Names::of_person(person));
    let (family, given) = if are_swapped(&ours, &theirs) {
        (FamilyRelation::SwappedWithGiven, GivenRelation::SwappedWithFamily)
    } else {
        (family(&ours, &theirs, names), given(&ours, &theirs, names))
    };
    Relations {
        family,
        given,
        birth: birth(local.birth, person),
        gender: gender(local.gender, person),
        postcode: postcode(local.postcode, &local.former_postcodes, person),
        house: house(local.address, local.postcode, person),
        contact: contact(local.telephones, local.emails, person),
    }
}

/// Whether the family name of each side is the first given name of the other, and the two names differ.
fn are_swapped(ours: &Names, theirs: &Names) -> bool {
    let first = |names: &Names| names.given.first().map(|name| name.whole.clone());
    let last = |names: &Names| names.family.as_ref().map(|name| name.whole.clone());
    let (our_first, our_last) = (first(ours), last(ours));
    our_first.is_some()
        && our_last.is_some()
        && our_first != our_last
        && our_first == last(theirs)
        && our_last == first(theirs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{Gender, PartialDate, PersonName, Postcode, Recorded};
    use crate::matching::normalise::is_same_name;
    use proptest::prelude::*;
    use std::fmt::Debug;
    use unicode_normalization::UnicodeNormalization as _;

    /// Names of Latin letters and marks, and any other text.
    const NAMES: &str = "[A-Za-z'éß()-]{1,9}( [A-Za-z]{1,6})?|(MC|DE LA|MR|O) [A-Z]{2,6}|\\PC{0,8}";

    fn person(given: &[&str], family: &str) -> Demographics {
        let mut name = PersonName::new("", family);
        name.given = given.iter().map(|&name| name.to_owned()).collect();
        Demographics { name: Some(name), ..Demographics::default() }
    }

    fn of(local: (&str, &str), returned: (&str, &str), names: &NameTables) -> Relations {
        let local = Local { given: Some(local.0), family: Some(local.1), ..Local::default() };
        relate(&local, &person(&[returned.0], returned.1), names)
    }

    #[test]
    fn exchanged_names() {
        use FamilyRelation as F;
        use GivenRelation as G;
        let names = NameTables::shipped();
        for (ours, theirs, expected) in [
            (
                ("Aindow", "Comfort"),
                ("COMFORT", "AINDOW"),
                (F::SwappedWithGiven, G::SwappedWithFamily),
            ),
            (("Thomas", "Thomas"), ("THOMAS", "THOMAS"), (F::Equal, G::Equal)),
            (("Comfort", "Aindow"), ("COMFORT", "AINDOW"), (F::Equal, G::Equal)),
            (("Aindow", "Comfort"), ("COMFORT", "OTHER"), (F::Different, G::Different)),
        ] {
            let relations = of(ours, theirs, &names);
            assert_eq!((relations.family, relations.given), expected, "{ours:?}");
        }
    }

    #[test]
    fn nothing_is_known_of_empty_records() {
        let found = relate(&Local::default(), &Demographics::default(), &NameTables::shipped());
        let unknown = Relations {
            family: FamilyRelation::Unknown,
            given: GivenRelation::Unknown,
            birth: BirthRelation::Unknown,
            gender: GenderRelation::Unknown,
            postcode: PostcodeRelation::Unknown,
            house: HouseRelation::Unknown,
            contact: ContactRelation::Unknown,
        };
        assert_eq!(found, unknown);
    }

    /// Each word is the serialised form, and no two variants have the same words.
    fn words<T>(all: &[T], as_str: impl Fn(T) -> &'static str, in_words: impl Fn(T) -> &'static str)
    where
        T: Copy + Debug + Ord + serde::Serialize + serde::de::DeserializeOwned,
    {
        assert!(all.is_sorted(), "{all:?}");
        for &relation in all {
            let json = serde_json::to_string(&relation).unwrap();
            assert_eq!(json, format!("\"{}\"", as_str(relation)));
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), relation);
        }
        let mut texts: Vec<_> = all.iter().map(|&relation| in_words(relation)).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), all.len());
    }

    #[test]
    fn words_are_those_of_serde() {
        words(FamilyRelation::ALL, FamilyRelation::as_str, FamilyRelation::in_words);
        words(GivenRelation::ALL, GivenRelation::as_str, GivenRelation::in_words);
        words(BirthRelation::ALL, BirthRelation::as_str, BirthRelation::in_words);
        words(GenderRelation::ALL, GenderRelation::as_str, GenderRelation::in_words);
        words(PostcodeRelation::ALL, PostcodeRelation::as_str, PostcodeRelation::in_words);
        words(HouseRelation::ALL, HouseRelation::as_str, HouseRelation::in_words);
        words(ContactRelation::ALL, ContactRelation::as_str, ContactRelation::in_words);
    }

    proptest! {
        #[test]
        fn family_names_relate_in_both_directions(a in NAMES, b in NAMES) {
            let names = NameTables::shipped();
            let there = of(("", &a), ("", &b), &names).family;
            prop_assert_eq!(there, of(("", &b), ("", &a), &names).family);
            if is_same_name(&a, &b) && there != FamilyRelation::Unknown {
                prop_assert_eq!(there, FamilyRelation::Equal);
            }
        }

        #[test]
        fn first_names_relate_in_both_directions(a in "[A-Za-z'é-]{1,9}", b in "[A-Za-z'é-]{1,9}") {
            let names = NameTables::shipped();
            let there = of((&a, ""), (&b, ""), &names).given;
            prop_assert_eq!(there, of((&b, ""), (&a, ""), &names).given);
            if there != GivenRelation::Unknown {
                prop_assert_eq!(there == GivenRelation::Equal, is_same_name(&a, &b));
            }
        }

        #[test]
        fn a_name_is_equal_to_itself(family in NAMES, given in NAMES) {
            let names = NameTables::shipped();
            let found = of((&given, &family), (&given, &family), &names);
            prop_assert!(matches!(found.family, FamilyRelation::Equal | FamilyRelation::Unknown));
            prop_assert!(matches!(found.given, GivenRelation::Equal | GivenRelation::Unknown));
            // Some characters are brackets once they are decomposed.
            let is_bracket = |c| matches!(c, '(' | '[' | '{');
            let known = |text: &str| {
                text.chars().any(|c| c.is_ascii_alphanumeric()) && !text.nfkd().any(is_bracket)
            };
            prop_assert!(!known(&family) || found.family == FamilyRelation::Equal);
            prop_assert!(!known(&given) || found.given == GivenRelation::Equal);
        }

        #[test]
        fn a_letter_of_another_name_is_never_equal(name in "[B-Y]{3,9}", at in 0_usize..9) {
            let mut other: Vec<_> = name.chars().collect();
            let at = at % other.len();
            other[at] = if other[at] == 'B' { 'C' } else { 'B' };
            let other: String = other.into_iter().collect();
            let found = of((&name, &name), (&other, &other), &NameTables::shipped());
            prop_assert_ne!(found.family, FamilyRelation::Equal);
            prop_assert_ne!(found.given, GivenRelation::Equal);
        }

        #[test]
        fn any_text_in_any_field_has_relations(
            texts in proptest::collection::vec("\\PC{0,12}", 12),
            day in 0_u8..32,
        ) {
            let mut person = person(&[&texts[0], &texts[1]], &texts[2]);
            person.other_names.push(PersonName::new(&texts[3], &texts[4]));
            person.date_of_birth = Recorded::read(&texts[5]);
            person.gender = Recorded::read(&texts[5]);
            let address = crate::demographics::Address {
                lines: Some(std::array::from_fn(|line| texts[line].clone())),
                postcode: Recorded::read("LS1 4HY"),
                ..crate::demographics::Address::default()
            };
            person.addresses.push(address);
            person.telecoms.push(crate::demographics::Telecom {
                value: Recorded::read(&texts[6]),
                ..crate::demographics::Telecom::default()
            });
            let lines: [String; 5] = std::array::from_fn(|line| texts[6 + line].clone());
            let postcode: Option<Postcode> = "LS1 4HY".parse().ok();
            let local = Local {
                family: Some(&texts[7]),
                former_families: &texts[8..10],
                given: Some(&texts[10]),
                other_given: &texts[11..],
                birth: PartialDate::new(1950, Some(1), Some(day)).ok(),
                gender: Some(Gender::Female),
                postcode,
                former_postcodes: postcode.into_iter().collect(),
                address: &lines,
                telephones: &texts[..2],
                emails: &texts[2..4],
            };
            let found = relate(&local, &person, &NameTables::shipped());
            prop_assert_eq!(found.postcode, PostcodeRelation::Equal);
        }
    }
}
