//! The part of batches in a run of the process.

use crate::batch::BatchTracer;
use crate::process::batch::batches::Batches;
use crate::process::batch::exchange::{Collected, Sent};
use crate::process::batch::policy::BatchPolicy;
use crate::process::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// What a [`Process`](crate::process::Process) does by batch.
#[derive(Clone, Debug)]
pub(in crate::process) struct ByBatch {
    pub(in crate::process) batches: Batches,
    pub(in crate::process) service: Arc<dyn BatchTracer>,
    pub(in crate::process) policy: BatchPolicy,
}

impl ByBatch {
    /// Receives and imports what has arrived, writes due cases into files, and sends them. Can be dropped at any point.
    ///
    /// A failure of the service or of the folder does not prevent the run: what does not go by batch is traced singly.
    pub(in crate::process) async fn step(&self) {
        match self.try_step().await {
            Ok((collected, sent)) => {
                for (failed, what) in [(collected.failed, "receive"), (sent.failed, "send")] {
                    if let Some(error) = failed {
                        let (kind, code) = (error.kind().as_str(), error.code());
                        tracing::warn!(kind, code, what, "the batch service failed");
                    }
                }
                let (arrived, sent) = (collected.arrived, sent.sent.len());
                if arrived + sent > 0 {
                    tracing::info!(arrived, sent, "batches were received and sent");
                }
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "batches were not received or sent to the end");
            }
        }
    }

    async fn try_step(&self) -> Result<(Collected, Sent), Error> {
        let Self { batches, service, policy } = self;
        let folder = batches.open_folder()?;
        let collected = batches.collect_in(&folder, &**service, &mut |_| ()).await?;
        batches.build_in(&folder, policy, Duration::ZERO, &mut |_| ()).await?;
        let sent = batches.send_in(&folder, &**service).await?;
        Ok((collected, sent))
    }
}
