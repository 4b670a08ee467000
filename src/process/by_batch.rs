//! A process that also traces by file.

use crate::batch::BatchTracer;
use crate::process::batch::batches::Batches;
use crate::process::batch::policy::BatchPolicy;
use crate::process::batch::step::ByBatch;
use crate::process::scheduler::Process;
use crate::process::waiting::{beside, until};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

impl Process {
    /// Also traces by file: each run first receives and imports what has arrived at `service`, writes the due cases that
    /// `policy` chooses into files, and sends them. The other cases are traced singly.
    ///
    /// Make `batches` with [`Batches::beside`] the worker of this process. Then the worker asks the further questions
    /// about cases that a response does not settle.
    ///
    /// A run in which the batch service fails is an ordinary run. A run that is told to stop leaves the rest of a response
    /// to the next run.
    #[must_use]
    pub fn with_batches(
        mut self,
        batches: Batches,
        service: Arc<dyn BatchTracer>,
        policy: BatchPolicy,
    ) -> Self {
        let batches = batches.signing(Arc::clone(&self.worker.alive));
        self.by_batch = Some(ByBatch { batches, service, policy });
        self
    }

    /// The part of batches in a run, until it is told to stop.
    pub(in crate::process) async fn trace_by_batch(
        &self,
        ending: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) {
        if let Some(by_batch) = &self.by_batch {
            beside(until(ending, by_batch.step()), self.give_signs()).await;
        }
    }
}
