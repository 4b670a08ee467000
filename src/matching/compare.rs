use crate::demographics::{
    Address, AddressUse, Demographics, Field, Gender, PartialDate, Postcode, Recorded,
};
use crate::matching::class::{FieldClass, Weight};
use crate::matching::given::{GivenRung, are_compatible};
use crate::matching::local_record::LocalRecord;
use crate::matching::normalise::{given_names, is_same_name, is_same_text};
use std::fmt::{self, Display};

/// One demographic field of a person, as the local system and as PDS have it.
///
/// The texts are for display side by side. `Debug` omits them, and `Serialize` writes them.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq, serde::Serialize)]
pub struct FieldComparison {
    /// The field.
    pub field: Field,
    /// How the two sides compare.
    pub class: FieldClass,
    /// The weight of the difference.
    pub weight: Weight,
    /// The value in the local system, unchanged.
    pub local: Option<String>,
    /// The value in PDS, unchanged.
    pub pds: Option<String>,
}

impl FieldComparison {
    fn new(
        field: Field,
        (local, pds): (Option<String>, Recorded<String>),
        both: impl FnOnce(&str, &str) -> (FieldClass, Weight),
    ) -> Self {
        let local = local.filter(|text| !text.trim().is_empty());
        let is_blank = pds.is_blank();
        let pds = match pds {
            Recorded::Known(text) | Recorded::Unrecognised(text) => Some(text),
            Recorded::NotReturned | Recorded::Blank => None,
        };
        let (class, different) = match (&local, &pds) {
            (None, None) => (FieldClass::BothMissing, Weight::None),
            (None, Some(_)) => (FieldClass::LocalMissing, Weight::None),
            (Some(_), None) if is_blank => (FieldClass::PdsBlank, Weight::None),
            (Some(_), None) => (FieldClass::PdsMissing, Weight::None),
            (Some(local), Some(pds)) => both(local, pds),
        };
        Self { field, class, weight: Weight::of(field, class, different), local, pds }
    }
}

impl fmt::Debug for FieldComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldComparison")
            .field("field", &self.field)
            .field("class", &self.class)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// A case and what PDS has recorded about the person, side by side (HAV-10).
///
/// Data only: which fields differ, how and how much. It does not say whether the two are the same
/// person.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Comparison {
    fields: [FieldComparison; 7],
    given_rung: Option<GivenRung>,
}

impl Comparison {
    /// Every field that is compared: all but the number, in the order of [`Field::ALL`].
    #[must_use]
    pub const fn fields(&self) -> &[FieldComparison] {
        &self.fields
    }

    /// One field; `None` for a field that is not compared.
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&FieldComparison> {
        self.fields.iter().find(|compared| compared.field == field)
    }

    /// How well the given names agree; `None` when one side has no given name.
    #[must_use]
    pub const fn given_rung(&self) -> Option<GivenRung> {
        self.given_rung
    }

    /// The greatest weight of any field.
    #[must_use]
    pub fn weight(&self) -> Weight {
        self.fields.iter().map(|field| field.weight).max().unwrap_or_default()
    }

    /// Whether any field has a weight. Addresses are written in many ways. To start a back-office
    /// process (MSCA-DQ-06), therefore require a [`weight`](Self::weight) above [`Weight::Low`], or
    /// check the fields.
    #[must_use]
    pub fn is_discrepant(&self) -> bool {
        self.weight() > Weight::None
    }

    /// The fields that have a weight, the greatest first.
    #[must_use]
    pub fn discrepancies(&self) -> Vec<&FieldComparison> {
        let mut found: Vec<_> =
            self.fields.iter().filter(|field| field.weight > Weight::None).collect();
        found.sort_by_key(|field| std::cmp::Reverse(field.weight));
        found
    }
}

