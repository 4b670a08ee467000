//! The worker on a schedule.

use super::damaged;
use crate::console::warn;
use nhs_pds::process::Process;
use nhs_pds::process::store::Store;
use std::sync::Arc;
use std::time::Duration;

/// Reports each run soon after its end.
pub(super) async fn report_runs(process: Process, store: Arc<dyn Store>) {
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
