//! The uploads, the imports, and the form for a new file.

use crate::error::PageError;
use crate::form::FormErrors;
use crate::layout::{Layout, page};
use crate::uploads::history::{self, Record};
use crate::uploads::{LONGEST_FILE, MOST_ROWS};
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Tab {
    #[serde(default)]
    tab: String,
}

#[derive(Template)]
#[template(path = "import/list.html")]
struct ListPage {
    layout: Layout,
    errors: FormErrors,
    done: Option<&'static str>,
    is_completed: bool,
    source: String,
    sources: Vec<String>,
    uploads: Vec<ShownUpload>,
    imports: Vec<Record>,
    megabytes: usize,
    most_rows: usize,
}

struct ShownUpload {
    href: String,
    source: String,
    at: String,
    by: String,
    state: &'static str,
}

impl ListPage {
    fn at(record: &Record) -> String {
        view::time(record.at)
    }
}

/// Shows the page.
pub(super) async fn show(visitor: Visitor, Query(tab): Query<Tab>) -> Result<Response, PageError> {
    write(&visitor, FormErrors::default(), tab.tab == "completed", String::new()).await
}

/// Writes the page, with what is wrong with the form.
pub(super) async fn write(
    visitor: &Visitor,
    errors: FormErrors,
    is_completed: bool,
    source: String,
) -> Result<Response, PageError> {
    let app = &visitor.app;
    let uploads = app.uploads.of(&visitor.actor(), app.clock.now());
    let uploads = uploads.iter().map(|upload| ShownUpload {
        href: visitor.upload_path(upload, ""),
        source: upload.source.clone(),
        at: view::time(upload.at),
        by: upload.owner.name().to_owned(),
        state: upload.state().title(),
    });
    let done = match visitor.done.as_deref() {
        Some("approved") => Some("You have approved the import. It has begun."),
        Some("closed") => Some("The upload was deleted. What was imported stays."),
        Some("cancelled") => Some("The upload was deleted. Nothing was imported."),
        _ => None,
    };
    page(&ListPage {
        layout: visitor.layout("Import", "/import").with_errors(!errors.is_empty()),
        errors,
        done,
        is_completed,
        source,
        sources: history::sources(app).await?.into_keys().collect(),
        uploads: uploads.collect(),
        imports: history::imports(app).await?,
        megabytes: LONGEST_FILE / 1024 / 1024,
        most_rows: MOST_ROWS,
    })
}
