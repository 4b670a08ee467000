//! How a case has changed: its number and its fields, version by version, from the audit trail.

use crate::error::PageError;
use crate::facts;
use crate::layout::{Layout, page};
use crate::view;
use crate::visitor::Visitor;
use crate::words;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{EventKind, Filter};
use nhs_pds::case::Case;
use std::collections::BTreeMap;

/// How many events are read at a time, and at most for one page.
const PAGE: usize = 200;
const MOST: usize = 1_000;

/// One change of a case.
pub(super) struct Step {
    pub(super) at: String,
    pub(super) by: String,
    pub(super) changes: Vec<String>,
}

#[derive(Template)]
#[template(path = "case/history.html")]
struct HistoryPage {
    layout: Layout,
    here: String,
    id: String,
    /// The latest first.
    steps: Vec<Step>,
    is_cut: bool,
}

/// One version of a case, and who saved it.
struct Version {
    at: DateTime<Utc>,
    by: String,
    case: Case,
}

pub(super) async fn show(
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let case = visitor.view(&name, "history").await?;
    let log = visitor.app.store.audit();
    let filter = Filter::new().with_case(case.id.clone()).with_kind(EventKind::CaseChanged);
    let (mut versions, mut after, mut read) = (BTreeMap::new(), 0, 0);
    while read < MOST {
        let events = log.page(&filter, after, PAGE).await?;
        let Some(last) = events.last() else { break };
        (after, read) = (last.seq, read + events.len());
        for event in &events {
            if let Some(case) = event.about.subject().and_then(|subject| subject.case()) {
                let by = event.actor.name().to_owned();
                // Of several events for one version, all but the last were attempts.
                versions.insert(case.version, Version { at: event.at, by, case: case.clone() });
            }
        }
    }
    // Later versions were never saved.
    versions.retain(|version, _| *version <= case.version);
    page(&HistoryPage {
        layout: visitor.layout("History of the record", "").confidential(),
        here: visitor.app.path(&format!("/case/{name}")),
        id: case.id.to_string(),
        steps: steps(&versions.into_values().collect::<Vec<_>>()),
        is_cut: read >= MOST,
    })
}

/// What each version changed. A version that changes nothing that a user sees has no step.
fn steps(versions: &[Version]) -> Vec<Step> {
    let before = std::iter::once(None).chain(versions.iter().map(|version| Some(&version.case)));
    let mut steps: Vec<Step> = before
        .zip(versions)
        .map(|(before, version)| Step {
            at: view::time(version.at),
            by: version.by.clone(),
            changes: changes(before, &version.case),
        })
        .filter(|step| !step.changes.is_empty())
        .collect();
    steps.reverse();
    steps
}

/// What a user sees of a case, by its name.
fn shown(case: &Case) -> Vec<(&'static str, Option<String>)> {
    let text = |text: &Option<String>| facts::text(text.as_deref());
    let recorded = case.nhs_number.as_ref();
    let listed = |texts: &[String]| facts::joined(texts.iter().map(String::as_str), "; ");
    vec![
        ("NHS Number", recorded.map(|recorded| recorded.number.to_string())),
        (
            "Status of the number",
            recorded.map(|recorded| words::status(recorded.status).to_owned()),
        ),
        (
            "Source of the number",
            recorded.and_then(|recorded| text(&Some(recorded.source.to_string()))),
        ),
        ("Surname", text(&case.surname)),
        ("Given name", text(&case.forename)),
        ("Former surnames", listed(&case.former_surnames)),
        ("Aliases", listed(&case.aliases)),
        ("Date of birth", case.date_of_birth.map(facts::date)),
        ("Gender", case.gender.map(|gender| facts::gender(gender).to_owned())),
        ("Date of death", case.date_of_death.map(facts::date)),
        ("Address", facts::joined(case.address.iter().map(String::as_str), ", ")),
        ("Postcode", text(&case.postcode)),
        ("Telephone numbers", listed(&case.telephones)),
        ("E-mail addresses", listed(&case.emails)),
        ("Not on PDS", case.not_on_pds.then(|| "recorded by a user".to_owned())),
        (
            "Open review items",
            Some(case.open_items().count()).filter(|n| *n > 0).map(|n| n.to_string()),
        ),
        ("Deleted or merged", case.deleted.as_ref().map(|deletion| view::time(deletion.at))),
    ]
}

/// The differences, in words. The first version is all that was recorded.
fn changes(before: Option<&Case>, after: &Case) -> Vec<String> {
    let after = shown(after);
    let before =
        before.map_or_else(|| after.iter().map(|(name, _)| (*name, None)).collect(), shown);
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not recorded".to_owned());
    before
        .iter()
        .zip(&after)
        .filter(|((_, before), (_, after))| before != after)
        .map(|((name, before), (_, after))| {
            format!("{name}: {} \u{2192} {}", value(before), value(after))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::case::{NumberSource, RecordType, RecordedNumber};

    #[test]
    fn each_version_says_what_it_changed() {
        let first = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        let mut second = first.clone();
        second.surname = Some("Aindow".into());
        let third = second.clone();
        let mut fourth = third.clone();
        let number = "9990000018".parse().unwrap();
        fourth.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
        let at = "2026-11-30T09:00:00Z".parse().unwrap();
        let version = |case: Case| Version { at, by: "Jo Doe".into(), case };
        let steps = steps(&[first, second, third, fourth].map(version));
        let changes: Vec<_> = steps.iter().map(|step| step.changes.join(" | ")).collect();
        assert_eq!(
            changes,
            [
                "NHS Number: not recorded \u{2192} 999 000 0018 | Status of the number: not recorded \u{2192} Can be used",
                "Surname: not recorded \u{2192} Aindow",
            ]
        );
    }
}
