//! Actions on an item: notes, passing on, and decisions in two steps.

use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::item::choices::Choice;
use crate::pages::item::correct;
use crate::pages::item::shown::{item_page, shown};
use crate::pages::sign_in::capital;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use nhs_pds::case::{ItemId, ReviewState};
use nhs_pds::process::Error;
use nhs_pds::process::review::{ActionOutcome, ShownItem};
use serde::Deserialize;

/// What the forms of an item send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    pub(super) choice: String,
    /// The version of the case that the user has seen.
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
            let problem = format!("Nothing was changed: {refusal}.");
            return item_page(visitor, name, number, Some(problem)).await;
        }
        _ => return Err(PageError::Failed),
    };
    let to = visitor.app.path(&format!("/item/{name}/{number}?done={word}"));
    Ok(Redirect::to(&to).into_response())
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
    let open = [
        ReviewState::Open,
        ReviewState::WithFrontLine,
        ReviewState::WithGp,
        ReviewState::WithNationalBackOffice,
    ];
    let state =
        open.into_iter().find(|state| state.as_str() == sent.state).ok_or(PageError::Invalid)?;
    let queue = visitor.app.queue();
    if !sent.note.trim().is_empty() {
        // First the note: whoever gets the item finds it there.
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
    Choice::of(shown).into_iter().find(|choice| choice.value() == sent.choice)
}

/// What the user sees when another person has changed the record.
pub(super) fn changed(shown: &ShownItem, seen: &str) -> Option<String> {
    (shown.case.version.to_string() != seen).then(|| {
        let last = shown.item.history.last();
        let last = last.map_or_else(String::new, |step| format!(" The last step on it is of {}.", step.by));
        format!("Nothing was changed: the record has changed since you opened it. It is shown as it is now.{last}")
    })
}

pub(super) async fn choose(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let shown = shown(&visitor, &name, number).await?;
    if let Some(problem) = changed(&shown, &sent.seen) {
        return item_page(&visitor, &name, number, Some(problem)).await;
    }
    let Some(choice) = choice_of(&shown, &sent) else {
        return item_page(&visitor, &name, number, Some("Choose what to do.".to_owned())).await;
    };
    if choice == Choice::Correct {
        return correct::correct_page(&visitor, &name, number, &shown, None);
    }
    let layout = visitor.layout("Confirm your decision", "/worklist").confidential();
    page(&ConfirmPage {
        layout,
        here: visitor.app.path(&format!("/item/{name}/{number}")),
        case_id: shown.case.id.to_string(),
        label: choice.label(),
        effects: choice.effects(&shown),
        choice: choice.value(),
        seen: sent.seen,
    })
}

pub(super) async fn decide(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let shown = shown(&visitor, &name, number).await?;
    if let Some(problem) = changed(&shown, &sent.seen) {
        return item_page(&visitor, &name, number, Some(problem)).await;
    }
    let resolution = choice_of(&shown, &sent).and_then(|choice| choice.resolution());
    let Some(resolution) = resolution else {
        let problem = capital("nothing was changed: the item does not offer this any more.");
        return item_page(&visitor, &name, number, Some(problem)).await;
    };
    let item = ItemId::new(shown.case.id.clone(), number);
    let outcome = visitor.app.queue().resolve(&item, &resolution, &visitor.actor()).await;
    after(&visitor, &name, number, outcome, resolution.as_str()).await
}
