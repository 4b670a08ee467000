//! Work on an upload that takes longer than a request: comparing it with the store, and importing it.

use crate::app::App;
use crate::error::PageError;
use crate::uploads::history::{self, Record};
use crate::uploads::state::{Checked, Ended, How, Progress, Refused, State};
use crate::uploads::{File, Upload};
use nhs_pds::audit::{Actor, EventKind};
use nhs_pds::case::Case;
use nhs_pds::case::caseload::{self, Entry, ErrorKind, Mapping, Reader, open_mapped};
use nhs_pds::process::{Approved, Preview, import_approved};
use std::io::Cursor;
use std::sync::{Arc, Mutex};

/// After how many rows other work on the same thread gets a turn.
const TURN: usize = 256;

/// Why a file could not be compared.
enum Failure {
    Words(&'static str),
    Stopped,
}

/// Compares the upload with the store, and goes on to the review.
pub(crate) async fn check(
    app: Arc<App>,
    upload: Arc<Upload>,
    mapping: Mapping,
    progress: Arc<Progress>,
) {
    let next = match checked(&app, &upload, mapping, &progress).await {
        Ok(checked) => State::Review(Arc::new(checked)),
        Err(Failure::Words(words)) => State::Unreadable(words),
        Err(Failure::Stopped) => return,
    };
    upload.advance(
        |state| matches!(state, State::Checking(now) if Arc::ptr_eq(now, &progress)),
        next,
    );
}

async fn checked(
    app: &App,
    upload: &Arc<Upload>,
    mapping: Mapping,
    progress: &Progress,
) -> Result<Checked, Failure> {
    const UNAVAILABLE: &str =
        "The database could not be read. Nothing was imported. Check the columns again to retry.";
    let file = upload.file().ok_or(Failure::Stopped)?;
    let mut preview = expected(upload, &file, &mapping).await?;
    let imports = history::imports(app).await.map_err(|_| Failure::Words(UNAVAILABLE))?;
    let last = imports.iter().find(|record| record.source == upload.source && is_whole(record));
    preview.before = last.map(|record| record.cases);
    let mut refused = Refused::default();
    let mut reader = open(&file, &mapping).await?;
    let now = app.clock.now();
    let mut done = 0;
    while let Some(entry) = reader.next() {
        match entry.map_err(unreadable)? {
            Entry::Case(case) => {
                let added = preview.add(app.store.cases(), reader.line(), &case, now).await;
                added.map_err(|_| Failure::Words(UNAVAILABLE))?;
                done += 1;
                progress.set(done);
            }
            Entry::Refused(row) => refused.add(row),
            _ => {}
        }
        if upload.is_stopped() {
            return Err(Failure::Stopped);
        }
        if done.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }
    preview.refused = refused.count;
    Ok(Checked { version: app.ids.next().to_string(), mapping, preview, refused })
}

/// Whether the import says how many cases the source has.
fn is_whole(record: &Record) -> bool {
    matches!(record.how, How::Completed | How::PartlyCompleted)
}

/// Reads the file for the first time, on a thread that may block.
async fn expected(
    upload: &Arc<Upload>,
    file: &File,
    mapping: &Mapping,
) -> Result<Preview, Failure> {
    let (upload, file, mapping) = (Arc::clone(upload), file.clone(), mapping.clone());
    let read = move || {
        let mut preview = Preview::default();
        for entry in open_mapped(Cursor::new(file), &mapping).map_err(unreadable)? {
            if upload.is_stopped() {
                return Err(Failure::Stopped);
            }
            if let Entry::Case(case) = entry.map_err(unreadable)? {
                preview.expect(&case);
            }
        }
        Ok(preview)
    };
    tokio::task::spawn_blocking(read).await.map_err(|_| Failure::Stopped)?
}

async fn open(file: &File, mapping: &Mapping) -> Result<Reader<Cursor<File>>, Failure> {
    let (file, mapping) = (file.clone(), mapping.clone());
    let opened = tokio::task::spawn_blocking(move || open_mapped(Cursor::new(file), &mapping));
    opened.await.map_err(|_| Failure::Stopped)?.map_err(unreadable)
}

fn unreadable(error: caseload::Error) -> Failure {
    Failure::Words(in_words(&error))
}

/// What is wrong with a file, and what to do.
pub(crate) fn in_words(error: &caseload::Error) -> &'static str {
    match error.kind() {
        ErrorKind::Header => {
            "The first line of the file does not have the names of its columns, each once. Correct the file, and upload it again."
        }
        ErrorKind::NotCsv => {
            "The file is not a CSV file. Workbooks, PDF documents and images cannot be read. Save the sheet as CSV UTF-8, and upload that file."
        }
        _ => "The file could not be read. Upload it again.",
    }
}

