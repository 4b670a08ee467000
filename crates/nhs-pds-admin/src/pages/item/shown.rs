//! The page of an item.

use crate::compared::{self, Row};
use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::item::choices::{choices, label, value};
use crate::pages::item::timeline::{Asked, TERMS, timeline};
use crate::rights::{FieldGroup, Right};
use crate::view;
use crate::visitor::Visitor;
use crate::words;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use nhs_pds::case::{ItemId, ReviewState};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::review::{Choice, ChoiceKind, Seen, ShownCandidate, ShownItem};

/// A person whom PDS returned, on the page.
struct Card {
    /// The choice to use the number, if it can be used.
    choose: Option<Option_>,
    /// Names the card: `Person 1`.
    title: String,
    number: Option<String>,
    rows: Vec<Row>,
    risk: String,
    vetoes: Vec<&'static str>,
    notes: Vec<&'static str>,
}

/// A choice on the page.
pub(super) struct Option_ {
    id: String,
    value: String,
    label: String,
}

/// What prevented an action, and what has changed since the user saw the item.
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) lines: Vec<String>,
}

impl Problem {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), lines: Vec::new() }
    }
}

/// A line of the history.
struct Line {
    when: String,
    what: String,
    by: Option<String>,
    note: Option<String>,
}

#[derive(Template)]
#[template(path = "item/item.html")]
struct ItemPage {
    layout: Layout,
    /// The path of the item, for its forms.
    here: String,
    case_href: String,
    case_id: String,
    number: Option<String>,
    state: &'static str,
    assignee: String,
    opened: String,
    advisories: Vec<String>,
    cards: Vec<Card>,
    compared: Vec<Row>,
    options: Vec<Option_>,
    seen: String,
    timeline: Vec<Asked>,
    terms: &'static [(&'static str, &'static str)],
    history: Vec<Line>,
    passes: Vec<(&'static str, &'static str)>,
    sees_candidates: bool,
    may_annotate: bool,
    may_search: bool,
    is_open: bool,
    problem: Option<Problem>,
    /// The last decision, if the user may undo it.
    undo: Option<String>,
    done: Option<&'static str>,
}

/// Shows the item to the user, who may see it.
pub(super) async fn shown(
    visitor: &Visitor,
    name: &str,
    number: u32,
) -> Result<ShownItem, PageError> {
    let case = visitor.case(name).await?;
    let item = ItemId::new(case.id, number);
    visitor.app.queue().show(&item, &visitor.actor()).await?.ok_or(PageError::NotFound)
}

pub(super) async fn show(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
) -> Result<Response, PageError> {
    item_page(&visitor, &name, number, None).await
}

/// The page, with what prevented an action.
pub(super) async fn item_page(
    visitor: &Visitor,
    name: &str,
    number: u32,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let shown = shown(visitor, name, number).await?;
    let sees = visitor.sees(FieldGroup::Candidates);
    let may_decide = visitor.may(Right::DecideItem);
    let mut choices = if may_decide { choices(&shown) } else { Vec::new() };
    let mut count = 0;
    let mut option = |choice: &Choice| {
        count += 1;
        let (value, label) = (value(&choice.kind), label(&choice.kind));
        Option_ { id: format!("choice-{count}"), value, label }
    };
    let mut cards = Vec::new();
    for (at, candidate) in shown.candidates.iter().enumerate() {
        let own = ChoiceKind::UseNumber(candidate.nhs_number);
        let choose = choices.iter().find(|choice| choice.kind == own).map(&mut option);
        choices.retain(|choice| choice.kind != own);
        cards.push(card(&shown, candidate, at + 1, choose, sees));
    }
    let options = choices.iter().map(&mut option).collect();
    let compared = match &shown.item.evidence.returned {
        Some(person) if cards.is_empty() => {
            compared::rows(&compared::local(&shown.case), person, sees)
        }
        _ => Vec::new(),
    };
    let item = &shown.item;
    let layout = visitor.layout(words::reason(item.reason), "/worklist").confidential();
    page(&ItemPage {
        layout: layout.with_errors(problem.is_some()),
        here: visitor.app.path(&format!("/item/{name}/{number}")),
        case_href: visitor.app.path(&format!("/case/{name}")),
        case_id: shown.case.id.to_string(),
        number: shown.case.nhs_number.as_ref().map(|recorded| recorded.number.to_string()),
        state: words::state(item.state),
        assignee: item.assignee.clone().unwrap_or_else(|| "Nobody".to_owned()),
        opened: view::time(item.opened_at),
        advisories: shown.advisories.iter().map(|advisory| advisory.text().to_owned()).collect(),
        cards,
        compared,
        options,
        seen: Seen::of(&shown.case, Some(number)).to_string(),
        timeline: timeline(visitor, &shown).await?,
        terms: TERMS,
        history: history(&shown, sees),
        undo: shown.undoable().filter(|_| may_decide && shown.case.is_live()).map(words::step),
        passes: passes(item.state),
        sees_candidates: sees,
        may_annotate: visitor.may(Right::AnnotateItem) && shown.case.is_live(),
        may_search: visitor.may(Right::SearchPds) && shown.case.is_live() && item.is_open(),
        is_open: item.is_open(),
        problem,
        done: visitor.done.as_deref().and_then(done),
    })
}

