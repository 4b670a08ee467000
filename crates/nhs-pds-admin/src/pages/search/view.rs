//! The search page as its template shows it.

use crate::compared::Row;
use crate::error::PageError;
use crate::facts;
use crate::form::{Choice, FormErrors};
use crate::layout::Layout;
use crate::pages::search::criteria::{Breadth, Typed};
use crate::pages::search::failure::Failure;
use crate::pages::search::local::{Local, LocalHit};
use crate::pages::search::pds::Pds;
use crate::pages::search::people::{Hit, People};
use crate::rights::Right;
use crate::visitor::Visitor;
use askama::Template;
use nhs_pds::case::Case;
use nhs_pds::demographics::PartialDate;

/// The case for which the user searches.
pub(super) struct About {
    pub(super) href: String,
    pub(super) name_in_urls: String,
    pub(super) id: String,
}

/// The form, and what it found.
#[derive(Template)]
#[template(path = "search/search.html")]
pub(super) struct SearchPage {
    pub(super) layout: Layout,
    pub(super) typed: Typed,
    pub(super) errors: FormErrors,
    /// The dates of which the user must choose one.
    pub(super) dates: Vec<Choice>,
    pub(super) genders: Vec<Choice>,
    pub(super) is_advanced: bool,
    pub(super) searches_pds: bool,
    pub(super) may_search_advanced: bool,
    pub(super) may_decide: bool,
    pub(super) has_worklist: bool,
    pub(super) about: Option<About>,
    /// Where the application creates a record; `None` if the screens do not know.
    pub(super) new_case: Option<String>,
    pub(super) results: Option<Results>,
    /// Whether the person whom the user has chosen was found too long ago.
    pub(super) is_expired: bool,
}

impl SearchPage {
    pub(super) fn new(
        visitor: &Visitor,
        breadth: Breadth,
        typed: Typed,
        about: Option<&Case>,
    ) -> Self {
        let is_advanced = breadth == Breadth::Advanced;
        let heading = if is_advanced { "Advanced search" } else { "Search" };
        let about = about.map(|case| About {
            href: visitor.app.path(&format!("/case/{}", typed.about)),
            name_in_urls: typed.about.clone(),
            id: case.id.to_string(),
        });
        Self {
            layout: visitor.layout(heading, "/search"),
            genders: typed.genders(),
            errors: FormErrors::default(),
            dates: Vec::new(),
            is_advanced,
            searches_pds: visitor.may(Right::SearchPds),
            may_search_advanced: visitor.may(Right::SearchPdsAdvanced),
            may_decide: visitor.may(Right::DecideItem),
            has_worklist: visitor.may(Right::ViewWorklist),
            new_case: visitor.app.new_case_link.clone(),
            about,
            typed,
            results: None,
            is_expired: false,
        }
        .labelled()
    }

    /// What is wrong with the form, and the dates to choose from.
    pub(super) fn reject(&mut self, errors: FormErrors, dates: &[PartialDate]) {
        let choice = |date: &PartialDate| Choice {
            value: date.to_string(),
            text: facts::date(*date),
            is_selected: date.to_string() == self.typed.born_is,
        };
        self.dates = dates.iter().map(choice).collect();
        self.layout.has_errors = !errors.is_empty();
        self.errors = errors;
    }

    pub(super) fn set(&mut self, errors: FormErrors, results: Results) {
        self.errors = errors;
        self.results = Some(results);
    }

    /// The form itself has personal data, once it is filled.
    fn labelled(mut self) -> Self {
        self.layout = self.layout.confidential();
        self
    }

    /// Where the form is sent.
    pub(super) fn action(&self) -> String {
        self.layout.path(if self.is_advanced { "/search/advanced" } else { "/search" })
    }
}

/// What a search has found.
pub(super) struct Results {
    pub(super) local: Vec<LocalHit>,
    pub(super) is_cut: bool,
    pub(super) pds: PdsPart,
    /// The local cases to which a number can be taken over.
    pub(super) targets: Vec<Choice>,
}