/// The cases of a file with their lines, until the user stops the import.
struct Cases {
    reader: Reader<Cursor<File>>,
    upload: Arc<Upload>,
}

/// The user has stopped the import.
#[derive(Debug, thiserror::Error)]
#[error("the import was stopped")]
struct Stopped;

impl Iterator for Cases {
    type Item = Result<(u64, Case), Box<dyn std::error::Error + Send + Sync>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.upload.is_stopped() {
                return Some(Err(Box::new(Stopped)));
            }
            match self.reader.next()? {
                Ok(Entry::Case(case)) => return Some(Ok((self.reader.line(), *case))),
                Ok(_) => {}
                Err(error) => return Some(Err(Box::new(error))),
            }
        }
    }
}

/// Imports what was approved, and lists the result. `second` is the other user who has approved.
pub(crate) async fn import(
    app: Arc<App>,
    upload: Arc<Upload>,
    checked: Arc<Checked>,
    second: Option<Actor>,
    progress: Arc<Progress>,
) {
    let actor = match &second {
        Some(second) => upload.owner.clone().authorised_by(second.user_id()),
        None => upload.owner.clone(),
    };
    let (approved, is_complete) = imported(&app, &upload, &checked, &actor, &progress).await;
    let how = how(&approved, is_complete, upload.is_stopped());
    let record = Record {
        at: app.clock.now(),
        source: upload.source.clone(),
        by: actor.name().to_owned(),
        approved_by: second.as_ref().map(|second| second.name().to_owned()),
        how,
        cases: checked.preview.plausibility().cases,
        new: approved.imported.new,
        updated: approved.imported.updated,
        unchanged: approved.imported.unchanged,
        to_check: checked.preview.to_check.count,
        further_review: approved.further_review.count,
        refused: checked.refused.count + approved.excluded,
    };
    let left = !is_complete || approved.further_review.count > 0;
    if !left {
        upload.drop_file();
    }
    let is_listed = listed(&app, &actor, record).await.is_ok();
    if !is_listed {
        tracing::error!("the result of an import could not be recorded");
    }
    let ended = Arc::new(Ended { how, approved, checked });
    upload.advance(|state| matches!(state, State::Importing(_)), State::Ended(ended));
}

async fn imported(
    app: &App,
    upload: &Arc<Upload>,
    checked: &Checked,
    actor: &Actor,
    progress: &Progress,
) -> (Approved, bool) {
    let Some(file) = upload.file() else { return (Approved::default(), false) };
    let Ok(reader) = open(&file, &checked.mapping).await else {
        return (Approved::default(), false);
    };
    let so_far = Mutex::new(Approved::default());
    let cases = Cases { reader, upload: Arc::clone(upload) };
    let preview = checked.preview.clone();
    let result = import_approved(&*app.store, actor, &*app.clock, preview, cases, |approved| {
        progress.set(approved.done());
        *super::lock(&so_far) = approved.clone();
    });
    match result.await {
        Ok(approved) => (approved, true),
        Err(error) => {
            tracing::warn!(kind = %error.kind(), "an import has ended early");
            (super::lock(&so_far).clone(), false)
        }
    }
}

fn how(approved: &Approved, is_complete: bool, is_stopped: bool) -> How {
    if is_complete {
        let left = approved.further_review.count > 0;
        return if left { How::PartlyCompleted } else { How::Completed };
    }
    let changed = approved.imported.new + approved.imported.updated;
    match (is_stopped, changed) {
        (true, _) => How::Cancelled,
        (false, 0) => How::Failed,
        (false, _) => How::PartlyCompleted,
    }
}

async fn listed(app: &App, actor: &Actor, record: Record) -> Result<(), PageError> {
    let entry = app.event(EventKind::CasesImported, actor).with_detail("action", "ended");
    let entry = entry.with_detail("source", &record.source);
    let entry = entry.with_detail("outcome", record.how.as_str());
    let counts = [
        ("cases", record.cases),
        ("new", record.new),
        ("updated", record.updated),
        ("further_review", record.further_review),
        ("refused", record.refused),
    ];
    let counted = |entry: nhs_pds::audit::Entry, (name, count): (&str, usize)| {
        entry.with_detail(name, count.to_string())
    };
    let entry = counts.into_iter().fold(entry, counted);
    app.store.audit().append(vec![entry]).await?;
    history::add(app, actor, record).await
}