fn card(
    shown: &ShownItem,
    candidate: &ShownCandidate,
    at: usize,
    choose: Option<Option_>,
    sees: bool,
) -> Card {
    let stored = shown.item.evidence.candidates.iter();
    let stored = stored.into_iter().find(|stored| stored.nhs_number == candidate.nhs_number);
    let rows = stored.map_or_else(Vec::new, |stored| {
        compared::rows(&compared::local(&shown.case), &stored.person, sees)
    });
    let notes = [
        ("From a copy of PDS, which may be out of date.", candidate.stale),
        ("Restricted record. Do not tell anyone where the person may live.", candidate.restricted),
        (
            "Another record has this number, or the item is closed: it cannot be used.",
            !candidate.can_be_accepted,
        ),
    ];
    Card {
        choose,
        title: format!("Person {at}"),
        number: sees.then(|| candidate.nhs_number.to_string()),
        rows,
        risk: candidate.risk_in_words.clone(),
        vetoes: candidate.vetoes_in_words.clone(),
        notes: notes.into_iter().filter_map(|(note, is)| is.then_some(note)).collect(),
    }
}

/// The steps on the item, the last first. Users who do not see the people see no number of theirs.
fn history(shown: &ShownItem, sees: bool) -> Vec<Line> {
    let steps = shown.item.history.iter().rev();
    let line = |step: &nhs_pds::case::ReviewStep| Line {
        when: view::time(step.at),
        what: words::step(&step.what),
        by: Some(step.by.clone()),
        note: match (step.what.as_str(), &step.note) {
            ("rejected", Some(note)) => {
                let number = note.parse::<NhsNumber>().ok().filter(|_| sees);
                number.map(|number| number.to_string())
            }
            ("undone", Some(note)) => Some(words::step(note)),
            (_, note) => note.clone(),
        },
    };
    steps.map(line).collect()
}

/// Where the item can be passed.
fn passes(state: ReviewState) -> Vec<(&'static str, &'static str)> {
    let places = [
        (ReviewState::Open, "Back to the worklist"),
        (ReviewState::WithFrontLine, "To the front line"),
        (ReviewState::WithGp, "To the GP practice"),
        (ReviewState::WithNationalBackOffice, "To the National Back Office"),
    ];
    let others = places.into_iter().filter(|(place, _)| *place != state);
    others.map(|(place, text)| (place.as_str(), text)).collect()
}

/// What was done before the page was shown again.
fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "noted" => "The note is added.",
        "assigned" => "The item is assigned.",
        "passed" => "The item is passed on.",
        "accepted" => "The number is recorded.",
        "rejected" => "The number is rejected.",
        "none_of_these" => "The people shown are rejected.",
        "kept_ours" => "Our number is kept. The other numbers are rejected.",
        "corrected" => "The record is corrected. PDS is asked at the next run.",
        "not_on_pds" => "It is recorded that the person is not on PDS.",
        "merged" => "The records are merged.",
        "acknowledged" | "dismissed" => "The item is closed.",
        "already" => "This was done before. Nothing was changed.",
        "undone" => "The decision is undone.",
        _ => return None,
    })
}
