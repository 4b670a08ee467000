//! The part of batches in the runs of a process.

use crate::batch::{BatchTracer, Reference};
use crate::process::batch::batches::Batches;
use crate::process::batch::exchange::Sent;
use crate::process::batch::pause::PAUSE;
use crate::process::batch::policy::BatchPolicy;
use crate::process::batch::record::Batch;
use crate::process::batch::rows::RowReport;
use crate::process::control::wanted;
use crate::process::error::{Error, ErrorKind};
use crate::process::waiting::{beside, until};
use chrono::{DateTime, Utc};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often an exchange looks whether a user has paused the process: a pause takes effect within five seconds.
const LOOK: Duration = Duration::from_secs(4);

/// How many refused rows are logged of what has arrived at a time. The response of another store may have half a million.
const MOST_LOGGED: usize = 1_000;

/// What a [`Process`](crate::process::Process) does by batch.
#[derive(Clone, Debug)]
pub(in crate::process) struct ByBatch {
    batches: Batches,
    service: Arc<dyn BatchTracer>,
    policy: BatchPolicy,
    /// The exchange with the service, which may take longer than a run.
    exchange: Arc<Mutex<Option<JoinHandle<()>>>>,
    /// Before which time no file is built, because the last one could not be written.
    paused_until: Arc<Mutex<Option<DateTime<Utc>>>>,
}

impl ByBatch {
    pub(in crate::process) fn new(
        batches: Batches,
        service: Arc<dyn BatchTracer>,
        policy: BatchPolicy,
    ) -> Self {
        Self { batches, service, policy, exchange: Arc::default(), paused_until: Arc::default() }
    }

    /// Writes due cases into files. Can be dropped at any point. A failure does not prevent the run: what is not in a file
    /// is traced singly.
    pub(in crate::process) async fn build(&self) {
        let until = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| self.batches.now() < until) {
            return;
        }
        let built = match self.batches.refused_lately().await {
            Ok(Some(Batch { id, code, .. })) => {
                tracing::info!(batch = id, code, "no files are written: the service refused one");
                return;
            }
            Ok(None) => self.try_build().await,
            Err(error) => Err(error),
        };
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
        self.batches.build_in(&folder, &self.policy, Duration::ZERO, &mut |_| ()).await?;
        Ok(())
    }

    /// Whether the last exchange is still in progress.
    pub(in crate::process) fn is_exchanging(&self) -> bool {
        let exchange = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        exchange.as_ref().is_some_and(|task| !task.is_finished())
    }

    /// Begins to send what is ready, and to receive and import what has arrived. A pause ends it: `was_paused` is whether
    /// one was there when the run began.
    pub(in crate::process) fn exchange(&self, was_paused: bool) {
        let this = self.clone();
        let task = tokio::spawn(async move {
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
        });
        *self.exchange.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Ends the exchange, which can end at any point.
    pub(in crate::process) fn end(&self) {
        if let Some(task) = self.exchange.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
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
        match self.try_send(stops).await {
            Ok(sent) => {
                for batch in &sent.elsewhere {
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
        match self.batches.collect(&*self.service, observe).await {
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
        let until = self.batches.now().checked_add_signed(PAUSE);
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
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
