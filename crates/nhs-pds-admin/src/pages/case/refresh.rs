//! Tracing a case at once (MSCA-PDS-05).

use crate::error::PageError;
use crate::visitor::Visitor;
use axum::Form;
use axum::extract::Path;
use axum::response::Redirect;
use nhs_pds::process::{RefreshEvent, Refreshed};
use nhs_pds::trace::Caller;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Why {
    event: String,
}

impl Why {
    /// Why the case is traced; a user's request, unless the form says another reason.
    fn event(&self) -> RefreshEvent {
        let events = [
            RefreshEvent::EpisodeStarted,
            RefreshEvent::BeforeContact,
            RefreshEvent::BeforeAdmission,
            RefreshEvent::BeforeDischarge,
        ];
        events
            .into_iter()
            .find(|event| event.as_str() == self.event)
            .unwrap_or(RefreshEvent::OnRequest)
    }
}

/// Traces the case on behalf of the user, as a run would, and shows the case with the result.
pub(super) async fn refresh(
    visitor: Visitor,
    Path(name): Path<String>,
    Form(why): Form<Why>,
) -> Result<Redirect, PageError> {
    let case = visitor.case(&name).await?;
    let worker = visitor.app.refresh.as_ref().ok_or(PageError::NotAvailable)?;
    let worker = worker.on_behalf_of(Caller::User(visitor.person.user.clone()), visitor.actor());
    // A browser that goes away must not stop it between the question and the answer.
    let refreshed = tokio::spawn(async move { worker.refresh(&case.id, why.event()).await }).await;
    let refreshed = refreshed.map_err(|_| PageError::Failed)??.ok_or(PageError::NotFound)?;
    let done = word(&refreshed);
    Ok(Redirect::to(&visitor.app.path(&format!("/case/{name}?done={done}"))))
}

/// The result as the word of the redirect.
fn word(refreshed: &Refreshed) -> String {
    let report = &refreshed.report;
    match (report.result, report.eligibility.reasons().first()) {
        _ if refreshed.suspended.is_some() => "suspended".to_owned(),
        (Some(result), _) => format!("traced_{result}"),
        (None, Some(reason)) => format!("not_traced_{}", reason.as_str()),
        (None, None) => "not_traced".to_owned(),
    }
}
