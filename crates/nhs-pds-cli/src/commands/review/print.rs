//! How items are printed.

use crate::commands::review::candidates::table;
use chrono::SecondsFormat;
use nhs_pds::case::ReviewItem;
use nhs_pds::matching::Comparison;
use nhs_pds::process::review::{ListedItem, ShownItem};
use nhs_pds::text::terminal::{printable, printable_json};
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(super) fn text_line(listed: &ListedItem) -> String {
    format!(
        "{:<16} {:>3}  {:<22} {:<26} {:>5} days  {}\n",
        printable(listed.id.case.as_str()),
        listed.id.item,
        listed.reason.as_str(),
        listed.state.as_str(),
        listed.age.num_days(),
        printable(listed.assignee.as_deref().unwrap_or("-")),
    )
}

pub(super) fn json_line(listed: &ListedItem) -> String {
    let item = json!({
        "case": listed.id.case,
        "item": listed.id.item,
        "reason": listed.reason.as_str(),
        "state": listed.state.as_str(),
        "opened_at": listed.opened_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "age_days": listed.age.num_days(),
        "assignee": listed.assignee,
    });
    format!("{}\n", printable_json(&item.to_string()))
}

/// What [`text`] shows, with the whole evidence.
pub(super) fn object(shown: &ShownItem) -> Result<Value, serde_json::Error> {
    let case = &shown.case;
    let number = case.nhs_number.as_ref();
    let changed = case.changed_fields();
    let advisories: Vec<Value> = shown
        .advisories
        .iter()
        .map(|advisory| json!({ "kind": advisory.kind.as_str(), "text": advisory.text() }))
        .collect();
    let comparison = shown.comparison.as_ref().map(|comparison| {
        let fields = comparison.fields().iter().map(|field| {
            json!({
                "field": field.field.as_str(),
                "class": field.class.as_str(),
                "weight": field.weight.as_str(),
                "local": field.local,
                "pds": field.pds,
            })
        });
        fields.collect::<Vec<Value>>()
    });
    Ok(json!({
        "case": case.id,
        "nhs_number": number.map(|number| number.number),
        "nhs_number_status": number.map(|number| number.status.as_str()),
        "changed_since_confirmed": changed.iter().map(|field| field.as_str()).collect::<Vec<_>>(),
        "offered": shown.offered,
        "advisories": advisories,
        "candidates": shown.candidates,
        "comparison": comparison,
        "item": serde_json::to_value(&shown.item)?,
    }))
}

pub(super) fn text(shown: &ShownItem) -> Result<String, std::fmt::Error> {
    let (case, item) = (&shown.case, &shown.item);
    let mut said = String::new();
    let id = printable(case.id.as_str());
    writeln!(said, "{id} item {}: {}, {}", item.number, item.reason, item.state)?;
    for advisory in &shown.advisories {
        writeln!(said, "  ! {}", advisory.text())?;
    }
    if let Some(recorded) = &case.nhs_number {
        writeln!(said, "held      {} ({})", recorded.number, recorded.status.as_str())?;
    }
    if case.person_changed() {
        let fields: Vec<&str> = case.changed_fields().iter().map(|field| field.as_str()).collect();
        writeln!(said, "changed   {} since the number was confirmed", fields.join(", "))?;
    }
    if let Some(damaged) = &item.evidence.damaged_number {
        writeln!(said, "damaged   {}", printable(damaged))?;
    }
    if let Some(number) = shown.offered {
        writeln!(said, "offered   {number}")?;
    }
    asked(&mut said, item)?;
    if !shown.candidates.is_empty() {
        said += &table(&shown.candidates);
    } else if let Some(comparison) = &shown.comparison {
        side_by_side(&mut said, comparison)?;
    }
    for step in &item.history {
        let note = printable(step.note.as_deref().unwrap_or_default());
        let by = printable(&step.by);
        writeln!(said, "{}  {by}  {}  {note}", step.at.format("%F %R"), step.what)?;
    }
    Ok(said)
}

fn asked(said: &mut String, item: &ReviewItem) -> std::fmt::Result {
    if let Some(asked) = &item.evidence.asked {
        let gender = asked.gender.map(|gender| gender.to_string()).unwrap_or_default();
        let postcode = asked.postcode.map(|postcode| postcode.to_string()).unwrap_or_default();
        let given = printable(asked.given.as_deref().unwrap_or_default());
        let number = asked.nhs_number.map(|number| format!("{number} ")).unwrap_or_default();
        let (family, born) = (printable(&asked.family), asked.date_of_birth);
        writeln!(said, "asked     {number}{given} {family}, {born}, {gender}, {postcode}")?;
    }
    if let Some(field) = item.evidence.field {
        writeln!(said, "field     {}", field.as_str())?;
    }
    for other in &item.evidence.others {
        writeln!(said, "other     {}", printable(other.as_str()))?;
    }
    if let Some(exchange) = &item.evidence.exchange {
        let code = exchange.code.as_deref().unwrap_or("-");
        writeln!(said, "answer    {} {} {code}", exchange.service, exchange.operation)?;
    }
    Ok(())
}

fn side_by_side(said: &mut String, comparison: &Comparison) -> std::fmt::Result {
    writeln!(said, "{:<14} {:<44} {:<44} weight", "", "here", "PDS")?;
    for field in comparison.fields() {
        let local = printable(field.local.as_deref().unwrap_or("-"));
        let pds = printable(field.pds.as_deref().unwrap_or("-"));
        writeln!(said, "{:<14} {local:<44} {pds:<44} {}", field.field.as_str(), field.weight)?;
    }
    Ok(())
}
