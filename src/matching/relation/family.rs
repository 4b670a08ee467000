use crate::matching::names::tables::NameTables;
use crate::matching::relation::edits::{edits, is_near};
use crate::matching::relation::person_names::{Name, Names};
use crate::matching::relation::sound::is_same_sound;
use crate::matching::relation::words::relation_words;
use serde::{Deserialize, Serialize};

/// How the family names of two records relate: the first variant that applies.
///
/// Names are compared in upper case, without accents, apostrophes, hyphens, spaces, titles and notes
/// in brackets.
///
/// ```
/// use nhs_pds::matching::FamilyRelation;
///
/// assert_eq!(FamilyRelation::Former.in_words(), "a former or other surname is the same");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyRelation {
    /// The same name.
    Equal,
    /// A former or other name of one side is a name of the other side.
    Former,
    /// All parts of one name are parts of the other: Smith and Smith-Jones, Jones-Smith and
    /// Smith-Jones, Cruz and de la Cruz. Also Singh, Kaur, Begum and similar names as the family name on
    /// one side and as a further given name on the other.
    PartOfDouble,
    /// The names sound the same, and at most two letters differ: Smith and Smythe.
    SpellingVariant,
    /// One letter differs or two neighbours are exchanged, two in names of eight letters or more,
    /// and one of the names is not a listed surname.
    TypingError,
    /// One letter differs or two neighbours are exchanged, and both are listed surnames: Hill and
    /// Hall.
    OneLetter,
    /// Family name and first given name are exchanged.
    SwappedWithGiven,
    /// Another difference.
    Different,
    /// One is missing.
    Unknown,
}

relation_words! { FamilyRelation:
    Equal => "equal", "same surname";
    Former => "former", "a former or other surname is the same";
    PartOfDouble => "part_of_double", "one surname is part of the other";
    SpellingVariant => "spelling_variant", "the surname is spelt in another way";
    TypingError => "typing_error", "the surname may have a typing error";
    OneLetter => "one_letter", "one letter of the surname differs";
    SwappedWithGiven => "swapped_with_given", "surname and given name are exchanged";
    Different => "different", "the surname differs";
    Unknown => "unknown", "the surname is not known";
}

/// Surnames that are also second given names, in part as titles.
const TITLES: [&str; 8] =
    ["BEGUM", "BIBI", "KAUR", "KHATOON", "KHATUN", "SINGH", "SULTANA", "UDDIN"];

/// The relation of two sides whose names are not exchanged.
pub(super) fn family(local: &Names, person: &Names, names: &NameTables) -> FamilyRelation {
    let (Some(ours), Some(theirs)) = (&local.family, &person.family) else {
        return FamilyRelation::Unknown;
    };
    let same = |a: &Name, b: &Name| a.whole == b.whole;
    let with_others = |side: &[Name], name: &Name| side.iter().any(|other| same(other, name));
    let is_former = with_others(&local.other_families, theirs)
        || with_others(&person.other_families, ours)
        || local.other_families.iter().any(|name| with_others(&person.other_families, name));
    match () {
        () if same(ours, theirs) => FamilyRelation::Equal,
        () if is_former => FamilyRelation::Former,
        () if is_part(ours, theirs) || is_part(theirs, ours) => FamilyRelation::PartOfDouble,
        () if is_title(ours, person) || is_title(theirs, local) => FamilyRelation::PartOfDouble,
        () => between(&ours.whole, &theirs.whole, names),
    }
}

/// Whether each part of `a` is a part of `b`.
fn is_part(a: &Name, b: &Name) -> bool {
    b.bare.as_ref() == Some(&a.whole) || a.parts.iter().all(|part| b.parts.contains(part))
}

/// Whether the name is a title, and a further given name of the other side.
fn is_title(name: &Name, other: &Names) -> bool {
    TITLES.contains(&&*name.whole) && other.given.iter().skip(1).any(|n| n.whole == name.whole)
}

fn between(a: &str, b: &str, names: &NameTables) -> FamilyRelation {
    let are_listed = names.is_listed_family(a) && names.is_listed_family(b);
    match () {
        () if is_same_sound(a, b) => FamilyRelation::SpellingVariant,
        () if is_near(a, b) && !are_listed => FamilyRelation::TypingError,
        () if is_near(a, b) && edits(a, b) == 1 => FamilyRelation::OneLetter,
        () => FamilyRelation::Different,
    }
}
