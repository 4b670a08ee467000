//! Finds the NHS Numbers of a caseload: a CSV file in, a CSV file of results out.
//!
//! Imports the caseload into an SQLite store, starts the simulator on a free port or connects to the
//! service of `--service` or `--fhir`, runs the worker once over all cases, prints a summary, and writes the results.
//! Rows that cannot be used are reported with their line; the other rows are traced. With `--db` the store
//! is kept. A second run with the same file or a newer one imports local changes; numbers that were traced
//! stay and are not traced again (HAV-3).

use crate::console::{about, because, say, say_json, warn};
use crate::database::{Database, Optional};
use crate::private::PrivateFile;
use crate::service::{Reached, Service};
use crate::{progress, simulated};
use nhs_pds::audit::Actor;
use nhs_pds::case::caseload::{self, Entry, ResultRow};
use nhs_pds::case::{Case, CaseId, CaseStore};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::process::store::Store;
use nhs_pds::process::{
    CaseReport, Imported, Policy, RunReport, Scope, Settings, TraceResult, Worker, import_from,
    plan,
};
use nhs_pds::resilience::{Retry, RetryPolicy};
use nhs_pds::trace::{Caller, LocalIdentifier};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

/// Finds the NHS Numbers of a caseload
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 the run ended normally, 1 rows were refused, or the service refused the configuration or answered no question, 2 the run could not start or was interrupted by an error"
)]
pub(crate) struct Args {
    /// The caseload, as CSV; without this argument, the shipped one.
    caseload: Option<PathBuf>,
    #[command(flatten)]
    database: Optional,
    /// The file for the results, as CSV.
    #[arg(long, value_name = "FILE", default_value = "target/get_nhs_number/results.csv")]
    results: PathBuf,
    /// Print the summary as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

/// Whether the run ended normally, with answers.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    let place = simulated::name_of(cli.caseload.as_deref());
    let name = place.display();
    let file = simulated::open_caseload(cli.caseload.as_deref())?;
    let reader = caseload::open(file).map_err(|error| about(place, &error))?;
    // First, because a run whose results cannot be written is useless.
    let results = PrivateFile::begin(&cli.results).map_err(|error| about(&cli.results, &error))?;
    let (db, store) = open(cli).await?;
    let caller = Caller::System(cli.service.us()?);
    let actor = Actor::new(&caller, "Get NHS Number");
    let (mut read, mut refused, mut flagged) = (Read::default(), 0, 0);
    let cases = reader.cases(|entry| match entry {
        Entry::Refused(row) => {
            refused += 1;
            warn(format!("{name}: {row}"));
        }
        Entry::Flagged(row) => {
            flagged += 1;
            warn(format!("{name}: {row}"));
        }
        _ => {}
    });
    let counted = cases.inspect(|case| {
        read.cases += usize::from(case.is_ok());
        read.contradicted += usize::from(case.as_ref().is_ok_and(|case| case.contradicted));
    });
    let imported = import_from(&*store, &actor, &SystemClock, counted).await?;
    (read.refused, read.flagged) = (refused, flagged);

    let reached = cli.service.reach().await?;
    let client = reached.limited_client();
    // One pass. The worker only retries questions that were lost with a kept connection.
    let retry = Retry::new(RetryPolicy::default().with_attempts(NonZeroU32::MIN));
    let worker = Worker::new(client, Arc::clone(&store), Settings::new(caller).with_retry(retry));
    let (report, reports) = trace(&worker, read.cases as u64).await?;

    let summary = Summary { cli, db: &db, read, imported, report: &report, reached: &reached };
    if cli.json {
        say_json(&format!("{:#}", summary.json()))?;
    } else {
        say(&summary.text()?)?;
    }
    write(results, store.cases(), &reports).await.map_err(|error| about(&cli.results, &*error))?;

    if let Some(reason) = &report.stopped {
        warn(format!("trace: stopped early: {}", because(reason)));
        return Ok(false);
    }
    let unanswered =
        |result: &TraceResult| matches!(result, TraceResult::Unavailable | TraceResult::Unreadable);
    if report.eligible > 0 && report.results.keys().all(unanswered) {
        let cause = reports.iter().rev().find_map(|report| report.cause.as_deref());
        let cause = cause.unwrap_or("the cause is unknown");
        warn(format!("trace: the service answered no question: {cause}"));
        return Ok(false);
    }
    Ok(refused == 0 && reached.has_all_people())
}

/// Runs the worker once, with a progress bar on a terminal.
async fn trace(
    worker: &Worker,
    expected: u64,
) -> Result<(RunReport, Vec<CaseReport>), Box<dyn Error>> {
    let bar = progress::cases(expected);
    let mut reports: Vec<CaseReport> = Vec::new();
    let report = worker
        .run_once(&mut |case: &CaseReport| {
            bar.inc(1);
            // A store that is kept may have cases that are not in this caseload.
            bar.set_length(expected.max(bar.position()));
            reports.push(case.clone());
        })
        .await?;
    bar.finish_and_clear();
    Ok((report, reports))
}

