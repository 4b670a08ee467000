//! The criteria of a search.

use super::Refused;
use nhs_pds::demographics::{Gender, OdsCode};
use nhs_pds::fhir::{
    Access, ContactText, DateRange, Exact, Fuzzy, Matching, Plain, Search, SearchName,
};
use std::fmt::Display;
use std::str::FromStr;

#[derive(clap::Args)]
pub(super) struct Criteria {
    /// The family name; `*` is allowed from the third character on.
    #[arg(long, allow_hyphen_values = true)]
    pub(super) family: Option<String>,
    /// A given name; may be repeated. `*` is allowed in the first one, as above.
    #[arg(long, allow_hyphen_values = true)]
    pub(super) given: Vec<String>,
    /// The gender: male, female, other or unknown.
    #[arg(long)]
    pub(super) gender: Option<String>,
    /// The date of birth, YYYY-MM-DD; or a range with two options, geYYYY-MM-DD and leYYYY-MM-DD.
    #[arg(long, required = true)]
    pub(super) birthdate: Vec<String>,
    /// The date of death, in the same form.
    #[arg(long)]
    pub(super) death_date: Vec<String>,
    /// The postcode; `*` is allowed from the third character on.
    #[arg(long)]
    pub(super) postcode: Option<String>,
    /// The ODS code of the GP practice.
    #[arg(long)]
    pub(super) gp: Option<String>,
    /// The telephone number, exactly as it is recorded.
    #[arg(long)]
    pub(super) phone: Option<String>,
    /// The e-mail address.
    #[arg(long)]
    pub(super) email: Option<String>,
    /// Names that sound alike match too. Needs family and given name, or one of them with gender and
    /// postcode.
    #[arg(long, conflicts_with = "exact")]
    pub(super) fuzzy: bool,
    /// Every field must be exactly as it is recorded.
    #[arg(long)]
    pub(super) exact: bool,
    /// Former names, addresses and so on match too.
    #[arg(long)]
    pub(super) history: bool,
    /// The highest number of matches: 1 to 50 for a healthcare worker, otherwise 1.
    #[arg(long)]
    pub(super) max: Option<u32>,
}

impl Criteria {
    pub(super) fn exact<A: Access>(&self) -> Result<Search<Exact, A>, Refused> {
        let family = self.family.as_deref().ok_or("--family is needed")?;
        let mut search = Search::exact(read("--family", family)?, self.born()?);
        if self.history {
            search = search.with_history();
        }
        self.narrowed(search)
    }

    pub(super) fn plain<A: Access>(&self) -> Result<Search<Plain, A>, Refused> {
        let family = self.family.as_deref().ok_or("--family is needed")?;
        let mut search = Search::plain(read("--family", family)?, self.born()?);
        if self.history {
            search = search.with_history();
        }
        self.narrowed(search)
    }

    /// A fuzzy search always includes former names, so `--history` changes nothing.
    pub(super) fn fuzzy<A: Access>(&self) -> Result<Search<Fuzzy, A>, Refused> {
        let name = |option, text: Option<&String>| -> Result<Option<SearchName>, Refused> {
            text.map(|text| read(option, text)).transpose()
        };
        let (family, given) = (self.family.as_ref(), self.given.first());
        let born = self.born()?;
        let postcode = self.postcode.as_deref().map(|text| read("--postcode", text)).transpose()?;
        let search = match (
            name("--family", family)?,
            name("--given", given)?,
            self.gender()?.zip(postcode),
        ) {
            (Some(family), Some(given), _) => Search::fuzzy(given, family, born),
            (Some(family), None, Some((gender, postcode))) => {
                Search::fuzzy_by_family(family, born, gender, postcode)
            }
            (None, Some(given), Some((gender, postcode))) => {
                Search::fuzzy_by_given(given, born, gender, postcode)
            }
            _ => {
                let needs = "family and given name, or one of them with gender and postcode";
                return Err(format!("--fuzzy needs {needs}").into());
            }
        };
        self.narrowed(search)
    }

    /// The search with the criteria that every kind of search may have.
    fn narrowed<K, A: Access>(&self, mut search: Search<K, A>) -> Result<Search<K, A>, Refused>
    where
        K: Matching<Name: FromStr<Err: Display>, Postcode: FromStr<Err: Display>>,
    {
        for (place, given) in self.given.iter().enumerate() {
            search = match place {
                0 => search.with_given(read("--given", given)?),
                _ => search.with_further_given(read("--given", given)?),
            };
        }
        if let Some(gender) = self.gender()? {
            search = search.with_gender(gender);
        }
        if !self.death_date.is_empty() {
            search = search.with_death(range("--death-date", &self.death_date)?);
        }
        if let Some(postcode) = &self.postcode {
            search = search.with_postcode(read("--postcode", postcode)?);
        }
        if let Some(practice) = &self.gp {
            search = search.with_general_practice(read::<OdsCode>("--gp", practice)?);
        }
        if let Some(phone) = &self.phone {
            search = search.with_phone(read::<ContactText>("--phone", phone)?);
        }
        if let Some(email) = &self.email {
            search = search.with_email(read::<ContactText>("--email", email)?);
        }
        Ok(search)
    }

    fn born(&self) -> Result<DateRange, Refused> {
        range("--birthdate", &self.birthdate)
    }

    fn gender(&self) -> Result<Option<Gender>, Refused> {
        Ok(match self.gender.as_deref() {
            None => None,
            Some("male") => Some(Gender::Male),
            Some("female") => Some(Gender::Female),
            Some("other") => Some(Gender::NotSpecified),
            Some("unknown") => Some(Gender::NotKnown),
            Some(_) => return Err("--gender is male, female, other or unknown".into()),
        })
    }
}

fn range(option: &str, values: &[String]) -> Result<DateRange, Refused> {
    let range = DateRange::from_values(values.iter().map(String::as_str));
    range.map_err(|reason| format!("{option}: {reason}").into())
}

pub(super) fn read<T: FromStr<Err: Display>>(option: &str, text: &str) -> Result<T, Refused> {
    text.parse().map_err(|reason| format!("{option}: {reason}").into())
}
