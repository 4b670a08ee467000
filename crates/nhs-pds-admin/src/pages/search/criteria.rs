//! What a user has typed into the search form, and what is searched for. Pure.

use crate::form::{Choice, FormErrors};
use chrono::NaiveDate;
use nhs_pds::case::{Case, CaseFilter, CaseId};
use nhs_pds::demographics::{DateError, Gender, PartialDate, Postcode};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{
    Attended, CriterionError, FetchDetails, FindPerson, NamePattern, NameText, PostcodePattern,
    Question,
};
use serde::Deserialize;

/// Whether wildcards and partial dates may be sent to PDS (MSCA-PDS-01).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Breadth {
    Basic,
    /// On demand, for system administrators (HAV-7).
    Advanced,
}

/// The fields of the form, as they were typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub(super) surname: String,
    pub(super) given: String,
    pub(super) born: String,
    /// The date that was chosen where `born` can mean several.
    pub(super) born_is: String,
    pub(super) gender: String,
    pub(super) postcode: String,
    pub(super) number: String,
    pub(super) case: String,
    /// The case for which the user searches, by its name in URLs.
    pub(super) about: String,
    /// Whether to search PDS too.
    pub(super) pds: String,
    /// Whether the user has confirmed a search with wildcards or a partial date.
    pub(super) confirmed: String,
}

/// What is searched for.
#[derive(Clone, Debug)]
pub(super) struct Criteria {
    pub(super) local: CaseFilter,
    /// The question to PDS, or what it still needs.
    pub(super) pds: Result<Question<Attended>, Vec<&'static str>>,
    /// The given name by which local records are ordered.
    pub(super) given: Option<String>,
}

/// Why a form has no criteria.
#[derive(Clone, Debug)]
pub(super) struct Rejected {
    pub(super) errors: FormErrors,
    /// The dates of which the user must choose one.
    pub(super) dates: Vec<PartialDate>,
}

impl Typed {
    /// The form before the first search.
    pub(super) fn empty() -> Self {
        Self { pds: "yes".to_owned(), ..Self::default() }
    }

