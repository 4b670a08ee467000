//! Actions on several items at once: only where they are safe, with one reason, and said before they are done.

use crate::error::PageError;
use crate::layout::page;
use crate::pages::worklist::place;
use crate::pages::worklist::view::{ConfirmPage, ResultPage};
use crate::rights::Right;
use crate::visitor::Visitor;
use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use nhs_pds::case::ItemId;
use nhs_pds::process::review::{ActionOutcome, Release, ReleaseReason};
use nhs_pds::trace::{Caller, LocalIdentity, User};

/// What the forms of the worklist send. A field may occur several times.
#[derive(Default)]
struct Sent {
    items: Vec<String>,
    reason: String,
    code: String,
    which: String,
    to: String,
    user: String,
}

impl Sent {
    fn read(body: &[u8]) -> Self {
        let mut sent = Self::default();
        for (key, value) in form_urlencoded::parse(body) {
            match &*key {
                "item" => sent.items.push(value.into_owned()),
                "reason" => sent.reason = value.trim().to_owned(),
                "code" => sent.code = value.trim().to_owned(),
                "which" => sent.which = value.into_owned(),
                "to" => sent.to = value.into_owned(),
                "user" => sent.user = value.trim().to_owned(),
                _ => {}
            }
        }
        sent
    }

    /// The chosen items, with whose cases the user may work.
    async fn chosen(&self, visitor: &Visitor) -> Result<Vec<ItemId>, PageError> {
        let links = visitor.app.links().await?;
        let mut chosen = Vec::new();
        for sealed in &self.items {
            let place = place(&links.open("item", sealed).ok_or(PageError::Invalid)?)?;
            // Of a case that was erased meanwhile nothing is left to do.
            if let Some(case) = visitor.app.store.cases().get(&place.id().case).await? {
                visitor.admit_to(&case).await?;
                chosen.push(place.id().clone());
            }
        }
        Ok(chosen)
    }
}

/// What was done, by the word of the redirect.
pub(super) fn done(word: &str) -> Option<&'static str> {
    match word {
        "assigned" => Some("The items are assigned."),
        "no_user" => Some("Enter the user id first. Nothing was changed."),
        "none" => Some("Choose at least one item first. Nothing was changed."),
        _ => None,
    }
}

fn back(visitor: &Visitor, word: &str) -> Response {
    Redirect::to(&visitor.app.path(&format!("/worklist?done={word}"))).into_response()
}

/// The user to whom the items go: the user of the page, or the one whose user id was typed. A short user id is one of
/// the organisation, as users sign in with it.
fn assignee(visitor: &Visitor, sent: &Sent) -> Result<Option<String>, PageError> {
    if sent.to != "user" {
        return Ok(Some(visitor.actor().user_id().to_owned()));
    }
    // The front line assigns items to itself only.
    if !visitor.may(Right::DecideItem) {
        return Err(PageError::Forbidden);
    }
    if sent.user.is_empty() || sent.user.contains(':') {
        return Ok(Some(sent.user.clone()).filter(|user| !user.is_empty()));
    }
    let local = LocalIdentity::new(visitor.app.organisation.clone(), sent.user.as_str());
    let local = local.map_err(|_| PageError::Invalid)?;
    Ok(Some(Caller::User(User::Local(local)).to_string()))
}

/// Assigns the chosen items to a user.
pub(super) async fn assign(visitor: Visitor, body: Bytes) -> Result<Response, PageError> {
    let sent = Sent::read(&body);
    let chosen = sent.chosen(&visitor).await?;
    if chosen.is_empty() {
        return Ok(back(&visitor, "none"));
    }
    let Some(user) = assignee(&visitor, &sent)? else { return Ok(back(&visitor, "no_user")) };
    let (queue, actor) = (visitor.app.queue(), visitor.actor());
    let mut lines = Vec::new();
    for item in &chosen {
        let outcome = queue.assign(item, Some(&user), &actor).await?;
        if let ActionOutcome::Refused(_) = outcome {
            lines.push((item.case.to_string(), said(&outcome)));
        }
    }
    if lines.is_empty() {
        return Ok(back(&visitor, "assigned"));
    }
    let summary = format!("{} of {} items are assigned.", chosen.len() - lines.len(), chosen.len());
    page(&ResultPage {
        layout: visitor.layout("Some items were not assigned", "/worklist").confidential(),
        summary,
        lines,
    })
}

