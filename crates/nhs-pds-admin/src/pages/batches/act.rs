//! Releases a batch, and confirms that the service has one. Each has a page that says what happens.

use crate::app::App;
use crate::batch_work::soon;
use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::batches::to_list;
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use nhs_pds::process::batch::{Batch, BatchState};

#[derive(Template)]
#[template(path = "batches/release.html")]
struct ReleasePage {
    layout: Layout,
    here: String,
    id: String,
    waiting: String,
    /// Whether the file has not left.
    is_here: bool,
}

#[derive(Template)]
#[template(path = "batches/sent.html")]
struct SentPage {
    layout: Layout,
    here: String,
    id: String,
    until: String,
    message: String,
}

/// Whether a person may release the batch.
pub(super) const fn may_release(state: BatchState) -> bool {
    !matches!(state, BatchState::Building | BatchState::Closed(_))
}

/// The batch, if its state is one of those in which the user may act.
async fn batch(
    app: &App,
    id: &str,
    may: impl FnOnce(BatchState) -> bool,
) -> Result<Batch, PageError> {
    let found = app.batches()?.batches.list().await?.into_iter().find(|batch| batch.id == id);
    let batch = found.ok_or(PageError::NotFound)?;
    if may(batch.state) { Ok(batch) } else { Err(PageError::Conflict) }
}

/// Asks whether to release the batch.
pub(super) async fn ask_release(
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let batch = batch(&visitor.app, &id, may_release).await?;
    page(&ReleasePage {
        layout: visitor.layout("Release the cases of a batch", "/batches"),
        here: visitor.app.path(&format!("/batches/release/{}", batch.id)),
        waiting: view::counted(batch.waiting, "case waits", "cases wait"),
        is_here: batch.state == BatchState::Ready,
        id: batch.id,
    })
}

/// Releases the batch. The cases of a large one are returned after the answer.
pub(super) async fn release(
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let batch = batch(&visitor.app, &id, may_release).await?;
    let (batches, actor) = (visitor.app.batches()?.batches.clone(), visitor.actor());
    let task = tokio::spawn(async move {
        let released = batches.release(&batch.id, &actor).await;
        if let Err(error) = &released {
            tracing::warn!(kind = %error.kind(), "a batch was not released to the end");
        }
        released
    });
    match soon(task).await? {
        Some(released) => released.map(|_| to_list(&visitor, "released")).map_err(PageError::from),
        None => Ok(to_list(&visitor, "releasing")),
    }
}

/// Asks whether the service has the batch.
pub(super) async fn ask_sent(
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let batch = batch(&visitor.app, &id, |state| state == BatchState::Held).await?;
    page(&SentPage {
        layout: visitor.layout("Confirm that a batch was sent", "/batches"),
        here: visitor.app.path(&format!("/batches/sent/{}", batch.id)),
        until: view::time(batch.until),
        message: view::or_not_recorded(batch.message_id.as_deref()).to_owned(),
        id: batch.id,
    })
}

/// Marks the batch as sent.
pub(super) async fn confirm_sent(
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let batch = batch(&visitor.app, &id, |state| state == BatchState::Held).await?;
    visitor.app.batches()?.batches.confirm_sent(&batch.id, &visitor.actor()).await?;
    Ok(to_list(&visitor, "sent"))
}
