//! The import of a response: its progress and its result.

use crate::batch_work::{Ended, Failure, Import};
use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::batches::words;
use crate::view;
use crate::visitor::Visitor;
use crate::words::trace_result;
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header;
use nhs_pds::audit::EventKind;
use nhs_pds::process::batch::{Imported, RowReport};
use nhs_pds::text::spreadsheet::cell;
use std::sync::atomic::Ordering;

/// How many refused rows the page has.
const FIRST: usize = 20;

#[derive(Template)]
#[template(path = "batches/progress.html")]
struct ProgressPage {
    layout: Layout,
    here: String,
    rows: String,
}

#[derive(Template)]
#[template(path = "batches/result.html")]
struct ResultPage {
    layout: Layout,
    here: String,
    at: String,
    by: String,
    /// Why the file was not read, or not to its end, and what to do.
    problem: Option<(String, &'static str)>,
    rows: String,
    /// What was decided or continued, with the number of cases.
    settled: Vec<(&'static str, String)>,
    /// The causes of refused rows, with their number and what follows.
    causes: Vec<(&'static str, String, &'static str)>,
    refused: Vec<ShownRow>,
    refused_count: u64,
    /// The batches, each with what it waits for.
    batches: Vec<(String, String)>,
}

/// A refused row.
struct ShownRow {
    line: u64,
    reference: String,
    code: &'static str,
    cause: &'static str,
}

impl ShownRow {
    fn of(report: &RowReport) -> Option<Self> {
        let fault = report.result.as_ref().err()?;
        let reference = report.reference.as_ref().map(ToString::to_string);
        Some(Self {
            line: report.line,
            reference: reference.unwrap_or_else(|| "Cannot be read".to_owned()),
            code: report.code.unwrap_or("None"),
            cause: words::fault(*fault).0,
        })
    }
}

/// Shows the import as far as it is.
pub(super) async fn show(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let import = visitor.app.batches()?.import(&id)?;
    let here = visitor.app.path(&format!("/batches/import/{}", import.id));
    match import.ended() {
        None => page(&ProgressPage {
            layout: visitor.layout("Importing the response", "/batches"),
            here,
            rows: view::counted(import.rows.load(Ordering::Relaxed), "row", "rows"),
        }),
        Some(ended) => result(&visitor, &import, &ended, here),
    }
}

fn result(
    visitor: &Visitor,
    import: &Import,
    ended: &Ended,
    here: String,
) -> Result<Response, PageError> {
    let none = Imported::default();
    let (imported, failure) = match &ended.outcome {
        Ok(imported) => (imported, None),
        Err(failure) => (&none, Some(failure.clone())),
    };
    let fault = imported.fault.as_ref().map(Failure::of_file);
    let rows = match failure {
        Some(_) => import.rows.load(Ordering::Relaxed),
        None => imported.rows,
    };
    let problem = failure.or(fault).map(|failure| words::failure(&failure));
    let decided = imported.decided.iter();
    let decided = decided.map(|(result, count)| (trace_result(result.as_str()), *count));
    let continued = (imported.continued > 0)
        .then_some(("The process asks further questions, one by one", imported.continued));
    let causes = imported.refused.iter().map(|(fault, count)| {
        let (cause, follows) = words::fault(*fault);
        (cause, view::count(*count), follows)
    });
    let batches = imported.batches.iter().map(|batch| {
        let waiting = view::counted(batch.waiting, "case waits", "cases wait");
        (batch.id.clone(), format!("{}. {waiting} for a row.", words::state(batch.state)))
    });
    page(&ResultPage {
        layout: visitor.layout("Result of the response", "/batches"),
        here,
        at: view::time(import.at),
        by: import.by.clone(),
        problem,
        rows: view::count(rows),
        settled: decided.chain(continued).map(|(what, count)| (what, view::count(count))).collect(),
        causes: causes.collect(),
        refused: ended.refused.iter().take(FIRST).filter_map(ShownRow::of).collect(),
        refused_count: ended.refused_count().max(ended.refused.len() as u64),
        batches: batches.collect(),
    })
}

/// The refused rows as a CSV file for a spreadsheet. A cell is never a formula, and none names a person.
pub(super) async fn refused(
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let import = visitor.app.batches()?.import(&id)?;
    let ended = import.ended().ok_or(PageError::NotFound)?;
    visitor.record_batch(EventKind::CasesExported, &[("what", "refused_rows")]).await?;
    let file = csv_of(&ended).map_err(|_| PageError::Failed)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"refused-rows.csv\""),
    ];
    Ok((headers, file).into_response())
}

fn csv_of(ended: &Ended) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["line", "reference", "code", "cause", "text"])?;
    for report in &ended.refused {
        let Err(fault) = &report.result else { continue };
        let reference = report.reference.as_ref().map(ToString::to_string).unwrap_or_default();
        let (line, code) = (report.line.to_string(), report.code.unwrap_or_default());
        let text = words::fault(*fault).0;
        writer.write_record([&line, &*cell(&reference), code, fault.as_str(), text])?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
