//! `batch send` and `batch collect`.

use super::args::{Collect, Send};
use super::export::build;
use super::fault::refused_request_in;
use super::import::report;
use super::opened::Open;
use super::refused::RefusedRows;
use crate::console::{Failed, because, say, warn};
use crate::progress;
use nhs_pds::process::batch::{Batch, BatchState, Collected, Ending, RowReport, Sent};
use std::fmt::Write as _;
use std::path::Path;

/// Whether the service has every file, and the due cases are in files if they should be.
pub(super) async fn send(args: &Send) -> Result<bool, Failed> {
    let mut open = Open::of(&args.common).await?;
    let mailbox = open.mailbox(&args.mesh)?;
    let writes = !args.no_build;
    let is_held_up = writes && !args.despite_refusal && is_held_up(&open).await?;
    let left = match writes && !is_held_up {
        true => build(&mut open, &args.building).await?,
        false => String::new(),
    };
    let bar = progress::waiting("sending".to_owned());
    let sent = open.batches.send(&mailbox).await;
    bar.finish_and_clear();
    open.close();
    let is_sent = say_sent(&sent?, &open.folder)?;
    say(&left)?;
    Ok(is_sent && !is_held_up)
}

/// Whether the service refused a file lately, and says so.
async fn is_held_up(open: &Open) -> Result<bool, Failed> {
    let refused = open.batches.refused_lately().await?;
    if let Some(batch) = &refused {
        warn(format!(
            "{}: no file is written for six hours after that; correct the cause, then run `nhs-pds batch send \
             --despite-refusal`",
            refused_at(batch)
        ));
    }
    Ok(refused.is_some())
}

/// That the service refused a file, which, when and why.
pub(super) fn refused_at(Batch { id, code, changed_at, state, .. }: &Batch) -> String {
    let code = code.as_deref().map(|code| format!(" (code {code})")).unwrap_or_default();
    let what = match state.ending() {
        Some(Ending::NotDelivered) => "did not deliver",
        _ => "refused",
    };
    format!("batch: the service {what} {id}{code} at {}", changed_at.format("%Y-%m-%d %H:%M UTC"))
}

fn say_sent(sent: &Sent, folder: &Path) -> Result<bool, Failed> {
    let mut said = String::new();
    for Batch { id, rows, bytes, message_id, until, .. } in &sent.sent {
        let message = message_id.as_deref().unwrap_or("-");
        let until = until.format("%Y-%m-%d %H:%M UTC");
        writeln!(
            said,
            "sent {id}: {rows} rows, {bytes} bytes, message {message}, lost from {until} on"
        )?;
    }
    if sent.sent.is_empty() && sent.held.is_empty() && sent.refused.is_empty() {
        writeln!(said, "No file was sent.")?;
    }
    say(&said)?;
    for batch in &sent.held {
        warn(held(batch));
    }
    for Batch { id, code, .. } in &sent.refused {
        let code = code.as_deref().map(|code| format!(" (code {code})")).unwrap_or_default();
        warn(format!(
            "batch: the service refused {id}{code}: its cases return to the worker; correct the cause before the next send"
        ));
    }
    for batch in &sent.elsewhere {
        warn(elsewhere(batch, folder));
    }
    if let (Some(error), [Batch { id, .. }, others @ ..]) = (&sent.failed, &*sent.not_sent) {
        let others = match others.len() {
            0 => String::new(),
            count => format!("; {count} more files wait"),
        };
        warn(format!("batch: {id} was not sent: {}{others}", failed(error)));
    }
    let has_all = sent.held.is_empty() && sent.refused.is_empty();
    Ok(has_all && sent.not_sent.is_empty() && sent.elsewhere.is_empty())
}

/// What a person must do about a batch that is to leave, and whose file is not here.
pub(super) fn elsewhere(Batch { id, state, .. }: &Batch, folder: &Path) -> String {
    let (place, or) = (folder.display(), "give the --folder in which it was written, or");
    if *state == BatchState::Ready {
        return format!("batch: {id} is ready, and its file is not in {place}: {or} release it");
    }
    format!(
        "batch: {id} may have been sent, and its file is not in {place}: {or}, if that is lost and the service's team says \
         that MESH has no message with the local id {id}, release it"
    )
}

/// What a person must do about a batch whose fate is not known.
pub(super) fn held(batch: &Batch) -> String {
    let id = &batch.id;
    format!(
        "batch: whether the service has {id} is not known: ask the service's team whether MESH has a message with the \
         local id {id}. If it has, run `nhs-pds batch confirm-sent {id}`. If it has not, run `nhs-pds batch release {id}`"
    )
}

/// Why the service failed, with its code.
fn failed(error: &nhs_pds::batch::Error) -> String {
    let code = error.code().map(|code| format!(" (code {code})")).unwrap_or_default();
    format!("{}{code}", because(error))
}

/// Whether every row was used.
pub(super) async fn collect(args: &Collect) -> Result<bool, Failed> {
    let open = Open::of(&args.common).await?;
    let mailbox = open.mailbox(&args.mesh)?;
    let mut refused = RefusedRows::begin(args.refused.as_deref())?;
    let bar = progress::counting("receiving".to_owned());
    let mut observer = |row: &RowReport| {
        bar.inc(1);
        if let Some(refused) = &mut refused {
            refused.take(row.message.as_deref().unwrap_or_default(), row);
        }
    };
    let collected = open.batches.collect(&mailbox, &mut observer).await;
    bar.finish_and_clear();
    let finished = refused.map_or(Ok(()), RefusedRows::finish);
    open.close();
    let is_well = say_collected(&collected?)?;
    if mailbox.other_messages() > 0 {
        let count = mailbox.other_messages();
        warn(format!(
            "batch: the mailbox has about {count} messages of workflows that are not received. If responses are among them, \
             name their workflow with --mesh-received: MESH does not keep a message that no program receives"
        ));
    }
    finished?;
    Ok(is_well)
}

fn say_collected(collected: &Collected) -> Result<bool, Failed> {
    let mut is_well = collected.refused.is_empty() && collected.failed.is_none();
    if collected.arrived == 0 && collected.imported.is_empty() {
        say("Nothing has arrived.\n")?;
    }
    for (place, imported) in collected.imported.iter().enumerate() {
        is_well &= report(&format!("Response {}", place + 1), imported)?;
    }
    for file in &collected.refused {
        let why = refused_request_in(file)
            .unwrap_or_else(|| "this response could not be used whole".to_owned());
        warn(format!(
            "batch: {}: {why}. Look at the file, then delete it: it has personal data",
            file.display()
        ));
    }
    if collected.foreign_reports > 0 {
        let count = collected.foreign_reports;
        warn(format!(
            "batch: {count} reports are about messages that are not batches of this database"
        ));
    }
    if let Some(error) = &collected.failed {
        warn(format!("batch: {}", failed(error)));
    }
    Ok(is_well)
}