/// Compares `local` with what PDS has recorded about the person, field by field.
///
/// Pure. Of several addresses, it uses a usual address with the local postcode, or else the first
/// usual address. An address without a stated use counts as usual; addresses with other uses do
/// not.
///
/// ```
/// use nhs_pds::demographics::{Demographics, Field, PersonName, Recorded};
/// use nhs_pds::matching::{FieldClass, GivenRung, LocalRecord, Weight, compare};
///
/// let mut local = LocalRecord::default();
/// local.surname = Some("O’Brien (née Aindow)".into());
/// local.forename = Some("Zoë".into());
/// local.date_of_birth = Some("1943-05-19".parse()?);
/// let mut person = Demographics::default();
/// person.name = Some(PersonName::new("ZOE", "O'BRIEN"));
/// person.date_of_birth = Recorded::Known("1943-05-20".parse()?);
///
/// let comparison = compare(&local, &person);
/// let class = |field| comparison.field(field).map(|field| field.class);
/// assert_eq!(class(Field::Family), Some(FieldClass::EqualAfterNormalisation));
/// assert_eq!(class(Field::DateOfBirth), Some(FieldClass::Different));
/// assert_eq!(comparison.given_rung(), Some(GivenRung::AllInOrder));
/// assert_eq!(comparison.weight(), Weight::High);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn compare(local: &LocalRecord, person: &Demographics) -> Comparison {
    let postcode = local.postcode.as_deref().and_then(|text| text.parse().ok());
    let at = usual_address(person, postcode);
    let (given, given_rung) = compare_given(local, person);
    Comparison {
        fields: [
            compare_family(local, person),
            given,
            compare_dates(Field::DateOfBirth, local.date_of_birth, &person.date_of_birth),
            compare_gender(local, person),
            compare_address(local, at),
            compare_postcode(local, at),
            compare_dates(Field::DateOfDeath, local.date_of_death, &person.date_of_death),
        ],
        given_rung,
    }
}

fn compare_family(local: &LocalRecord, person: &Demographics) -> FieldComparison {
    let family = person.name.as_ref().map_or(Recorded::NotReturned, |name| text_of(&name.family));
    FieldComparison::new(Field::Family, (local.surname.clone(), family), |local, pds| {
        (of_texts(local, pds, is_same_name), Weight::High)
    })
}

fn compare_given(
    local: &LocalRecord,
    person: &Demographics,
) -> (FieldComparison, Option<GivenRung>) {
    let given = person.name.as_ref().map_or(&[][..], |name| &name.given);
    let text = given.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    let number = match text.collect::<Vec<_>>().join(" ") {
        text if !text.is_empty() => Recorded::Known(text),
        _ if given.is_empty() => Recorded::NotReturned,
        _ => Recorded::Blank,
    };
    let mut held_by = None;
    let field =
        FieldComparison::new(Field::Given, (local.forename.clone(), number), |ours, pds| {
            let (local, theirs) = (given_names(ours), given_names(pds));
            let rung = if is_same_name(ours, pds) {
                GivenRung::AllInOrder
            } else {
                GivenRung::of(&local, &theirs)
            };
            held_by = Some(rung);
            let class = match rung {
                _ if ours == pds => FieldClass::Equal,
                GivenRung::AllInOrder => FieldClass::EqualAfterNormalisation,
                GivenRung::FirstIsFirst if are_compatible(&local, &theirs) => {
                    FieldClass::GivenCompatible
                }
                _ => FieldClass::Different,
            };
            (class, Weight::of_given(rung))
        });
    (field, held_by)
}

fn compare_dates(
    field: Field,
    local: Option<PartialDate>,
    pds: &Recorded<PartialDate>,
) -> FieldComparison {
    let texts = (local.map(|date| date.to_string()), text_of(pds));
    FieldComparison::new(field, texts, |_, _| {
        let class = match (local, pds.known()) {
            (Some(local), Some(pds)) if local == *pds => FieldClass::Equal,
            (Some(local), Some(pds)) if local.may_be(*pds) => FieldClass::PartialDateCompatible,
            _ => FieldClass::Different,
        };
        (class, Weight::High)
    })
}

