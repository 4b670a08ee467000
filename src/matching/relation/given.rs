use crate::matching::names::tables::NameTables;
use crate::matching::relation::edits::{edits, is_exchange, is_near};
use crate::matching::relation::person_names::{Name, Names};
use crate::matching::relation::sound::is_same_sound;
use crate::matching::relation::words::relation_words;
use serde::{Deserialize, Serialize};

/// How the given names of two records relate: the first variant that applies.
///
/// Names are compared in upper case, without accents, apostrophes, hyphens, titles and notes in
/// brackets. The first names decide, except where a variant says otherwise.
///
/// ```
/// use nhs_pds::matching::GivenRelation;
///
/// assert_eq!(GivenRelation::FamiliarForm.in_words(), "one given name is a familiar form");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenRelation {
    /// The same first name, and no further name that contradicts. One side may have more names.
    Equal,
    /// The same first name, and both sides have further names that contradict: Mary Ann and Mary
    /// Jane. An initial does not contradict a name that begins with it.
    FurtherDiffers,
    /// The first name of one side is a further given name of the other side, or the first name of
    /// another name on the record.
    FurtherName,
    /// One first name is part of the other: Anne and Anne-Marie.
    PartOfDouble,
    /// One is a familiar form of the other, both are of one name (Bob and Rob), or the record has
    /// the name as a nickname.
    FamiliarForm,
    /// The names sound the same, and at most two letters differ: Sara and Sarah.
    SpellingVariant,
    /// One letter differs or two neighbours are exchanged, two in names of eight letters or more,
    /// and one of the names is not a listed given name.
    TypingError,
    /// One letter differs or two neighbours are exchanged, and both are listed given names: Jayden
    /// and Hayden.
    OneLetter,
    /// One is the first three or more letters of the other.
    Shortened,
    /// One is the initial of the other.
    Initial,
    /// Family name and first given name are exchanged.
    SwappedWithFamily,
    /// Another difference.
    Different,
    /// One is missing.
    Unknown,
}

relation_words! { GivenRelation:
    Equal => "equal", "same given name";
    FurtherDiffers => "further_differs", "same first name; a further given name differs";
    FurtherName => "further_name", "the first name of one is another given name of the other";
    PartOfDouble => "part_of_double", "one given name is part of the other";
    FamiliarForm => "familiar_form", "one given name is a familiar form";
    SpellingVariant => "spelling_variant", "the given name is spelt in another way";
    TypingError => "typing_error", "the given name may have a typing error";
    OneLetter => "one_letter", "one letter of the given name differs";
    Shortened => "shortened", "one given name is the start of the other";
    Initial => "initial", "one given name is the initial of the other";
    SwappedWithFamily => "swapped_with_family", "given name and surname are exchanged";
    Different => "different", "the given name differs";
    Unknown => "unknown", "the given name is not known";
}

/// The relation of two sides whose names are not exchanged.
pub(super) fn given(local: &Names, person: &Names, names: &NameTables) -> GivenRelation {
    let usual = with_usual(local, person, names);
    let Some(first) = local.given.first() else { return usual };
    let is_in = |others: &[Name]| others.iter().any(|name| name.whole == first.whole);
    let other = match () {
        () if is_in(&person.other_given) => GivenRelation::FurtherName,
        () if is_in(&person.nicknames) => GivenRelation::FamiliarForm,
        () => usual,
    };
    usual.min(other)
}

fn with_usual(local: &Names, person: &Names, names: &NameTables) -> GivenRelation {
    let (ours, theirs) = (&local.given[..], &person.given[..]);
    let ([first, our_rest @ ..], [other, their_rest @ ..]) = (ours, theirs) else {
        return GivenRelation::Unknown;
    };
    if joined(ours) == joined(theirs) {
        return GivenRelation::Equal;
    }
    if let Some((our_rest, their_rest)) = after_first(ours, theirs) {
        let is_half =
            our_rest.is_empty() && theirs.len() - their_rest.len() < person.in_first_value;
        return match () {
            () if contradict(our_rest, their_rest, names) => GivenRelation::FurtherDiffers,
            () if is_half => GivenRelation::PartOfDouble,
            () => GivenRelation::Equal,
        };
    }
    let is_in = |name: &Name, rest: &[Name]| rest.iter().any(|other| other.whole == name.whole);
    match () {
        () if is_in(first, their_rest) || is_in(other, our_rest) => GivenRelation::FurtherName,
        () => between(first, other, names),
    }
}

/// The names after the first name, which both sides have; one side may write it as several names.
fn after_first<'n>(ours: &'n [Name], theirs: &'n [Name]) -> Option<(&'n [Name], &'n [Name])> {
    let run = |names: &[Name], first: &Name| {
        (1..=names.len()).find(|&end| joined(names.get(..end).unwrap_or_default()) == first.whole)
    };
    if let Some(end) = run(theirs, ours.first()?) {
        return ours.get(1..).zip(theirs.get(end..));
    }
    let end = run(ours, theirs.first()?)?;
    ours.get(end..).zip(theirs.get(1..))
}

