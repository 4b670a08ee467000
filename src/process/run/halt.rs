//! Why no new question is sent: the run was told to stop, or the service refuses or fails.

use crate::case::CaseId;
use crate::process::run::refusals::Refusals;
use crate::trace::{Answer, Error, ErrorKind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The state that the cases of one pass share. Once set, it stays set.
#[derive(Debug)]
pub(in crate::process) struct Halt {
    state: Mutex<State>,
    set: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    refusals: Refusals,
    /// The error by which the service refused the configuration, or the suspension.
    cause: Option<Error>,
}

impl Halt {
    pub(in crate::process) fn new() -> Self {
        Self { state: Mutex::default(), set: watch::Sender::new(false) }
    }

    /// From now on no new question is sent.
    pub(in crate::process) fn set(&self) {
        self.set.send_replace(true);
    }

    pub(in crate::process) fn is_set(&self) -> bool {
        *self.set.borrow()
    }

    /// Waits until it is set.
    pub(in crate::process) async fn wait(&self) {
        let mut set = self.set.subscribe();
        // The sender lives as long as `self`.
        let _ = set.wait_for(|set| *set).await;
    }

    /// Considers the `result` of a question about `case`: stops all questions after a refused
    /// configuration, several equal rejections of different cases, or a suspension.
    pub(in crate::process) fn note(&self, case: &CaseId, result: &Result<Answer, Error>) {
        let mut state = self.state();
        state.refusals.note(case, result);
        let ends = result.as_ref().is_err_and(|error| {
            let suspended = error.suspended_until().is_some() && !error.is_suspended_alone();
            error.kind() == ErrorKind::Configuration || suspended
        });
        let ends = ends || state.refusals.verdict().is_some();
        drop(state);
        if ends {
            self.set();
        }
    }

    /// Keeps the `error` that ended the questions, for the report. A refused configuration needs a
    /// person, and says more than a suspension.
    pub(in crate::process) fn keep(&self, error: Error) {
        let mut state = self.state();
        let is_refusal = |error: &Error| error.kind() == ErrorKind::Configuration;
        if state.cause.as_ref().is_none_or(|known| !is_refusal(known) && is_refusal(&error)) {
            state.cause = Some(error);
        }
    }

    /// Takes out why the service ended the questions, if it did.
    pub(in crate::process) fn cause(&self) -> Option<Error> {
        let mut state = self.state();
        let kept = state.cause.take();
        let refused = kept.as_ref().is_some_and(|error| error.kind() == ErrorKind::Configuration);
        if refused { kept } else { state.refusals.verdict().or(kept) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