fn compare_gender(local: &LocalRecord, person: &Demographics) -> FieldComparison {
    let texts = (local.gender.map(|gender| gender.to_string()), text_of(&person.gender));
    FieldComparison::new(Field::Gender, texts, |_, _| {
        let pds = person.gender.known().copied();
        let is_open = |gender| matches!(gender, Some(Gender::NotKnown | Gender::NotSpecified));
        match local.gender {
            local if local == pds => (FieldClass::Equal, Weight::None),
            local if is_open(local) || is_open(pds) => (FieldClass::Different, Weight::Low),
            _ => (FieldClass::Different, Weight::Medium),
        }
    })
}

fn compare_address(local: &LocalRecord, at: Option<&Address>) -> FieldComparison {
    let pds = match at.and_then(|address| address.lines.as_ref()).map(one_line) {
        None => Recorded::NotReturned,
        Some(text) if text.is_empty() => Recorded::Blank,
        Some(text) => Recorded::Known(text),
    };
    FieldComparison::new(Field::Address, (Some(one_line(&local.address)), pds), |local, pds| {
        (of_texts(local, pds, is_same_text), Weight::Low)
    })
}

fn compare_postcode(local: &LocalRecord, at: Option<&Address>) -> FieldComparison {
    let number = at.map_or(&Recorded::NotReturned, |address| &address.postcode);
    let texts = (local.postcode.clone(), text_of(number));
    FieldComparison::new(Field::Postcode, texts, |local, pds| {
        let (ours, theirs) = (local.parse::<Postcode>().ok(), number.known());
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            return (of_texts(local, pds, is_same_text), Weight::Medium);
        };
        if local == pds {
            (FieldClass::Equal, Weight::None)
        } else if ours == *theirs {
            (FieldClass::EqualAfterNormalisation, Weight::None)
        } else if ours.outward() == theirs.outward() || ours.is_pseudo() || theirs.is_pseudo() {
            (FieldClass::Different, Weight::Low)
        } else {
            (FieldClass::Different, Weight::Medium)
        }
    })
}

fn usual_address(person: &Demographics, postcode: Option<Postcode>) -> Option<&Address> {
    let is_usual = |at: &&Address| matches!(at.usage, None | Some(AddressUse::Home));
    let mut usual = person.addresses.iter().filter(is_usual);
    let first = usual.clone().next();
    usual.find(|at| postcode.is_some() && at.postcode.known() == postcode.as_ref()).or(first)
}

/// The lines that are not blank, in order, joined by commas.
fn one_line(lines: &[String; 5]) -> String {
    let used = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    used.collect::<Vec<_>>().join(", ")
}

fn of_texts(local: &str, pds: &str, same: impl FnOnce(&str, &str) -> bool) -> FieldClass {
    if local == pds {
        FieldClass::Equal
    } else if same(local, pds) {
        FieldClass::EqualAfterNormalisation
    } else {
        FieldClass::Different
    }
}

