//! Measures the cases a second of one run or several, with cases, audit trail and alerts in memory or in an SQLite file.
//!
//! `--db FILE` runs over a database that `worker --import` wrote. `tools/scale.py` measures both, with the
//! simulator in a process of its own, and prints their ratio and the memory that they use.

use super::resident::resident;
use crate::console::{about, open, say, warn};
use crate::database::Optional;
use crate::service::Service;
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::{MemoryStore, caseload};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::review::{ItemFilter, ListedItem, ReviewQueue};
use nhs_pds::process::store::{Joined, Store};
use nhs_pds::process::{Settings, Worker, import};
use nhs_pds::trace::Caller;
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

/// Measures the cases a second of a run
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 measured, 1 measured, but rows were refused and did not count, 2 it could not run"
)]
pub(crate) struct Args {
    /// A caseload to read into memory.
    #[arg(long, value_name = "CSV", conflicts_with = "db", required_unless_present = "db")]
    memory: Option<PathBuf>,
    #[command(flatten)]
    database: Optional,
    /// How many questions may be open at the same time.
    #[arg(long, value_name = "COUNT", default_value = "8")]
    in_flight: NonZeroUsize,
    /// How many times to run. Each pass has a line of its own.
    #[arg(long, value_name = "COUNT", default_value = "1")]
    passes: NonZeroUsize,
    /// How many pages of fifty items of the worklist to show after that. Each page has a line of its own.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pages: usize,
    #[command(flatten)]
    service: Service,
}

/// Whether no row was refused.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    let mut refused = 0;
    let caller = Caller::System(cli.service.us()?);
    let kept: Arc<dyn Store> = match (&cli.memory, cli.database.database()?) {
        (Some(file), _) => {
            let (store, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
            let kept = Arc::new(Joined::new(store, audit, Arc::new(MemoryAlerts::default())));
            let actor = Actor::new(&caller, "Import");
            let read = caseload::read(open(file)?).map_err(|error| about(file, &error))?;
            for row in &read.refused {
                warn(format!("{}: {row}", file.display()));
            }
            for row in &read.flagged {
                warn(format!("{}: {row}", file.display()));
            }
            refused = read.refused.len();
            import(&*kept, &actor, &SystemClock, read.cases).await?;
            kept
        }
        (None, Some(db)) => db.open(None).await?.store,
        (None, None) => return Err("either --memory or --db".into()),
    };
    let reached = cli.service.reach().await?;
    let client = Arc::clone(&reached.client);
    let (shown, actor) = (Arc::clone(&kept), Actor::new(&caller, "Worklist"));
    let worker = Worker::new(client, kept, Settings::new(caller).with_in_flight(cli.in_flight));
    for _ in 0..cli.passes.get() {
        let began = SystemClock.now();
        let report = worker.run_once(&mut |_| ()).await?;
        let seconds = (SystemClock.now() - began).as_seconds_f64();
        let peak = resident().map_or(0, |resident| resident.peak);
        say(&format!(
            "{{\"seen\":{},\"asked\":{},\"written\":{},\"seconds\":{seconds:.6},\"peak_kib\":{peak}}}\n",
            report.seen, report.eligible, report.numbers_written
        ))?;
    }
    turn_pages(cli.pages, shown, &actor).await?;
    Ok(refused == 0 && reached.has_all_people())
}

/// Shows a worklist page by page, from its begin again after its end. As on a screen, each page is recorded in the trail.
async fn turn_pages(
    pages: usize,
    store: Arc<dyn Store>,
    actor: &Actor,
) -> Result<(), Box<dyn Error>> {
    const ITEMS: usize = 50;
    let queue = ReviewQueue::new(store);
    let mut after = None;
    for _ in 0..pages {
        let began = SystemClock.now();
        let page = queue.list(&ItemFilter::default(), after.as_ref(), ITEMS, actor).await?;
        let seconds = (SystemClock.now() - began).as_seconds_f64();
        say(&format!("{{\"items\":{},\"page_seconds\":{seconds:.6}}}\n", page.len()))?;
        after = page.last().filter(|_| page.len() == ITEMS).map(ListedItem::place);
    }
    Ok(())
}
