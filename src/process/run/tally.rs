//! The metrics of a pass.

use crate::case::{Case, CaseId};
use crate::process::decision::eligibility::Reason;
use crate::process::run::report::CaseReport;
use crate::resilience::telemetry;
use chrono::{DateTime, Utc};

/// Counts a pass's cases for the metrics.
pub(in crate::process) struct Tally {
    began: DateTime<Utc>,
    waiting: u32,
    /// When the case that has waited longest was last traced.
    oldest: Option<DateTime<Utc>>,
    to_review: u32,
}

impl Tally {
    pub(in crate::process) const fn of(began: DateTime<Utc>) -> Self {
        Self { began, waiting: 0, oldest: None, to_review: 0 }
    }

    /// When the cases of a page were last traced, in the order of their ids.
    pub(in crate::process) fn asked(page: &[Case]) -> Vec<(CaseId, DateTime<Utc>)> {
        let asked = |case: &Case| Some((case.id.clone(), case.last_trace.as_ref()?.at));
        page.iter().filter_map(asked).collect()
    }

    pub(in crate::process) fn count(
        &mut self,
        report: &CaseReport,
        asked: &[(CaseId, DateTime<Utc>)],
    ) {
        self.to_review += u32::from(report.review.is_some());
        let waits = match report.result {
            Some(result) => {
                telemetry::case(result.as_str());
                !result.is_settled()
            }
            None => report.eligibility.reason() == Some(Reason::NotDue),
        };
        if !waits {
            return;
        }
        self.waiting += 1;
        let place = asked.binary_search_by(|(id, _)| id.cmp(&report.case_id));
        let at = place.ok().and_then(|place| asked.get(place)).map(|(_, at)| *at);
        self.oldest = self.oldest.into_iter().chain(at).min();
    }

    pub(in crate::process) fn report(&self, ended: DateTime<Utc>) {
        let since = |time: DateTime<Utc>| (ended - time).to_std().unwrap_or_default();
        telemetry::passed(&telemetry::Pass {
            took: since(self.began),
            ended,
            waiting: self.waiting,
            oldest: self.oldest.map(since).unwrap_or_default(),
            to_review: self.to_review,
        });
    }
}
