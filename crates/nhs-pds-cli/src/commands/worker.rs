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

use crate::console::{self, about, because, say, warn};
use crate::database::{Database, Opened, Required};
use crate::device;
use crate::private::PrivateFile;
use crate::progress;
use crate::service::{Reached, Service};
use crate::trail::Trail;
use nhs_pds::audit::{Actor, AuditLog, Entry, EventKind};
use nhs_pds::case::CaseStore;
use nhs_pds::case::caseload::{self, DecisionWriter, Entry as Row};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::matching::{Judge, NameTables, RiskLimit};
use nhs_pds::process::store::Store;
use nhs_pds::process::{
    CaseReport, Policy, Process, RunReport, Schedule, Settings, TraceResult, Worker, import_from,
};
use nhs_pds::resilience::{self, Gateway, RateLimit, Retry};
use nhs_pds::trace::Caller;
use std::error::Error;
use std::fmt::Write as _;
use std::io::BufWriter;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Finds and verifies the NHS Numbers of a store of cases, on a schedule
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 rows were refused, a stored case is damaged, the service refused the configuration or did not answer, or the last run failed, 2 the worker could not run"
)]
pub(crate) struct Args {
    #[command(flatten)]
    database: Required,
    /// A caseload to import first.
    #[arg(long, value_name = "CSV")]
    import: Option<PathBuf>,
    /// The time between runs, such as `30m` or `90s`; at most 30 minutes (HAV-1). [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "once")]
    interval: Option<Duration>,
    /// Run once, until no case is due.
    #[arg(long)]
    once: bool,
    /// The file for the decisions, one row for each case.
    #[arg(long, value_name = "CSV")]
    export: Option<PathBuf>,
    /// How much earlier than the interval a run may begin.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0s")]
    jitter: Duration,
    /// No run begins between these times, as `HH:MM` in UTC.
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], value_parser = time_of_day)]
    quiet: Option<Vec<chrono::NaiveTime>>,
    /// The time after which another worker may take the cases of a worker that stopped without releasing them.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    lease: Duration,
    /// A file for the heads of the audit trail, for `audit verify --anchors`. Choose a place where the users
    /// who can write the database can only append.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// How many questions may be open at the same time.
    #[arg(long, value_name = "COUNT", default_value = "1")]
    in_flight: NonZeroUsize,
    /// The rate limit in questions a second. [default: 5, and 1000 to the simulator]
    #[arg(long, value_name = "COUNT")]
    per_second: Option<NonZeroU32>,
    /// The number of attempts for a question before its case waits for the next run.
    #[arg(long, value_name = "COUNT", default_value = "4")]
    attempts: NonZeroU32,
    /// Verify each number again after this number of days.
    #[arg(long, value_name = "DAYS")]
    reverify: Option<u32>,
    /// Write a number only if the risk of a wrong person is below 1 in this number; at least 100000.
    #[arg(long, value_name = "NUMBER", value_parser = risk_limit, default_value = "100000")]
    risk_limit: RiskLimit,
    /// Also write numbers that a search with wildcards found. Only after your organisation has assessed the
    /// safety of such searches (MSCA-PDS-07).
    #[arg(long)]
    wildcards_assessed: bool,
    /// A table with more surnames, as CSV with the columns name, per_million, obs and source.
    #[arg(long, value_name = "CSV")]
    surnames: Option<PathBuf>,
    #[command(flatten)]
    service: Service,
}

/// Reads `90s`, `30m`, `2h` or `250ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().map_err(|_| "a time is a number and a unit, such as 30m")?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("the unit of a time is ms, s, m or h".into()),
    };
    count.checked_mul(milliseconds).map(Duration::from_millis).ok_or("too long".into())
}

fn time_of_day(text: &str) -> Result<chrono::NaiveTime, String> {
    chrono::NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "a time of day is HH:MM".into())
}

