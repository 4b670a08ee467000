//! The main job: a caseload goes in, eligible clients are traced, and their NHS Numbers come out.
//!
//! ```sh
//! cargo run --all-features --example get_nhs_number -- examples/data/caseload.csv
//! ```
//!
//! Imports the CSV into an SQLite store, starts the simulator on a free port (or asks the service of
//! `--service`), runs once over all cases, prints a summary and writes the results as CSV. Rows that
//! cannot be used are named by their line; the others go through. With `--db`, the store is kept:
//! run it again, with the same file or a newer one, and what has changed locally is taken over, while
//! what was traced stays and is not asked again (HAV-3). Exits 0 when the run went through, 1 when rows
//! were refused, or the service refused the configuration or answered nothing, 2 when it could not run. On Unix, the store and the results can be
//! read by their owner alone.

mod console;
mod private;
mod service;

use clap::Parser;
use console::{about, because, check_database, end, say, warn};
use indicatif::{ProgressBar, ProgressStyle};
use nhs_pds::process::alert::SqliteAlerts;
use nhs_pds::audit::{Actor, SqliteLog};
use nhs_pds::case::caseload::{self, Caseload, ResultRow};
use nhs_pds::case::{CaseStore, SqliteStore};
use nhs_pds::clock::SystemClock;
use nhs_pds::resilience::{Retry, RetryPolicy};
use nhs_pds::trace::Caller;
use nhs_pds::process::{import, CaseReport, RunReport, TraceResult, Worker};
use private::PrivateFile;
use service::Service;
use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Parser)]
#[command(
    about = "Finds the NHS Numbers of a caseload",
    after_help = "Exit codes: 0 the run went through, 1 rows were refused, or the service refused the configuration or answered nothing, 2 it could not run"
)]
struct Cli {
    /// The caseload, as CSV.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/caseload.csv"))]
    caseload: PathBuf,
    /// Where the cases are kept; without it, a file in a new temporary folder.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Where the results go.
    #[arg(long, value_name = "FILE", default_value = "target/get_nhs_number/results.csv")]
    results: PathBuf,
    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    end("get_nhs_number", run(&Cli::parse()).await)
}

/// Whether the run went through to its end, and was answered.
async fn run(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let name = cli.caseload.display();
    let file = console::open(&cli.caseload)?;
    let Caseload { cases, refused, flagged, .. } =
        caseload::read(file).map_err(|error| about(&cli.caseload, &error))?;
    for row in &refused {
        warn(format!("{name}: {row}"));
    }
    for row in &flagged {
        warn(format!("{name}: {row}"));
    }
    // Before anybody is asked: what cannot be written afterwards would be asked in vain.
    let results = PrivateFile::begin(&cli.results).map_err(|error| about(&cli.results, &error))?;
    let (db, store) = open(cli)?;
    let in_caseload = cases.len();
    let contradicted = cases.iter().filter(|case| case.contradicted).count();
    let audit = Arc::new(SqliteLog::open(&db).map_err(|error| about(&db, &error))?);
    let caller = Caller::System(cli.service.us()?);
    let actor = Actor::new(&caller, "Get NHS Number");
    let imported = import(&store, &*audit, &actor, &SystemClock, cases).await?;

    let reached = cli.service.reach().await?;
    let store: Arc<dyn CaseStore> = Arc::new(store);
    let alerts = Arc::new(SqliteAlerts::open(&db).map_err(|error| about(&db, &error))?);
    let client = Arc::new(reached.client.clone());
    // One pass: only what was lost with a kept connection is asked again.
    let retry = Retry::new(RetryPolicy::default().with_attempts(NonZeroU32::MIN));
    let worker = Worker::new(client, Arc::clone(&store), audit, alerts, caller).with_retry(retry);
    let (report, reports) = trace(&worker, in_caseload as u64).await?;

    let mut said = String::new();
    writeln!(said, "Caseload      {name}")?;
    writeln!(said, "  rows refused {:>10}", refused.len())?;
    writeln!(said, "  without number {:>8}", flagged.len())?;
    writeln!(said, "  cases read   {in_caseload:>10}")?;
    writeln!(said, "  contradicted {contradicted:>10}")?;
    writeln!(said, "  imported     {:>10}", imported.new)?;
    writeln!(said, "  updated      {:>10}", imported.updated)?;
    writeln!(said, "  unchanged    {:>10}", imported.unchanged)?;
    summary(&mut said, &report)?;
    writeln!(said, "Service       {reached}")?;
    writeln!(said, "Store         {}", db.display())?;
    writeln!(said, "Results       {}", cli.results.display())?;
    say(&said)?;
    write(results, &*store, &reports).await.map_err(|error| about(&cli.results, &*error))?;

    if let Some(reason) = &report.stopped {
        warn(format!("get_nhs_number: stopped early: {}", because(reason)));
        return Ok(false);
    }
    let unanswered =
        |result: &TraceResult| matches!(result, TraceResult::Unavailable | TraceResult::Unreadable);
    if report.eligible > 0 && report.results.keys().all(unanswered) {
        let cause = reports.iter().rev().find_map(|report| report.cause.as_deref());
        let cause = cause.unwrap_or("no cause is known");
        warn(format!("get_nhs_number: none of the questions was answered: {cause}"));
        return Ok(false);
    }
    Ok(refused.is_empty() && reached.knows_everybody())
}

