//! A process that also traces by file.

use crate::batch::BatchTracer;
use crate::process::batch::batches::Batches;
use crate::process::batch::policy::BatchPolicy;
use crate::process::batch::step::ByBatch;
use crate::process::scheduler::Process;
use crate::process::waiting::{beside, until};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

impl Process {
    /// Also traces by file: each run first writes the due cases that `policy` chooses into files, and traces the others
    /// singly. Beside that, it sends the files through `service`, and receives and imports what has arrived. If that takes
    /// longer than the run, it is finished beside the next ones.
    ///
    /// Of `batches`, the folder, the limits and the times count. The store and the rules are those of this process, and its
    /// worker traces the cases that a response does not settle.
    ///
    /// A run in which the batch service fails is an ordinary run. When the process ends, the rest of a response is
    /// imported after the next start. When a user pauses the process, a file on its way is sent to its end, and nothing
    /// else is sent, received or imported before it is resumed.
    #[must_use]
    pub fn with_batches(
        mut self,
        batches: Batches,
        service: Arc<dyn BatchTracer>,
        policy: BatchPolicy,
    ) -> Self {
        self.by_batch = Arc::default();
        self.add_batches(ByBatch::new(batches, service, policy));
        self
    }

    /// From the next run on, also traces as `by_batch` says. Nothing changes if the process already traces by file.
    pub(in crate::process) fn add_batches(&self, by_batch: ByBatch) {
        self.by_batch.get_or_init(|| by_batch.of_worker(&self.worker));
        self.set_batch_error(None);
    }

    /// Shows why the process cannot trace by file.
    pub(in crate::process) fn set_batch_error(&self, why: Option<String>) {
        let mut status = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.batch_error = why;
    }

    /// The part of batches in a run, until it is told to stop. `was_paused` is whether the process was paused when the run
    /// began.
    pub(in crate::process) async fn trace_by_batch(
        &self,
        ending: Pin<&mut (impl Future<Output = ()> + Send)>,
        was_paused: bool,
    ) {
        if let Some(by_batch) = self.by_batch.get()
            && !by_batch.is_exchanging()
        {
            let built = until(ending, by_batch.build());
            if beside(built, self.give_signs()).await.is_some() {
                by_batch.exchange(was_paused);
            }
        }
    }

    /// Ends what is still being sent or imported. The next start continues it.
    pub(in crate::process) fn end_batches(&self) {
        if let Some(by_batch) = self.by_batch.get() {
            by_batch.end();
        }
    }

    /// The same, and waits for it.
    pub(in crate::process) async fn ended_batches(&self) {
        if let Some(by_batch) = self.by_batch.get() {
            by_batch.ended().await;
        }
    }
}
