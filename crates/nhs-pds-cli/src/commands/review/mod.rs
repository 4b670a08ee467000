//! The review queue: lists, shows and resolves the items that the worker left for reviewers.
//!
//! Works on a store that `worker --db` wrote. The audit trail, which is in the same file, records each action
//! with the user of `--as`. Looking at items is audited too, so the file must be writable.
//!
//! The command does not check permissions: a user who can write the file can do everything.

mod args;
mod candidates;
mod print;

use crate::console::{self, block_on, say, say_json, warn};
use crate::database::{Inbox, Opened};
use crate::device;
pub(crate) use args::Args;
use args::{Command, filter, resolution};
use nhs_pds::audit::Actor;
use nhs_pds::process::review::{
    ActionOutcome, ItemFilter, ItemId, Refusal, Release, Resolution, ReviewQueue,
};
use nhs_pds::trace::{Caller, LocalIdentity, User};
use print::{json_line, object, text, text_line};
use std::error::Error;
use std::process::ExitCode;
use tokio::runtime::Builder;

/// The number of items in one page.
const PAGE: usize = 100;

pub(crate) fn main(args: Args) -> ExitCode {
    let ran = block_on(&mut Builder::new_current_thread(), run(args));
    match ran.and_then(|ran| ran) {
        Ok(Some(ActionOutcome::Refused(refusal))) => {
            warn(format!("review: refused: {refusal}"));
            ExitCode::from(1)
        }
        Ok(Some(ActionOutcome::AlreadyDone)) => {
            warn("review: done already");
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            let case = error.downcast_ref::<nhs_pds::process::Error>().and_then(|e| e.case());
            if let Some(case) = case {
                warn(format!("review: the fault is in case {case}"));
            }
            console::end("review", Err(error))
        }
    }
}

/// The outcome of an action; `None` for a command that only reads.
async fn run(cli: Args) -> Result<Option<ActionOutcome>, Box<dyn Error>> {
    let actor = actor(&cli)?;
    let database = cli.database.database()?;
    let (anchors, owner) = (cli.anchors.as_deref(), cli.owner.as_ref());
    let Opened { store, trail, inbox, .. } = database.open_existing(anchors, owner).await?;
    let done = act(cli.command, &ReviewQueue::new(store), &inbox, &actor).await;
    if let Some(warning) = trail.warning() {
        warn(format!("review: {warning}"));
    }
    done
}

async fn act(
    command: Command,
    queue: &ReviewQueue,
    inbox: &Inbox,
    actor: &Actor,
) -> Result<Option<ActionOutcome>, Box<dyn Error>> {
    let item = ItemId::new;
    Ok(Some(match command {
        Command::List { state, reason, assignee, json } => {
            list(queue, &filter(state, reason, assignee), actor, json).await?;
            warn_of_damaged(queue).await?;
            return Ok(None);
        }
        Command::Show { case, item: number, json } => {
            let shown = queue.show(&item(case, number), actor).await?;
            let Some(shown) = shown else {
                return Ok(Some(ActionOutcome::Refused(Refusal::NoSuchItem)));
            };
            if json {
                say_json(&serde_json::to_string_pretty(&object(&shown)?)?)?;
            } else {
                say(&text(&shown)?)?;
            }
            return Ok(None);
        }
        Command::Assign { case, item: number, user } => {
            queue.assign(&item(case, number), Some(&user), actor).await?
        }
        Command::Move { case, item: number, state } => {
            queue.transition(&item(case, number), state, actor).await?
        }
        Command::Note { case, item: number, text } => {
            queue.note(&item(case, number), &text, actor).await?
        }
        Command::Resolve { case, item: number, how } => {
            let id = item(case, number);
            match resolution(how) {
                Some(resolution) => queue.resolve(&id, &resolution, actor).await?,
                None => accept_the_only_one(queue, &id, actor).await?,
            }
        }
        Command::Release { reason, code } => {
            let all = Release::of(reason);
            let release = code.into_iter().fold(all, Release::with_code);
            let released = queue.release(&release, actor).await?;
            say(&format!("released {released} cases\n"))?;
            return Ok(None);
        }
        Command::UndoMerge { case, other } => queue.undo_merge(&case, &other, actor).await?,
        Command::Delete { case } => queue.delete(&case, actor).await?,
        Command::Undelete { case } => queue.undelete(&case, actor).await?,
        Command::Erase { case, court_order } => {
            let outcome = queue.erase(&case, &court_order, actor).await?;
            if !matches!(outcome, ActionOutcome::Refused(_)) {
                // The queue has delivered alerts to this database: delete them too.
                inbox.forget(&case).await?;
                // Damaged cases may still name the erased case, and they cannot be read.
                warn_of_damaged(queue).await?;
            }
            outcome
        }
    }))
}

/// Accepts the only number that the item offers, and prints it.
async fn accept_the_only_one(
    queue: &ReviewQueue,
    id: &ItemId,
    actor: &Actor,
) -> Result<ActionOutcome, Box<dyn Error>> {
    let Some(shown) = queue.show(id, actor).await? else {
        return Ok(ActionOutcome::Refused(Refusal::NoSuchItem));
    };
    let Some(number) = shown.offered else {
        if !shown.item.is_open() {
            return Ok(ActionOutcome::Refused(Refusal::Closed));
        }
        if shown.candidates.len() > 1 {
            return Err("the item has several candidates: give the NHS Number".into());
        }
        return Ok(ActionOutcome::Refused(Refusal::NotOffered));
    };
    let outcome = queue.resolve(id, &Resolution::AcceptNumber(number), actor).await?;
    if outcome == ActionOutcome::Done {
        say(&format!("accepted {number}\n"))?;
    }
    Ok(outcome)
}

fn actor(cli: &Args) -> Result<Actor, Box<dyn Error>> {
    let login = ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = cli.user.clone().or(login).unwrap_or_else(|| "reviewer".to_owned());
    let identity = |argument: &str, id: &str| {
        LocalIdentity::new(cli.ods_code.clone(), id)
            .map(|identity| Caller::User(User::Local(identity)))
            .map_err(|error| format!("{argument}: {error}"))
    };
    let caller = identity("--as", &user)?;
    let actor = Actor::new(&caller, cli.name.clone().unwrap_or(user))
        .with_role(&cli.role, cli.ods_code.clone())
        .on_device(device::name());
    Ok(match &cli.authorised_by {
        Some(id) => actor.authorised_by(identity("--authorised-by", id)?.to_string()),
        None => actor,
    })
}

/// Names the damaged cases of the store, which no list contains.
async fn warn_of_damaged(queue: &ReviewQueue) -> Result<(), Box<dyn Error>> {
    let damaged: Vec<String> = queue.unreadable().await?.iter().map(ToString::to_string).collect();
    if !damaged.is_empty() {
        warn(format!(
            "review: these stored cases are damaged and cannot be read: {}",
            damaged.join(", ")
        ));
    }
    Ok(())
}

async fn list(
    queue: &ReviewQueue,
    filter: &ItemFilter,
    actor: &Actor,
    json: bool,
) -> Result<(), Box<dyn Error>> {
    let mut after = None;
    loop {
        let page = queue.list(filter, after.as_ref(), PAGE, actor).await?;
        let line = if json { json_line } else { text_line };
        say(&page.iter().map(line).collect::<String>())?;
        let Some(last) = page.last().filter(|_| page.len() == PAGE) else { return Ok(()) };
        after = Some(last.place());
    }
}
