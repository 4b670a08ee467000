//! The query page: criteria in the body of a POST, the newest events first.

use crate::error::PageError;
use crate::form::{Choice, FormErrors};
use crate::layout::{Layout, page};
use crate::pages::audit::criteria::Criteria;
use crate::pages::audit::shown::Shown;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::response::Response;
use nhs_pds::audit::query_latest;
use serde::Deserialize;

/// How many events a page has.
const PAGE: usize = 50;

/// The form with the criteria, and where the next page starts.
#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(flatten)]
    criteria: Criteria,
    #[serde(default)]
    before: String,
}

#[derive(Template)]
#[template(path = "audit/query.html")]
struct Query<'a> {
    layout: Layout,
    criteria: &'a Criteria,
    kinds: Vec<Choice>,
    errors: FormErrors,
    found: Option<Found<'a>>,
}

/// One page of results.
struct Found<'a> {
    events: Vec<Shown>,
    /// The number before which the next page starts.
    next: Option<u64>,
    /// Whether this is not the first page.
    is_later: bool,
    criteria: Vec<(&'static str, &'a str)>,
}

/// The form without results.
pub(super) async fn form(visitor: Visitor) -> Result<Response, PageError> {
    show(&visitor, &Criteria::default(), FormErrors::default(), None)
}

/// The results of a query, which is on record before they are read (MSCA-AUD-05).
pub(super) async fn results(
    visitor: Visitor,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let (app, criteria) = (&visitor.app, &sent.criteria);
    let (filter, errors) = criteria.filter(&app.organisation);
    let before = match sent.before.trim() {
        "" => None,
        before => Some(before.parse().map_err(|_| PageError::Invalid)?),
    };
    if !errors.is_empty() {
        return show(&visitor, criteria, errors, None);
    }
    let (log, actor, now) = (app.store.audit(), visitor.actor(), app.clock.now());
    let latest = query_latest(log, &actor, now, &filter, before, PAGE).await?;
    let found = Found {
        events: latest.events.iter().map(|event| Shown::of(app, event)).collect(),
        next: latest.next,
        is_later: before.is_some(),
        criteria: criteria.filled(),
    };
    show(&visitor, criteria, errors, Some(found))
}

fn show(
    visitor: &Visitor,
    criteria: &Criteria,
    errors: FormErrors,
    found: Option<Found<'_>>,
) -> Result<Response, PageError> {
    let layout = visitor.layout("Audit trail", "/audit").with_errors(!errors.is_empty());
    let layout = if found.is_some() { layout.confidential() } else { layout };
    page(&Query { layout, criteria, kinds: criteria.kinds(), errors, found })
}