/// The part of the page about PDS.
pub(super) struct PdsPart {
    pub(super) is_shown: bool,
    pub(super) heading: String,
    pub(super) text: String,
    pub(super) people: Vec<Person>,
    pub(super) failure: Option<Failure>,
    /// Whether PDS was searched, and answered.
    pub(super) is_answered: bool,
}

/// A person of PDS on the page.
pub(super) struct Person {
    pub(super) name: String,
    pub(super) number: Option<String>,
    pub(super) rows: Vec<Row>,
    pub(super) other_names: Vec<String>,
    pub(super) practice: Option<String>,
    pub(super) notes: Vec<&'static str>,
    /// The sealed person, if it can be chosen.
    pub(super) sealed: Option<String>,
}

impl Results {
    pub(super) async fn of(
        visitor: &Visitor,
        local: Local,
        pds: Pds,
        about: Option<&Case>,
    ) -> Result<Self, PageError> {
        let links = visitor.app.links().await?;
        let seal = |hit: Hit| -> Result<Person, PageError> {
            let sealed = hit.found.map(|found| {
                serde_json::to_string(&found).map(|text| links.seal(super::confirm::PURPOSE, &text))
            });
            Ok(Person {
                name: hit.name,
                number: hit.number,
                rows: hit.rows,
                other_names: hit.other_names,
                practice: hit.practice,
                notes: hit.notes,
                sealed: sealed.transpose().map_err(|_| PageError::Failed)?,
            })
        };
        let targets = match about {
            Some(case) => vec![target(links.case(&case.id), case.id.as_str())],
            None => local
                .hits
                .iter()
                .filter(|hit| hit.is_live)
                .map(|hit| target(hit.name_in_urls.clone(), &hit.id))
                .collect(),
        };
        let pds = PdsPart::of(pds, seal)?;
        Ok(Self { local: local.hits, is_cut: local.is_cut, pds, targets })
    }

    /// How many local records were found, in words.
    pub(super) fn local_count(&self) -> String {
        match self.local.len() {
            0 => "No local records".to_owned(),
            1 => "1 local record".to_owned(),
            n => format!("{n} local records"),
        }
    }

    /// Whether the user should search again rather than choose.
    pub(super) fn is_empty(&self) -> bool {
        self.local.is_empty() && self.pds.people.is_empty()
    }
}

fn target(name_in_urls: String, id: &str) -> Choice {
    Choice { value: name_in_urls, text: id.to_owned(), is_selected: false }
}

impl PdsPart {
    fn of(pds: Pds, seal: impl FnMut(Hit) -> Result<Person, PageError>) -> Result<Self, PageError> {
        let said = |heading: &str, text: &str| Self {
            is_shown: true,
            heading: heading.to_owned(),
            text: text.to_owned(),
            people: Vec::new(),
            failure: None,
            is_answered: false,
        };
        Ok(match pds {
            Pds::NotShown => Self { is_shown: false, ..said("", "") },
            Pds::NotWanted => {
                said("PDS was not searched", "Tick \u{201c}Search PDS too\u{201d} to search it.")
            }
            Pds::NotAvailable => said(
                "Searching PDS is not available",
                "This installation has no service for it, or you have not signed in to PDS with your own access. \
                 Ask your administrator.",
            ),
            Pds::Needs(missing) => {
                said("PDS was not searched", &format!("PDS also needs {}.", and(&missing)))
            }
            Pds::Failed(failure) => {
                Self { failure: Some(failure), ..said("PDS could not be searched", "") }
            }
            Pds::Answered(People { heading, text, hits }) => Self {
                people: hits.into_iter().map(seal).collect::<Result<_, _>>()?,
                is_answered: true,
                ..said(heading, &text)
            },
        })
    }
}

/// `a, b and c`.
fn and(parts: &[&str]) -> String {
    match parts {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
