//! Moves everything from a file to a tenant in PostgreSQL, or back.

use crate::console::{Failed, because, say, say_json, warn};
use crate::database::{Database, Db, parser};
use crate::device;
use crate::progress;
use indicatif::ProgressBar;
use nhs_pds::audit::Actor;
use nhs_pds::demographics::OdsCode;
use nhs_pds::process::store::transfer::{Error, ErrorKind, Progress, Step, Transfer, Transferred};
use nhs_pds::tenant::TenantName;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use std::sync::Mutex;

/// Moves cases, audit trail and alerts from a file to PostgreSQL, or back
#[derive(clap::Args)]
#[command(after_help = "\
Stop the programs that use the source, and pause the tenant. Everything is read again at the end and compared. A move
that was interrupted goes on with the same command. The source keeps its data: it is recorded as moved, and paused.

Exit codes: 0 moved, or moved already, 1 a person must look (at damaged cases, at a broken trail, or at a source that was used), 2 it cannot be moved")]
pub(crate) struct Args {
    /// Where everything is: an SQLite file, or `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "DATABASE", value_parser = parser())]
    from: Db,
    /// Where everything goes: the other one of the two. A file that does not exist is created.
    #[arg(long, value_name = "DATABASE", value_parser = parser())]
    to: Db,
    /// PostgreSQL: the tenant, the organisation whose cases these are. It must be paused.
    #[arg(long, value_name = "NAME")]
    tenant: TenantName,
    /// The user who moves, for both audit trails; default: the user of this machine.
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// The ODS code of that user's organisation.
    #[arg(long, value_name = "CODE", default_value = "RHM")]
    ods_code: OdsCode,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Whether everything was moved; false when a person must look.
pub(crate) async fn run(cli: Args) -> Result<bool, Failed> {
    let actor = actor(&cli)?;
    let (is_file, is_target_a_file) =
        (matches!(cli.from, Db::File(_)), matches!(cli.to, Db::File(_)));
    if is_file == is_target_a_file {
        return Err("give a file and an address of PostgreSQL: one is moved to the other".into());
    }
    let open =
        |db: &Db, is_file: bool| Database::of(db.clone(), (!is_file).then(|| cli.tenant.clone()));
    let from = open(&cli.from, is_file)?;
    let to = open(&cli.to, is_target_a_file)?;
    // The source first: a wrong path creates no target.
    let source = from.existing_place().await?;
    let bar = Bar::default();
    let transfer = Transfer::new(source, to.place().await?).with_progress(move |at| bar.show(at));
    match transfer.run(&actor).await {
        Ok(moved) => {
            let tenant = (!is_target_a_file).then_some(&cli.tenant);
            if cli.json {
                print_json(&moved)?;
            } else {
                print(&moved, &from, &to, tenant)?;
            }
            Ok(true)
        }
        Err(error) => {
            for damaged in error.damaged() {
                warn(format!("migrate: {damaged} is damaged"));
            }
            if !needs_a_person(&error) {
                return Err(error.into());
            }
            warn(format!("migrate: {from} to {to}: {}", because(&error)));
            Ok(false)
        }
    }
}

fn needs_a_person(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Changed
            | ErrorKind::Damaged
            | ErrorKind::Mismatch
            | ErrorKind::TrailBroken
            | ErrorKind::UsedSince
    )
}

fn print(
    moved: &Transferred,
    from: &Database,
    to: &Database,
    tenant: Option<&TenantName>,
) -> Result<(), Failed> {
    let Transferred { cases, events, alerts, head, sha256, was_complete, .. } = moved;
    let what = if *was_complete { "moved already" } else { "moved" };
    say(&format!(
        "{what}: {cases} cases, {events} events and {alerts} alerts from {from} to {to}\n\
         trail {head}, whole in the new place\n\
         sha256 {sha256}, equal in both places\n\
         {from} still has everything. It is recorded as moved, and its workers are paused.\n"
    ))?;
    if let Some(tenant) = tenant {
        say(&format!("The tenant is paused. To begin: nhs-pds tenant resume {tenant}\n"))?;
    }
    Ok(())
}

fn print_json(moved: &Transferred) -> Result<(), Failed> {
    let Transferred { cases, events, alerts, head, sha256, was_complete, .. } = moved;
    let object = serde_json::json!({
        "cases": cases,
        "events": events,
        "alerts": alerts,
        "head": head.to_string(),
        "sha256": sha256,
        "was_complete": was_complete,
    });
    Ok(say_json(&serde_json::to_string_pretty(&object)?)?)
}

fn actor(cli: &Args) -> Result<Actor, Failed> {
    let login = ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = cli.user.clone().or(login).unwrap_or_else(|| "operator".to_owned());
    let identity = LocalIdentity::new(cli.ods_code.clone(), &user);
    let identity = identity.map_err(|error| format!("--as: {error}"))?;
    let actor = Actor::new(&Caller::User(User::Local(identity)), user);
    Ok(actor.on_device(device::name()))
}

/// A bar for the step that is done now.
#[derive(Default)]
struct Bar(Mutex<Option<(Step, ProgressBar)>>);

impl Bar {
    fn show(&self, at: Progress) {
        let Ok(mut shown) = self.0.lock() else { return };
        if shown.as_ref().is_none_or(|(step, _)| *step != at.step) {
            let doing = match at.step {
                Step::Check => "read",
                Step::Write => "written",
                _ => "compared",
            };
            *shown = Some((at.step, progress::rows(at.of, doing)));
        }
        if let Some((_, bar)) = &*shown {
            bar.set_position(at.done);
        }
    }
}
