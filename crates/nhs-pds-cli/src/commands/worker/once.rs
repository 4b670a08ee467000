//! `worker --once`.

use super::patience::Patience;
use crate::console::{because, say, warn};
use crate::stop::Stop;
use nhs_pds::process::{self, CaseReport, ErrorKind, RunReport, TraceResult, Worker};
use nhs_pds::tenant::TenantName;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// A single run: how messages name it, and how many cases it has looked at.
pub(super) struct Pass {
    /// The beginning of a message.
    pub(super) who: String,
    /// The line above its summary.
    heading: Option<String>,
    pub(super) seen: Arc<AtomicU64>,
    /// Its worker, once it is made.
    pub(super) worker: Arc<OnceLock<Worker>>,
}

impl Pass {
    /// The only run of the command.
    pub(super) fn of_one() -> Self {
        Self {
            who: "worker".to_owned(),
            heading: None,
            seen: Arc::default(),
            worker: Arc::default(),
        }
    }

    /// The run of one of several tenants.
    pub(super) fn of_many(tenant: &TenantName) -> Self {
        let heading = Some(format!("{tenant}:\n"));
        Self { who: format!("worker: {tenant}"), heading, ..Self::of_one() }
    }
}

/// Runs until no case is due; whether the service has answered. While the database is away, tries again for
/// `patience`.
pub(super) async fn once(
    worker: &Worker,
    patience: Duration,
    stop: &Stop,
    pass: &Pass,
) -> Result<bool, Box<dyn Error>> {
    let Pass { who, heading, seen, worker: kept } = pass;
    let worker = kept.get_or_init(|| worker.clone());
    let (mut reached, mut cause) = (false, None);
    let mut observe = |case: &CaseReport| {
        cause = case.cause.clone().or_else(|| cause.take());
        reached |= is_answered(case);
        seen.fetch_add(1, Ordering::Relaxed);
    };
    let mut patience = Patience::new(patience);
    let report = loop {
        let before = seen.load(Ordering::Relaxed);
        let failed = match worker.run_once_until(stop.wait(), &mut observe).await {
            Ok(report) => break report,
            Err(error) => error,
        };
        if !is_away(&failed) {
            return Err(failed.into());
        }
        if seen.load(Ordering::Relaxed) > before {
            patience.refresh();
        }
        let Some(pause) = patience.failed(Instant::now()) else { return Err(failed.into()) };
        warn(format!(
            "{who}: {}; it tries again in {:.0?}, and for {} s at most",
            because(&failed),
            pause,
            patience.whole().as_secs()
        ));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.wait() => {
                warn(format!("{who}: stopped; started again, it goes on"));
                return Ok(true);
            }
        }
    };
    say(&format!("{}{}", heading.as_deref().unwrap_or_default(), summary(&report)?))?;
    if patience.has_failed() {
        warn(format!("{who}: the summary is that of the last attempt"));
    }
    if let Some(cause) = cause {
        warn(format!("{who}: the last failure: {cause}"));
    }
    if let Some(reason) = &report.stopped {
        warn(format!("{who}: stopped early: {}", because(reason)));
        return Ok(false);
    }
    if report.interrupted {
        warn(format!("{who}: stopped; started again, it goes on"));
        return Ok(true);
    }
    let silent = report.eligible > 0 && !reached;
    if silent {
        warn(format!("{who}: the service did not answer"));
    }
    Ok(!silent)
}

/// Whether the database may be back soon.
fn is_away(error: &process::Error) -> bool {
    matches!(error.kind(), ErrorKind::AuditUnavailable | ErrorKind::StoreUnavailable)
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
