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
