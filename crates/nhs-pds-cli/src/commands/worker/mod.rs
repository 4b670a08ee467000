//! "Get NHS Number" as a process: imports a caseload, finds and verifies numbers on a schedule, and
//! exports the decisions.
//!
//! Cases, audit trail and alerts are in one SQLite file, or in PostgreSQL ([`of_tenants`]). Over a file, without
//! `--service` and `--fhir`, it queries the Spine Mini Service of the simulator, whose people come from a fixed seed.
//! `--once` ends when no case is due; it first waits for the leases of a
//! worker that was killed. Otherwise the worker runs every `--interval`. Ctrl-C and SIGTERM stop both: the
//! worker waits for open questions, and continues at the next start. A second import of the same file changes
//! nothing. `--export` alone writes the file without a query; with `--once` or `--interval` it writes the file
//! at the end. On Unix, only their owner may read the files.
//!
//! Questions go through the gateway: it limits their rate, and suspends them while the service does not
//! work. The worker retries questions without a response.

mod args;
mod caseload;
mod of_tenants;
mod once;
mod patience;
mod scheduled;
mod seen;

use crate::console::{about, warn};
use crate::database::Opened;
use crate::port::{Phase, Port};
use crate::stop::Stop;
use crate::tenants::Parts;
use crate::trail::Trail;
pub(crate) use args::Args;
use caseload::{spare_inputs, take_in, take_out};
use nhs_pds::case::CaseStore;
use nhs_pds::process::batch::Batches;
use nhs_pds::process::{CaseReport, Process, Status};
use nhs_pds::resilience::Gateway;
use once::{Pass, once};
use scheduled::report_runs;
use std::error::Error;
use std::sync::Arc;

/// Whether the service answered, no row was refused, and all cases can be read.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    match cli.database.tenants() {
        Some((address, tenant)) => of_tenants::run(cli, address, tenant).await,
        None => over_a_file(cli).await,
    }
}

async fn over_a_file(cli: &Args) -> Result<bool, Box<dyn Error>> {
    // Refuses wrong arguments before it opens any file.
    let schedule = cli.times.schedule()?;
    let database = cli.database.database()?;
    let settings = &cli.settings;
    if settings.set()?.contains_key("allowance") {
        return Err("--allowance: tenants of PostgreSQL share a rate limit: leave it out".into());
    }
    spare_inputs(cli, database.file())?;
    let mailed = cli.mailed(&database)?;
    let stop = Stop::on_signals("worker")?;
    let port = Port::open(&cli.listen, &stop)?;
    let Opened { store, trail, probe, .. } = database.open(settings.anchors.as_deref()).await?;
    port.opened(probe);
    let parts = Parts { settings, us: settings.service.us()?, lease: cli.lease };
    let actor = parts.actor();
    let mut all_taken = true;
    if let Some(file) = &cli.import {
        port.set(Phase::Starting("importing a caseload"));
        all_taken = take_in(file, &*store, &actor, &stop).await?;
    }
    let mut answered = true;
    if !cli.only_exports() && !stop.is_asked() {
        let reached = settings.service.reach().await?;
        all_taken &= reached.has_all_people();
        let gateway = Gateway::new(Arc::clone(&reached.client));
        let gateway = gateway.with_rate_limit(settings.rate_limit(&reached));
        let worker = parts.worker(parts.gateway(gateway), Arc::clone(&store))?;
        if cli.once {
            let pass = Pass::of_one();
            port.works(seen::once(&pass, None));
            answered = once(&worker, cli.patience, &stop, &pass).await?;
        } else {
            let process = Process::new(worker.clone(), schedule).with_name(cli.name());
            let process = match mailed {
                Some((folder, mailbox, policy)) => {
                    let batches = Batches::beside(&worker, folder);
                    process.with_batches(batches, Arc::new(mailbox), policy)
                }
                None => process,
            };
            port.works(seen::scheduled(process.clone()));
            let reporting = tokio::spawn(report_runs(process.clone(), Arc::clone(&store)));
            process.run_until(stop.wait(), &mut |_: &CaseReport| ()).await?;
            reporting.abort();
            let status = process.status();
            warn(format!("worker: {}", status.state.as_str()));
            answered = ended_well(&status);
        }
    }
    if let Some(file) = &cli.export {
        take_out(file, store.cases(), &*trail.log, &actor)
            .await
            .map_err(|error| about(file, &*error))?;
    }
    let is_sound = say_what_is_wrong(store.cases(), &trail, "worker", &stop).await?;
    Ok(answered && all_taken && is_sound)
}

/// Whether the last run of a process ended well, and could read all cases, and files of batches were exchanged.
fn ended_well(status: &Status) -> bool {
    let unreadable = status.last.as_ref().map_or(0, |run| run.unreadable);
    let is_exchanged = status.batch_error.is_none();
    !status.service_refused && status.last_error.is_none() && is_exchanged && unreadable == 0
}

/// Warns about missing anchors and damaged cases; whether all cases can be read. A command that is asked to stop does not
/// read all cases: that may take longer than a service manager waits. Each run has named the damaged ones.
async fn say_what_is_wrong(
    store: &dyn CaseStore,
    trail: &Trail,
    who: &str,
    stop: &Stop,
) -> Result<bool, Box<dyn Error>> {
    let damaged = if stop.is_asked() { None } else { damaged(store).await? };
    for warning in trail.warning().iter().chain(&damaged) {
        warn(format!("{who}: {warning}"));
    }
    Ok(damaged.is_none())
}

/// Names the cases that are damaged in the store. The worker does not trace them, and exports leave them
/// out.
async fn damaged(store: &dyn CaseStore) -> Result<Option<String>, Box<dyn Error>> {
    let damaged: Vec<String> = store.unreadable().await?.iter().map(ToString::to_string).collect();
    let (count, ids) = (damaged.len(), damaged.join(", "));
    Ok((count > 0).then(|| format!("{count} stored cases are damaged and cannot be read: {ids}")))
}
