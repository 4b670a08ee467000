use crate::demographics::{Gender, redacted_debug};
use crate::matching::local_record::LocalRecord;
use crate::matching::names::caseload::CaseloadNames;
use crate::matching::names::error::NamesError;
use crate::matching::names::forenames::FORENAMES;
use crate::matching::names::key::{name_key, name_keys};
use crate::matching::names::nicknames::NICKNAMES;
use crate::matching::names::surnames::{SURNAMES, Surnames};
use std::borrow::Borrow;
use std::io::Read;
use std::sync::Arc;

/// The share of people who are recorded under a familiar form, of those with the formal name. Among
/// staff of GP practices, there are half as many women named Sue as the births of Susan suggest.
const FAMILIAR: f64 = 0.5;

/// A name with at least this share of one sex is a name of its own, although it is also a familiar
/// form: Ann and Rose are two names, although both are familiar forms of Roseanne.
const OF_ITS_OWN: f64 = 300e-6;

/// When the share of one sex is this many times that of the other, a name is of one sex.
const OF_ONE_SEX: f64 = 20.0;

/// How common names are in England, and which given names are familiar forms of others.
///
/// Matching uses these tables to tell how likely two people have one name by chance. The library
/// contains 10,678 given names by sex and year of birth, the 500 most common surnames, and 1,550
/// familiar forms. [`with_surnames`](Self::with_surnames) adds surnames from a file, and
/// [`with_caseload`](Self::with_caseload) the names of a caseload.
///
/// A share is never below the bound for names that are not listed. A longer table or a caseload
/// can show that a name is common. Neither is evidence that a name is rare in one town.
///
/// The tables are read at their first use. A clone shares them.
///
/// # Sources
///
/// Contains public sector information licensed under the Open Government Licence v3.0: Office for
/// National Statistics, National Records of Scotland, and NHS (Organisation Data Service / NHS
/// Choices). Surname shares also derive from Faker (MIT, © Daniele Faraglia), sdglinkage (MIT,
/// © Haoyuan Zhang), and the US Census Bureau (public domain). Nicknames:
/// carltonnorthern/nicknames, Apache-2.0, modified. `reference/names/README.md` says how the tables
/// were made.
///
/// # Example
///
/// ```
/// use nhs_pds::matching::NameTables;
///
/// let names = NameTables::shipped();
/// let table = "name,per_million,obs,source,per_million_without_staff\nGUPTA,601,84,p,27\n";
/// let more = names.with_surnames(table.as_bytes())?;
/// assert_eq!(format!("{more:?}"), "NameTables(redacted)");
/// # Ok::<(), nhs_pds::matching::NamesError>(())
/// ```
#[derive(Clone)]
pub struct NameTables {
    surnames: Arc<Surnames>,
    caseload: Option<Arc<CaseloadNames>>,
}

redacted_debug!(NameTables);

impl NameTables {
    /// The tables that the library contains.
    #[must_use]
    pub fn shipped() -> Self {
        Self { surnames: Arc::clone(&SURNAMES), caseload: None }
    }

    /// These tables with the surnames of a file as well.
    ///
    /// The file is CSV with the columns `name`, `per_million`, `obs`, `source` and
    /// `per_million_without_staff`. `name` has only the letters A to Z in upper case, `obs` is the
    /// number of people who were observed, and `source` is `f` for a published frequency. A name that is
    /// already listed keeps the larger share. With 10,000 surnames or more, a surname that is not
    /// listed counts as rarer than before.
    ///
    /// # Errors
    ///
    /// [`NamesError`], which names the line that cannot be read.
    pub fn with_surnames(&self, reader: impl Read) -> Result<Self, NamesError> {
        let surnames = Arc::new(self.surnames.with(reader)?);
        Ok(Self { surnames, caseload: self.caseload.clone() })
    }

    /// These tables with the names of a caseload, which replace those of another caseload.
    ///
    /// The share of a name becomes the larger of the two: a caseload can only make a name more common. A
    /// name that fewer than ten people have is not counted.
    ///
    /// ```
    /// use nhs_pds::matching::{LocalRecord, NameTables};
    ///
    /// let mut person = LocalRecord::default();
    /// person.surname = Some("Aindow".into());
    /// let names = NameTables::shipped().with_caseload([person]);
    /// assert_eq!(format!("{names:?}"), "NameTables(redacted)");
    /// ```
    #[must_use]
    pub fn with_caseload<I>(&self, people: I) -> Self
    where
        I: IntoIterator<Item: Borrow<LocalRecord>>,
    {
        let mut names = CaseloadNames::default();
        for person in people {
            names.add(person.borrow());
        }
        Self { surnames: Arc::clone(&self.surnames), caseload: Some(Arc::new(names)) }
    }

