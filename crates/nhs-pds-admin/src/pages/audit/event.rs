//! One event in full.

use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::audit::shown::Shown;
use crate::view::NOT_RECORDED;
use crate::visitor::Visitor;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use nhs_pds::audit::{Filter, query_latest};

#[derive(Template)]
#[template(path = "audit/event.html")]
struct OneEvent {
    layout: Layout,
    event: Shown,
}

impl OneEvent {
    /// The value, or that it is not recorded.
    fn or_not_recorded<'a>(&self, value: &'a Option<String>) -> &'a str {
        value.as_deref().unwrap_or(NOT_RECORDED)
    }
}

/// The event with this number. Reading it is a query of the trail, and on record as one.
pub(super) async fn show(visitor: Visitor, Path(seq): Path<u64>) -> Result<Response, PageError> {
    let app = &visitor.app;
    let filter = Filter::new().with_sequence(seq..=seq);
    let (log, actor, now) = (app.store.audit(), visitor.actor(), app.clock.now());
    let found = query_latest(log, &actor, now, &filter, None, 1).await?;
    let event = found.events.first().ok_or(PageError::NotFound)?;
    let heading = format!("Event {seq}");
    let layout = visitor.layout(&heading, "/audit").confidential();
    page(&OneEvent { layout, event: Shown::of(app, event) })
}
