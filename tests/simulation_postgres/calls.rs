//! Calls that are made at the same virtual time, and then run at the same real time.

use crate::effects::Written;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
pub(crate) struct Ended(Arc<Mutex<Option<(End, u64)>>>);

impl Ended {
    pub(crate) fn set(&self, end: End) {
        static ORDER: AtomicU64 = AtomicU64::new(0);
        let place = ORDER.fetch_add(1, Ordering::SeqCst);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((end, place));
    }

    pub(crate) fn get(&self) -> End {
        self.both().0
    }

    /// The place among all calls, in the order of their ends. A transaction that waits for another one ends after it.
    pub(crate) fn place(&self) -> u64 {
        self.both().1
    }

    fn both(&self) -> (End, u64) {
        let both = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        both.unwrap_or((End::Failed, u64::MAX))
    }
}

/// A call that waits.
pub(crate) struct Call {
    pub(crate) stage: Stage,
    pub(crate) work: Pin<Box<dyn Future<Output = ()> + Send>>,
    pub(crate) ended: Ended,
    pub(crate) written: Option<Written>,
    /// The owner whose leases it changes.
    pub(crate) owner: Option<String>,
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
