//! The screens, with a sign-in of their own, until the command is stopped.
//!
//! Over an SQLite file, or over one tenant of PostgreSQL, they are at `/`. Over all tenants, those of each are at
//! `/TENANT`. Users are added by `nhs-pds user add`. Searches go through the same gateway as those of the worker; without
//! a service there are none, and the pages say so. `--with-worker` also finds numbers on a schedule in the same program.

mod args;
mod listen;
mod organisation;

use crate::console::{Failed, say, warn};
use crate::stop::Stop;
pub(crate) use args::Args;
use axum::Router;
use listen::Listening;
use nhs_pds::process::{CaseReport, Process};
use organisation::Organisation;

/// How long open requests may take after the command is asked to stop.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

pub(crate) async fn run(cli: &Args) -> Result<bool, Failed> {
    // Refuses wrong arguments before it opens any database.
    let schedule = cli.times.schedule()?;
    if !cli.is_worker && cli.times.given().next().is_some() {
        return Err(
            "--interval, --jitter and --quiet are for --with-worker: add it, or leave them out"
                .into(),
        );
    }
    let stop = Stop::on_signals("serve")?;
    let listening = Listening::open(cli)?;
    let organisations = organisation::all(cli).await?;
    let url = listening.url();
    let mut router = Router::new();
    let mut workers = Vec::new();
    let mut has_all_people = true;
    for organisation in &organisations {
        let Organisation { path, reached, .. } = organisation;
        has_all_people &= reached.as_ref().is_none_or(|reached| reached.has_all_people());
        if !path.is_empty() {
            warn(format!("serve: {}: {url}{path}", path.trim_start_matches('/')));
        }
        if let (true, Some(worker)) = (cli.is_worker, &organisation.worker) {
            let process = Process::new(worker.clone(), schedule.clone()).with_name(cli.name());
            let stop = stop.clone();
            workers.push(tokio::spawn(async move {
                process.run_until(stop.wait(), &mut |_: &CaseReport| ()).await
            }));
        }
        router = router.merge(organisation.screens(cli).router());
    }
    if cli.is_worker && workers.is_empty() {
        return Err(
            "--with-worker: there is no service to query: name one with --service or --fhir".into(),
        );
    }
    say(&format!("url {url}/\n"))?;
    let ended = listening.serve(router, stop.clone());
    tokio::select! {
        ended = ended => ended?,
        () = async { stop.wait().await; tokio::time::sleep(PATIENCE).await } => {
            warn("serve: some requests were not finished");
        }
    }
    let mut is_well = true;
    for worker in workers {
        is_well &= worker.await.map_err(|_| "the worker ended by a fault of the program")?.is_ok();
    }
    Ok(is_well && has_all_people)
}
