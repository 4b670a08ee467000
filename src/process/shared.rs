use crate::process::control::workers::Signs;
use crate::process::run::status::Status;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// The longest wait before the clock is checked again. After a machine sleeps, its clock has advanced but
/// its timers have not.
pub(in crate::process) const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// Why a wait ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum Woken {
    Time,
    Control,
    Shutdown,
}

/// What the clones of a process share.
#[derive(Debug, Default)]
pub(in crate::process) struct Shared {
    pub(in crate::process) status: Mutex<Status>,
    pub(in crate::process) signs: Signs,
    /// Wakes the process to read the controls.
    pub(in crate::process) changed: Notify,
    /// Whether another program has made cases due since the last run began.
    woken: AtomicBool,
}

impl Shared {
    /// Asks for a run, and for a look at the controls.
    pub(in crate::process) fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    pub(in crate::process) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::SeqCst)
    }

    /// A run begins, which finds what is due until now. Returns whether it was asked for.
    pub(in crate::process) fn begin(&self) -> bool {
        self.woken.swap(false, Ordering::SeqCst)
    }
}