fn joined(names: &[Name]) -> String {
    names.iter().map(|name| name.whole.as_str()).collect()
}

/// Whether a name of the side with fewer further names can be none of the other side's.
fn contradict(a: &[Name], b: &[Name], names: &NameTables) -> bool {
    let (fewer, more) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let may_be = |a: &Name, b: &Name| {
        let differs =
            matches!(between(a, b, names), GivenRelation::Different | GivenRelation::OneLetter);
        a.whole == b.whole || !differs
    };
    fewer.iter().any(|name| !more.iter().any(|other| may_be(name, other)))
}

/// The relation of two names that are not equal.
fn between(a: &Name, b: &Name, names: &NameTables) -> GivenRelation {
    let (left, right) = (a.whole.as_str(), b.whole.as_str());
    let are_listed = || names.is_listed_given(left) && names.is_listed_given(right);
    let is_start = |a: &str, b: &str| a.chars().count() >= 3 && b.starts_with(a);
    if is_one_letter(left) || is_one_letter(right) {
        let same = left.chars().next() == right.chars().next();
        return if same { GivenRelation::Initial } else { GivenRelation::Different };
    }
    match () {
        () if is_part(a, b, names) || is_part(b, a, names) => GivenRelation::PartOfDouble,
        () if is_exchange(left, right) && !are_listed() => GivenRelation::TypingError,
        () if is_same_sound(left, right) && !names.are_of_two_sexes(left, right) => {
            GivenRelation::SpellingVariant
        }
        () if names.are_familiar_forms(left, right) => GivenRelation::FamiliarForm,
        () if is_near(left, right) && !are_listed() => GivenRelation::TypingError,
        () if is_near(left, right) && edits(left, right) == 1 => GivenRelation::OneLetter,
        () if is_start(left, right) || is_start(right, left) => GivenRelation::Shortened,
        () => GivenRelation::Different,
    }
}

/// Whether `a` is a part of the double name `b`, which may be written as one word of two listed
/// names.
fn is_part(a: &Name, b: &Name, names: &NameTables) -> bool {
    let rest = || {
        let (part, whole) = (a.whole.as_str(), b.whole.as_str());
        let rests = [whole.strip_prefix(part), whole.strip_suffix(part)];
        rests.into_iter().flatten().any(|rest| rest.len() >= 3 && names.is_listed_given(rest))
    };
    let is_listed = || a.whole.len() >= 3 && names.is_listed_given(&a.whole);
    b.parts.len() > 1 && b.parts.contains(&a.whole) || is_listed() && rest()
}