    /// The form for a search about `case`, which is `about` in URLs.
    pub(super) fn from_case(case: &Case, about: String) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let postcode = text(&case.postcode);
        Self {
            surname: text(&case.surname),
            given: text(&case.forename),
            born: case.date_of_birth.map(|date| date.to_string()).unwrap_or_default(),
            gender: case.gender.map(|gender| gender.code().to_owned()).unwrap_or_default(),
            postcode: if postcode.parse::<Postcode>().is_ok() { postcode } else { String::new() },
            about,
            ..Self::empty()
        }
    }

    /// The genders to choose from.
    pub(super) fn genders(&self) -> Vec<Choice> {
        let choices = [
            ("", "Not known"),
            (Gender::Female.code(), "Female"),
            (Gender::Male.code(), "Male"),
            (Gender::NotSpecified.code(), "Not specified"),
        ];
        Choice::list(choices, self.gender.trim())
    }

    /// What the user searches for on the day `today`.
    ///
    /// # Errors
    ///
    /// What is wrong with the fields.
    pub(super) fn read(&self, breadth: Breadth, today: NaiveDate) -> Result<Criteria, Rejected> {
        let mut errors = FormErrors::default();
        let surname = self.name("surname", "surname", &self.surname, breadth, &mut errors);
        let given = self.name("given", "given name", &self.given, breadth, &mut errors);
        let (born, dates) = self.date(today, &mut errors);
        let gender = self.gender(&mut errors);
        let postcode = self.postcode(breadth, &mut errors);
        let number = blank_or(&self.number, str::parse::<NhsNumber>).unwrap_or_else(|_| {
            errors.add(
                "number",
                "Check the NHS Number: it has 10 digits, and the last is a check digit",
            );
            None
        });
        let case = blank_or(&self.case, str::parse::<CaseId>).unwrap_or_else(|_| {
            errors.add("case", "Check the case id: it has a character that no case id has");
            None
        });
        let is_empty =
            surname.is_none() && born.is_none() && postcode.is_none() && number.is_none();
        if errors.is_empty() && is_empty && case.is_none() {
            errors.add(
                "surname",
                "Enter a surname, a date of birth, a postcode, an NHS Number or a case id",
            );
        }
        if breadth == Breadth::Advanced && self.confirmed != "yes" {
            errors.add(
                "confirmed",
                "Confirm that you need a search with wildcards or a partial date",
            );
        }
        if !errors.is_empty() {
            return Err(Rejected { errors, dates });
        }
        let local = local(&self.surname, born, &self.postcode, number, case);
        let given_text = given.as_ref().map(|given| given.as_str().to_owned());
        let sent = Sent { surname, given, born, gender, postcode, number };
        Ok(Criteria { local, pds: sent.question(breadth), given: given_text })
    }

    fn name(
        &self,
        field: &'static str,
        label: &str,
        text: &str,
        breadth: Breadth,
        errors: &mut FormErrors,
    ) -> Option<NamePattern> {
        let read = |text: &str| match breadth {
            Breadth::Basic => text.parse::<NameText>().map(NamePattern::from),
            Breadth::Advanced => text.parse(),
        };
        blank_or(text, read).unwrap_or_else(|error| {
            errors.add(field, name_error(error, label));
            None
        })
    }

    fn date(
        &self,
        today: NaiveDate,
        errors: &mut FormErrors,
    ) -> (Option<PartialDate>, Vec<PartialDate>) {
        let read = blank_or(&self.born, |text| PartialDate::typed(text, today));
        let dates = match read {
            Ok(dates) => dates.unwrap_or_default(),
            Err(error) => {
                errors.add("born", date_error(error));
                return (None, Vec::new());
            }
        };
        if dates.first().is_some_and(|date| date.first_day().date() > today) {
            errors.add("born", "The date of birth must be in the past");
            return (None, Vec::new());
        }
        let chosen = self.born_is.parse().ok().filter(|chosen| dates.contains(chosen));
        match (chosen, dates.as_slice()) {
            (Some(chosen), _) => (Some(chosen), dates),
            (None, [date]) => (Some(*date), Vec::new()),
            (None, []) => (None, Vec::new()),
            (None, _) => {
                errors.add("born_is", "Choose which date of birth you mean");
                (None, dates)
            }
        }
    }

    fn gender(&self, errors: &mut FormErrors) -> Option<Gender> {
        let gender = blank_or(&self.gender, str::parse::<Gender>).unwrap_or_else(|_| {
            errors.add("gender", "Choose a gender from the list");
            None
        });
        gender.filter(|gender| *gender != Gender::NotKnown)
    }

    fn postcode(&self, breadth: Breadth, errors: &mut FormErrors) -> Option<PostcodePattern> {
        let read = |text: &str| match breadth {
            Breadth::Basic => text.parse::<Postcode>().map(PostcodePattern::from).ok(),
            Breadth::Advanced => text.parse().ok(),
        };
        let text = self.postcode.trim();
        let postcode = read(text).filter(|_| !text.is_empty());
        if postcode.is_none() && !text.is_empty() {
            errors.add(
                "postcode",
                match breadth {
                    Breadth::Basic => {
                        "Enter a full UK postcode, such as LS1 4HY, or leave it blank"
                    }
                    Breadth::Advanced => {
                        "Enter a UK postcode, or two characters or more of it and then *"
                    }
                },
            );
        }
        postcode
    }
}

/// The value of a field, unless it is blank.
fn blank_or<T, E>(text: &str, read: impl FnOnce(&str) -> Result<T, E>) -> Result<Option<T>, E> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

fn name_error(error: CriterionError, label: &str) -> String {
    match error {
        CriterionError::TooLong => format!("The {label} must have 350 characters or fewer"),
        CriterionError::Wildcard => {
            format!("Remove the * from the {label}: a basic search has no wildcards")
        }
        CriterionError::WildcardTooEarly => {
            format!("Enter two letters or more of the {label} before the *")
        }
        _ => format!("Remove the characters from the {label} that cannot be part of a name"),
    }
}

