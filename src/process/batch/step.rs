//! The part of batches in the runs of a process.

use crate::batch::BatchTracer;
use crate::process::batch::batches::Batches;
use crate::process::batch::policy::BatchPolicy;
use crate::process::batch::record::BatchState;
use crate::process::error::{Error, ErrorKind};
use crate::process::run::worker::Worker;
use crate::trace::causes;
use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// How long no file is built on the schedule after one was refused, or could not be written. Each such file marks its
/// cases and returns them, perhaps half a million.
const PAUSE: TimeDelta = TimeDelta::hours(6);

/// How a [`Process`](crate::process::Process) traces by file: its folder, its service, and which cases.
#[derive(Clone, Debug)]
pub struct ByBatch {
    batches: Batches,
    service: Arc<dyn BatchTracer>,
    policy: BatchPolicy,
    state: Arc<Mutex<State>>,
}

/// What the clones share.
#[derive(Debug, Default)]
struct State {
    /// The exchange with the service, which may take longer than a run.
    exchange: Option<JoinHandle<()>>,
    /// Before which time no file is built.
    paused_until: Option<DateTime<Utc>>,
    /// Why the last files were not written, sent or received.
    not_built: Option<String>,
    not_sent: Option<String>,
    not_received: Option<String>,
}

impl ByBatch {
    /// The cases that `policy` chooses are sent and received through `service`. Of `batches`, the folder, the limits and
    /// the times count: see [`Process::with_batches`](crate::process::Process::with_batches).
    #[must_use]
    pub fn new(batches: Batches, service: Arc<dyn BatchTracer>, policy: BatchPolicy) -> Self {
        Self { batches, service, policy, state: Arc::default() }
    }

    /// The same for the cases of `worker`.
    pub(in crate::process) fn of_worker(self, worker: &Worker) -> Self {
        Self { batches: self.batches.of_worker(worker), ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why files are not written, sent or received. Contains no personal data.
    pub(in crate::process) fn error(&self) -> Option<String> {
        let state = self.state();
        let all = [&state.not_built, &state.not_sent, &state.not_received];
        let mut all: Vec<&str> = all.into_iter().filter_map(|why| why.as_deref()).collect();
        // A mailbox that does not answer fails to send and to receive.
        all.dedup();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Writes due cases into files. Can be dropped at any point. A failure does not prevent the run: what is not in a file
    /// is traced singly.
    pub(in crate::process) async fn build(&self) {
        let until = self.state().paused_until;
        if until.is_some_and(|until| self.batches.now() < until) {
            return;
        }
        let built = self.try_build().await;
        self.state().not_built = built.as_ref().err().map(described);
        if let Err(error) = built {
            if error.kind() == ErrorKind::BatchFolder {
                self.pause();
            }
            tracing::warn!(kind = %error.kind(), "the files of batches were not written");
        }
    }

    async fn try_build(&self) -> Result<(), Error> {
        let folder = self.batches.open_folder()?;
        self.batches.tidy_in(&folder).await?;
        // While a file cannot leave, a case is traced sooner singly than in another file.
        let is_stuck = |state| matches!(state, BatchState::Ready | BatchState::Sending);
        let listed = self.batches.list().await?;
        if !listed.iter().any(|batch| is_stuck(batch.state) && self.batches.has_file(batch)) {
            self.batches.build_in(&folder, &self.policy, Duration::ZERO, &mut |_| ()).await?;
        }
        Ok(())
    }

    /// Whether the last exchange is still in progress.
    pub(in crate::process) fn is_exchanging(&self) -> bool {
        self.state().exchange.as_ref().is_some_and(|task| !task.is_finished())
    }

    /// Begins to send what is ready, and to receive and import what has arrived.
    pub(in crate::process) fn exchange(&self) {
        let this = self.clone();
        // The span names the tenant.
        let task = tokio::spawn(async move { this.send_and_collect().await }.in_current_span());
        self.state().exchange = Some(task);
    }

    /// Ends the exchange, which can end at any point.
    pub(in crate::process) fn end(&self) {
        if let Some(task) = self.state().exchange.take() {
            task.abort();
        }
    }

    /// Ends the exchange, and waits until the folder is free for the next process.
    pub(in crate::process) async fn ended(&self) {
        let task = self.state().exchange.take();
        if let Some(task) = task {
            task.abort();
            let _cancelled = task.await;
        }
    }

    async fn send_and_collect(&self) {
        let sent = self.batches.send(&*self.service).await;
        self.state().not_sent = match &sent {
            Ok(sent) => sent.failed.as_ref().map(described_failure),
            Err(error) => Some(described(error)),
        };
        match sent {
            Ok(sent) => {
                if !sent.refused.is_empty() {
                    self.pause();
                }
                report("send", sent.sent.len(), sent.failed.as_ref());
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "batches were not sent to the end");
            }
        }
        let collected = self.batches.collect(&*self.service, &mut |_| ()).await;
        self.state().not_received = match &collected {
            Ok(collected) => collected.failed.as_ref().map(described_failure),
            Err(error) => Some(described(error)),
        };
        match collected {
            Ok(collected) => {
                for imported in &collected.imported {
                    let (rows, refused) = (imported.rows, imported.refused_rows());
                    tracing::info!(rows, refused, "a response was imported");
                }
                report("receive", collected.arrived, collected.failed.as_ref());
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "batches were not received to the end");
            }
        }
    }

    fn pause(&self) {
        self.state().paused_until = self.batches.now().checked_add_signed(PAUSE);
    }
}

/// An error with its cause.
fn described(error: &(impl StdError + 'static)) -> String {
    let cause = causes(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// A failure of the service with its code and its cause.
fn described_failure(error: &crate::batch::Error) -> String {
    let code = error.code().map(|code| format!(" (code {code})"));
    let cause = causes(error).map(|cause| format!(": {cause}"));
    format!("{error}{}{}", code.unwrap_or_default(), cause.unwrap_or_default())
}

fn report(what: &str, count: usize, failed: Option<&crate::batch::Error>) {
    if count > 0 {
        tracing::info!(what, count, "messages of batches");
    }
    if let Some(error) = failed {
        let (kind, code) = (error.kind().as_str(), error.code());
        tracing::warn!(kind, code, what, "the batch service failed");
    }
}
