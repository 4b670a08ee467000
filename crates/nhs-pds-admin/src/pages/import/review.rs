//! The page of an upload: progress, preview or result, as far as it is.

use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::import::rows::{self, ShownRow};
use crate::pages::import::words;
use crate::uploads::Upload;
use crate::uploads::state::{Checked, Ended, How, Progress, State};
use crate::visitor::Visitor;
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use nhs_pds::audit::EventKind;
use nhs_pds::process::{Imported, Section};

/// How many rows of a section the page has.
const FIRST: usize = 20;

#[derive(Template)]
#[template(path = "import/progress.html")]
struct ProgressPage {
    layout: Layout,
    source: String,
    here: String,
    cancel: String,
    is_importing: bool,
    done: usize,
    total: usize,
}

#[derive(Template)]
#[template(path = "import/unreadable.html")]
struct UnreadablePage {
    layout: Layout,
    why: &'static str,
    columns: String,
    cancel: String,
}

#[derive(Template)]
#[template(path = "import/review.html")]
struct ReviewPage {
    layout: Layout,
    message: Option<&'static str>,
    source: String,
    here: String,
    version: String,
    cases: usize,
    to_import: usize,
    unchanged: usize,
    unreadable: usize,
    sections: Vec<ShownSection>,
    refused: Vec<String>,
    refused_count: usize,
    implausible: Vec<String>,
    /// Whether the user is the owner, and whether the owner has asked another user.
    is_owner: bool,
    is_asked: bool,
    owner: String,
}

/// A section of a preview on the page.
struct ShownSection {
    word: &'static str,
    title: &'static str,
    hint: &'static str,
    count: usize,
    rows: Vec<ShownRow>,
}

#[derive(Template)]
#[template(path = "import/result.html")]
struct ResultPage {
    layout: Layout,
    source: String,
    here: String,
    how: How,
    imported: Imported,
    excluded: usize,
    refused: Vec<String>,
    refused_count: usize,
    further: usize,
    further_rows: Vec<ShownRow>,
    /// Whether the file is still there, so that the rest can be previewed again.
    is_left: bool,
    is_owner: bool,
}

/// Shows the upload as far as it is.
pub(super) async fn show(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let upload = visitor.upload(&id)?;
    match upload.state() {
        State::Columns => {
            Ok(Redirect::to(&visitor.upload_path(&upload, "/columns")).into_response())
        }
        State::Checking(progress) => write_progress(&visitor, &upload, &progress, false),
        State::Importing(progress) => write_progress(&visitor, &upload, &progress, true),
        State::Unreadable(why) => page(&UnreadablePage {
            layout: visitor.layout("The file cannot be imported", "/import"),
            why,
            columns: visitor.upload_path(&upload, "/columns"),
            cancel: visitor.upload_path(&upload, "/cancel"),
        }),
        State::Review(checked) => review(&visitor, &upload, &checked, false).await,
        State::Asked(checked) => review(&visitor, &upload, &checked, true).await,
        State::Ended(ended) => result(&visitor, &upload, &ended).await,
    }
}

fn write_progress(
    visitor: &Visitor,
    upload: &Upload,
    progress: &Progress,
    is_importing: bool,
) -> Result<Response, PageError> {
    let heading = if is_importing { "Importing" } else { "Processing" };
    page(&ProgressPage {
        layout: visitor.layout(heading, "/import"),
        source: upload.source.clone(),
        here: visitor.upload_path(upload, ""),
        cancel: visitor.upload_path(upload, "/cancel"),
        is_importing,
        done: progress.done(),
        total: progress.total,
    })
}

/// The sections of a preview, in the order of the page: their words in URLs, titles and hints.
pub(super) const SECTIONS: [(&str, &str, &str); 4] = [
    ("new", "New cases", "They are not recorded yet. They will be added."),
    ("changed", "Changed cases", "They are recorded. The fields below will change."),
    (
        "to-check",
        "Cases to check after the import",
        "They contradict what is recorded. They will be imported, and get a review item or a check.",
    ),
    (
        "excluded",
        "Cases that are not imported",
        "They contradict another row of the file. Correct the file, and upload it again.",
    ),
];

/// The rows of a section, by its word in URLs.
pub(super) fn section<'a>(checked: &'a Checked, word: &str) -> Option<&'a Section> {
    let preview = &checked.preview;
    match word {
        "new" => Some(&preview.new),
        "changed" => Some(&preview.changed),
        "to-check" => Some(&preview.to_check),
        "excluded" => Some(&preview.excluded),
        _ => None,
    }
}

async fn review(
    visitor: &Visitor,
    upload: &Upload,
    checked: &Checked,
    is_asked: bool,
) -> Result<Response, PageError> {
    visitor.record_import(EventKind::CasesListed, "preview", &upload.source).await?;
    let sections = SECTIONS.iter().filter_map(|(word, title, hint)| {
        let section = section(checked, word)?;
        let rows = section.rows.iter().take(FIRST).map(|row| ShownRow::of(visitor, row)).collect();
        Some(ShownSection { word, title, hint, count: section.count, rows })
    });
    let sections = sections.collect();
    let figures = checked.preview.plausibility();
    let reasons = figures.reasons().into_iter();
    let message = match visitor.done.as_deref() {
        Some("changed") => Some("The preview was made again meanwhile. Read it, then approve it."),
        _ => None,
    };
    page(&ReviewPage {
        layout: visitor.layout("Review and approve", "/import").confidential(),
        message,
        source: upload.source.clone(),
        here: visitor.upload_path(upload, ""),
        version: checked.version.clone(),
        cases: figures.cases,
        to_import: checked.preview.to_import(),
        unchanged: checked.preview.unchanged,
        unreadable: checked.preview.unreadable,
        sections,
        refused: rows::in_words(checked.refused.rows.iter().take(FIRST)),
        refused_count: checked.refused.count,
        implausible: reasons.map(|reason| words::implausible(reason, &figures)).collect(),
        is_owner: upload.is_owned_by(&visitor.actor()),
        is_asked,
        owner: upload.owner.name().to_owned(),
    })
}

async fn result(visitor: &Visitor, upload: &Upload, ended: &Ended) -> Result<Response, PageError> {
    visitor.record_import(EventKind::CasesListed, "result", &upload.source).await?;
    let further = &ended.approved.further_review;
    page(&ResultPage {
        layout: visitor.layout("Result of the import", "/import").confidential(),
        source: upload.source.clone(),
        here: visitor.upload_path(upload, ""),
        how: ended.how,
        imported: ended.approved.imported,
        excluded: ended.approved.excluded,
        refused: rows::in_words(ended.checked.refused.rows.iter().take(FIRST)),
        refused_count: ended.checked.refused.count,
        further: further.count,
        further_rows: further
            .rows
            .iter()
            .take(FIRST)
            .map(|row| ShownRow::of(visitor, row))
            .collect(),
        is_left: upload.file().is_some(),
        is_owner: upload.is_owned_by(&visitor.actor()),
    })
}
