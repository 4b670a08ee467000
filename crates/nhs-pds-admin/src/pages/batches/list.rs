//! The batches, and the forms for request files and responses.

use crate::app::App;
use crate::batch_work::{Building, Built, Failure};
use crate::error::PageError;
use crate::form::{Choice, FormErrors};
use crate::layout::{Layout, page};
use crate::pages::batches::act::may_release;
use crate::pages::batches::words;
use crate::uploads::LONGEST_FILE;
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::response::Response;
use nhs_pds::process::batch::{Batch, BatchState, Batches, Ending, LeftOut};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

#[derive(Template)]
#[template(path = "batches/list.html")]
struct ListPage {
    layout: Layout,
    errors: FormErrors,
    done: Option<String>,
    /// Why files were not written, and what to do.
    problem: Option<(String, &'static str)>,
    /// The file that the service has refused, or has not delivered, and what to do.
    refused: Option<(String, &'static str)>,
    /// The responses on the server that a person must look at, and what to do.
    set_aside: Option<(String, &'static str)>,
    /// How far the writing of files is.
    progress: Option<String>,
    batches: Vec<Shown>,
    choices: Vec<Choice>,
    imports: Vec<ShownImport>,
    megabytes: usize,
}

/// A batch in the list.
struct Shown {
    id: String,
    state: &'static str,
    is_held: bool,
    rows: String,
    waiting: String,
    created: String,
    /// When it counts as lost; of one that has ended, when it ended.
    until: String,
    message: String,
    code: String,
    may_download: bool,
    is_downloaded: bool,
    may_release: bool,
}

/// An import in the list.
struct ShownImport {
    href: String,
    at: String,
    by: String,
    state: &'static str,
}

impl Shown {
    fn of(batch: &Batch, has_file: bool) -> Self {
        let until = if batch.is_closed() {
            format!("Ended {}", view::time(batch.changed_at))
        } else {
            view::time(batch.until)
        };
        let is_exported = batch.state == BatchState::Exported;
        Self {
            id: batch.id.clone(),
            state: words::state(batch.state),
            is_held: batch.state == BatchState::Held,
            rows: view::count(batch.rows),
            waiting: view::count(batch.waiting),
            created: view::time(batch.created_at),
            until,
            message: batch.message_id.clone().unwrap_or_else(|| "None".to_owned()),
            code: batch.code.clone().unwrap_or_else(|| "None".to_owned()),
            may_download: has_file && (is_exported || batch.state == BatchState::Ready),
            is_downloaded: is_exported,
            may_release: may_release(batch.state),
        }
    }
}

/// Shows the page.
pub(super) async fn show(visitor: Visitor) -> Result<Response, PageError> {
    write(&visitor, FormErrors::default()).await
}

/// Writes the page, with what is wrong with a form.
pub(super) async fn write(visitor: &Visitor, errors: FormErrors) -> Result<Response, PageError> {
    let app = &visitor.app;
    let work = app.batches()?;
    let mut batches = work.batches.list().await?;
    // What a user can do something about comes first, then the newest.
    batches.reverse();
    batches.sort_by_key(Batch::is_closed);
    let shown =
        |batch: &Batch| Shown::of(batch, !batch.is_closed() && work.batches.has_file(batch));
    let (building, built) = work.building();
    let imports = work.imports().into_iter().map(|import| ShownImport {
        href: app.path(&format!("/batches/import/{}", import.id)),
        at: view::time(import.at),
        by: import.by.clone(),
        state: words::import(import.ended().as_deref()),
    });
    page(&ListPage {
        layout: visitor.layout("Batches", "/batches").with_errors(!errors.is_empty()),
        errors,
        done: done(visitor, building.is_some(), built.as_ref()),
        problem: built.filter(|_| building.is_none()).and_then(|built| problem(&built)),
        refused: work.batches.refused_lately().await?.as_ref().map(refused),
        set_aside: set_aside(&work.batches),
        progress: building.map(|building| progress(&building)),
        batches: batches.iter().map(shown).collect(),
        choices: Choice::list(words::CHOICES, ""),
        imports: imports.collect(),
        megabytes: LONGEST_FILE / 1024 / 1024,
    })
}

/// What was done, after a redirect.
fn done(visitor: &Visitor, is_building: bool, built: Option<&Built>) -> Option<String> {
    let text = match visitor.done.as_deref()? {
        "built" if !is_building => match &built?.outcome {
            Ok((0, _, left)) => {
                format!("No case is due that can go into a file. No file was written.{}", left_out(left))
            }
            Ok((files, rows, left)) => format!(
                "Written: {} with {}. Download each file, and upload it to the service.{}",
                view::counted(*files as u64, "file", "files"),
                view::counted(*rows, "row", "rows"),
                left_out(left)
            ),
            Err(_) => return None,
        },
        "released" => "The batch is released. Its cases are traced singly, or by another file.".to_owned(),
        "releasing" => {
            "The cases of the batch are being released. This takes minutes. You can leave this page."
                .to_owned()
        }
        "sent" => "The batch is marked as sent. Its cases wait for the response.".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// The due cases that are not in a file, and what becomes of them.
fn left_out(left: &BTreeMap<LeftOut, u64>) -> String {
    let parts = left.iter().map(|(cause, count)| {
        let cases = view::counted(*count, "due case", "due cases");
        format!(" Not in a file: {cases} {}", words::left_out(*cause))
    });
    parts.collect()
}

/// Why the last writing of files has ended early, and what to do.
fn problem(built: &Built) -> Option<(String, &'static str)> {
    let failure = built.outcome.as_ref().err()?;
    let (what, to_do) = words::failure(failure);
    let (at, by) = (view::time(built.at), &built.by);
    Some((format!("The files that {by} began to write were not all written ({at}). {what}"), to_do))
}

fn progress(building: &Building) -> String {
    let (by, at) = (&building.by, view::time(building.at));
    let rows = view::counted(building.rows.load(Ordering::Relaxed), "row", "rows");
    format!("Files are being written: {rows} so far. {by} began it on {at}.")
}

/// That the service has refused the file of a batch, or has not delivered it, and what to do.
fn refused(batch: &Batch) -> (String, &'static str) {
    const TO_DO: &str = "Correct the cause before you upload another file. For six hours after that, a process writes no file, and \
                         traces the cases singly that are in none.";
    let what = match batch.state.ending() {
        Some(Ending::NotDelivered) => "did not deliver",
        _ => "refused",
    };
    let code = batch.code.as_deref().map(|code| format!(" (code {code})")).unwrap_or_default();
    (format!("The service {what} a file{code} on {}", view::time(batch.changed_at)), TO_DO)
}

/// The responses that were set aside in the folder, and what to do; `None` without such files.
fn set_aside(batches: &Batches) -> Option<(String, &'static str)> {
    const TO_DO: &str = "Have an administrator look at each file on the server, in the folder refused of the folder for batches, and then \
                         delete it: it names people.";
    let count = match batches.refused_files() {
        Ok(files) => files.len() as u64,
        Err(error) => {
            let (what, to_do) = words::failure(&Failure::of(&error));
            return Some((what.trim_end_matches('.').to_owned(), to_do));
        }
    };
    let what = view::counted(count, "response", "responses");
    (count > 0).then(|| (format!("{what} could not be used whole"), TO_DO))
}

/// What users of the home page should know of the batches, and what to do.
pub(crate) async fn notices(app: &App) -> Result<Vec<(String, String)>, PageError> {
    let Some(work) = &app.batches else { return Ok(Vec::new()) };
    let batches = work.batches.list().await?;
    let count = batches.iter().filter(|batch| batch.state == BatchState::Held).count() as u64;
    let what = view::counted(count, "batch waits", "batches wait");
    let to_do =
        "Ask the service whether it has the file. Then confirm that it was sent, or release it.";
    let held = (count > 0).then(|| (format!("{what} for a decision"), to_do.to_owned()));
    let refused = work.batches.refused_lately().await?.as_ref().map(refused);
    let others = refused.into_iter().chain(set_aside(&work.batches));
    let others = others.map(|(what, to_do)| (what, to_do.to_owned()));
    Ok(held.into_iter().chain(others).collect())
}
