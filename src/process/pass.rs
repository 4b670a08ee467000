//! What a pass keeps from case to case: what ends it early, and which failures were logged.

use crate::process::CaseReport;
use crate::process::refusals::Refusals;
use crate::trace;

/// The state of one pass.
#[derive(Default)]
pub(super) struct Pass {
    /// What ended the asking before the last case.
    pub(super) stopped: Option<trace::Error>,
    /// The refusals since the last answer.
    pub(super) refusals: Refusals,
    /// The results whose first failure was logged.
    logged: Vec<&'static str>,
}

impl Pass {
    /// Logs why there was no answer: the first failure of each kind, so that an outage of a large caseload
    /// does not fill the log.
    pub(super) fn log(&mut self, case: &CaseReport) {
        let (Some(result), Some(cause)) = (case.result, case.cause.as_deref()) else { return };
        let result = result.as_str();
        if !self.logged.contains(&result) {
            self.logged.push(result);
            let code = case.exchange.as_ref().and_then(|exchange| exchange.code.as_deref());
            tracing::warn!(result, code, cause, "a question was not answered");
        }
    }

    /// Logs what ended the pass.
    pub(super) fn log_end(&self) {
        if let Some(error) = &self.stopped {
            let cause = error.cause();
            let (kind, cause) = (error.kind().name(), cause.as_deref());
            tracing::warn!(kind, cause, "the pass ended before its last case");
        }
    }
}
