//! The audit trail: queries, one event, the check of the whole, and the export about one person (MSCA-AUD-05,
//! MSCA-ORG-04). Auditors see these pages and nothing else (MSCA-IG-01).

pub(crate) mod check;
mod criteria;
mod day;
mod event;
mod export;
mod query;
mod shown;

use crate::rights::Right;
use crate::routes::Routes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    let start = post(check::start).layer(DefaultBodyLimit::max(check::LONGEST_UPLOAD));
    routes
        .get("/audit", Right::ViewAudit, query::form)
        .post("/audit", Right::ViewAudit, query::results)
        .get("/audit/event/{seq}", Right::ViewAudit, event::show)
        .get("/audit/check", Right::ViewAudit, check::show)
        .guarded("/audit/check", "POST", Right::ViewAudit, start)
        .get("/audit/export", Right::ExportSubject, export::form)
        .post("/audit/export", Right::ExportSubject, export::download)
}
