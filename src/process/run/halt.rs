//! Why no new question is sent: the run was told to stop, or the service refuses or fails.

use crate::case::CaseId;
use crate::process::run::refusals::Refusals;
use crate::trace::{Answer, Error, ErrorKind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The state that the cases of one pass share. Once set, it stays set.
#[derive(Debug)]
pub(in crate::process) struct Halt {
    state: Mutex<State>,
    set: AtomicBool,
    /// Wakes all that wait, in their order: a run from one seed is the same each time.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    refusals: Refusals,
    /// How many questions the service has answered.
    answered: u64,
    /// The error by which the service refused the configuration, or the suspension.
    cause: Option<Error>,
}

impl Halt {
    pub(in crate::process) fn new() -> Self {
        Self { state: Mutex::default(), set: AtomicBool::new(false), changed: Notify::new() }
    }

    /// From now on no new question is sent.
    pub(in crate::process) fn set(&self) {
        self.set.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    pub(in crate::process) fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Waits until it is set.
    pub(in crate::process) async fn wait(&self) {
        let mut changed = pin!(self.changed.notified());
        // From here on, no notification is missed.
        changed.as_mut().enable();
        if !self.is_set() {
            changed.await;
        }
    }

    /// How many questions the service has answered until now.
    pub(in crate::process) fn answered(&self) -> u64 {
        self.state().answered
    }

    /// Considers the `result` of a question about `case`, which began when the service had answered
    /// `answered` questions. Stops all questions after a refused configuration, several equal rejections of
    /// different cases, or a suspension. A rejection does not count if the service has answered another
    /// question since: quick rejections overtake answers.
    pub(in crate::process) fn note(
        &self,
        case: &CaseId,
        answered: u64,
        result: &Result<Answer, Error>,
    ) {
        let mut state = self.state();
        state.answered += u64::from(result.is_ok());
        if result.is_ok() || answered == state.answered {
            state.refusals.note(case, result);
        }
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