    /// The share of people of this sex, born in this year, who have this given name.
    ///
    /// Without a year, of all ages. Without a sex, or with a gender that is not of one sex, the
    /// larger of the two shares. A name of several words has the larger share of the whole and its
    /// words. A single letter has the share of all names that begin with it. A familiar form has at
    /// least half the share of its most common formal name, because registers have formal names.
    #[cfg_attr(not(test), expect(dead_code, reason = "the weights of relations use it"))]
    pub(crate) fn given_share(&self, name: &str, gender: Option<Gender>, year: Option<u16>) -> f64 {
        let one = |key: &str| {
            let formal = NICKNAMES.formal(key).iter();
            let formal = formal.map(|name| FAMILIAR * FORENAMES.share(name, gender, year));
            let local = self.caseload.iter().map(|local| local.given_share(key, gender));
            formal.chain(local).fold(FORENAMES.share(key, gender, year), f64::max)
        };
        name_keys(name).iter().map(|key| one(key)).fold(0.0, f64::max)
    }

    /// The share of people who have this surname. A double-barrelled surname has the larger share
    /// of the whole and its parts.
    #[cfg_attr(not(test), expect(dead_code, reason = "the weights of relations use it"))]
    pub(crate) fn family_share(&self, name: &str) -> f64 {
        let one = |key: &str| {
            let local = self.caseload.as_ref().map_or(0.0, |local| local.family_share(key));
            self.surnames.share(key).max(local)
        };
        name_keys(name).iter().map(|key| one(key)).fold(0.0, f64::max)
    }

    /// Whether this is a listed given name.
    pub(crate) fn is_listed_given(&self, name: &str) -> bool {
        FORENAMES.contains(&name_key(name))
    }

    /// Whether this is a listed surname.
    pub(crate) fn is_listed_family(&self, name: &str) -> bool {
        self.surnames.contains(&name_key(name))
    }

    /// Whether one given name is a familiar form of the other, or both are familiar forms of one
    /// formal name (Bob and Rob) and not both common names of their own (Ann and Rose). A name is
    /// not a familiar form of itself.
    pub(crate) fn are_familiar_forms(&self, a: &str, b: &str) -> bool {
        let (a, b) = (&*name_key(a), &*name_key(b));
        let is_own = |key| FORENAMES.both(key).into_iter().any(|share| share >= OF_ITS_OWN);
        let are_short = a != b && NICKNAMES.have_one_formal(a, b) && !(is_own(a) && is_own(b));
        are_short || NICKNAMES.is_of(a, b) || NICKNAMES.is_of(b, a)
    }

