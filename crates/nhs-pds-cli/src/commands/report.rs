//! Reports on the data quality of a caseload: completeness, duplicates, open review items, match rate
//! (MSCA-DQ-05).
//!
//! The report names the case ids of duplicates, so only its owner may read the file (Unix).

use crate::console::{about, because, say, say_json, warn};
use crate::database::Optional;
use crate::private::PrivateFile;
use crate::simulated;
use nhs_pds::case::caseload::{self, Caseload};
use nhs_pds::case::{CaseStore, MemoryStore};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::report::{keep, report};
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reports on the data quality of a caseload
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 reported, 1 reported, but rows were refused and are not counted, 2 it cannot read or write"
)]
pub(crate) struct Args {
    /// The caseload, as CSV; without this option and `--db`, the shipped one.
    #[arg(long, value_name = "CSV", conflicts_with = "db")]
    caseload: Option<PathBuf>,
    #[command(flatten)]
    database: Optional,
    /// A file for the report as CSV, with the columns section, key and value.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Whether no row was refused.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    let database = cli.database.database()?;
    let is_kept = database.is_some();
    let (store, refused) = match database {
        Some(db) => (db.cases().await?, 0),
        None => read(cli.caseload.as_deref()).await?,
    };
    let report = report(&*store, SystemClock.now()).await?;
    // The screens show the last figures and their trends. A database that can only be read is no obstacle.
    if is_kept && let Err(error) = keep(&*store, &report.figures()).await {
        let error = because(&error);
        warn(format!("report: the figures were not kept for the trends of the screens: {error}"));
    }
    for damaged in store.unreadable().await? {
        warn(format!("report: the stored case {damaged} is damaged and cannot be read"));
    }
    if let Some(place) = &cli.csv {
        write(place, &report.csv()).map_err(|error| about(place, &error))?;
    }
    if cli.json {
        say_json(&serde_json::to_string_pretty(&report)?)?;
    } else {
        say(&report.text())?;
    }
    Ok(refused == 0)
}

/// The cases of a file, and the number of its rows that were refused.
async fn read(place: Option<&Path>) -> Result<(Arc<dyn CaseStore>, usize), Box<dyn Error>> {
    let file = simulated::open_caseload(place)?;
    let place = simulated::name_of(place);
    let Caseload { cases, refused, flagged, .. } =
        caseload::read(file).map_err(|error| about(place, &error))?;
    for row in &refused {
        warn(format!("{}: {row}", place.display()));
    }
    for row in &flagged {
        warn(format!("{}: {row}", place.display()));
    }
    let store = MemoryStore::new();
    store.insert_all(cases).await?;
    Ok((Arc::new(store), refused.len()))
}

fn write(place: &Path, text: &str) -> io::Result<()> {
    let file = PrivateFile::begin(place)?;
    file.file().write_all(text.as_bytes())?;
    file.finish()
}