/// The text of a field. A known value of white space alone is blank.
fn text_of<T: Display>(number: &Recorded<T>) -> Recorded<String> {
    let text = match number {
        Recorded::NotReturned => return Recorded::NotReturned,
        Recorded::Blank => return Recorded::Blank,
        Recorded::Known(value) => value.to_string(),
        Recorded::Unrecognised(text) => text.clone(),
    };
    if text.trim().is_empty() { Recorded::Blank } else { Recorded::Known(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::PersonName;
    use proptest::prelude::*;

    use FieldClass::{
        BothMissing, Different, Equal, EqualAfterNormalisation, GivenCompatible, LocalMissing,
        PartialDateCompatible, PdsBlank, PdsMissing,
    };

    fn empty() -> LocalRecord {
        LocalRecord::default()
    }

    /// The class and weight of one field when no other field is known.
    fn on(
        field: Field,
        local: impl FnOnce(&mut LocalRecord),
        pds: impl FnOnce(&mut Demographics),
    ) -> (FieldClass, Weight) {
        let (mut case, mut person) = (empty(), Demographics::default());
        local(&mut case);
        pds(&mut person);
        let comparison = compare(&case, &person);
        let field = comparison.field(field).unwrap();
        assert_eq!(comparison.weight(), field.weight, "the other fields have no weight");
        assert_eq!(comparison.is_discrepant(), field.weight > Weight::None);
        assert_eq!(comparison.discrepancies().len(), usize::from(field.weight > Weight::None));
        (field.class, field.weight)
    }

    /// `-` means not returned, or not recorded locally; blank text means blank.
    fn number<T: std::str::FromStr>(text: &str) -> Recorded<T> {
        if text == "-" { Recorded::NotReturned } else { Recorded::read(text) }
    }

    fn recorded(text: &str) -> Option<String> {
        (text != "-").then(|| text.to_owned())
    }

    #[test]
    fn family() {
        for (local, pds, class, weight) in [
            ("-", "-", BothMissing, Weight::None),
            ("-", "", BothMissing, Weight::None),
            ("Aindow", "Aindow", Equal, Weight::None),
            ("Aindow", "AINDOW", EqualAfterNormalisation, Weight::None),
            ("O’Brien-Łukasz (dec'd)", "O'BRIEN LUKASZ", EqualAfterNormalisation, Weight::None),
            ("-", "AINDOW", LocalMissing, Weight::None),
            (" ", "AINDOW", LocalMissing, Weight::None),
            ("Aindow", "-", PdsMissing, Weight::None),
            ("Aindow", "", PdsBlank, Weight::Medium),
            ("Aindow", "AINDOWE", Different, Weight::High),
        ] {
            let name = |person: &mut Demographics| {
                let family = number(pds);
                person.name = Some(PersonName { family, ..PersonName::default() });
            };
            let found = on(Field::Family, |case| case.surname = recorded(local), name);
            assert_eq!(found, (class, weight), "{local} {pds}");
        }
        let nameless = on(Field::Family, |case| case.surname = recorded("A"), |_| ());
        assert_eq!(nameless, (PdsMissing, Weight::None));
    }

    #[test]
    fn given() {
        for (local, pds, class, weight, rung) in [
            ("-", &[][..], BothMissing, Weight::None, None),
            ("Ann Joy", &["Ann", "Joy"], Equal, Weight::None, Some(GivenRung::AllInOrder)),
            ("?", &["?"], Equal, Weight::None, Some(GivenRung::AllInOrder)),
            ("Ann", &["ANN"], EqualAfterNormalisation, Weight::None, Some(GivenRung::AllInOrder)),
            (
                "Ann",
                &["ANN", ""],
                EqualAfterNormalisation,
                Weight::None,
                Some(GivenRung::AllInOrder),
            ),
            ("Ann", &["ANN", "JOY"], GivenCompatible, Weight::None, Some(GivenRung::FirstIsFirst)),
            ("-", &["ANN"], LocalMissing, Weight::None, None),
            ("Ann", &[], PdsMissing, Weight::None, None),
            ("Ann", &["", " "], PdsBlank, Weight::Low, None),
            ("Ann Joy", &["ANN", "MAY"], Different, Weight::Low, Some(GivenRung::FirstIsFirst)),
            ("Joy", &["ANN", "JOY"], Different, Weight::Low, Some(GivenRung::FirstIsAny)),
            ("May Joy", &["ANN", "JOY"], Different, Weight::Medium, Some(GivenRung::AnyIsAny)),
            ("A", &["ANN"], Different, Weight::Medium, Some(GivenRung::Initial)),
            ("Ann", &["JOY"], Different, Weight::High, Some(GivenRung::None)),
            ("-?", &["JOY"], Different, Weight::High, Some(GivenRung::None)),
        ] {
            let (mut case, mut person) = (empty(), Demographics::default());
            case.forename = recorded(local);
            let mut name = PersonName::default();
            name.given = pds.iter().map(|&name| name.to_owned()).collect();
            person.name = Some(name);
            let comparison = compare(&case, &person);
            let field = comparison.field(Field::Given).unwrap();
            assert_eq!((field.class, field.weight), (class, weight), "{local} {pds:?}");
            assert_eq!(comparison.given_rung(), rung, "{local} {pds:?}");
        }
    }

    #[test]
    fn dates() {
        let pairs = [
            ("-", "-", BothMissing, Weight::None, Weight::None),
            ("1943-05-19", "19430519", Equal, Weight::None, Weight::None),
            ("1943", "1943", Equal, Weight::None, Weight::None),
            ("1943-05", "1943-05-19", PartialDateCompatible, Weight::None, Weight::None),
            ("1943-05-19", "1943", PartialDateCompatible, Weight::None, Weight::None),
            ("-", "1943-05-19", LocalMissing, Weight::None, Weight::High),
            ("-", "long ago", LocalMissing, Weight::None, Weight::High),
            ("1943-05-19", "-", PdsMissing, Weight::None, Weight::Low),
            ("1943-05-19", "", PdsBlank, Weight::Medium, Weight::Medium),
            ("1943-05-19", "1943-05-20", Different, Weight::High, Weight::High),
            ("1943-01-01", "1943-05-19", Different, Weight::High, Weight::High),
            ("1943-05-19", "long ago", Different, Weight::High, Weight::High),
        ];
        for (local, pds, class, birth, death) in pairs {
            let date = recorded(local).map(|text| text.parse().unwrap());
            let born = on(
                Field::DateOfBirth,
                |case| case.date_of_birth = date,
                |person| person.date_of_birth = number(pds),
            );
            assert_eq!(born, (class, birth), "{local} {pds}");
            let died = on(
                Field::DateOfDeath,
                |case| case.date_of_death = date,
                |person| person.date_of_death = number(pds),
            );
            assert_eq!(died, (class, death), "{local} {pds}");
        }
    }

    #[test]
    fn gender() {
        for (local, pds, class, weight) in [
            ("-", "-", BothMissing, Weight::None),
            ("2", "female", Equal, Weight::None),
            ("0", "0", Equal, Weight::None),
            ("-", "2", LocalMissing, Weight::None),
            ("2", "-", PdsMissing, Weight::None),
            ("2", "", PdsBlank, Weight::Low),
            ("2", "1", Different, Weight::Medium),
            ("2", "X", Different, Weight::Medium),
            ("0", "1", Different, Weight::Low),
            ("2", "9", Different, Weight::Low),
        ] {
            let found = on(
                Field::Gender,
                |case| case.gender = recorded(local).map(|text| text.parse().unwrap()),
                |person| person.gender = number(pds),
            );
            assert_eq!(found, (class, weight), "{local} {pds}");
        }
    }

    fn home(lines: Option<&str>, postcode: &str) -> Address {
        let lines = lines.map(|line| ["", line, "", "Leeds", ""].map(str::to_owned));
        Address { lines, postcode: number(postcode), ..Address::default() }
    }

    #[test]
    fn postcode() {
        for (local, pds, class, weight) in [
            ("-", "-", BothMissing, Weight::None),
            ("LS1 4HY", "ls14hy", Equal, Weight::None),
            ("ls14hy", "LS1 4HY", EqualAfterNormalisation, Weight::None),
            ("not known", "NOT KNOWN", EqualAfterNormalisation, Weight::None),
            ("-", "LS1 4HY", LocalMissing, Weight::None),
            ("LS1 4HY", "-", PdsMissing, Weight::None),
            ("LS1 4HY", "", PdsBlank, Weight::Low),
            ("LS1 4HY", "LS1 4HX", Different, Weight::Low),
            ("ZZ99 3VZ", "LS1 4HX", Different, Weight::Low),
            ("LS1 4HY", "ZZ99 3WZ", Different, Weight::Low),
            ("LS1 4HY", "KT17 1NA", Different, Weight::Medium),
            ("not known", "LS1 4HX", Different, Weight::Medium),
            ("LS1 4HY", "NOT KNOWN", Different, Weight::Medium),
        ] {
            let found = on(
                Field::Postcode,
                |case| case.postcode = recorded(local),
                |person| person.addresses = vec![home(None, pds)],
            );
            assert_eq!(found, (class, weight), "{local} {pds}");
        }
    }

    #[test]
    fn address() {
        let lines = |lines: [&str; 5]| lines.map(str::to_owned);
        let blank = lines([""; 5]);
        let ours = lines(["12 High-Street", "", "Leeds", "", ""]);
        for (local, pds, class, weight) in [
            (&blank, None, BothMissing, Weight::None),
            (&blank, Some(&blank), BothMissing, Weight::None),
            (&ours, Some(&ours), Equal, Weight::None),
            (
                &ours,
                Some(&lines(["", "12 HIGH STREET", "", "LEEDS", ""])),
                EqualAfterNormalisation,
                Weight::None,
            ),
            (&blank, Some(&ours), LocalMissing, Weight::None),
            (&ours, None, PdsMissing, Weight::None),
            (&ours, Some(&blank), PdsBlank, Weight::Low),
            (&ours, Some(&lines(["", "12 HIGH STREET", "", "YORK", ""])), Different, Weight::Low),
        ] {
            let address = Address { lines: pds.cloned(), ..Address::default() };
            let found = on(
                Field::Address,
                |case| case.address = local.clone(),
                |person| person.addresses = vec![address],
            );
            assert_eq!(found, (class, weight));
        }
    }

    #[test]
    fn which_address_is_the_usual_one() {
        let mut case = empty();
        case.postcode = Some("LS1 4HY".into());
        let mut away = home(None, "LS1 4HY");
        away.usage = Some(AddressUse::Temporary);
        let mut at_home = home(None, "KT17 1NA");
        at_home.usage = Some(AddressUse::Home);
        let mut person = Demographics::default();
        let class =
            |person: &Demographics| compare(&case, person).field(Field::Postcode).unwrap().class;
        person.addresses = vec![away.clone()];
        assert_eq!(class(&person), PdsMissing);
        person.addresses = vec![away, at_home];
        assert_eq!(class(&person), Different);
        person.addresses.push(home(None, "LS1 4HY"));
        assert_eq!(class(&person), Equal);
    }

    #[test]
    fn every_field_is_compared_and_debug_shows_no_value() {
        let (case, person) = pair("Quentinsson", "Arabella Joy", "1984-02-29", "KT17 1NA");
        let comparison = compare(&case, &person);
        let fields: Vec<_> = comparison.fields().iter().map(|field| field.field).collect();
        assert_eq!(fields, Field::ALL[1..]);
        assert!(comparison.field(Field::NhsNumber).is_none());
        let shown = format!("{comparison:?} {comparison:#?}");
        for value in ["Quentinsson", "Arabella", "1984", "KT17", "High"] {
            assert!(!shown.contains(value), "{shown}");
        }
        let family = comparison.field(Field::Family).unwrap();
        assert_eq!(family.local.as_deref(), Some("Quentinsson"));
        assert_eq!(family.pds.as_deref(), Some("Quentinsson"));
    }

    #[test]
    fn the_greatest_weights_come_first() {
        let (case, mut person) = pair("Aindow", "Ann", "1984-02-29", "KT17 1NA");
        person.gender = Recorded::Known(Gender::Male);
        person.name = Some(PersonName::new("JOY", "AINDOW"));
        person.addresses = vec![home(Some("1 Low Road"), "KT17 1NB")];
        let comparison = compare(&case, &person);
        let found: Vec<_> = comparison.discrepancies().iter().map(|field| field.field).collect();
        let expected = [Field::Given, Field::Gender, Field::Address, Field::Postcode];
        assert_eq!(found, expected);
    }

    /// A case, and a person with the same demographic fields.
    fn pair(
        surname: &str,
        forename: &str,
        born: &str,
        postcode: &str,
    ) -> (LocalRecord, Demographics) {
        let mut case = empty();
        case.surname = Some(surname.into());
        case.forename = Some(forename.into());
        case.date_of_birth = born.parse().ok();
        case.gender = Some(Gender::Female);
        case.postcode = Some(postcode.into());
        case.address = ["", "12 High Street", "", "Leeds", ""].map(str::to_owned);
        let name = PersonName {
            family: Recorded::read(surname),
            given: forename.split_whitespace().map(str::to_owned).collect(),
            ..PersonName::default()
        };
        let person = Demographics {
            name: Some(name),
            gender: Recorded::Known(Gender::Female),
            date_of_birth: Recorded::read(born),
            addresses: vec![home(Some("12 High Street"), postcode)],
            ..Demographics::default()
        };
        (case, person)
    }

    proptest! {
        #[test]
        fn a_case_compared_with_itself_has_no_weight(
            surname in ".{1,12}",
            forename in ".{1,12}",
            born in "(19|20)[0-9]{2}(-0[1-9](-[12][0-9])?)?",
            postcode in "([A-Z]{1,2}[1-9] ?[1-9][A-Z]{2}|.{1,8})",
        ) {
            let (case, person) = pair(&surname, &forename, &born, &postcode);
            let comparison = compare(&case, &person);
            prop_assert_eq!(comparison.weight(), Weight::None, "{:?}", comparison);
            prop_assert!(!comparison.is_discrepant());
        }

        #[test]
        fn case_accents_spaces_and_hyphens_are_not_differences(
            name in "[A-Za-zéèöåçñÉÖøŁ]{1,8}([ '-][A-Za-zéèöåçñÉÖøŁ]{1,8}){0,2}",
            how in 0..7_usize,
        ) {
            let typed = match how {
                0 => name.to_uppercase(),
                1 => name.to_lowercase(),
                2 => name.replace(' ', "-"),
                3 => name.replace('-', " \u{2013} "),
                4 => name.replace('\'', "’"),
                5 => name.replace(['é', 'è'], "e").replace('ö', "O\u{308}"),
                _ => format!("  {}\u{A0}", name.replace('-', "")),
            };
            let (case, _) = pair(&name, &name, "1984", "LS1 4HY");
            let (_, person) = pair(&typed, &typed, "1984", "ls1  4hy");
            let comparison = compare(&case, &person);
            prop_assert_eq!(comparison.weight(), Weight::None, "{:?} {} {}", comparison, name, typed);
        }
    }

    #[test]
    fn a_comparison_as_json() {
        use serde_json::{json, to_value};

        let mut local = empty();
        local.surname = Some("Aindow".into());
        let name = Some(PersonName::new("Zoë", "AINDOW"));
        let person = Demographics { name, ..Demographics::default() };
        let comparison = to_value(compare(&local, &person)).unwrap();
        assert_eq!(comparison["given_rung"], json!(null));
        let family = json!({
            "field": "family", "class": "equal_after_normalisation", "weight": "none",
            "local": "Aindow", "pds": "AINDOW",
        });
        let fields = comparison["fields"].as_array().unwrap();
        assert_eq!((fields.len(), &fields[0]), (7, &family));

        for class in [
            BothMissing,
            Equal,
            EqualAfterNormalisation,
            PartialDateCompatible,
            GivenCompatible,
            LocalMissing,
            PdsMissing,
            PdsBlank,
            Different,
        ] {
            assert_eq!(to_value(class).unwrap(), class.as_str());
        }
        for weight in [Weight::None, Weight::Low, Weight::Medium, Weight::High] {
            assert_eq!(to_value(weight).unwrap(), weight.as_str());
        }
        for rung in [
            GivenRung::AllInOrder,
            GivenRung::FirstIsFirst,
            GivenRung::FirstIsAny,
            GivenRung::AnyIsAny,
            GivenRung::Initial,
            GivenRung::None,
        ] {
            assert_eq!(to_value(rung).unwrap(), rung.as_str());
        }
        for field in Field::ALL {
            assert_eq!(to_value(field).unwrap(), field.as_str());
        }
    }
}
