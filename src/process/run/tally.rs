//! The metrics of a pass.

use crate::case::Counts;
use crate::process::run::report::CaseReport;
use crate::resilience::telemetry;
use crate::tenant::Labels;
use chrono::{DateTime, Utc};

/// Counts a pass's cases for the metrics.
pub(in crate::process) struct Tally {
    began: DateTime<Utc>,
    labels: Labels,
}

impl Tally {
    pub(in crate::process) const fn of(began: DateTime<Utc>, labels: Labels) -> Self {
        Self { began, labels }
    }

    pub(in crate::process) fn count(&self, report: &CaseReport) {
        if let Some(result) = report.result {
            telemetry::case(&self.labels, result.as_str());
        }
    }

    pub(in crate::process) fn report(&self, ended: DateTime<Utc>, counts: &Counts) {
        let since = |time: DateTime<Utc>| (ended - time).to_std().unwrap_or_default();
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let pass = telemetry::Pass {
            took: since(self.began),
            ended,
            waiting: count(counts.due),
            oldest: counts.oldest_due.map(since).unwrap_or_default(),
            to_review: count(counts.to_review),
        };
        telemetry::passed(&self.labels, &pass);
    }
}
