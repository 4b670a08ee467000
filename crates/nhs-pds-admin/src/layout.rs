//! The frame of every page: header, navigation, labels.

use crate::app::App;
use crate::error::PageError;
use crate::identity::Person;
use crate::rights::Right;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use nhs_pds::correspondence::CONFIDENTIAL;

/// The parts of the navigation: the path, the text and the right that shows it.
const SECTIONS: [(&str, &str, Right); 8] = [
    ("/worklist", "Worklist", Right::ViewWorklist),
    ("/search", "Search", Right::SearchCases),
    ("/process", "Process", Right::ViewProcess),
    ("/import", "Import", Right::Import),
    ("/batches", "Batches", Right::Batches),
    ("/quality", "Data quality", Right::ViewQuality),
    ("/audit", "Audit", Right::ViewAudit),
    ("/people", "People", Right::ManagePeople),
];

/// One link of the navigation.
pub(crate) struct Section {
    pub(crate) href: String,
    pub(crate) label: &'static str,
    pub(crate) is_current: bool,
}

/// The user, in the header.
pub(crate) struct Badge {
    pub(crate) name: String,
    pub(crate) role: &'static str,
    pub(crate) organisation: String,
}

/// The frame of a page. Templates extend `layout.html` and have it as `layout`.
pub(crate) struct Layout {
    pub(crate) base: String,
    pub(crate) service: String,
    pub(crate) heading: String,
    pub(crate) css: Vec<String>,
    pub(crate) js: String,
    pub(crate) sections: Vec<Section>,
    pub(crate) user: Option<Badge>,
    /// The path of the own account, where this crate has the sign-in.
    pub(crate) account: Option<String>,
    /// The label for personal data (MSCA-IG-04); `None` on pages without.
    pub(crate) label: Option<&'static str>,
    /// Whether the page reports errors in a form: the title begins with "Error:".
    pub(crate) has_errors: bool,
}

impl Layout {
    pub(crate) fn of(app: &App, person: Option<&Person>, heading: &str, section: &str) -> Self {
        let is_there = |right| match right {
            Right::ManagePeople => app.accounts.is_some(),
            Right::Batches => app.batches.is_some(),
            _ => true,
        };
        let shown = SECTIONS.iter().filter(|(.., right)| {
            is_there(*right) && person.is_some_and(|person| person.may(*right))
        });
        let sections = shown.map(|(path, label, _)| Section {
            href: app.path(path),
            label,
            is_current: *path == section,
        });
        let user = person.map(|person| Badge {
            name: person.name.clone(),
            role: person.role.title(),
            organisation: person.organisation.to_string(),
        });
        Self {
            base: app.base.clone(),
            service: app.service_name.clone(),
            heading: heading.to_owned(),
            css: app.assets.css().iter().map(|name| app.path(&format!("/assets/{name}"))).collect(),
            js: app.path(&format!("/assets/{}", app.assets.js())),
            sections: sections.collect(),
            user,
            account: app.accounts.as_ref().and(person).map(|_| app.path("/account")),
            label: None,
            has_errors: false,
        }
    }

    /// Labels the page: it shows personal data about a patient (MSCA-IG-04).
    #[must_use]
    pub(crate) const fn confidential(mut self) -> Self {
        self.label = Some(CONFIDENTIAL);
        self
    }

    /// Marks the page as one that reports errors in a form.
    #[must_use]
    pub(crate) const fn with_errors(mut self, has_errors: bool) -> Self {
        self.has_errors = has_errors;
        self
    }

    /// A path of the screens, for templates.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// Writes a page.
pub(crate) fn page(template: &impl Template) -> Result<Response, PageError> {
    Ok(Html(template.render()?).into_response())
}

/// A page that says what went wrong and what the user can do.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    pub(crate) layout: Layout,
    pub(crate) advice: &'static str,
    /// Where to sign in, if that is what the user can do.
    pub(crate) sign_in: Option<String>,
}
