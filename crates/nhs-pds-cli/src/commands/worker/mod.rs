//! "Get NHS Number" as a process: imports a caseload, finds and verifies numbers on a schedule, and
//! exports the decisions.
//!
//! Cases, audit trail and alerts are in one SQLite file. Without `--service` and `--fhir` it queries the
//! Spine Mini Service of the simulator, whose people come from a fixed seed. `--once` ends when no case is due; it first waits for the leases of a
//! worker that was killed. Otherwise the worker runs every `--interval`. Ctrl-C and SIGTERM stop both: the
//! worker waits for open questions, and continues at the next start. A second import of the same file changes
//! nothing. `--export` alone writes the file without a query; with `--once` or `--interval` it writes the file
//! at the end. On Unix, only their owner may read the files.
//!
//! Questions go through the gateway: it limits their rate, and suspends them while the service does not
//! work. The worker retries questions without a response.

mod args;
mod caseload;
mod once;
mod patience;
mod scheduled;
mod seen;

use crate::console::{about, warn};
use crate::database::Opened;
use crate::device;
use crate::port::{Phase, Port};
use crate::stop::Stop;
use crate::trail::Trail;
pub(crate) use args::Args;
use caseload::{spare_inputs, take_in, take_out};
use nhs_pds::audit::Actor;
use nhs_pds::case::CaseStore;
use nhs_pds::process::{CaseReport, Process, Settings, Worker};
use nhs_pds::resilience::{self, Gateway, Retry};
use nhs_pds::trace::Caller;
use once::once;
use scheduled::report_runs;
use std::error::Error;
use std::sync::Arc;

/// Whether the service answered, no row was refused, and all cases can be read.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    // Refuses wrong arguments before it opens any file.
    let schedule = cli.schedule()?;
    let database = cli.database.database()?;
    spare_inputs(cli, &database)?;
    let stop = Stop::on_signals("worker")?;
    let port = Port::open(&cli.listen, &stop)?;
    let Opened { store, trail, probe, .. } = database.open(cli.anchors.as_deref()).await?;
    port.opened(probe);
    let caller = Caller::System(cli.service.us()?);
    let actor = Actor::new(&caller, "Get NHS Number")
        .with_role("system process", cli.service.us()?.organisation().clone())
        .on_device(device::name());
    let mut all_taken = true;
    if let Some(file) = &cli.import {
        port.set(Phase::Starting("importing a caseload"));
        all_taken = take_in(file, &*store, &actor, &stop).await?;
    }
    let mut answered = true;
    if !cli.only_exports() && !stop.is_asked() {
        let reached = cli.service.reach().await?;
        all_taken &= reached.has_all_people();
        let gate =
            Gateway::new(Arc::clone(&reached.client)).with_rate_limit(cli.rate_limit(&reached));
        let worker = Worker::new(
            gate.background(),
            Arc::clone(&store),
            Settings::new(caller)
                .with_retry(Retry::new(
                    resilience::RetryPolicy::default().with_attempts(cli.attempts),
                ))
                .with_foreground(gate.foreground())
                .with_actor(actor.clone())
                .with_policy(cli.policy()?)
                .with_lease(cli.lease)
                .with_in_flight(cli.in_flight),
        );
        if cli.once {
            let seen = Arc::default();
            let tenant = database.tenant().cloned();
            port.works(seen::once(worker.clone(), Arc::clone(&seen), tenant));
            answered = once(&worker, cli.patience, &stop, &seen).await?;
        } else {
            let process = Process::new(worker, schedule);
            port.works(seen::scheduled(process.clone(), database.tenant().cloned()));
            let reporting = tokio::spawn(report_runs(process.clone(), Arc::clone(&store)));
            process.run_until(stop.wait(), &mut |_: &CaseReport| ()).await?;
            reporting.abort();
            let status = process.status();
            warn(format!("worker: {}", status.state.as_str()));
            answered = !status.service_refused && status.last_error.is_none();
        }
    }
    if let Some(file) = &cli.export {
        take_out(file, store.cases(), &*trail.log, &actor)
            .await
            .map_err(|error| about(file, &*error))?;
    }
    let is_sound = say_what_is_wrong(store.cases(), &trail).await?;
    Ok(answered && all_taken && is_sound)
}

/// Warns about missing anchors and damaged cases; whether all cases can be read.
async fn say_what_is_wrong(store: &dyn CaseStore, trail: &Trail) -> Result<bool, Box<dyn Error>> {
    let damaged = damaged(store).await?;
    for warning in trail.warning().iter().chain(&damaged) {
        warn(format!("worker: {warning}"));
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
