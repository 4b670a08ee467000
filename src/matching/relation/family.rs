use crate::matching::names::tables::NameTables;
use crate::matching::relation::edits::{edits, is_exchange, is_near};
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
        () if is_exchange(a, b) && !are_listed => FamilyRelation::TypingError,
        () if is_same_sound(a, b) => FamilyRelation::SpellingVariant,
        () if is_near(a, b) && !are_listed => FamilyRelation::TypingError,
        () if is_near(a, b) && edits(a, b) == 1 => FamilyRelation::OneLetter,
        () => FamilyRelation::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{Demographics, PersonName};
    use crate::matching::relation::local::Local;
    use FamilyRelation::{
        Different, Equal, Former, OneLetter, PartOfDouble, SpellingVariant, TypingError, Unknown,
    };

    fn relation(ours: &str, theirs: &str) -> FamilyRelation {
        let local = Local { family: Some(ours), given: Some("Zqx"), ..Local::default() };
        let person =
            Demographics { name: Some(PersonName::new("Qzx", theirs)), ..Demographics::default() };
        let sides = (Names::of_local(&local), Names::of_person(&person));
        family(&sides.0, &sides.1, &NameTables::shipped())
    }

    /// Each pair has its relation in both directions.
    #[track_caller]
    fn check(pairs: &[(&str, &str, FamilyRelation)]) {
        let mut wrong = Vec::new();
        for &(a, b, expected) in pairs {
            let found = [relation(a, b), relation(b, a)];
            if found != [expected; 2] {
                wrong.push((a, b, found));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn two_family_names() {
        check(&[
            ("O'Brien", "OBRIEN", Equal),
            ("O\u{2019}Brien", "O BRIEN", Equal),
            ("Mc Donald", "MCDONALD", Equal),
            ("de la Cruz", "DELACRUZ", Equal),
            ("D'Souza", "DSOUZA", Equal),
            ("D Souza", "D'SOUZA", Equal),
            ("St. John", "STJOHN", Equal),
            ("Smith (known as Jones)", "SMITH", Equal),
            ("Smith known as Jones", "SMITH", Equal),
            ("Mr Smith", "SMITH", Equal),
            ("Mrs. Dr Smith Jnr", "SMITH", Equal),
            ("Smith-Jones", "SMITH JONES", Equal),
            ("Łukaszewski", "LUKASZEWSKI", Equal),
            ("Müller", "MULLER", Equal),
            ("Νίκου", "ΝΊΚΟΥ", Equal),
            ("Smith-Jones", "SMITH", PartOfDouble),
            ("Smith-Jones", "JONES", PartOfDouble),
            ("Smith-Jones", "JONES-SMITH", PartOfDouble),
            ("Smith Jones", "JONES", PartOfDouble),
            ("Kaur Gill", "GILL", PartOfDouble),
            ("de la Cruz", "CRUZ", PartOfDouble),
            ("van der Berg", "BERG", PartOfDouble),
            ("de la Cruz Garcia", "GARCIA", PartOfDouble),
            ("de la Cruz Garcia", "DE LA CRUZ", PartOfDouble),
        ]);
    }

    #[test]
    fn misspelt_family_names() {
        check(&[
            ("Smith-Jones", "SMITH-BROWN", Different),
            ("McDonald", "DONALD", Different),
            ("Mc Donald", "DONALD", Different),
            ("de la Cruz", "LA", Different),
            ("Smith", "SMYTH", SpellingVariant),
            ("Smith", "SMYTHE", SpellingVariant),
            ("Thompson", "THOMSON", SpellingVariant),
            ("Clark", "CLARKE", SpellingVariant),
            ("Brown", "BROWNE", SpellingVariant),
            ("Stephens", "STEVENS", SpellingVariant),
            ("McDonald", "MACDONALD", SpellingVariant),
            ("Hussain", "HUSSEIN", SpellingVariant),
            ("Reid", "READ", SpellingVariant),
            ("Davis", "DAVIES", SpellingVariant),
            ("Phillips", "PHILIPS", SpellingVariant),
            ("Matthews", "MATHEWS", SpellingVariant),
            ("Stewart", "STUART", SpellingVariant),
            ("Lee", "LEIGH", Different),
            ("Hill", "HALL", OneLetter),
            ("Begum", "BIBI", Different),
            ("Kaur", "SINGH", Different),
            ("Smith", "SMIHT", TypingError),
            ("Neill", "NIELL", TypingError),
            ("Smith", "SMTH", TypingError),
            ("Aindow", "AINDON", TypingError),
            ("Robinson", "ROBBNISON", TypingError),
            ("Williams", "WILLIAMSON", Different),
            ("Li", "LE", Different),
            ("Ng", "NGO", Different),
            ("Νίκου", "ΝΊΚΑΥ", TypingError),
            ("Smith", "JONES", Different),
            ("", "SMITH", Unknown),
            (" - ", "SMITH", Unknown),
            ("?", "?", Unknown),
        ]);
    }

    #[test]
    fn a_title_is_not_removed_from_a_name_that_is_only_a_title() {
        assert_eq!(relation("Master", "MASTER"), Equal);
        assert_eq!(relation("Master", "MASTERS"), TypingError);
        assert_eq!(relation("Senior", "SENIOR"), Equal);
    }

    #[test]
    fn former_names_of_either_side() {
        let names = NameTables::shipped();
        let of = |local: &Local<'_>, other: Option<&str>| {
            let person = Demographics {
                name: Some(PersonName::new("ANN", "SMITH")),
                other_names: other.map(|name| PersonName::new("ANN", name)).into_iter().collect(),
                ..Demographics::default()
            };
            family(&Names::of_local(local), &Names::of_person(&person), &names)
        };
        let local = |family| Local { family: Some(family), ..Local::default() };
        assert_eq!(of(&local("Jones"), None), Different);
        assert_eq!(of(&local("Jones"), Some("JONES")), Former);
        assert_eq!(of(&local("Smith"), Some("JONES")), Equal);
        assert_eq!(of(&local("Jones (née Smith)"), None), Former);
        assert_eq!(of(&local("Jones nee Smith"), None), Former);
        assert_eq!(of(&local("Jones (not Smith)"), None), Different);
        let former = ["Smith".to_owned()];
        assert_eq!(of(&Local { former_families: &former, ..local("Jones") }, None), Former);
        let former = ["Brown".to_owned()];
        let both = Local { former_families: &former, ..local("Jones") };
        assert_eq!(of(&both, Some("BROWN")), Former);
        assert_eq!(of(&both, Some("GREEN")), Different);
    }

    #[test]
    fn a_title_as_a_family_name_is_a_further_given_name_of_the_other_side() {
        let names = NameTables::shipped();
        let mut name = PersonName::new("HARPREET", "GILL");
        name.given.push("KAUR".into());
        let person = Demographics { name: Some(name), ..Demographics::default() };
        let of = |family, given| {
            let local = Local { family: Some(family), given: Some(given), ..Local::default() };
            super::family(&Names::of_local(&local), &Names::of_person(&person), &names)
        };
        assert_eq!(of("Kaur", "Harpreet"), PartOfDouble);
        assert_eq!(of("Singh", "Harpreet"), Different);
    }
}
