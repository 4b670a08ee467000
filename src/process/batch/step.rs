//! The part of batches in the runs of a process.

use crate::batch::{BatchTracer, Reference};
use crate::process::batch::batches::Batches;
use crate::process::batch::exchange::Sent;
use crate::process::batch::pause::PAUSE;
use crate::process::batch::policy::BatchPolicy;
use crate::process::batch::record::{Batch, BatchState};
use crate::process::batch::rows::RowReport;
use crate::process::control::wanted;
use crate::process::error::{Error, ErrorKind};
use crate::process::run::worker::Worker;
use crate::process::waiting::{beside, until};
use crate::trace::causes;
use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error as StdError;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// How often an exchange looks whether a user has paused the process: a pause takes effect within five seconds.
const LOOK: Duration = Duration::from_secs(4);

/// How many refused rows are logged of what has arrived at a time. The response of another store may have half a million.
const MOST_LOGGED: usize = 1_000;

/// How long another machine may take to send a file that it has written. Its folder is not this one.
const ANOTHERS: TimeDelta = TimeDelta::hours(1);

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
    /// Before which time no file is built, because the last one could not be written.
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
        let built = match self.batches.refused_lately().await {
            Ok(Some(Batch { id, code, .. })) => {
                tracing::info!(
                    batch = id,
                    code,
                    "no files are written: the service refused one, or did not deliver it"
                );
                return;
            }
            Ok(None) => self.try_build().await,
            Err(error) => Err(error),
        };
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

    /// Begins to send what is ready, and to receive and import what has arrived. A pause ends it: `was_paused` is whether
    /// one was there when the run began.
    pub(in crate::process) fn exchange(&self, was_paused: bool) {
        let this = self.clone();
        let work = async move {
            let mut paused = pin!(this.paused(was_paused));
            let stops = AtomicBool::new(false);
            let begun = beside(this.send(&stops), async {
                paused.as_mut().await;
                // A file on its way is sent to its end: whether the service has half of it would have to be found out.
                stops.store(true, Ordering::SeqCst);
                std::future::pending::<()>().await;
            });
            begun.await;
            if !stops.load(Ordering::SeqCst) {
                // Can end at any point.
                let _ended = until(paused, this.collect()).await;
            }
        };
        // The span names the tenant.
        self.state().exchange = Some(tokio::spawn(work.in_current_span()));
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

    /// Waits until a user pauses the process. A run that a user began while it was paused is not ended by that pause.
    async fn paused(&self, mut was_paused: bool) {
        loop {
            if let Ok((wanted, _)) = wanted::read(self.batches.store.cases()).await {
                if wanted.paused && !was_paused {
                    return;
                }
                was_paused = wanted.paused;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn send(&self, stops: &AtomicBool) {
        let sent = self.try_send(stops).await;
        self.state().not_sent = match &sent {
            Ok(sent) => sent.failed.as_ref().map(described_failure),
            Err(error) => Some(described(error)),
        };
        match sent {
            Ok(sent) => {
                let before = self.batches.now() - ANOTHERS;
                for batch in sent.elsewhere.iter().filter(|batch| batch.changed_at <= before) {
                    let (batch, state) = (&batch.id, batch.state);
                    tracing::warn!(batch, %state, "the file of a batch is not in this folder");
                }
                report("send", sent.sent.len(), sent.failed.as_ref());
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "batches were not sent to the end");
            }
        }
    }

    async fn try_send(&self, stops: &AtomicBool) -> Result<Sent, Error> {
        let folder = self.batches.open_folder()?;
        self.batches.tidy_in(&folder).await?;
        self.batches.send_in(&folder, &*self.service, stops).await
    }

    async fn collect(&self) {
        let mut refused = 0;
        let observe = &mut |row: &RowReport| log_refused(row, &mut refused);
        let collected = self.batches.collect(&*self.service, observe).await;
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

/// Names a row from which nothing was settled, without a value of it.
fn log_refused(row: &RowReport, count: &mut usize) {
    let Err(fault) = &row.result else { return };
    *count += 1;
    if *count <= MOST_LOGGED {
        let RowReport { message, line, code, .. } = row;
        let (message, reference) =
            (message.as_deref(), row.reference.as_ref().map(Reference::as_str));
        tracing::warn!(message, line, reference, code, cause = fault.as_str(), "a row was refused");
    } else if *count == MOST_LOGGED + 1 {
        tracing::warn!("more rows were refused, and are not logged");
    }
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
