use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// When a process last got further. Measured by the machine's timer: setting the clock changes nothing.
#[derive(Debug, Default)]
pub(in crate::process) struct Alive(Mutex<Option<Instant>>);

impl Alive {
    /// Notes that the process got further just now.
    pub(in crate::process) fn sign(&self) {
        *self.last() = Some(Instant::now());
    }

    /// Notes that the process has ended.
    pub(in crate::process) fn end(&self) {
        *self.last() = None;
    }

    /// How long ago the process got further; `None` while it does not run.
    pub(in crate::process) fn silent_for(&self) -> Option<Duration> {
        self.last().map(|at| at.elapsed())
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
