//! The state that one pass keeps from case to case: why it ends early, and which failures were logged.

use crate::process::run::refusals::Refusals;
use crate::process::run::report::CaseReport;
use crate::trace;

/// The state of one pass.
#[derive(Default)]
pub(in crate::process) struct Pass {
    /// The error that stopped all queries before the last case.
    pub(in crate::process) stopped: Option<trace::Error>,
    /// The refused queries since the last answer.
    pub(in crate::process) refusals: Refusals,
    /// The results of which one failure is logged already.
    logged: Vec<&'static str>,
}

impl Pass {
    /// Logs why a query got no answer. Logs only the first failure of each result, so that an outage does not
    /// fill the log with a line for each case.
    pub(in crate::process) fn log(&mut self, case: &CaseReport) {
        let (Some(result), Some(cause)) = (case.result, case.cause.as_deref()) else { return };
        let result = result.as_str();
        if !self.logged.contains(&result) {
            self.logged.push(result);
            let code = case.exchange.as_ref().and_then(|exchange| exchange.code.as_deref());
            tracing::warn!(result, code, cause, "a question was not answered");
        }
    }

    /// Logs why the pass ended early.
    pub(in crate::process) fn log_end(&self) {
        if let Some(error) = &self.stopped {
            let cause = error.cause();
            let (kind, cause) = (error.kind().as_str(), cause.as_deref());
            tracing::warn!(kind, cause, "the pass ended before its last case");
        }
    }
}
