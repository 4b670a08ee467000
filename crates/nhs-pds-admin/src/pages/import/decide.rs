//! What users decide about an upload: ask another user, approve, preview again, cancel.

use crate::error::PageError;
use crate::pages::import::columns;
use crate::uploads::Upload;
use crate::uploads::state::{Checked, Progress, State};
use crate::uploads::work;
use crate::visitor::Visitor;
use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use nhs_pds::audit::EventKind;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Version {
    /// The preview that the user has read.
    version: String,
}

/// Asks another user to approve a file whose changes are implausible.
pub(super) async fn ask(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Version>,
) -> Result<Response, PageError> {
    let upload = visitor.upload(&id)?;
    let State::Review(checked) = upload.state() else { return Ok(back(&visitor, &upload)) };
    if checked.version != form.version {
        return Ok(changed(&visitor, &upload));
    }
    visitor.record_import(EventKind::CasesImported, "approval_requested", &upload.source).await?;
    let next = State::Asked(Arc::clone(&checked));
    upload.advance(|state| is_review_of(state, &checked), next);
    Ok(back(&visitor, &upload))
}

/// Approves a preview, and begins the import. The owner may approve a plausible file, another user an implausible one.
pub(super) async fn approve(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Version>,
) -> Result<Response, PageError> {
    let upload = visitor.upload(&id)?;
    let is_owner = upload.is_owned_by(&visitor.actor());
    let (checked, is_asked) = match upload.state() {
        State::Review(checked) => (checked, false),
        State::Asked(checked) => (checked, true),
        _ => return Ok(back(&visitor, &upload)),
    };
    if checked.version != form.version {
        return Ok(changed(&visitor, &upload));
    }
    let needs_another = !checked.preview.plausibility().reasons().is_empty();
    if needs_another && (is_owner || !is_asked) {
        visitor
            .record_import(EventKind::AccessRefused, "approve_own_import", &upload.source)
            .await?;
        return Err(PageError::Forbidden);
    }
    visitor.record_import(EventKind::CasesImported, "approved", &upload.source).await?;
    let progress = Progress::of(checked.preview.plausibility().cases);
    let next = State::Importing(Arc::clone(&progress));
    if upload.advance(|state| is_review_of(state, &checked), next) {
        upload.restart();
        let second = (!is_owner).then(|| visitor.actor());
        let (app, upload) = (Arc::clone(&visitor.app), Arc::clone(&upload));
        tokio::spawn(work::import(app, upload, checked, second, progress));
    }
    // The other user no longer sees the upload.
    if is_owner { Ok(back(&visitor, &upload)) } else { Ok(to_list(&visitor, "approved")) }
}

/// Previews again what is left of an import.
pub(super) async fn again(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let upload = visitor.upload(&id)?;
    if let State::Ended(ended) = upload.state()
        && upload.is_owned_by(&visitor.actor())
        && upload.file().is_some()
    {
        visitor.record_import(EventKind::CasesImported, "previewed_again", &upload.source).await?;
        columns::start(&visitor, &upload, ended.checked.mapping.clone());
    }
    Ok(back(&visitor, &upload))
}

/// Stops an import that is going on; deletes any other upload.
pub(super) async fn cancel(
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let upload = visitor.upload(&id)?;
    if let State::Importing(_) = upload.state() {
        visitor.record_import(EventKind::CasesImported, "stopped", &upload.source).await?;
        upload.stop();
        return Ok(back(&visitor, &upload));
    }
    let is_ended = matches!(upload.state(), State::Ended(_));
    let action = if is_ended { "closed" } else { "cancelled" };
    visitor.record_import(EventKind::CasesImported, action, &upload.source).await?;
    visitor.app.uploads.remove(&upload.id);
    Ok(to_list(&visitor, action))
}

/// Whether the user still decides about this preview.
fn is_review_of(state: &State, checked: &Arc<Checked>) -> bool {
    matches!(state, State::Review(now) | State::Asked(now) if Arc::ptr_eq(now, checked))
}

fn back(visitor: &Visitor, upload: &Upload) -> Response {
    Redirect::to(&visitor.upload_path(upload, "")).into_response()
}

fn changed(visitor: &Visitor, upload: &Upload) -> Response {
    Redirect::to(&visitor.upload_path(upload, "?done=changed")).into_response()
}

fn to_list(visitor: &Visitor, done: &str) -> Response {
    Redirect::to(&visitor.app.path(&format!("/import?done={done}"))).into_response()
}