fn is_one_letter(text: &str) -> bool {
    text.chars().nth(1).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{Demographics, NameUse, PersonName};
    use crate::matching::relation::local::Local;
    use GivenRelation::{
        Different, Equal, FamiliarForm, FurtherDiffers, FurtherName, Initial, OneLetter,
        PartOfDouble, Shortened, SpellingVariant, TypingError, Unknown,
    };

    fn relation(ours: &str, theirs: &[&str]) -> GivenRelation {
        let local = Local { given: Some(ours), ..Local::default() };
        let mut name = PersonName::new("", "");
        name.given = theirs.iter().map(|&text| text.to_owned()).collect();
        let person = Demographics { name: Some(name), ..Demographics::default() };
        given(&Names::of_local(&local), &Names::of_person(&person), &NameTables::shipped())
    }

    /// Each pair has its relation in both directions.
    #[track_caller]
    fn check(pairs: &[(&str, &str, GivenRelation)]) {
        let mut wrong = Vec::new();
        for &(a, b, expected) in pairs {
            let found = [relation(a, &[b]), relation(b, &[a])];
            if found != [expected; 2] {
                wrong.push((a, b, found));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn two_first_names() {
        check(&[
            ("Zoë", "ZOE", Equal),
            ("Anne-Marie", "ANNEMARIE", Equal),
            ("Mr John", "JOHN", Equal),
            ("D'Arcy", "DARCY", Equal),
            ("Anne", "ANNE-MARIE", PartOfDouble),
            ("Marie", "ANNE-MARIE", PartOfDouble),
            ("Anne", "ANNEMARIE", PartOfDouble),
            ("Mary", "ROSEMARY", PartOfDouble),
            ("Bob", "ROBERT", FamiliarForm),
            ("Bob", "ROB", FamiliarForm),
            ("Liz", "ELIZABETH", FamiliarForm),
            ("Kath", "KATHLEEN", FamiliarForm),
            ("Sam", "SAMANTHA", FamiliarForm),
        ]);
    }

    #[test]
    fn misspelt_first_names() {
        check(&[
            ("Sara", "SARAH", SpellingVariant),
            ("Mohammed", "MUHAMMAD", SpellingVariant),
            ("Mohamed", "MUHAMMAD", SpellingVariant),
            ("Mohammed", "MOHAMED", SpellingVariant),
            ("Jon", "JOHN", SpellingVariant),
            ("Stephen", "STEVEN", SpellingVariant),
            ("Catherine", "KATHRYN", Different),
            ("Catherine", "KATHERINE", SpellingVariant),
            ("Ann", "ANNE", SpellingVariant),
            ("Clare", "CLAIRE", SpellingVariant),
            ("Jane", "JAYNE", SpellingVariant),
            ("Nicholas", "NICOLAS", SpellingVariant),
            ("Christopher", "KRISTOPHER", SpellingVariant),
            ("Geoffrey", "JEFFREY", SpellingVariant),
            ("Karen", "KARYN", SpellingVariant),
            ("Rachel", "RACHAEL", SpellingVariant),
            ("Micheal", "MICHAEL", SpellingVariant),
            ("Debra", "DEBORAH", FamiliarForm),
            ("Ian", "IAIN", SpellingVariant),
            ("Frances", "FRANCIS", OneLetter),
            ("Jayden", "HAYDEN", OneLetter),
            ("Tim", "TOM", OneLetter),
            ("Paul", "PAULA", OneLetter),
            ("Sophie", "SOPHIA", FamiliarForm),
            ("Louise", "LOUISA", OneLetter),
            ("Jean", "JOAN", OneLetter),
            ("Comfrot", "COMFORT", TypingError),
            ("Comfor", "COMFORT", TypingError),
            ("Margraetr", "MARGARET", TypingError),
            ("Benj", "BENJAMIN", Shortened),
            ("Mohammed", "ABDUL", Different),
            ("Jane", "JEAN", Different),
            ("Be", "BENJAMIN", Different),
            ("Bo", "JO", Different),
            ("J", "JOHN", Initial),
            ("J.", "JOHN", Initial),
            ("K", "JOHN", Different),
            ("", "JOHN", Unknown),
            ("?", "?", Unknown),
            ("Νίκος", "ΝΊΚΟΣ", Equal),
        ]);
    }

    #[test]
    fn several_given_names() {
        for (ours, theirs, expected) in [
            ("Ann", &["ANN", "MARIE"][..], Equal),
            ("Ann Marie", &["ANN"], Equal),
            ("Ann Marie", &["ANN", "MARIE"], Equal),
            ("Annmarie", &["ANN", "MARIE"], Equal),
            ("Annmarie Joy", &["ANN", "MARIE"], Equal),
            ("Ann Marie", &["ANNMARIE", "JOY"], Equal),
            ("Ann Marie", &["ANN MARIE"], Equal),
            ("Ann Joy", &["ANN", "MARIE"], FurtherDiffers),
            ("Ann Joy", &["ANN MARIE"], FurtherDiffers),
            ("Ann J", &["ANN", "JOY"], Equal),
            ("Ann Joy", &["ANN", "J"], Equal),
            ("Ann K", &["ANN", "JOY"], FurtherDiffers),
            ("Ann Joy Marie", &["ANN", "MARIE"], Equal),
            ("Ann Joy", &["ANN", "MARIE", "JOY"], Equal),
            ("Ann Bob", &["ANN", "ROBERT"], Equal),
            ("Ann Joy", &["ANN", "JOYY"], Equal),
            ("Ann", &["ANN MARIE"], PartOfDouble),
            ("Ann", &["", "ANN"], Equal),
            ("Marie", &["ANN", "MARIE"], FurtherName),
            ("Marie", &["ANN MARIE"], FurtherName),
            ("Marie Ann", &["ANN", "MARIE"], FurtherName),
            ("J Robert", &["ROBERT"], FurtherName),
            ("Joy Marie", &["ANN", "MARIE"], Different),
            ("Ann", &[], Unknown),
            ("Robert (Bob)", &["ROBERT"], Equal),
            ("Robert known as Bob", &["ROBERT", "JOHN"], Equal),
        ] {
            assert_eq!(relation(ours, theirs), expected, "{ours} {theirs:?}");
        }
    }

    #[test]
    fn other_given_names_of_the_local_system_follow_the_first() {
        let others = ["Marie".to_owned()];
        let local = Local { given: Some("Ann"), other_given: &others, ..Local::default() };
        let names = NameTables::shipped();
        let of = |given: &str| {
            let person =
                Demographics { name: Some(PersonName::new(given, "")), ..Demographics::default() };
            super::given(&Names::of_local(&local), &Names::of_person(&person), &names)
        };
        assert_eq!(of("MARIE"), FurtherName);
        assert_eq!(of("ANN JOY"), FurtherDiffers);
    }

    #[test]
    fn other_names_of_the_record() {
        let names = NameTables::shipped();
        let of = |ours, usage| {
            let local = Local { given: Some(ours), ..Local::default() };
            let other = PersonName { usage: Some(usage), ..PersonName::new("ZED", "SMITH") };
            let person = Demographics {
                name: Some(PersonName::new("ROBERT", "SMITH")),
                other_names: vec![other],
                ..Demographics::default()
            };
            super::given(&Names::of_local(&local), &Names::of_person(&person), &names)
        };
        assert_eq!(of("Zed", NameUse::Nickname), FamiliarForm);
        assert_eq!(of("Zed", NameUse::Old), FurtherName);
        assert_eq!(of("Zad", NameUse::Old), Different);
        assert_eq!(of("Robert", NameUse::Old), Equal);
    }
}
