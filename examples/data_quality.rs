//! What a data-quality officer wants to know of a caseload: completeness, duplicates, what is open, and
//! the match rate (MSCA-DQ-05).
//!
//! ```sh
//! cargo run --all-features --example data_quality
//! cargo run --all-features --example data_quality -- --db cases.sqlite --csv report.csv
//! ```
//!
//! Reads a caseload (the one shipped, when nothing is named) or the store that `worker --db` has kept, and prints the report; `--csv` writes it as `section,key,value` too. Rows of a caseload that
//! cannot be used are named by their line and not counted. Exits 2 when it cannot read or write.
//!
//! The report names the case ids of duplicates, so a new file of it can be read by its owner alone
//! (Unix).
#![expect(clippy::print_stderr, reason = "that is what it is for")]

use clap::Parser;
use nhs_pds::case::caseload::{self, Caseload};
use nhs_pds::case::{CaseStore, MemoryStore, SqliteStore};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::reconcile::report;
use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Reports on the quality of a caseload's data")]
struct Cli {
    /// The caseload, as CSV.
    #[arg(long, value_name = "CSV", conflicts_with = "db", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/caseload.csv"))]
    caseload: PathBuf,
    /// A store that was kept.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Where the report goes as CSV.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("data_quality: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: &Cli) -> Result<(), Box<dyn Error>> {
    let store = match &cli.db {
        Some(db) => open(db).map_err(|error| format!("{}: {error}", db.display()))?,
        None => read(&cli.caseload)
            .await
            .map_err(|error| format!("{}: {error}", cli.caseload.display()))?,
    };
    let report = report(&*store, SystemClock.now()).await?;
    for damaged in store.unreadable().await? {
        eprintln!("data_quality: the stored case {damaged} is damaged and cannot be read");
    }
    if let Some(place) = &cli.csv {
        write(place, &report.csv()).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    match io::stdout().write_all(report.text().as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn open(db: &Path) -> Result<Box<dyn CaseStore>, Box<dyn Error>> {
    // A store that is not there would be made, and reported on as empty.
    File::open(db)?;
    Ok(Box::new(SqliteStore::open(db)?))
}

async fn read(place: &Path) -> Result<Box<dyn CaseStore>, Box<dyn Error>> {
    let Caseload { cases, refused, .. } = caseload::read(File::open(place)?)?;
    for row in &refused {
        eprintln!("{}: {row}", place.display());
    }
    let store = MemoryStore::new();
    store.insert_all(cases).await?;
    Ok(Box::new(store))
}

fn write(place: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(place)?.write_all(text.as_bytes())
}