/// Runs the worker once, with a bar where there is a terminal to draw it on.
async fn trace(
    worker: &Worker,
    expected: u64,
) -> Result<(RunReport, Vec<CaseReport>), Box<dyn Error>> {
    let bar = ProgressBar::new(expected);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} cases, {eta} to go")?);
    let mut reports: Vec<CaseReport> = Vec::new();
    let report = worker
        .run_once(&mut |case: &CaseReport| {
            bar.inc(1);
            // A store that is kept may hold cases that are not in this caseload.
            bar.set_length(expected.max(bar.position()));
            reports.push(case.clone());
        })
        .await?;
    bar.finish_and_clear();
    Ok((report, reports))
}

/// The store: the one that was named, or one in a new folder of its own.
fn open(cli: &Cli) -> Result<(PathBuf, SqliteStore), Box<dyn Error>> {
    let db = match &cli.db {
        Some(db) => db.clone(),
        None => {
            let folder = tempfile::Builder::new().prefix("get_nhs_number-").tempdir()?;
            folder.keep().join("cases.sqlite")
        }
    };
    check_database(&db)?;
    let store = SqliteStore::open(&db).map_err(|error| about(&db, &error))?;
    Ok((db, store))
}

/// Writes the results, and puts their file at its place.
async fn write(
    results: PrivateFile,
    store: &dyn CaseStore,
    reports: &[CaseReport],
) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::with_capacity(reports.len());
    for report in reports {
        let Some(case) = store.get(&report.case_id).await? else { continue };
        let row = ResultRow::new(&case);
        let row = match report.faults.first() {
            Some(fault) => row.with_fault(fault.as_str()),
            None => row,
        };
        let row = match (report.result, report.eligibility.reason()) {
            (Some(result), _) => row.with_result(result.as_str(), report.exchange.as_ref()),
            (None, Some(reason)) => row.with_reason(reason.as_str()),
            (None, None) => row,
        };
        rows.push(match report.review {
            Some(reason) => row.with_detail(reason.as_str()),
            None => row,
        });
    }
    caseload::write_results(results.file(), rows)?;
    Ok(results.finish()?)
}

fn summary(said: &mut String, report: &RunReport) -> std::fmt::Result {
    writeln!(said, "Cases")?;
    writeln!(said, "  looked at    {:>10}", report.seen)?;
    writeln!(said, "  eligible     {:>10}", report.eligible)?;
    writeln!(said, "  not eligible {:>10}", report.ineligible.values().sum::<u64>())?;
    for (reason, count) in &report.ineligible {
        writeln!(said, "    {:<26} {count:>6}", reason.as_str())?;
    }
    for (fault, count) in &report.faults {
        writeln!(said, "  with a fault in their data: {:<26} {count:>6}", fault.as_str())?;
    }
    writeln!(said, "Results")?;
    for (result, count) in &report.results {
        writeln!(said, "    {:<26} {count:>6}", result.as_str())?;
    }
    writeln!(said, "Numbers written {:>8}", report.numbers_written)
}
