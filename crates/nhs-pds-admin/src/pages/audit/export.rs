//! The export of everything about one person, for a subject access request (MSCA-ORG-04).

use crate::error::PageError;
use crate::form::FormErrors;
use crate::layout::{Layout, page};
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::response::{IntoResponse, Response};
use http::header;
use nhs_pds::audit::{AuditLog, EventKind, Filter, export};
use nhs_pds::case::CaseId;
use nhs_pds::demographics::london_day;
use serde::Deserialize;

#[derive(Default, Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    case: String,
}

#[derive(Template)]
#[template(path = "audit/export.html")]
struct Export<'a> {
    layout: Layout,
    case: &'a str,
    errors: FormErrors,
}

/// The form.
pub(super) async fn form(visitor: Visitor) -> Result<Response, PageError> {
    show(&visitor, "", FormErrors::default())
}

/// The file. The export is on record before anything is read for it. The file's name says nothing of the person.
pub(super) async fn download(
    visitor: Visitor,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let (app, mut errors) = (&visitor.app, FormErrors::default());
    let log = app.store.audit();
    let case = match sent.case.trim().parse::<CaseId>() {
        Ok(case) if is_known(log, &case).await? => case,
        Ok(_) => {
            errors.add("case", "The audit trail has nothing about this case: check the case id");
            return show(&visitor, &sent.case, errors);
        }
        Err(_) => {
            errors.add("case", "Enter a whole case id, as the case's page shows it");
            return show(&visitor, &sent.case, errors);
        }
    };
    let now = app.clock.now();
    let mut lines = Vec::new();
    export(log, &visitor.actor(), now, &case, &mut lines).await?;
    let name = format!("attachment; filename=\"subject-access-{}.jsonl\"", london_day(now));
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, lines).into_response())
}

/// Whether the trail has events about `case` other than queries and exports.
async fn is_known(log: &dyn AuditLog, case: &CaseId) -> Result<bool, PageError> {
    let filter = Filter::new().with_case(case.clone());
    let mut after = 0;
    loop {
        let events = log.page(&filter, after, 100).await?;
        let Some(last) = events.last() else { return Ok(false) };
        after = last.seq;
        let looked = [EventKind::AuditQueried, EventKind::AuditExported];
        if events.iter().any(|event| !looked.contains(&event.kind)) {
            return Ok(true);
        }
    }
}

fn show(visitor: &Visitor, case: &str, errors: FormErrors) -> Result<Response, PageError> {
    let heading = "Export everything about one person";
    let layout = visitor.layout(heading, "/audit").with_errors(!errors.is_empty());
    page(&Export { layout, case, errors })
}
