//! Tracing by file: the batches, their request files, and the import of responses (HAV-9).

mod act;
mod build;
mod download;
mod import;
mod list;
mod result;
mod words;

use crate::error::PageError;
use crate::rights::Right;
use crate::routes::Routes;
use crate::uploads::LONGEST_FILE;
use crate::visitor::Visitor;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
pub(crate) use list::notices;
use nhs_pds::audit::EventKind;

/// What a form with a file has besides the file, in bytes.
const AROUND: usize = 64 * 1024;

/// The routes of these pages; none without a folder for files.
pub(crate) fn routes(routes: Routes) -> Routes {
    if routes.app().batches.is_none() {
        return routes;
    }
    let upload = post(import::receive).layer(DefaultBodyLimit::max(LONGEST_FILE + AROUND));
    routes
        .get("/batches", Right::Batches, list::show)
        .post("/batches/build", Right::Batches, build::start)
        .post("/batches/file/{batch}", Right::Batches, download::send)
        .guarded("/batches/import", "POST", Right::Batches, upload)
        .get("/batches/import/{import}", Right::Batches, result::show)
        .get("/batches/import/{import}/refused.csv", Right::Batches, result::refused)
        .get("/batches/release/{batch}", Right::Batches, act::ask_release)
        .post("/batches/release/{batch}", Right::Batches, act::release)
        .get("/batches/sent/{batch}", Right::Batches, act::ask_sent)
        .post("/batches/sent/{batch}", Right::Batches, act::confirm_sent)
}

impl Visitor {
    /// Records what the user asks of the batches, with details that name no person.
    async fn record_batch(
        &self,
        kind: EventKind,
        details: &[(&'static str, &str)],
    ) -> Result<(), PageError> {
        let entry =
            details.iter().fold(self.app.event(kind, &self.actor()), |entry, (name, value)| {
                entry.with_detail(*name, *value)
            });
        self.app.store.audit().append(vec![entry]).await?;
        Ok(())
    }
}

fn to_list(visitor: &Visitor, done: &str) -> Response {
    Redirect::to(&visitor.app.path(&format!("/batches?done={done}"))).into_response()
}
