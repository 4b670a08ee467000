//! Reads a search: the permitted parameters and combinations.

use super::access::Mode;
use super::codes::{invalid_value, issue, missing};
use super::dates::{self, Range};
use super::outcome::Issue;
use crate::Disputed;
use crate::pattern::Pattern;
use nhs_pds::demographics::Gender;

/// All parameters of a search.
const KNOWN: [&str; 14] = [
    "family",
    "given",
    "gender",
    "birthdate",
    "death-date",
    "address-postalcode",
    "address-postcode",
    "general-practitioner",
    "phone",
    "email",
    "_fuzzy-match",
    "_exact-match",
    "_history",
    "_max-results",
];

/// The longest name, in characters.
const LONGEST_NAME: usize = 35;

/// The maximum number of people in a response.
const MOST: usize = 50;

/// The diagnostics when names and date of birth are not sufficient.
const TOO_LITTLE: &str = "Invalid request with error - Invalid search data provided - 'No searches were performed as the search criteria did not meet the minimum requirements'";
const TOO_LITTLE_FUZZY: &str = "Invalid request with error - Invalid search data provided - 'A fuzzy search was requested however the data given did not meet the fuzzy search criteria'";

/// A search.
pub(super) struct Query {
    pub(super) family: Option<Pattern>,
    pub(super) given: Vec<Pattern>,
    pub(super) gender: Option<Gender>,
    pub(super) birth: Range,
    pub(super) death: Option<Range>,
    pub(super) postcode: Option<Pattern>,
    pub(super) practice: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    pub(super) fuzzy: bool,
    pub(super) exact: bool,
    pub(super) history: bool,
    pub(super) most: usize,
}

impl Query {
    /// The search with the names that these readings compare.
    pub(super) fn under(mut self, disputed: Disputed) -> Self {
        if disputed.ignore_accents {
            self.family = self.family.map(Pattern::ignoring_accents);
            self.given = self.given.into_iter().map(Pattern::ignoring_accents).collect();
        }
        self
    }
}

/// The parameters of the request, decoded.
pub(super) struct Sent(Vec<(String, String)>);

impl Sent {
    pub(super) fn new(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(field, _)| field == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the value of a parameter that may occur once.
    fn once(&self, name: &'static str) -> Result<Option<&str>, Issue> {
        match self.all(name).as_slice() {
            [] => Ok(None),
            [value] => Ok(Some(*value)),
            several => Err(invalid_value(name, &several.join(","))),
        }
    }

    fn flag(&self, name: &'static str) -> Result<bool, Issue> {
        match self.once(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(invalid_value(name, other)),
        }
    }

    /// Whether the search asks for more than one person, which an application must not do.
    pub(super) fn asks_for_several(&self) -> bool {
        self.all("_max-results").iter().any(|value| *value != "1")
    }

    fn check_names(&self) -> Result<(), Issue> {
        if self.0.is_empty() {
            return Err(issue("UNSUPPORTED_SERVICE"));
        }
        let mut unknown: Vec<String> = Vec::new();
        for (name, _) in &self.0 {
            let quoted = format!("'{name}'");
            if !KNOWN.contains(&name.as_str()) && !unknown.contains(&quoted) {
                unknown.push(quoted);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let verb = if unknown.len() == 1 { "was" } else { "were" };
        Err(issue("ADDITIONAL_PROPERTIES").diagnosed(format!(
            "Invalid request with error - Additional properties are not allowed ({} {verb} unexpected)",
            unknown.join(", ")
        )))
    }

    /// Reads a search in this mode.
    pub(super) fn read(&self, mode: &Mode) -> Result<Query, Issue> {
        self.check_names()?;
        let fuzzy = self.flag("_fuzzy-match")?;
        let exact = self.flag("_exact-match")?;
        let history = self.flag("_history")? || fuzzy;
        let postcode = match (self.once("address-postalcode")?, self.once("address-postcode")?) {
            (Some(_), Some(_)) => return Err(search_data("address.postalCode")),
            (postcode, alias) => postcode.or(alias).map(|text| text.replace(' ', "")),
        };
        let birth = dates::read("birthdate", &self.all("birthdate"))?;
        let death = dates::read("death-date", &self.all("death-date"))?;
        let (family, given) = (self.once("family")?, self.all("given"));
        let starred = |text: &str| text.contains('*');
        let wild = family.is_some_and(starred)
            || given.iter().any(|text| starred(text))
            || postcode.as_deref().is_some_and(starred);
        let Some(birth) = birth else {
            return Err(missing("birth_date/birth_date_range_start/birth_date_range_end"));
        };
        let too_little = |why: &str| Err(issue("INVALID_SEARCH_DATA").diagnosed(why));
        if fuzzy && wild {
            return too_little(TOO_LITTLE_FUZZY);
        }
        let query = Query {
            family: family.map(|text| name("name.family", text)).transpose()?,
            given: given
                .into_iter()
                .map(|text| name("name.given", text))
                .collect::<Result<_, _>>()?,
            gender: self.once("gender")?.map(gender).transpose()?,
            birth,
            death,
            postcode: postcode
                .map(|text| Pattern::new(&text).ok_or_else(|| search_data("address.postalCode")))
                .transpose()?,
            practice: self.text("general-practitioner")?,
            phone: self.text("phone")?,
            email: self.text("email")?,
            fuzzy,
            exact,
            history,
            most: self.most(mode)?,
        };
        if exact && (fuzzy || wild) {
            return too_little(TOO_LITTLE);
        }
        if fuzzy && !is_enough_for_fuzzy(&query) {
            return too_little(TOO_LITTLE_FUZZY);
        }
        if !fuzzy && query.family.is_none() {
            return too_little(TOO_LITTLE);
        }
        Ok(query)
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, Issue> {
        match self.once(name)? {
            Some("") => Err(invalid_value(name, "")),
            other => Ok(other.map(str::to_owned)),
        }
    }

    fn most(&self, mode: &Mode) -> Result<usize, Issue> {
        let sent = self.once("_max-results")?;
        if *mode == Mode::Application {
            return Ok(1);
        }
        let Some(sent) = sent else { return Ok(MOST) };
        let most = sent.parse().ok().filter(|most| (1..=MOST).contains(most));
        most.ok_or_else(|| invalid_value("_max-results", sent))
    }
}

/// `Invalid search data provided - 'f'`.
fn search_data(field: &str) -> Issue {
    issue("INVALID_SEARCH_DATA")
        .diagnosed(format!("Invalid request with error - Invalid search data provided - '{field}'"))
}

fn name(field: &str, text: &str) -> Result<Pattern, Issue> {
    let fits = text.chars().count() <= LONGEST_NAME;
    Pattern::new(text.trim()).filter(|_| fits).ok_or_else(|| search_data(field))
}

fn gender(text: &str) -> Result<Gender, Issue> {
    match text {
        "male" => Ok(Gender::Male),
        "female" => Ok(Gender::Female),
        "other" => Ok(Gender::NotSpecified),
        "unknown" => Ok(Gender::NotKnown),
        other => Err(invalid_value("gender", other)),
    }
}

fn is_enough_for_fuzzy(query: &Query) -> bool {
    let (family, given) = (query.family.is_some(), !query.given.is_empty());
    (family && given) || ((family || given) && query.gender.is_some() && query.postcode.is_some())
}
