//! Actions on an item: notes, passing on, and decisions in two steps.

use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::item::choices::{choices, label, value};
use crate::pages::item::correct;
use crate::pages::item::shown::{Problem, item_page, shown};
use crate::pages::item::since::since;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use nhs_pds::case::{ItemId, ReviewState};
use nhs_pds::process::Error;
use nhs_pds::process::review::{
    ActionOutcome, Choice, ChoiceKind, Refusal, Resolution, ReviewQueue, Seen, ShownItem,
};
use serde::Deserialize;

/// What the forms of an item send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    pub(super) choice: String,
    /// What the user has seen of the case and the item.
    pub(super) seen: String,
    note: String,
    user: String,
    state: String,
}

/// Says what a choice will do, before it is done.
#[derive(Template)]
#[template(path = "item/confirm.html")]
struct ConfirmPage {
    layout: Layout,
    here: String,
    case_id: String,
    label: String,
    effects: Vec<String>,
    choice: String,
    seen: String,
}

/// The item of a path, which the user may see.
pub(super) async fn item(visitor: &Visitor, name: &str, number: u32) -> Result<ItemId, PageError> {
    Ok(ItemId::new(visitor.case(name).await?.id, number))
}

/// The page after an action: with what was done, or why not.
pub(super) async fn after(
    visitor: &Visitor,
    name: &str,
    number: u32,
    outcome: Result<ActionOutcome, Error>,
    word: &str,
) -> Result<Response, PageError> {
    let word = match outcome? {
        ActionOutcome::Done => word,
        ActionOutcome::AlreadyDone => "already",
        ActionOutcome::Refused(refusal) => {
            let problem = Problem::new(format!("Nothing was changed: {refusal}."));
            return item_page(visitor, name, number, Some(problem)).await;
        }
        _ => return Err(PageError::Failed),
    };
    let to = visitor.app.path(&format!("/item/{name}/{number}?done={word}"));
    Ok(Redirect::to(&to).into_response())
}

/// The queue for a user who has seen this of the item.
pub(super) fn queue(visitor: &Visitor, seen: &str) -> Result<(ReviewQueue, Seen), PageError> {
    let seen: Seen = seen.parse().map_err(|_| PageError::Invalid)?;
    Ok((visitor.app.queue().if_as_seen(seen.clone()), seen))
}

/// Decides the item, as the user has seen it.
pub(super) async fn resolve(
    visitor: &Visitor,
    name: &str,
    number: u32,
    resolution: &Resolution,
    seen: &str,
) -> Result<Response, PageError> {
    let (queue, seen) = queue(visitor, seen)?;
    let item = item(visitor, name, number).await?;
    let outcome = queue.resolve(&item, resolution, &visitor.actor()).await;
    if let Ok(ActionOutcome::Refused(Refusal::Changed)) = outcome {
        return changed(visitor, name, number, &seen).await;
    }
    after(visitor, name, number, outcome, resolution.as_str()).await
}

/// The item as it is now, with what has changed since the user saw it.
async fn changed(
    visitor: &Visitor,
    name: &str,
    number: u32,
    seen: &Seen,
) -> Result<Response, PageError> {
    let case = visitor.case(name).await?;
    let text = "Nothing was changed: the record has changed since you opened it. It is shown as it is now. Check it, \
                and decide again.";
    let problem = Problem { text: text.to_owned(), lines: since(visitor, &case, seen).await? };
    item_page(visitor, name, number, Some(problem)).await
}

pub(super) async fn note(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let item = item(&visitor, &name, number).await?;
    let outcome = visitor.app.queue().note(&item, &sent.note, &visitor.actor()).await;
    after(&visitor, &name, number, outcome, "noted").await
}

pub(super) async fn assign(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let item = item(&visitor, &name, number).await?;
    let me = visitor.actor();
    let user = match sent.user.trim() {
        "" => None,
        "me" => Some(me.user_id().to_owned()),
        other => Some(other.to_owned()),
    };
    let outcome = visitor.app.queue().assign(&item, user.as_deref(), &me).await;
    after(&visitor, &name, number, outcome, "assigned").await
}

pub(super) async fn pass(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let item = item(&visitor, &name, number).await?;
    let state = ReviewState::OPEN.into_iter().find(|state| state.as_str() == sent.state);
    let state = state.ok_or(PageError::Invalid)?;
    let queue = visitor.app.queue();
    if !sent.note.trim().is_empty() {
        // The note comes first, so that the next reader of the item finds it.
        let noted = queue.note(&item, &sent.note, &visitor.actor()).await;
        if let Ok(ActionOutcome::Refused(_)) | Err(_) = noted {
            return after(&visitor, &name, number, noted, "noted").await;
        }
    }
    let outcome = queue.transition(&item, state, &visitor.actor()).await;
    after(&visitor, &name, number, outcome, "passed").await
}

/// The choice of the form, if the item offers it now.
fn choice_of(shown: &ShownItem, sent: &Sent) -> Option<Choice> {
    choices(shown).into_iter().find(|choice| value(&choice.kind) == sent.choice)
}

pub(super) async fn choose(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let seen = queue(&visitor, &sent.seen)?.1;
    let shown = shown(&visitor, &name, number).await?;
    if !seen.is_still(&shown.case) {
        return changed(&visitor, &name, number, &seen).await;
    }
    let Some(choice) = choice_of(&shown, &sent) else {
        let problem = Problem::new("Choose what to do.");
        return item_page(&visitor, &name, number, Some(problem)).await;
    };
    if choice.kind == ChoiceKind::Correct {
        return correct::correct_page(&visitor, &name, number, &shown, None);
    }
    let layout = visitor.layout("Confirm your decision", "/worklist").confidential();
    page(&ConfirmPage {
        layout,
        here: visitor.app.path(&format!("/item/{name}/{number}")),
        case_id: shown.case.id.to_string(),
        label: label(&choice.kind),
        choice: value(&choice.kind),
        effects: choice.effects,
        seen: sent.seen,
    })
}

pub(super) async fn decide(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let seen = queue(&visitor, &sent.seen)?.1;
    let shown = shown(&visitor, &name, number).await?;
    let choice = choice_of(&shown, &sent);
    let resolution = choice.and_then(|choice| choice.kind.resolution(shown.item.reason));
    match resolution {
        Some(resolution) => resolve(&visitor, &name, number, &resolution, &sent.seen).await,
        None if !seen.is_still(&shown.case) => changed(&visitor, &name, number, &seen).await,
        None => {
            let problem = Problem::new("Nothing was changed: the item does not offer this now.");
            item_page(&visitor, &name, number, Some(problem)).await
        }
    }
}

/// Undoes the last decision on the item, as a new step.
pub(super) async fn undo(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let (queue, seen) = queue(&visitor, &sent.seen)?;
    let item = item(&visitor, &name, number).await?;
    let outcome = queue.undo(&item, &visitor.actor()).await;
    if let Ok(ActionOutcome::Refused(Refusal::Changed)) = outcome {
        return changed(&visitor, &name, number, &seen).await;
    }
    after(&visitor, &name, number, outcome, "undone").await
}
