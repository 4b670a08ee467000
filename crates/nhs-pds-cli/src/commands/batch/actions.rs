//! `batch release` and `batch confirm-sent`.

use super::args::Action;
use super::opened::Open;
use crate::console::{Failed, say, warn};
use nhs_pds::process::batch::Batch;
use nhs_pds::process::{Error, ErrorKind};

pub(super) async fn release(args: &Action) -> Result<bool, Failed> {
    let open = Open::of(&args.common).await?;
    let released = open.batches.release(&args.id, &open.actor).await;
    open.close();
    let Some(batch) = allowed(released)? else { return Ok(false) };
    if batch.is_closed() {
        say(&format!("released {}: its cases are with the worker again\n", batch.id))?;
        return Ok(true);
    }
    warn(format!(
        "batch: {} cases of {} were changed by other programs at the same time: run the command again",
        batch.waiting, batch.id
    ));
    Ok(false)
}

pub(super) async fn confirm_sent(args: &Action) -> Result<bool, Failed> {
    let open = Open::of(&args.common).await?;
    let confirmed = open.batches.confirm_sent(&args.id, &open.actor).await;
    open.close();
    let Some(batch) = allowed(confirmed)? else { return Ok(false) };
    say(&format!("{}: {}, {} cases wait\n", batch.id, batch.state, batch.waiting))?;
    Ok(true)
}

/// The changed batch; `None` when its state does not allow the action.
fn allowed(result: Result<Batch, Error>) -> Result<Option<Batch>, Failed> {
    match result {
        Ok(batch) => Ok(Some(batch)),
        Err(error) if error.kind() == ErrorKind::BatchState => {
            warn(format!("batch: refused: {error}: see `nhs-pds batch status --all`"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
