//! The rows of a preview: on pages, and as a file.

use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::import::review::{self, SECTIONS};
use crate::pages::import::words;
use crate::rights::FieldGroup;
use crate::uploads::state::{Checked, State};
use crate::visitor::Visitor;
use askama::Template;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use http::header;
use nhs_pds::audit::EventKind;
use nhs_pds::case::caseload::RefusedRow;
use nhs_pds::process::PreviewedRow;
use nhs_pds::text::spreadsheet::cell;
use serde::Deserialize;
use std::sync::Arc;

/// How many rows a page has.
const PAGE: usize = 50;

/// A row on a page.
pub(super) struct ShownRow {
    pub(super) line: u64,
    pub(super) case: String,
    pub(super) changes: Vec<ShownChange>,
    pub(super) contradiction: Option<&'static str>,
}

/// One field on a page.
pub(super) struct ShownChange {
    pub(super) label: String,
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Deserialize)]
pub(super) struct PageNumber {
    #[serde(default)]
    page: usize,
}

#[derive(Template)]
#[template(path = "import/rows.html")]
struct RowsPage {
    layout: Layout,
    back: String,
    here: String,
    hint: &'static str,
    rows: Vec<ShownRow>,
    first: usize,
    last: usize,
    count: usize,
    kept: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

impl ShownRow {
    /// The row, with the fields that the role of the user sees.
    pub(super) fn of(visitor: &Visitor, row: &PreviewedRow) -> Self {
        let group = |column: &str| match column {
            "address" | "postcode" | "former_postcodes" | "telephone" | "email" => {
                FieldGroup::Contact
            }
            _ => FieldGroup::Identity,
        };
        let shown = row.changes.iter().filter(|change| visitor.sees(group(change.column)));
        let shown = shown.map(|change| ShownChange {
            label: words::column(change.column).to_owned(),
            from: change.from.clone(),
            to: change.to.clone(),
        });
        Self {
            line: row.line,
            case: row.case.as_str().to_owned(),
            changes: shown.collect(),
            contradiction: row.contradiction.map(words::contradiction),
        }
    }
}

/// The preview of an upload that has one.
fn checked(visitor: &Visitor, id: &str) -> Result<(String, Arc<Checked>), PageError> {
    let upload = visitor.upload(id)?;
    let checked = match upload.state() {
        State::Review(checked) | State::Asked(checked) => checked,
        State::Ended(ended) => Arc::clone(&ended.checked),
        _ => return Err(PageError::NotFound),
    };
    Ok((upload.source.clone(), checked))
}

/// Shows the rows of one section, a page at a time.
pub(super) async fn show(
    visitor: Visitor,
    Path((id, word)): Path<(String, String)>,
    Query(number): Query<PageNumber>,
) -> Result<Response, PageError> {
    let (source, checked) = checked(&visitor, &id)?;
    let section = review::section(&checked, &word).ok_or(PageError::NotFound)?;
    let (_, title, hint) =
        SECTIONS.iter().find(|(name, ..)| *name == word).ok_or(PageError::NotFound)?;
    let at = number.page.max(1) - 1;
    let rows = section.rows.chunks(PAGE).nth(at).unwrap_or_default();
    if rows.is_empty() && at > 0 {
        return Err(PageError::NotFound);
    }
    visitor.record_import(EventKind::CasesListed, "preview", &source).await?;
    let first = at * PAGE;
    page(&RowsPage {
        layout: visitor.layout(title, "/import").confidential(),
        back: visitor.app.path(&format!("/import/{id}")),
        here: visitor.app.path(&format!("/import/{id}/rows/{word}")),
        hint,
        rows: rows.iter().map(|row| ShownRow::of(&visitor, row)).collect(),
        first: first + usize::from(!rows.is_empty()),
        last: first + rows.len(),
        count: section.count,
        kept: section.rows.len(),
        previous: (at > 0).then_some(at),
        next: (first + rows.len() < section.rows.len()).then_some(at + 2),
    })
}

/// What is wrong with each row, with the line and the name of the column.
pub(super) fn in_words<'a>(rows: impl Iterator<Item = &'a RefusedRow>) -> Vec<String> {
    let words = |row: &RefusedRow| {
        let lines = if row.last_line > row.line {
            format!("Lines {} to {}", row.line, row.last_line)
        } else {
            format!("Line {}", row.line)
        };
        let column = row.column.map(|name| format!(", {}", words::column(name)));
        format!("{lines}{}: {}", column.unwrap_or_default(), row.reason)
    };
    rows.map(words).collect()
}

/// The rows that are not imported, as a CSV file for a spreadsheet. A cell is never a formula.
pub(super) async fn refused(
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let (source, checked) = checked(&visitor, &id)?;
    visitor.record_import(EventKind::CasesExported, "refused", &source).await?;
    let file = csv_of(&checked).map_err(|_| PageError::Failed)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"not-imported.csv\""),
    ];
    Ok((headers, file).into_response())
}

fn csv_of(checked: &Checked) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["line", "last_line", "case_id", "column", "reason"])?;
    for row in &checked.refused.rows {
        let (line, last) = (row.line.to_string(), row.last_line.to_string());
        let reason = row.reason.to_string();
        let column = row.column.unwrap_or_default();
        writer.write_record([&line, &last, "", column, &*cell(&reason)])?;
    }
    for row in &checked.preview.excluded.rows {
        let line = row.line.to_string();
        let reason = row.contradiction.map(words::contradiction).unwrap_or_default();
        writer.write_record([&line, &line, &*cell(row.case.as_str()), "", reason])?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
