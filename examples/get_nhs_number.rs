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
//! what was traced stays and is not asked again (HAV-3). On Unix, the store and the results can be
//! read by their owner alone.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "that is what it is for")]

mod service;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use nhs_pds::case::caseload::{self, Caseload, ResultRow};
use nhs_pds::case::{Case, CaseStore, ErrorKind, SqliteStore};
use nhs_pds::trace::Caller;
use nhs_pds::worker::{CaseReport, RunReport, Worker};
use service::{Service, because};
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Parser)]
#[command(about = "Finds the NHS Numbers of a caseload")]
struct Cli {
    /// The caseload, as CSV.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/caseload.csv"))]
    caseload: PathBuf,
    /// Where the cases are kept; without it, a new file for this run.
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
    match run(&Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("get_nhs_number: {}", because(&*error));
            ExitCode::from(2)
        }
    }
}

/// Whether the run went through to its end.
async fn run(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let (db, store) = open(cli)?;
    let file = File::open(&cli.caseload)
        .map_err(|error| format!("{}: {error}", cli.caseload.display()))?;
    let Caseload { cases, refused, .. } = caseload::read(file)?;
    for row in &refused {
        eprintln!("{}: {row}", cli.caseload.display());
    }
    let in_caseload = cases.len();
    let contradicted = cases.iter().filter(|case| case.contradicted).count();
    let imported = import(&store, cases).await?;

    let reached = cli.service.reach().await?;
    let store: Arc<dyn CaseStore> = Arc::new(store);
    let caller = Caller::System(cli.service.us()?);
    let worker = Worker::new(Arc::new(reached.client.clone()), Arc::clone(&store), caller);
    // Draws on a terminal only.
    let bar = ProgressBar::new(in_caseload as u64);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} cases, {eta} to go")?);
    let mut reports: Vec<CaseReport> = Vec::new();
    let report = worker
        .run_once(&mut |case: &CaseReport| {
            bar.inc(1);
            reports.push(case.clone());
        })
        .await?;
    bar.finish_and_clear();

    write_results(&cli.results, &*store, &reports).await?;
    println!("Caseload      {}", cli.caseload.display());
    println!("  rows refused {:>10}", refused.len());
    println!("  cases read   {in_caseload:>10}");
    println!("  contradicted {contradicted:>10}");
    println!("  imported     {:>10}", imported.new);
    println!("  updated      {:>10}", imported.updated);
    println!("  unchanged    {:>10}", imported.unchanged);
    summary(&report);
    println!("Service       {reached}");
    println!("Store         {}", db.display());
    println!("Results       {}", cli.results.display());
    if let Some(reason) = &report.stopped {
        eprintln!("get_nhs_number: stopped early: {reason}; see the configuration");
    }
    Ok(report.stopped.is_none())
}

/// How many cases of a caseload were new, and what became of the others.
#[derive(Default)]
struct Imported {
    new: usize,
    updated: usize,
    unchanged: usize,
}

/// Brings the store up to what the local system says, and leaves alone what traces brought.
async fn import(store: &SqliteStore, cases: Vec<Case>) -> Result<Imported, Box<dyn Error>> {
    let mut imported = Imported::default();
    let mut new = Vec::new();
    for case in cases {
        loop {
            let Some(stored) = store.get(&case.id).await? else {
                new.push(case);
                break;
            };
            let Some(updated) = stored.updated_from(case.clone()) else {
                imported.unchanged += 1;
                break;
            };
            match store.save(&updated).await {
                Ok(_) => {
                    imported.updated += 1;
                    break;
                }
                // Somebody else saved the case: look at it again.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    imported.new = new.len();
    store.insert_all(new).await?;
    Ok(imported)
}

/// The store: the one that was named, or a new one beside the results.
fn open(cli: &Cli) -> Result<(PathBuf, SqliteStore), Box<dyn Error>> {
    let folder = cli.results.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let db = cli.db.clone().unwrap_or_else(|| {
        let db = folder.join("cases.sqlite");
        for suffix in ["", "-wal", "-shm"] {
            // What is not there need not go; what cannot go shows when the store is opened.
            let _ = fs::remove_file(format!("{}{suffix}", db.display()));
        }
        db
    });
    let store = SqliteStore::open(&db)?;
    Ok((db, store))
}

async fn write_results(
    path: &Path,
    store: &dyn CaseStore,
    reports: &[CaseReport],
) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::with_capacity(reports.len());
    for report in reports {
        let Some(case) = store.get(&report.case_id).await? else { continue };
        let row = ResultRow::new(&case);
        let row = match (report.result, report.eligibility.reason()) {
            (Some(result), _) => row.with_result(result.word(), report.exchange.as_ref()),
            (None, Some(reason)) => row.with_reason(reason.word()),
            (None, None) => row,
        };
        rows.push(match report.hold {
            Some(reason) => row.with_detail(reason.word()),
            None => row,
        });
    }
    caseload::write_results(private(path)?, rows)?;
    Ok(())
}

/// An empty file, which on Unix its owner alone may read, even if there was one for everybody.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    if file.metadata()?.is_file() {
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    Ok(file)
}

fn summary(report: &RunReport) {
    println!("Cases");
    println!("  looked at    {:>10}", report.seen);
    println!("  eligible     {:>10}", report.eligible);
    println!("  not eligible {:>10}", report.ineligible.values().sum::<u64>());
    for (reason, count) in &report.ineligible {
        println!("    {:<26} {count:>6}", reason.word());
    }
    println!("Results");
    for (result, count) in &report.results {
        println!("    {:<26} {count:>6}", result.word());
    }
    println!("Numbers written {:>8}", report.numbers_written);
}
