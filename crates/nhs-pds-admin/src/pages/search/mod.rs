//! Search: local cases first, then PDS, with one form (HAV-7, HAV-8, MSCA-PDS-01 to 04).

mod confirm;
mod criteria;
pub(in crate::pages) mod failure;
mod local;
pub(in crate::pages) mod pds;
pub(in crate::pages) mod people;
mod view;

use crate::error::PageError;
use crate::form::FormErrors;
use crate::layout::page;
use crate::pages::search::criteria::{Breadth, Rejected, Typed};
use crate::pages::search::local::local;
use crate::pages::search::pds::pds;
use crate::pages::search::view::{Results, SearchPage};
use crate::rights::Right;
use crate::routes::Routes;
use crate::visitor::Visitor;
use axum::Form;
use axum::extract::Path;
use axum::response::Response;
use nhs_pds::case::Case;
use nhs_pds::demographics::london_day;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/search", Right::SearchCases, blank)
        .post("/search", Right::SearchCases, basic)
        .get("/search/advanced", Right::SearchPdsAdvanced, blank_advanced)
        .post("/search/advanced/form", Right::SearchPdsAdvanced, to_advanced)
        .post("/search/advanced", Right::SearchPdsAdvanced, advanced)
        .post("/case/{case}/search", Right::SearchCases, from_case)
        .post("/search/confirm", Right::DecideItem, confirm::show)
        .post("/search/accept", Right::DecideItem, confirm::accept)
        .get("/case/{case}/not-on-pds", Right::DecideItem, confirm::ask_not_on_pds)
        .post("/case/{case}/not-on-pds", Right::DecideItem, confirm::not_on_pds)
}

async fn blank(visitor: Visitor) -> Result<Response, PageError> {
    let mut shown = SearchPage::new(&visitor, Breadth::Basic, Typed::empty(), None);
    shown.is_expired = visitor.done.as_deref() == Some("expired");
    page(&shown)
}

async fn blank_advanced(visitor: Visitor) -> Result<Response, PageError> {
    page(&SearchPage::new(&visitor, Breadth::Advanced, Typed::empty(), None))
}

/// The form for wildcards and partial dates, with what was typed before.
async fn to_advanced(visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response, PageError> {
    let about = about(&visitor, &typed).await?;
    page(&SearchPage::new(&visitor, Breadth::Advanced, typed, about.as_ref()))
}

/// The form with the criteria of a case.
async fn from_case(visitor: Visitor, Path(name): Path<String>) -> Result<Response, PageError> {
    let case = visitor.view(&name, "search").await?;
    let typed = Typed::from_case(&case, name);
    page(&SearchPage::new(&visitor, Breadth::Basic, typed, Some(&case)))
}

async fn basic(visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response, PageError> {
    search(&visitor, Breadth::Basic, typed).await
}

async fn advanced(visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response, PageError> {
    search(&visitor, Breadth::Advanced, typed).await
}

/// The case for which the user searches.
async fn about(visitor: &Visitor, typed: &Typed) -> Result<Option<Case>, PageError> {
    Ok(match typed.about.as_str() {
        "" => None,
        name => Some(visitor.case(name).await?),
    })
}

/// Reads the form, searches the local cases and then PDS. What the user typed stays on the page, whatever happens.
async fn search(visitor: &Visitor, breadth: Breadth, typed: Typed) -> Result<Response, PageError> {
    let about = about(visitor, &typed).await?;
    let today = london_day(visitor.app.clock.now());
    let read = typed.read(breadth, today);
    let mut shown = SearchPage::new(visitor, breadth, typed, about.as_ref());
    match read {
        Err(Rejected { errors, dates }) => shown.reject(errors, &dates),
        Ok(criteria) => {
            let found = local(visitor, &criteria).await?;
            let answered = pds(visitor, &criteria, &shown.typed, about.as_ref()).await?;
            let results = Results::of(visitor, found, answered, about.as_ref()).await?;
            shown.set(FormErrors::default(), results);
        }
    }
    page(&shown)
}
