//! From a person who was found to the number of a case: the explicit confirmation (MSCA-PDS-03), or the record that
//! the person is not on PDS (MSCA-PDS-04).

use crate::compared::{self, Row};
use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::search::criteria::Typed;
use crate::pages::search::people::{Found, notes};
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use nhs_pds::case::{Case, advisories};
use nhs_pds::matching::Judge;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::attended_candidate;
use nhs_pds::process::review::{ActionOutcome, Refusal, Seen};
use serde::Deserialize;

/// What names the sealed person in a form.
pub(super) const PURPOSE: &str = "found";

/// A person whom the user has chosen for a case.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    /// The sealed person.
    found: String,
    /// The case, by its name in URLs.
    target: String,
    /// What the user has seen of the case.
    seen: String,
    /// The criteria, to search again.
    #[serde(flatten)]
    typed: Typed,
}

/// Both records side by side, and what will happen.
#[derive(Template)]
#[template(path = "search/confirm.html")]
struct ConfirmPage {
    layout: Layout,
    here: String,
    id: String,
    number: String,
    ours: Option<String>,
    rows: Vec<Row>,
    notes: Vec<&'static str>,
    risk: String,
    vetoes: Vec<&'static str>,
    advisories: Vec<String>,
    effects: Vec<String>,
    /// Why it was not done; empty before.
    refusal: String,
    /// Whether the record has changed since the user saw it.
    is_changed: bool,
    found: String,
    target: String,
    seen: String,
    typed: Typed,
    /// Where the criteria are sent to search again.
    again: String,
}

impl ConfirmPage {
    fn new(visitor: &Visitor, case: &Case, found: &Found, form: Chosen) -> Self {
        let app = &visitor.app;
        let matched = found.to_match();
        let now = app.clock.now();
        let candidate = attended_candidate(case, &matched, &found.exchange, &Judge::default(), now);
        let advanced = form.typed.confirmed == "yes";
        let again = if advanced { "/search/advanced" } else { "/search" };
        Self {
            layout: visitor.layout("Is this the same person?", "/search").confidential(),
            here: app.path(&format!("/case/{}", form.target)),
            id: case.id.to_string(),
            number: found.number.to_string(),
            ours: case.nhs_number.as_ref().map(|recorded| recorded.number.to_string()),
            rows: compared::rows(&compared::local(case), &found.person, true),
            notes: notes(&found.person, found.stale, found.restricted.then_some(true)),
            risk: candidate.risk_in_words(),
            vetoes: candidate.vetoes.iter().map(|veto| veto.in_words()).collect(),
            advisories: advisories(case).iter().map(|said| said.text().to_owned()).collect(),
            effects: effects(case, found.number),
            refusal: String::new(),
            is_changed: false,
            found: form.found,
            target: form.target,
            seen: Seen::of(case, None).to_string(),
            typed: form.typed,
            again: app.path(again),
        }
    }
}

/// What the confirmation does, in words.
fn effects(case: &Case, number: NhsNumber) -> Vec<String> {
    let mut effects = Vec::new();
    match case.nhs_number.as_ref().map(|recorded| recorded.number) {
        Some(ours) if ours == number => {
            effects
                .push(format!("The record keeps NHS Number {number}, now as a confirmed number."));
        }
        Some(ours) => {
            effects.push(format!("The record gets NHS Number {number}."));
            effects.push(format!("NHS Number {ours} is not used for this record any more."));
        }
        None => effects.push(format!("The record gets NHS Number {number}.")),
    }
    effects.push("You are recorded as the person who confirmed it.".to_owned());
    if case.open_items().next().is_some() {
        effects.push("Open review items that this answers are closed.".to_owned());
    }
    effects.push("You can undo it at a review item, which the record gets for it.".to_owned());
    effects
}

/// Opens the person in a form. `None` if it is another user's, or too old.
async fn open(visitor: &Visitor, sealed: &str) -> Result<Option<Found>, PageError> {
    let text = visitor.app.links().await?.open(PURPOSE, sealed).ok_or(PageError::Invalid)?;
    let found: Found = serde_json::from_str(&text).map_err(|_| PageError::Invalid)?;
    Ok(Some(found).filter(|found| found.is_valid_for(&visitor.actor(), visitor.app.clock.now())))
}