/// Whether the service answered, no row was refused, and all cases can be read.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    // Refuses wrong arguments before it opens any file.
    let only_export = cli.export.is_some() && cli.interval.is_none() && !cli.once;
    let schedule = Schedule::every(cli.interval.unwrap_or(Duration::from_secs(30 * 60)))?;
    let mut schedule = schedule.with_jitter(cli.jitter)?;
    if let Some([from, to]) = cli.quiet.as_deref() {
        schedule = schedule.with_quiet_hours(*from, *to);
    }
    let database = cli.database.database()?;
    spare_inputs(cli, &database)?;
    let Opened { store, trail, .. } = database.open(cli.anchors.as_deref()).await?;
    let caller = Caller::System(cli.service.us()?);
    let actor = Actor::new(&caller, "Get NHS Number")
        .with_role("system process", cli.service.us()?.organisation().clone())
        .on_device(device::name());
    let mut all_taken = true;
    if let Some(file) = &cli.import {
        all_taken = take_in(file, &*store, &actor).await?;
    }
    let mut answered = true;
    if !only_export {
        let reached = cli.service.reach().await?;
        all_taken &= reached.has_all_people();
        let gate = Gateway::new(Arc::clone(&reached.client)).with_rate_limit(pace(cli, &reached));
        let worker = Worker::new(
            gate.background(),
            Arc::clone(&store),
            Settings::new(caller)
                .with_retry(Retry::new(
                    resilience::RetryPolicy::default().with_attempts(cli.attempts),
                ))
                .with_foreground(gate.foreground())
                .with_actor(actor.clone())
                .with_policy(policy(cli)?)
                .with_lease(cli.lease)
                .with_in_flight(cli.in_flight),
        );
        if cli.once {
            answered = once(&worker).await?;
        } else {
            let process = Process::new(worker, schedule);
            let reporting = tokio::spawn(report_runs(process.clone(), Arc::clone(&store)));
            process.run_until(shutdown(), &mut |_: &CaseReport| ()).await?;
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

/// Refuses an export that would replace an input file.
fn spare_inputs(cli: &Args, database: &Database) -> Result<(), Box<dyn Error>> {
    if let Some(export) = &cli.export
        && let Some(input) = [database.file(), cli.import.as_deref()]
            .into_iter()
            .flatten()
            .find(|input| is_same(input, export))
    {
        return Err(format!("--export would replace {}", input.display()).into());
    }
    Ok(())
}

/// Exports the decisions. The audit trail records the export first (MSCA-AUD-05).
async fn take_out(
    file: &Path,
    store: &dyn CaseStore,
    audit: &dyn AuditLog,
    actor: &Actor,
) -> Result<(), Box<dyn Error>> {
    let exported = Entry::new(EventKind::CasesExported, SystemClock.now(), actor);
    audit.append(vec![exported.with_detail("what", "decisions")]).await?;
    export(file, store).await
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

fn policy(cli: &Args) -> Result<Policy, Box<dyn Error>> {
    let mut judge = Judge::default().with_limit(cli.risk_limit);
    if cli.wildcards_assessed {
        judge = judge.with_wildcards_assessed();
    }
    if let Some(file) = &cli.surnames {
        let names = NameTables::shipped().with_surnames(console::open(file)?);
        judge = judge.with_names(names.map_err(|error| about(file, &error))?);
    }
    let policy = Policy::default().with_judge(judge);
    Ok(match cli.reverify {
        Some(days) => policy.with_reverification(chrono::TimeDelta::days(days.into())),
        None => policy,
    })
}

fn risk_limit(text: &str) -> Result<RiskLimit, String> {
    let number = text.parse().map_err(|_| "a whole number is required".to_owned())?;
    RiskLimit::one_in(number).map_err(|error| error.to_string())
}

/// The rate limit of a provider, or the speed of the simulator.
fn pace(cli: &Args, reached: &Reached) -> RateLimit {
    let usual = if reached.is_simulator() { 1_000 } else { RateLimit::default().per_second.get() };
    let per_second = cli.per_second.or(NonZeroU32::new(usual)).unwrap_or(NonZeroU32::MIN);
    let in_flight = NonZeroU32::try_from(cli.in_flight).unwrap_or(NonZeroU32::MAX);
    RateLimit::per_second(per_second).with_burst(per_second).with_in_flight(in_flight)
}

/// Whether both paths lead to the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    real(one) == real(other)
}

/// Reports each run soon after its end.
async fn report_runs(process: Process, store: Arc<dyn Store>) {
    let mut reported = None;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let status = process.status();
        let Some(run) = status.last.filter(|run| reported != Some(run.began)) else { continue };
        reported = Some(run.began);
        let ended = match status.last_error {
            Some(error) => format!("; it ended early: {error}"),
            None if status.service_refused => "; the service refuses our configuration".to_owned(),
            None => status.suspended_until.map_or_else(String::new, |until| {
                let until = until.format("%H:%M:%SZ");
                format!("; the service does not work, asking is suspended until {until}")
            }),
        };
        let cause = status.last_cause.map(|cause| format!("; the last failure: {cause}"));
        let cause = cause.unwrap_or_default();
        let skew = status.clock_skew.map_or(0, |skew| skew.num_seconds());
        if skew.abs() > 30 {
            warn(format!(
                "worker: this machine's clock is {skew} s ahead of the service's: set it"
            ));
        }
        warn(format!(
            "worker: {} looked at {}, asked about {}, of which {} unanswered; {} numbers written, {} to be reviewed{ended}{cause}",
            run.began.format("%Y-%m-%d %H:%M:%SZ"),
            run.seen,
            run.asked,
            run.unanswered,
            run.numbers_written,
            run.to_review
        ));
        if run.unreadable > 0
            && let Ok(Some(damaged)) = damaged(store.cases()).await
        {
            warn(format!("worker: {damaged}"));
        }
    }
}

/// Imports a caseload; whether no row was refused.
async fn take_in(path: &Path, store: &dyn Store, actor: &Actor) -> Result<bool, Box<dyn Error>> {
    let name = path.display();
    let file = console::open(path)?;
    let file = console::seekable(file).map_err(|error| about(path, &error))?;
    let reader = caseload::open(file).map_err(|error| about(path, &error))?;
    let bar = progress::waiting(format!("importing {name}"));
    let (mut refused, mut flagged) = (0, 0);
    let cases = reader.cases(|entry| match entry {
        Row::Refused(row) => {
            refused += 1;
            bar.suspend(|| warn(format!("{name}: {row}")));
        }
        Row::Flagged(row) => {
            flagged += 1;
            bar.suspend(|| warn(format!("{name}: {row}")));
        }
        _ => {}
    });
    let imported = import_from(store, actor, &SystemClock, cases).await;
    bar.finish_and_clear();
    let imported = imported?;
    warn(format!(
        "worker: imported {} new, {} updated, {} unchanged; {refused} rows refused, {flagged} read without their number; {} duplicates",
        imported.new, imported.updated, imported.unchanged, imported.duplicates
    ));
    if imported.unreadable > 0 {
        warn(format!("worker: {} cases of the file are damaged in the store", imported.unreadable));
    }
    Ok(refused == 0)
}

async fn once(worker: &Worker) -> Result<bool, Box<dyn Error>> {
    let (mut reached, mut cause) = (false, None);
    let mut observe = |case: &CaseReport| {
        cause = case.cause.clone().or_else(|| cause.take());
        reached |= is_answered(case);
    };
    let report = worker.run_once_until(shutdown(), &mut observe).await?;
    say(&summary(&report)?)?;
    if let Some(cause) = cause {
        warn(format!("worker: the last failure: {cause}"));
    }
    if let Some(reason) = &report.stopped {
        warn(format!("worker: stopped early: {}", because(reason)));
        return Ok(false);
    }
    if report.interrupted {
        warn("worker: stopped; started again, it goes on");
        return Ok(true);
    }
    let silent = report.eligible > 0 && !reached;
    if silent {
        warn("worker: the service did not answer");
    }
    Ok(!silent)
}

/// Whether the service has answered about the case. A service that only reports that the Spine does not work has
/// answered too; a later run queries it again. Answers of the PDS FHIR API have a code only if they are failures.
fn is_answered(case: &CaseReport) -> bool {
    let has_code = case.exchange.as_ref().is_some_and(|exchange| exchange.code.is_some());
    let lost = |result| matches!(result, TraceResult::Unavailable | TraceResult::Unreadable);
    has_code || case.result.is_some_and(|result| !lost(result))
}

fn summary(report: &RunReport) -> Result<String, std::fmt::Error> {
    let mut said = String::new();
    writeln!(said, "Cases looked at {:>8}", report.seen)?;
    for (reason, count) in &report.ineligible {
        writeln!(said, "    {:<26} {count:>6}", reason.as_str())?;
    }
    for (fault, count) in &report.faults {
        writeln!(said, "  with a fault in their data: {:<26} {count:>6}", fault.as_str())?;
    }
    writeln!(said, "Asked about     {:>8}", report.eligible)?;
    for (result, count) in &report.results {
        writeln!(said, "    {:<26} {count:>6}", result.as_str())?;
    }
    writeln!(said, "Numbers written {:>8}", report.numbers_written)?;
    writeln!(said, "To be reviewed  {:>8}", report.to_review)?;
    if report.unreadable > 0 {
        writeln!(said, "Cannot be read  {:>8}", report.unreadable)?;
    }
    if report.due > 0 {
        writeln!(said, "Still due       {:>8}", report.due)?;
    }
    Ok(said)
}

/// Ends when the operating system asks the process to stop.
async fn shutdown() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}

/// Writes the decisions to a partial file, and moves it to its path when it is complete.
async fn export(place: &Path, store: &dyn CaseStore) -> Result<(), Box<dyn Error>> {
    let file = PrivateFile::begin(place)?;
    let mut rows = DecisionWriter::new(BufWriter::new(file.file()))?;
    let mut after = None;
    loop {
        let page = store.page(after.as_ref(), 500).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        for case in &page {
            rows.write(case)?;
        }
    }
    rows.finish()?;
    Ok(file.finish()?)
}