const fn date_error(error: DateError) -> &'static str {
    match error {
        DateError::Calendar => "The date of birth must be a real date, with the day first",
        _ => "Enter the date of birth with the day first, such as 19/1/1986 or 19 Jan 1986",
    }
}

/// The conditions for local records. A wildcard ends the beginning of a surname.
fn local(
    surname: &str,
    born: Option<PartialDate>,
    postcode: &str,
    number: Option<NhsNumber>,
    case: Option<CaseId>,
) -> CaseFilter {
    let start = surname.split('*').next().unwrap_or_default();
    let mut filter = CaseFilter::default().with_surname(start).with_inactive();
    if let Some(born) = born {
        filter = filter.with_date_of_birth(born);
    }
    if let Ok(postcode) = postcode.parse::<Postcode>() {
        filter = filter.with_postcode(&postcode.to_string());
    }
    if let Some(number) = number {
        filter = filter.with_nhs_number(number);
    }
    if let Some(case) = case {
        filter = filter.with_id(case);
    }
    filter
}

/// The criteria for PDS.
struct Sent {
    surname: Option<NamePattern>,
    given: Option<NamePattern>,
    born: Option<PartialDate>,
    gender: Option<Gender>,
    postcode: Option<PostcodePattern>,
    number: Option<NhsNumber>,
}

impl Sent {
    /// The question: what is recorded under a number, or else who the person is.
    ///
    /// # Errors
    ///
    /// The fields that are missing.
    fn question(self, breadth: Breadth) -> Result<Question<Attended>, Vec<&'static str>> {
        let is_enough = |born: &PartialDate| breadth == Breadth::Advanced || born.full().is_some();
        let born = self.born.filter(is_enough);
        if let (Some(number), Some(born)) = (self.number, born) {
            let mut fetch = FetchDetails::attended(number, born);
            if let Some(surname) = self.surname {
                fetch = fetch.with_family(surname);
            }
            if let Some(given) = self.given {
                fetch = fetch.with_given(given);
            }
            return Ok(fetch.into());
        }
        if self.number.is_some() {
            return Err(vec!["a full date of birth"]);
        }
        let (Some(surname), Some(born), Some(gender)) = (&self.surname, born, self.gender) else {
            let missing = [
                ("a surname", self.surname.is_none()),
                ("a full date of birth", born.is_none()),
                ("a gender", self.gender.is_none()),
            ];
            let missing = missing.into_iter().filter(|(_, is_missing)| *is_missing);
            return Err(missing.map(|(field, _)| field).collect());
        };
        let mut find = FindPerson::attended(surname.clone(), gender, born);
        if let Some(given) = self.given {
            find = find.with_given(given);
        }
        if let Some(postcode) = self.postcode {
            find = find.with_postcode(postcode);
        }
        Ok(find.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Typed {
        let mut typed = Typed::empty();
        for (field, value) in fields {
            let field = match *field {
                "surname" => &mut typed.surname,
                "given" => &mut typed.given,
                "born" => &mut typed.born,
                "born_is" => &mut typed.born_is,
                "gender" => &mut typed.gender,
                "postcode" => &mut typed.postcode,
                "number" => &mut typed.number,
                "case" => &mut typed.case,
                "confirmed" => &mut typed.confirmed,
                other => panic!("no field {other}"),
            };
            (*value).clone_into(field);
        }
        typed
    }

    fn read(breadth: Breadth, fields: &[(&str, &str)]) -> Result<Criteria, Rejected> {
        typed(fields).read(breadth, "2026-11-30".parse().unwrap())
    }

    fn errors(breadth: Breadth, fields: &[(&str, &str)]) -> Vec<&'static str> {
        let rejected = read(breadth, fields).unwrap_err();
        rejected.errors.all().iter().map(|error| error.field).collect()
    }

