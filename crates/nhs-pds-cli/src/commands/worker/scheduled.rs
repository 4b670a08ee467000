//! The worker on a schedule.

use super::damaged;
use super::seen::not_exchanged;
use crate::console::warn;
use crate::tenants::Factory;
use chrono::{DateTime, Utc};
use nhs_pds::process::store::Store;
use nhs_pds::process::tenants::{Fleet, TenantRun, TenantStatus};
use nhs_pds::process::{Process, Progress, Status};
use nhs_pds::tenant::TenantName;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Reports each run soon after its end.
pub(super) async fn report_runs(process: Process, store: Arc<dyn Store>) {
    let (mut reported, mut exchange) = (None, None);
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let status = process.status();
        if let Some(line) = exchange_news(&mut exchange, &status) {
            warn(format!("worker: {line}"));
        }
        let run = status.last.clone().filter(|run| reported != Some(run.began));
        let Some(run) = run else { continue };
        reported = Some(run.began);
        for line in described(&run, &status) {
            warn(format!("worker: {line}"));
        }
        if run.unreadable > 0
            && let Ok(Some(damaged)) = damaged(store.cases()).await
        {
            warn(format!("worker: {damaged}"));
        }
    }
}

/// A run that has ended, and the warning of a wrong clock before it.
fn described(run: &Progress, status: &Status) -> Vec<String> {
    let ended = match status.last_error {
        Some(error) => format!("; it ended early: {error}"),
        None if status.service_refused => "; the service refuses our configuration".to_owned(),
        None => status.suspended_until.map_or_else(String::new, |until| {
            let until = until.format("%H:%M:%SZ");
            format!("; the service does not work, asking is suspended until {until}")
        }),
    };
    let cause = status.last_cause.as_ref().map(|cause| format!("; the last failure: {cause}"));
    let cause = cause.unwrap_or_default();
    let skew = status.clock_skew.map_or(0, |skew| skew.num_seconds());
    let mut lines = Vec::new();
    if skew.abs() > 30 {
        lines.push(format!("this machine's clock is {skew} s ahead of the service's: set it"));
    }
    lines.push(format!(
        "{} looked at {}, asked about {}, of which {} unanswered; {} numbers written, {} to be reviewed{ended}{cause}",
        run.began.format("%Y-%m-%d %H:%M:%SZ"),
        run.seen,
        run.asked,
        run.unanswered,
        run.numbers_written,
        run.to_review
    ));
    lines
}

/// What is new of the exchange of files. `known` is what was said last.
fn exchange_news(known: &mut Option<String>, status: &Status) -> Option<String> {
    let error = not_exchanged(status);
    if *known == error {
        return None;
    }
    known.clone_from(&error);
    Some(error.unwrap_or_else(|| "the files of batches are exchanged again".to_owned()))
}

/// What was reported of a tenant.
#[derive(Default)]
struct Reported {
    state: Option<TenantRun>,
    /// The version of its settings that runs: a new start may be quicker than two looks.
    version: Option<u64>,
    error: Option<String>,
    run: Option<DateTime<Utc>>,
    /// Why the files of batches are not exchanged.
    exchange: Option<String>,
    /// How many damaged cases were named.
    unreadable: u64,
}

impl Reported {
    /// Whether a run has found more or fewer damaged cases than are named, and any. To name them, all cases are read.
    const fn has_new_damage(&mut self, run: &Progress) -> bool {
        let before = std::mem::replace(&mut self.unreadable, run.unreadable);
        run.unreadable > 0 && run.unreadable != before
    }

    /// What is new of the tenant.
    fn news(&mut self, status: &TenantStatus) -> Vec<String> {
        let mut lines = Vec::new();
        if status.last_error.is_some() && self.error != status.last_error {
            let error = status.last_error.as_deref().unwrap_or_default();
            lines.push(format!("it does not run: {error}"));
        }
        self.error.clone_from(&status.last_error);
        let is_anew = status.state == TenantRun::Running && self.version != status.version;
        if is_anew || self.state != Some(status.state) {
            self.version = status.version;
            match status.state {
                TenantRun::Paused => lines.push("paused by an operator".to_owned()),
                TenantRun::Running => lines.push("runs".to_owned()),
                _ => {}
            }
            self.state = Some(status.state);
        }
        let process = status.process.as_ref();
        lines.extend(process.and_then(|process| exchange_news(&mut self.exchange, process)));
        let ended = process.and_then(|process| Some((process.last.as_ref()?, process)));
        if let Some((run, process)) = ended.filter(|(run, _)| self.run != Some(run.began)) {
            self.run = Some(run.began);
            lines.extend(described(run, process));
        }
        lines
    }
}

/// Reports each run of each tenant soon after its end, and which tenants do not run.
pub(super) async fn report_fleet(fleet: Fleet, factory: Arc<Factory>) {
    let mut reported: BTreeMap<TenantName, Reported> = BTreeMap::new();
    let mut directory = None;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let status = fleet.status();
        if let Some(error) = status.directory_error.filter(|error| directory != Some(*error)) {
            warn(format!("worker: {error}"));
        }
        directory = status.directory_error;
        for tenant in &status.tenants {
            let name = &tenant.name;
            let known = reported.entry(name.clone()).or_default();
            let before = known.run;
            for line in known.news(tenant) {
                warn(format!("worker: {name}: {line}"));
            }
            let last = tenant.process.as_ref().and_then(|process| process.last.as_ref());
            if known.run != before
                && last.is_some_and(|run| known.has_new_damage(run))
                && let Some(kept) = factory.kept_for(name)
                && let Ok(Some(damaged)) = damaged(kept.store.cases()).await
            {
                warn(format!("worker: {name}: {damaged}"));
            }
        }
        reported.retain(|name, _| status.tenants.iter().any(|tenant| tenant.name == *name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::process::ErrorKind;

    #[test]
    fn a_run_has_a_line_and_a_wrong_clock_one_more() {
        let mut status = Status::default();
        let run: Progress = serde_json::from_value(serde_json::json!({
            "began": "2026-11-23T09:30:00Z", "ended": null, "seen": 5, "asked": 4, "unanswered": 1,
            "numbers_written": 2, "to_review": 1, "unreadable": 0, "results": {}
        }))
        .unwrap();
        let line = "2026-11-23 09:30:00Z looked at 5, asked about 4, of which 1 unanswered; 2 numbers written, 1 to be reviewed";
        assert_eq!(described(&run, &status), [line]);
        let mut reported = Reported::default();
        let found: Vec<bool> = [0, 2, 2, 1, 0, 1]
            .map(|unreadable| {
                let mut run = run.clone();
                run.unreadable = unreadable;
                reported.has_new_damage(&run)
            })
            .to_vec();
        assert_eq!(found, [false, true, false, true, false, true]);
        let mut known = None;
        assert_eq!(exchange_news(&mut known, &status), None);
        status.batch_error = Some("no answer".to_owned());
        let failed = "the files of batches are not exchanged: no answer";
        assert_eq!(exchange_news(&mut known, &status).as_deref(), Some(failed));
        assert_eq!(exchange_news(&mut known, &status), None);
        status.batch_error = None;
        let again = "the files of batches are exchanged again";
        assert_eq!(exchange_news(&mut known, &status).as_deref(), Some(again));
        status.clock_skew = Some(chrono::TimeDelta::seconds(-31));
        status.last_error = Some(ErrorKind::StoreUnavailable);
        let lines = described(&run, &status);
        assert_eq!(lines[0], "this machine's clock is -31 s ahead of the service's: set it");
        assert!(lines[1].starts_with(&format!("{line}; it ended early: ")), "{lines:?}");
    }
}
