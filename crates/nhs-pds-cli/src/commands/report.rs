//! What a data-quality officer wants to know of a caseload: completeness, duplicates, what is open, and
//! the match rate (MSCA-DQ-05).
//!
//! ```sh
//! cargo run --all-features --example data_quality
//! cargo run --all-features --example data_quality -- --db cases.sqlite --csv report.csv
//! ```
//!
//! Reads a caseload (the one shipped, when nothing is named) or the store that `worker --db` has kept, and prints the report; `--csv` writes it as `section,key,value` too. Rows of a caseload that
//! cannot be used are named by their line and not counted. Exits 0 when it has reported, 1 when it has reported
//! without rows that were refused, 2 when it cannot read or write.
//!
//! The report names the case ids of duplicates, so only its owner may read the file of it (Unix).

mod console;
mod private;

use clap::Parser;
use console::{about, check_database, end, say, warn};
use nhs_pds::case::caseload::{self, Caseload};
use nhs_pds::case::{CaseStore, MemoryStore, SqliteStore};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::report::report;
use private::PrivateFile;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    about = "Reports on the quality of a caseload's data",
    after_help = "Exit codes: 0 reported, 1 reported without rows that were refused, 2 it cannot read or write"
)]
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
    end("data_quality", run(&Cli::parse()).await)
}

/// Whether no row was refused.
async fn run(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let (store, refused) = match &cli.db {
        Some(db) => (open(db)?, 0),
        None => read(&cli.caseload).await?,
    };
    let report = report(&*store, SystemClock.now()).await?;
    for damaged in store.unreadable().await? {
        warn(format!("data_quality: the stored case {damaged} is damaged and cannot be read"));
    }
    if let Some(place) = &cli.csv {
        write(place, &report.csv()).map_err(|error| about(place, &error))?;
    }
    say(&report.text())?;
    Ok(refused == 0)
}

fn open(db: &Path) -> Result<Box<dyn CaseStore>, Box<dyn Error>> {
    // A store that is not there would be made, and reported on as empty.
    console::open(db)?;
    check_database(db)?;
    Ok(Box::new(SqliteStore::open(db).map_err(|error| about(db, &error))?))
}

/// The cases of a file, and how many of its rows were refused.
async fn read(place: &Path) -> Result<(Box<dyn CaseStore>, usize), Box<dyn Error>> {
    let Caseload { cases, refused, flagged, .. } =
        caseload::read(console::open(place)?).map_err(|error| about(place, &error))?;
    for row in &refused {
        warn(format!("{}: {row}", place.display()));
    }
    for row in &flagged {
        warn(format!("{}: {row}", place.display()));
    }
    let store = MemoryStore::new();
    store.insert_all(cases).await?;
    Ok((Box::new(store), refused.len()))
}

fn write(place: &Path, text: &str) -> io::Result<()> {
    let file = PrivateFile::begin(place)?;
    file.file().write_all(text.as_bytes())?;
    file.finish()
}
