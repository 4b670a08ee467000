//! The decision table as a document for people.

use crate::process::decision::policy::Policy;
use crate::process::decision::row::{DeathEffect, Saved, spaced};
use crate::process::decision::rows::Row;
use chrono::TimeDelta;
use std::fmt::Write;

/// The text before the table. The words in braces are filled in from the code.
const INTRODUCTION: &str = include_str!("decisions.md");

const COLUMNS: &str = "
| row | situation | evidence | result | number | date of death | review item | alert | others flagged | next query |
|---|---|---|---|---|---|---|---|---|---|
";

const AUDITED: &str = "
## Words in the audit trail

The audit trail records the row of each decision as the detail `decision`. These words never change, so that old and new trails read alike. Each row
below is recorded under an older name. Every other row is recorded under its own name.

| row | word in the audit trail |
|---|---|
";

/// The decision table with its introduction, in Markdown: `docs/decisions.md`.
///
/// For people who answer for the safety of what the worker does unattended. It shows [`Row::effects`] for
/// each row, and the times of the default [`Policy`].
///
/// ```
/// let table = nhs_pds::process::table();
/// let row = "| `no_match` | No person matches the demographic fields (DEMOG-0001). | – | none | kept as it is |";
/// assert!(table.contains(row));
/// ```
#[must_use]
pub fn table() -> String {
    let mut text = introduction(&Policy::default());
    let mut section = None;
    for row in Row::ALL {
        let spec = row.spec();
        if section.replace(spec.section) != Some(spec.section) {
            let _ = write!(text, "\n## {}\n{COLUMNS}", spec.section.title());
        }
        text.push_str(&line(*row));
    }
    text.push_str(AUDITED);
    for row in Row::ALL.iter().filter(|row| row.audited() != row.as_str()) {
        let _ = writeln!(text, "| `{row}` | `{}` |", row.audited());
    }
    text
}

fn line(row: Row) -> String {
    let effects = row.effects();
    let mut alert = effects.alert.map_or_else(|| "–".to_owned(), |kind| kind.to_string());
    if effects.date_of_death == DeathEffect::IfReturned {
        alert.push_str("; deceased, if returned");
    }
    format!(
        "| `{row}` | {} | {} | {} | {} | {} | {} | {alert} | {} | {} |\n",
        row.situation(),
        row.requirement(),
        spaced(effects.result.as_str()),
        effects.number,
        effects.date_of_death,
        effects.review,
        if effects.flag_others { "yes" } else { "–" },
        effects.next_query,
    )
}

fn minutes(time: TimeDelta) -> String {
    match time.num_minutes() {
        1 => "one minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

fn introduction(policy: &Policy) -> String {
    let days: Vec<String> = policy.waits.iter().map(|wait| wait.num_days().to_string()).collect();
    let unsaved = Row::ALL.iter().filter(|row| row.effects().saved == Saved::Nothing);
    let unsaved: Vec<String> = unsaved.map(|row| format!("`{row}`")).collect();
    let values = [
        ("{days}", days.join(", ")),
        ("{last}", days.last().cloned().unwrap_or_default()),
        ("{soon}", policy.stale_wait.num_minutes().to_string()),
        ("{refusal}", policy.refusal_wait.num_hours().to_string()),
        ("{retry}", minutes(policy.retry_wait)),
        ("{longest}", policy.longest_retry_wait.num_hours().to_string()),
        ("{unanswered}", policy.unanswered_limit.to_string()),
        ("{limit}", policy.unreadable_limit.to_string()),
        ("{unsaved}", unsaved.join(", ")),
    ];
    values.iter().fold(INTRODUCTION.to_owned(), |text, (name, value)| text.replace(name, value))
}