    /// Whether nearly all people with one name are female, and with the other name male (Francis
    /// and Frances).
    pub(crate) fn are_of_two_sexes(&self, a: &str, b: &str) -> bool {
        let sex = |name: &str| {
            let [female, male] = FORENAMES.both(&name_key(name));
            match () {
                () if female > male * OF_ONE_SEX => Some(Gender::Female),
                () if male > female * OF_ONE_SEX => Some(Gender::Male),
                () => None,
            }
        };
        sex(a).zip(sex(b)).is_some_and(|(a, b)| a != b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Gender::{Female, Male};

    fn person(family: &str, given: &str, gender: Gender) -> LocalRecord {
        LocalRecord {
            surname: Some(family.to_owned()),
            forename: Some(given.to_owned()),
            gender: Some(gender),
            ..LocalRecord::default()
        }
    }

    #[track_caller]
    fn near(share: f64, per_million: f64) {
        assert!((share * 1e6 - per_million).abs() < 0.01, "{} {per_million}", share * 1e6);
    }

    #[test]
    fn shares_of_given_names_by_sex_and_year() {
        let names = NameTables::shipped();
        near(names.given_share("John", Some(Male), Some(1945)), 70_883.0);
        near(names.given_share("JOHN", Some(Male), None), 22_522.0);
        near(names.given_share("Olivia", Some(Female), Some(2018)), 14_082.0);
        near(names.given_share("Olivia", Some(Female), Some(2024)), 14_082.0);
    }

    #[test]
    fn a_name_that_is_not_listed_has_the_bound() {
        let names = NameTables::shipped();
        near(names.given_share("Xqz", Some(Female), Some(2001)), 500.0);
        near(names.given_share("Xqz", Some(Female), Some(1950)), 2_000.0);
        near(names.given_share("Xqz", Some(Male), Some(1985)), 1_700.0);
        near(names.given_share("Xqz", None, None), 2_000.0);
        near(names.given_share("Νίκος", Some(Gender::NotKnown), Some(2020)), 500.0);
        // Listed, but not in this cohort.
        near(names.given_share("Olivia", Some(Female), Some(1930)), 2_000.0);
        near(names.family_share("Xqz"), 1_000.0);
    }

    #[test]
    fn the_larger_share_of_whole_and_parts() {
        let names = NameTables::shipped();
        near(names.family_share("Smith"), 11_500.0);
        near(names.family_share("Xqz-Smith"), 11_500.0);
        near(names.family_share("SMITH JONES"), 11_500.0);
        near(names.given_share("Xqz John", Some(Male), Some(1945)), 70_883.0);
    }

    #[test]
    fn a_familiar_form_is_at_least_half_as_common_as_its_formal_name() {
        let names = NameTables::shipped();
        near(names.given_share("Sue", Some(Female), Some(1955)), 32_848.0 / 2.0);
    }

    #[test]
    fn a_table_of_surnames_adds_names_and_lowers_the_bound_when_whole() {
        const HEADER: &str = "name,per_million,obs,source,per_million_without_staff\n";
        let names = NameTables::shipped();
        let small = names.with_surnames(format!("{HEADER}XQZ,2000,0,u,\n").as_bytes()).unwrap();
        near(small.family_share("Xqz"), 2_000.0);
        near(small.family_share("Zqx"), 1_000.0);
        near(names.family_share("Xqz"), 1_000.0);
        let row = |n: u32| format!("XQ{},5,0,u,5\n", n.to_string().replace(|_: char| true, "X"));
        let letters = |n: usize| [n / 676, n / 26 % 26, n % 26].map(|n| (b'A' + n as u8) as char);
        let rows = (0..10_000).map(|n| format!("Q{},5,0,u,5\n", String::from_iter(letters(n))));
        let text = HEADER.to_owned() + &rows.collect::<String>() + &row(1);
        let whole = names.with_surnames(text.as_bytes()).unwrap();
        near(whole.family_share("Zqx"), 100.0);
        near(whole.family_share("Smith"), 11_500.0);
        // A share of the shipped table never becomes smaller.
        let less = names.with_surnames(format!("{HEADER}SMITH,5,970,f,5\n").as_bytes()).unwrap();
        near(less.family_share("Smith"), 11_500.0);
    }

    #[test]
    fn a_wrong_table_is_refused() {
        let read = |text: &str| NameTables::shipped().with_surnames(text.as_bytes()).map(|_| ());
        let header = "name,per_million,obs,source,per_million_without_staff";
        assert!(matches!(read(""), Err(NamesError::Header)));
        assert!(matches!(read("SMITH,1,1,f,1\n"), Err(NamesError::Header)));
        assert!(read(&format!("\u{FEFF}{header}\r\nXQZ,2,1,p,\r\n")).is_ok());
        for row in ["", "Smith,1,1,f,1", "SMITH", "SMITH,1,-1,f,1", "SMITH,NaN,1,f,1"] {
            let error = read(&format!("{header}\nXQZ,2,1,p,\n{row}\n"));
            assert!(matches!(error, Err(NamesError::Row { line: 3 })), "{row}");
        }
        let long = format!("{header}\n{}", "A".repeat(100_000));
        assert!(matches!(read(&long), Err(NamesError::Row { line: 2 })));
        let invalid = NameTables::shipped().with_surnames(&b"\xff\n"[..]);
        assert!(matches!(invalid, Err(NamesError::Read(_))));
    }

    #[test]
    fn a_caseload_can_only_make_a_name_more_common() {
        let xqz = (0..10).map(|_| person("Xqz", "Zqx Ann", Female));
        let smith = (0..10).map(|_| person("Jones", "John", Male));
        let few = (0..9).map(|_| person("Rare", "Rarer", Female));
        let people: Vec<_> = xqz.chain(smith).chain(few).collect();
        let names = NameTables::shipped().with_caseload(&people);
        near(names.family_share("Xqz"), 10e6 / 29.0);
        near(names.family_share("Rare"), 1_000.0);
        near(names.given_share("Zqx", Some(Female), Some(2000)), 10e6 / 19.0);
        near(names.given_share("Zqx", None, Some(2000)), 10e6 / 19.0);
        near(names.given_share("Zqx", Some(Male), Some(2000)), 500.0);
        let none: [LocalRecord; 0] = [];
        near(names.with_caseload(none).family_share("Smith"), 11_500.0);
        let many = (0..10_000).map(|n| person(if n < 10 { "Smith" } else { "Xqz" }, "A", Male));
        near(names.with_caseload(many).family_share("Smith"), 11_500.0);
    }

    #[test]
    fn familiar_forms_in_both_directions() {
        let names = NameTables::shipped();
        for (a, b, expected) in [
            ("Bob", "Robert", true),
            ("Robert", "Bob", true),
            ("Bob", "Rob", true),
            ("Liz", "Elizabeth", true),
            ("Sue", "Susan", true),
            ("Kath", "Kathy", true),
            ("Ann", "Rose", false),
            ("Robert", "William", false),
            ("Emily", "Emma", false),
            ("Ian", "Jack", false),
            ("Robert", "Robert", false),
            ("Robert", "James", false),
            ("Xqz", "Zqx", false),
            ("", "", false),
        ] {
            assert_eq!(names.are_familiar_forms(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn names_of_one_sex() {
        let names = NameTables::shipped();
        assert!(names.are_of_two_sexes("Frances", "Francis"));
        assert!(!names.are_of_two_sexes("Sara", "Sarah"));
        assert!(!names.are_of_two_sexes("Xqz", "John"));
        assert!(names.is_listed_given("Zoë") && !names.is_listed_given("Xqz"));
        assert!(names.is_listed_family("o'brien") && !names.is_listed_family("Xqz"));
    }
}