/// Asks for the one reason of a dismissal.
pub(super) async fn confirm_dismissal(
    visitor: Visitor,
    body: Bytes,
) -> Result<Response, PageError> {
    let sent = Sent::read(&body);
    confirm_dismissal_page(&visitor, sent, String::new()).await
}

async fn confirm_dismissal_page(
    visitor: &Visitor,
    sent: Sent,
    problem: String,
) -> Result<Response, PageError> {
    let count = sent.chosen(visitor).await?.len();
    if count == 0 {
        return Ok(back(visitor, "none"));
    }
    let items = if count == 1 { "1 item is".to_owned() } else { format!("{count} items are") };
    let effects = vec![
        format!("{items} closed without a change of the records, with your reason in the history of each."),
        "Items that need a decision of their own, such as a number to confirm, are left open and named.".to_owned(),
        "Each can be opened again on its page.".to_owned(),
    ];
    let layout =
        visitor.layout("Close several items", "/worklist").with_errors(!problem.is_empty());
    page(&ConfirmPage {
        layout,
        action: visitor.app.path("/worklist/dismissed"),
        effects,
        sealed: sent.items,
        problem,
        wants_reason: true,
        codes: false,
        button: "Close the items",
    })
}

/// Dismisses the chosen items, and says what became of each that was not.
pub(super) async fn dismiss(visitor: Visitor, body: Bytes) -> Result<Response, PageError> {
    let sent = Sent::read(&body);
    if sent.reason.is_empty() {
        return confirm_dismissal_page(&visitor, sent, "Enter the reason".to_owned()).await;
    }
    let chosen = sent.chosen(&visitor).await?;
    let results = visitor.app.queue().dismiss_all(&chosen, &sent.reason, &visitor.actor()).await;
    let mut lines = Vec::new();
    let mut closed = 0;
    for (item, result) in results {
        match result? {
            ActionOutcome::Done => closed += 1,
            outcome => lines.push((item.case.to_string(), said(&outcome))),
        }
    }
    let summary = format!("{closed} of {} items are closed.", chosen.len());
    page(&ResultPage {
        layout: visitor.layout("Items closed", "/worklist").confidential(),
        summary,
        lines,
    })
}

/// Says what a release does.
pub(super) async fn confirm_release(visitor: Visitor) -> Result<Response, PageError> {
    let effects = vec![
        "All records whose questions the service rejected, for the reason that you choose, are traced at the next run."
            .to_owned(),
        "Their open items of this reason are closed as released. If the fault is not corrected, they come back.".to_owned(),
        "Do this after the provider, or your operator, has corrected the fault.".to_owned(),
    ];
    page(&ConfirmPage {
        layout: visitor.layout("Trace rejected records again", "/worklist"),
        action: visitor.app.path("/worklist/released"),
        effects,
        sealed: Vec::new(),
        problem: String::new(),
        wants_reason: false,
        codes: true,
        button: "Trace them again",
    })
}

/// Releases the records that wait because of a fault.
pub(super) async fn release(visitor: Visitor, body: Bytes) -> Result<Response, PageError> {
    let sent = Sent::read(&body);
    let reason = match sent.which.as_str() {
        "rejected" => ReleaseReason::Rejected,
        "defect" => ReleaseReason::Defect,
        _ => return Err(PageError::Invalid),
    };
    let mut release = Release::of(reason);
    if !sent.code.is_empty() {
        release = release.with_code(sent.code);
    }
    let released = visitor.app.queue().release(&release, &visitor.actor()).await?;
    let summary = match released {
        0 => "No record waits for this reason. Nothing was changed.".to_owned(),
        1 => "1 record is traced again at the next run.".to_owned(),
        count => format!("{count} records are traced again at the next run."),
    };
    page(&ResultPage {
        layout: visitor.layout("Records released", "/worklist"),
        summary,
        lines: Vec::new(),
    })
}

fn said(outcome: &ActionOutcome) -> String {
    match outcome {
        ActionOutcome::Refused(refusal) => refusal.to_string(),
        ActionOutcome::AlreadyDone => "this was done before".to_owned(),
        _ => String::new(),
    }
}