fn expired(visitor: &Visitor) -> Response {
    Redirect::to(&visitor.app.path("/search?done=expired")).into_response()
}

/// Shows both records, and asks whether they are one person's.
pub(super) async fn show(
    visitor: Visitor,
    Form(form): Form<Chosen>,
) -> Result<Response, PageError> {
    let Some(found) = open(&visitor, &form.found).await? else { return Ok(expired(&visitor)) };
    let case = visitor.view(&form.target, "confirm").await?;
    page(&ConfirmPage::new(&visitor, &case, &found, form))
}

/// Records the number with the user as the person who confirmed it.
pub(super) async fn accept(
    visitor: Visitor,
    Form(form): Form<Chosen>,
) -> Result<Response, PageError> {
    let Some(found) = open(&visitor, &form.found).await? else { return Ok(expired(&visitor)) };
    let case = visitor.case(&form.target).await?;
    let seen: Seen = form.seen.parse().map_err(|_| PageError::Invalid)?;
    let queue = visitor.app.queue().if_as_seen(seen);
    let done =
        queue.confirm(&case.id, &found.to_match(), &found.exchange, &visitor.actor()).await?;
    let here = |word: &str| {
        let path = format!("/case/{}?done={word}", form.target);
        Redirect::to(&visitor.app.path(&path)).into_response()
    };
    match done {
        ActionOutcome::Done => Ok(here("number_confirmed")),
        ActionOutcome::AlreadyDone => Ok(here("number_kept")),
        ActionOutcome::Refused(refusal) => {
            let case = visitor.view(&form.target, "confirm").await?;
            let mut again = ConfirmPage::new(&visitor, &case, &found, form);
            again.is_changed = refusal == Refusal::Changed;
            again.refusal = sentence(refusal);
            page(&again)
        }
        _ => Err(PageError::Failed),
    }
}

/// The refusal with a capital letter and a full stop.
fn sentence(refusal: Refusal) -> String {
    let text = refusal.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// Whether the person is not on PDS.
#[derive(Template)]
#[template(path = "search/not_on_pds.html")]
struct NotOnPdsPage {
    layout: Layout,
    here: String,
    id: String,
    seen: String,
    refusal: String,
}

impl NotOnPdsPage {
    fn new(visitor: &Visitor, name: &str, case: &Case) -> Self {
        Self {
            layout: visitor
                .layout("Record that the person is not on PDS", "/search")
                .confidential(),
            here: visitor.app.path(&format!("/case/{name}")),
            id: case.id.to_string(),
            seen: Seen::of(case, None).to_string(),
            refusal: String::new(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AsSeen {
    seen: String,
}

/// Says what it means that a person is not on PDS, before it is recorded.
pub(super) async fn ask_not_on_pds(
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let case = visitor.view(&name, "not_on_pds").await?;
    page(&NotOnPdsPage::new(&visitor, &name, &case))
}

/// Records that the person is not on PDS.
pub(super) async fn not_on_pds(
    visitor: Visitor,
    Path(name): Path<String>,
    Form(form): Form<AsSeen>,
) -> Result<Response, PageError> {
    let case = visitor.case(&name).await?;
    let seen: Seen = form.seen.parse().map_err(|_| PageError::Invalid)?;
    let queue = visitor.app.queue().if_as_seen(seen);
    match queue.not_on_pds(&case.id, &visitor.actor()).await? {
        ActionOutcome::Refused(refusal) => {
            let case = visitor.view(&name, "not_on_pds").await?;
            let mut again = NotOnPdsPage::new(&visitor, &name, &case);
            again.refusal = sentence(refusal);
            page(&again)
        }
        _ => {
            let path = format!("/case/{name}?done=not_on_pds");
            Ok(Redirect::to(&visitor.app.path(&path)).into_response())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::case::{NumberSource, RecordType, RecordedNumber};

    #[test]
    fn what_will_happen_names_both_numbers() {
        let number = "9990000018".parse().unwrap();
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        assert_eq!(effects(&case, number)[0], "The record gets NHS Number 999 000 0018.");
        let other = "9990000026".parse().unwrap();
        case.nhs_number = Some(RecordedNumber::new(other, NumberSource::Imported(None)));
        assert!(effects(&case, number)[1].starts_with("NHS Number 999 000 0026 is not used"));
        case.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
        assert!(effects(&case, number)[0].starts_with("The record keeps"));
    }
}
