//! Receives a response.

use crate::batch_work;
use crate::error::PageError;
use crate::form::FormErrors;
use crate::pages::batches::list;
use crate::uploads::File;
use crate::uploads::receive::{receive_file, refused};
use crate::visitor::Visitor;
use axum::extract::Multipart;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use nhs_pds::audit::EventKind;

/// Takes the file of a form, and begins to import it. The name of the file is ignored.
pub(super) async fn receive(visitor: Visitor, form: Multipart) -> Result<Response, PageError> {
    const BUSY: &str = "Another response is being imported. Upload this one when that has ended";
    let mut errors = FormErrors::default();
    if visitor.app.batches()?.is_importing() {
        errors.add("file", BUSY);
    }
    let file = if errors.is_empty() { read(&visitor, form, &mut errors).await? } else { None };
    if let (Some(file), true) = (file, errors.is_empty()) {
        visitor.record_batch(EventKind::BatchChanged, &[("action", "import")]).await?;
        if let Some(import) = batch_work::import(&visitor.app, visitor.actor(), file).await? {
            let path = visitor.app.path(&format!("/batches/import/{}", import.id));
            return Ok(Redirect::to(&path).into_response());
        }
        errors.add("file", BUSY);
    }
    let page = list::write(&visitor, errors).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn read(
    visitor: &Visitor,
    mut form: Multipart,
    errors: &mut FormErrors,
) -> Result<Option<File>, PageError> {
    let mut file = None;
    while let Some(field) = match form.next_field().await {
        Ok(field) => field,
        Err(error) => return refused(&error, errors).map(|()| None),
    } {
        match field.name() {
            Some("file") if file.is_none() => {
                file = Some(receive_file(&visitor.app.uploads, field, errors).await?);
            }
            _ => return Err(PageError::Invalid),
        }
        if !errors.is_empty() {
            return Ok(None);
        }
    }
    if file.as_ref().is_none_or(File::is_empty) {
        errors.add("file", "Choose a response file that is not empty");
    }
    Ok(file)
}
