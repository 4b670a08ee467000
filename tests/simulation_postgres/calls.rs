//! Calls that are made at the same virtual time, and then run at the same real time.

use crate::effects::Written;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// The order in which the effects of calls at one time are noted. A lease that one call ends and another takes was
/// ended first, and one that is taken over was not renewed afterwards.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    Release,
    Claim,
    Renew,
    Other,
}

/// What a call has led to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Done,
    /// The database has refused the changes.
    Refused,
    /// It may or may not have had an effect.
    Failed,
}

/// How a call has ended, once it has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended(Arc<Mutex<Option<End>>>);

impl Ended {
    pub(crate) fn set(&self, end: End) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    pub(crate) fn get(&self) -> End {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(End::Failed)
    }
}

/// A call that waits.
pub(crate) struct Call {
    pub(crate) stage: Stage,
    pub(crate) work: Pin<Box<dyn Future<Output = ()> + Send>>,
    pub(crate) ended: Ended,
    pub(crate) written: Option<Written>,
    /// Whether it changes leases.
    pub(crate) leases: bool,
    /// Notes in the ledger what the call has returned.
    pub(crate) note: Box<dyn FnOnce() + Send>,
    pub(crate) done: oneshot::Sender<()>,
}

/// The runtime of all calls. Its time is real.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap())
}

/// Runs `work` in real time while this thread waits.
pub(crate) fn real<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    runtime().spawn(async move {
        let _gone = sender.send(work.await);
    });
    receiver.recv().unwrap()
}

/// Runs all of it at the same time, with `meanwhile` on this thread.
pub(crate) fn all_at_once(
    works: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
    meanwhile: impl FnOnce(&AtomicBool),
) {
    let ended = Arc::new(AtomicBool::new(false));
    let (over, (sender, receiver)) = (Arc::clone(&ended), mpsc::channel());
    runtime().spawn(async move {
        let tasks: Vec<_> = works.into_iter().map(tokio::spawn).collect();
        for task in tasks {
            let _panicked = task.await;
        }
        over.store(true, Ordering::SeqCst);
        let _gone = sender.send(());
    });
    meanwhile(&ended);
    receiver.recv().unwrap();
}
