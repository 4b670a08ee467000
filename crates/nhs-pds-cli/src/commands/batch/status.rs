//! `batch status`.

use super::args::{Status, folder_of};
use super::exchange::held;
use super::fault::set_aside;
use super::opened::own_folder;
use crate::console::{Failed, say, say_json, warn};
use chrono::{DateTime, Utc};
use nhs_pds::process::Settings;
use nhs_pds::process::batch::{Batch, BatchState, Batches, Ending};
use nhs_pds::trace::{Caller, LocalIdentity};
use serde_json::json;

/// Whether the fate of every batch is known, and no response waits for a person.
pub(super) async fn run(args: &Status) -> Result<bool, Failed> {
    let database = args.database.database()?;
    let opened = database.open_existing(None, None).await?;
    let us = LocalIdentity::new("RHM".parse()?, "nhs-pds")?;
    // A list needs no caller. A tenant may have no folder.
    let own = own_folder(&args.database).await?;
    let folder = folder_of(args.folder.as_ref().or(own.as_ref()), &database).ok();
    let settings = Settings::new(Caller::System(us));
    let batches = Batches::new(opened.store, settings, folder.clone().unwrap_or_default());
    let listed = batches.list().await?;
    let mut is_well = true;
    let mut lines = vec![HEADER.map(str::to_owned)];
    for batch in listed.iter().filter(|batch| args.all || !batch.is_closed()) {
        if args.json {
            say_json(&object(batch).to_string())?;
        } else {
            lines.push(line(batch));
        }
        if batch.state == BatchState::Held {
            warn(held(batch));
            is_well = false;
        }
    }
    if !args.json {
        if lines.len() == 1 {
            say("No batch is under way.\n")?;
        } else {
            say(&table(&lines))?;
        }
    }
    let refused = if folder.is_some() { batches.refused_files()? } else { Vec::new() };
    for warning in set_aside(&refused) {
        warn(warning);
        is_well = false;
    }
    Ok(is_well)
}

const HEADER: [&str; 8] =
    ["batch", "state", "rows", "waiting", "since", "lost at", "message", "code"];

fn line(batch: &Batch) -> [String; 8] {
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let state = match batch.state.ending() {
        Some(ending) => format!("{}: {ending}", batch.state),
        None => batch.state.to_string(),
    };
    [
        batch.id.clone(),
        state,
        batch.rows.to_string(),
        batch.waiting.to_string(),
        time(batch.changed_at),
        time(batch.until),
        or_none(&batch.message_id),
        or_none(&batch.code),
    ]
}

/// Lines with equal columns, two spaces apart.
fn table(lines: &[[String; 8]]) -> String {
    let widths: [usize; 8] = std::array::from_fn(|place| {
        lines
            .iter()
            .filter_map(|line| line.get(place))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    });
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text += "\n";
    }
    text
}

fn object(batch: &Batch) -> serde_json::Value {
    json!({
        "id": batch.id,
        "state": batch.state.as_str(),
        "ending": batch.state.ending().map(Ending::as_str),
        "rows": batch.rows,
        "bytes": batch.bytes,
        "waiting": batch.waiting,
        "created_at": batch.created_at,
        "changed_at": batch.changed_at,
        "lost_at": batch.until,
        "message_id": batch.message_id,
        "code": batch.code,
    })
}
