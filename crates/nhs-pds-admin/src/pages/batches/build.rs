//! Writes request files.

use crate::batch_work;
use crate::error::PageError;
use crate::form::FormErrors;
use crate::pages::batches::{list, to_list};
use crate::visitor::Visitor;
use axum::Form;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use nhs_pds::audit::EventKind;
use nhs_pds::process::batch::BatchPolicy;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    which: String,
}

/// Begins to write the due cases into files, however few there are.
pub(super) async fn start(visitor: Visitor, Form(sent): Form<Sent>) -> Result<Response, PageError> {
    let policy = match sent.which.as_str() {
        "everything" => BatchPolicy::everything(),
        "first-load" => BatchPolicy::first_load().with_at_least(1),
        "reverification" => BatchPolicy::reverification().with_at_least(1),
        _ => {
            let mut errors = FormErrors::default();
            errors.add("which", "Choose which cases go into the files");
            let page = list::write(&visitor, errors).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let details = [("action", "build"), ("which", &*sent.which)];
    visitor.record_batch(EventKind::BatchChanged, &details).await?;
    batch_work::build(&visitor.app, visitor.actor(), policy).await?;
    Ok(to_list(&visitor, "built"))
}
