//! The questions to PDS about a case, and what each has shown.

use crate::error::PageError;
use crate::view;
use crate::visitor::Visitor;
use crate::words;
use nhs_pds::audit::{ErrorKind, Event, EventKind, Filter};
use nhs_pds::case::CaseId;
use nhs_pds::process::review::ShownItem;
use std::collections::BTreeMap;

/// How many events are read at a time, and at most for one page.
const PAGE: usize = 200;
const MOST: usize = 1_000;

/// How many questions a page shows.
const SHOWN: usize = 20;

/// A question and its result.
pub(super) struct Asked {
    pub(super) when: String,
    pub(super) what: String,
}

/// What the words of the timeline mean.
pub(super) const TERMS: &[(&str, &str)] = &[
    ("Exact search", "Every field of the search must be as PDS has it."),
    ("Search without a field", "The field may differ on PDS, so the search leaves it out."),
    ("Search for similar names", "PDS also returns people whose names sound or look alike."),
    ("Check of the number", "The number, the surname and the date of birth must belong together."),
    (
        "Several people match",
        "PDS returns no details. A search with more fields may find one person.",
    ),
];

/// The questions about the case, the last first. Without a trail here, the result of the last question.
pub(super) async fn timeline(
    visitor: &Visitor,
    shown: &ShownItem,
) -> Result<Vec<Asked>, PageError> {
    let mut asked = from_trail(visitor, &shown.case.id).await?;
    if asked.is_empty()
        && let Some(last) = &shown.case.last_trace
    {
        asked.push(Asked {
            when: view::time(last.at),
            what: format!("{}{}", words::trace_result(&last.result), code(last.code.as_deref())),
        });
    }
    Ok(asked)
}

async fn from_trail(visitor: &Visitor, case: &CaseId) -> Result<Vec<Asked>, PageError> {
    let (mut sent, mut received) = (Vec::new(), BTreeMap::new());
    for kind in [EventKind::MessageSent, EventKind::MessageReceived] {
        let filter = Filter::new().with_case(case.clone()).with_kind(kind);
        let (mut after, mut read) = (0, 0);
        while read < MOST {
            let page = match visitor.app.store.audit().page(&filter, after, PAGE).await {
                Err(error) if error.kind() == ErrorKind::Elsewhere => return Ok(Vec::new()),
                page => page?,
            };
            let Some(last) = page.last() else { break };
            (after, read) = (last.seq, read + page.len());
            for event in page {
                match (kind, event.message_id.clone()) {
                    (EventKind::MessageSent, _) => sent.push(event),
                    (_, Some(id)) => drop(received.insert(id, event)),
                    _ => {}
                }
            }
        }
    }
    let line = |event: &Event| {
        let answer = event.message_id.as_ref().and_then(|id| received.get(id));
        Asked { when: view::time(event.at), what: line(event, answer) }
    };
    Ok(sent.iter().rev().take(SHOWN).map(line).collect())
}

/// One question in words: how was asked, what came of it.
fn line(sent: &Event, answer: Option<&Event>) -> String {
    let step = step(detail(sent, "step").unwrap_or_default());
    let Some(answer) = answer else { return format!("{step}. No answer is recorded.") };
    let result = match (detail(answer, "outcome"), detail(answer, "error")) {
        (Some(outcome), _) => outcome_in_words(outcome),
        (None, Some(error)) => words::trace_result(error),
        (None, None) => "No result is recorded",
    };
    format!("{step}. {result}{}", code(detail(answer, "code")))
}

fn detail<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn code(code: Option<&str>) -> String {
    code.map_or_else(|| ".".to_owned(), |code| format!(" (code {code})."))
}

fn outcome_in_words(word: &str) -> &'static str {
    match word {
        "found" => "One person matches",
        "none" => "No person matches",
        "ambiguous" => "Several people match",
        "not_sent" => "The question was not sent",
        other => words::trace_result(other),
    }
}

/// A step of a strategy, by its stable word.
fn step(word: &str) -> String {
    match word {
        "exact" => "Exact search",
        "number" => "Check of the number",
        "attended" => "Search by a user",
        "no_postcode" => "Search without the postcode",
        "no_given" => "Search without the given name",
        "former_postcode" => "Search by a former postcode",
        "respelt" => "Search by another spelling of the surname",
        "family_part" => "Search by a part of the surname",
        "former_family" => "Search by a former surname",
        "birth_swapped" => "Search with day and month of birth exchanged",
        "birth_around" => "Search by dates of birth around the recorded one",
        "gender" => "Search by another gender",
        "names_swapped" => "Search with the two names exchanged",
        "history" => "Search in former names and addresses",
        "fuzzy" => "Search for similar names",
        "wildcard" => "Search by the beginning of a name",
        "" => "Question",
        other => return format!("Search ({})", other.replace('_', " ")),
    }
    .to_owned()
}