/// The store of `--db`, or a file in a new folder.
async fn open(cli: &Args) -> Result<(Database, Arc<dyn Store>), Box<dyn Error>> {
    let db = match cli.database.database()? {
        Some(db) => db,
        None => {
            let folder = tempfile::Builder::new().prefix("nhs-pds-trace-").tempdir()?;
            Database::File(folder.keep().join("cases.sqlite"))
        }
    };
    let store = db.open(None).await?.store;
    Ok((db, store))
}

/// Writes the results of all cases of the store, and moves their file to its path. A case that was not due
/// has the reason why it is not traced.
async fn write(
    results: PrivateFile,
    store: &dyn CaseStore,
    reports: &[CaseReport],
) -> Result<(), Box<dyn Error>> {
    let reports: HashMap<&CaseId, &CaseReport> =
        reports.iter().map(|report| (&report.case_id, report)).collect();
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = store.page(after.as_ref(), 500).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        rows.extend(page.iter().map(|case| row(case, reports.get(&case.id).copied())));
    }
    caseload::write_results(results.file(), rows)?;
    Ok(results.finish()?)
}

fn row(case: &Case, report: Option<&CaseReport>) -> ResultRow {
    let row = ResultRow::new(case);
    let Some(report) = report else {
        let (scope, policy) = (Scope::default(), Policy::default());
        let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
        return match plan(case, &scope, &policy, root, SystemClock.now()) {
            Ok(_) => row,
            Err(ineligible) => match ineligible.reason() {
                Some(reason) => row.with_reason(reason.as_str()),
                None => row,
            },
        };
    };
    let row = match report.faults.first() {
        Some(fault) => row.with_fault(fault.as_str()),
        None => row,
    };
    let row = match (report.result, report.eligibility.reason()) {
        (Some(result), _) => row.with_result(result.as_str(), report.exchange.as_ref()),
        (None, Some(reason)) => row.with_reason(reason.as_str()),
        (None, None) => row,
    };
    match report.review {
        Some(reason) => row.with_detail(reason.as_str()),
        None => row,
    }
}

/// What was read from the caseload.
#[derive(Default)]
struct Read {
    cases: usize,
    refused: usize,
    flagged: usize,
    contradicted: usize,
}

struct Summary<'a> {
    cli: &'a Args,
    db: &'a Database,
    read: Read,
    imported: Imported,
    report: &'a RunReport,
    reached: &'a Reached,
}

impl Summary<'_> {
    fn text(&self) -> Result<String, std::fmt::Error> {
        let (read, imported) = (&self.read, &self.imported);
        let mut said = String::new();
        writeln!(
            said,
            "Caseload      {}",
            simulated::name_of(self.cli.caseload.as_deref()).display()
        )?;
        writeln!(said, "  rows refused {:>10}", read.refused)?;
        writeln!(said, "  without number {:>8}", read.flagged)?;
        writeln!(said, "  cases read   {:>10}", read.cases)?;
        writeln!(said, "  contradicted {:>10}", read.contradicted)?;
        writeln!(said, "  imported     {:>10}", imported.new)?;
        writeln!(said, "  updated      {:>10}", imported.updated)?;
        writeln!(said, "  unchanged    {:>10}", imported.unchanged)?;
        run_text(&mut said, self.report)?;
        writeln!(said, "Service       {}", self.reached)?;
        writeln!(said, "Store         {}", self.db)?;
        writeln!(said, "Results       {}", self.cli.results.display())?;
        Ok(said)
    }

    fn json(&self) -> Value {
        let (read, imported, report) = (&self.read, &self.imported, self.report);
        json!({
            "caseload": simulated::name_of(self.cli.caseload.as_deref()).display().to_string(),
            "rows_refused": read.refused,
            "rows_without_number": read.flagged,
            "cases_read": read.cases,
            "contradicted": read.contradicted,
            "imported": imported.new,
            "updated": imported.updated,
            "unchanged": imported.unchanged,
            "seen": report.seen,
            "eligible": report.eligible,
            "ineligible": counts(report.ineligible.iter().map(|(reason, n)| (reason.as_str(), *n))),
            "faults": counts(report.faults.iter().map(|(fault, n)| (fault.as_str(), *n))),
            "outcomes": counts(report.results.iter().map(|(result, n)| (result.as_str(), *n))),
            "numbers_written": report.numbers_written,
            "due": report.due,
            "service": self.reached.to_string(),
            "store": self.db.to_string(),
            "results": self.cli.results.display().to_string(),
        })
    }
}

fn counts<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Value {
    Value::Object(counts.map(|(word, n)| (word.to_owned(), n.into())).collect::<Map<_, _>>())
}

fn run_text(said: &mut String, report: &RunReport) -> std::fmt::Result {
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
    writeln!(said, "Numbers written {:>8}", report.numbers_written)?;
    if report.due > 0 {
        writeln!(said, "Still due       {:>8}", report.due)?;
    }
    Ok(())
}