    #[test]
    fn a_basic_trace_needs_surname_gender_and_date_of_birth() {
        let all = [("surname", "Aindow"), ("gender", "2"), ("born", "19/5/1943")];
        let Ok(Question::Find(find)) = read(Breadth::Basic, &all).unwrap().pds else {
            panic!("a search");
        };
        assert_eq!((find.family().as_str(), find.gender()), ("Aindow", Gender::Female));
        assert_eq!(find.date_of_birth().to_string(), "1943-05-19");
        for missing in 0..3 {
            let mut some = all.to_vec();
            some.remove(missing);
            assert_eq!(read(Breadth::Basic, &some).unwrap().pds.unwrap_err().len(), 1);
        }
        let partial = [("surname", "Aindow"), ("gender", "2"), ("born", "1943")];
        let missing = read(Breadth::Basic, &partial).unwrap().pds.unwrap_err();
        assert_eq!(missing, ["a full date of birth"]);
    }

    #[test]
    fn a_number_is_fetched() {
        let fields = [("number", "999 000 0018"), ("born", "19/5/1943"), ("surname", "Aindow")];
        let Ok(Question::Fetch(fetch)) = read(Breadth::Basic, &fields).unwrap().pds else {
            panic!("a fetch");
        };
        assert_eq!(fetch.verification().nhs_number().to_string(), "999 000 0018");
        let alone = read(Breadth::Basic, &[("number", "9990000018")]).unwrap();
        assert_eq!(alone.pds.unwrap_err(), ["a full date of birth"]);
        assert!(alone.local.nhs_number().is_some());
    }

    #[test]
    fn each_field_is_validated() {
        for (field, value) in [
            ("surname", "Ain*"),
            ("surname", "A\u{0}"),
            ("given", &*"x".repeat(5_000)),
            ("born", "yesterday"),
            ("born", "31/2/1943"),
            ("born", "1/1/2027"),
            ("gender", "7"),
            ("postcode", "LS1"),
            ("number", "999 000 0019"),
            ("case", "a\u{1}"),
        ] {
            assert_eq!(errors(Breadth::Basic, &[(field, value)]), [field], "{field}");
        }
        assert_eq!(errors(Breadth::Basic, &[]), ["surname"]);
        assert_eq!(errors(Breadth::Basic, &[("given", "Zoë"), ("gender", "2")]), ["surname"]);
    }

    #[test]
    fn a_date_that_can_be_several_is_asked() {
        let fields = [("born", "19/1/12")];
        let rejected = read(Breadth::Basic, &fields).unwrap_err();
        assert_eq!((rejected.errors.all()[0].field, rejected.dates.len()), ("born_is", 2));
        let chosen = [("born", "19/1/12"), ("born_is", "1912-01-19")];
        let read_as = read(Breadth::Basic, &chosen).unwrap().local.date_of_birth_start();
        assert_eq!(read_as.as_deref(), Some("1912-01-19"));
        // What was chosen for another text does not count.
        let other = [("born", "20/1/12"), ("born_is", "1912-01-19")];
        assert!(read(Breadth::Basic, &other).is_err());
    }

    #[test]
    fn wildcards_and_partial_dates_need_a_confirmation() {
        let fields = [("surname", "Ain*"), ("gender", "2"), ("born", "1943"), ("postcode", "LS*")];
        assert_eq!(errors(Breadth::Advanced, &fields), ["confirmed"]);
        let mut confirmed = fields.to_vec();
        confirmed.push(("confirmed", "yes"));
        let criteria = read(Breadth::Advanced, &confirmed).unwrap();
        assert!(matches!(criteria.pds, Ok(Question::Find(_))));
        assert_eq!(criteria.local.surname_start(), Some("AIN"));
        for (field, value) in [("surname", "A*"), ("postcode", "L*")] {
            assert_eq!(errors(Breadth::Advanced, &[(field, value), ("confirmed", "yes")]), [field]);
        }
    }

    #[test]
    fn a_case_fills_the_form() {
        let mut case = Case::new("RXX:1".parse().unwrap(), nhs_pds::case::RecordType::Review);
        case.surname = Some("Aindow".into());
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case.gender = Some(Gender::Female);
        case.postcode = Some("not known".into());
        let typed = Typed::from_case(&case, "sealed".into());
        assert_eq!(typed.postcode, "", "what is no postcode would be refused");
        assert!(typed.read(Breadth::Basic, "2026-11-30".parse().unwrap()).unwrap().pds.is_ok());
    }
}
