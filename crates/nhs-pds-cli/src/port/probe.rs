//! Asks the database whether it answers.

use crate::console::because;
use async_trait::async_trait;
use nhs_pds::process::store::Store;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long an answer of the database counts, however many clients want to know.
const FRESH: Duration = Duration::from_secs(1);

/// A question that a database answers only if it can be read, and has a schema that this program knows.
#[async_trait]
pub(crate) trait Probe: Send + Sync {
    /// Asks. The error says in plain words why there is no answer. It contains no data of a case.
    async fn ask(&self) -> Result<(), String>;
}

/// Asks a store for a setting, which is a short read.
#[async_trait]
impl Probe for Arc<dyn Store> {
    async fn ask(&self) -> Result<(), String> {
        let read = self.cases().setting("workers").await;
        read.map(drop).map_err(|error| because(&error))
    }
}

/// Asks on the worker's event loop, once at a time.
pub(super) struct Probes {
    probe: Arc<OnceLock<Arc<dyn Probe>>>,
    runtime: Handle,
    latest: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Probes {
    pub(super) fn new(probe: Arc<OnceLock<Arc<dyn Probe>>>, runtime: Handle) -> Self {
        Self { probe, runtime, latest: Mutex::default() }
    }

    /// What the database says now, or said a moment ago.
    pub(super) async fn database(&self) -> Result<(), String> {
        // Before the database is open, the phase says so.
        let Some(probe) = self.probe.get().map(Arc::clone) else { return Ok(()) };
        let mut latest = self.latest.lock().await;
        if let Some((asked, answer)) = &*latest
            && asked.elapsed() < FRESH
        {
            return answer.clone();
        }
        let mut asking = self.runtime.spawn(async move { probe.ask().await });
        let answer = match tokio::time::timeout(PATIENCE, &mut asking).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err("the question was cancelled".to_owned())),
            Err(_) => {
                asking.abort();
                Err(format!("no answer within {} seconds", PATIENCE.as_secs()))
            }
        };
        *latest = Some((Instant::now(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers the first question, and no other.
    #[derive(Default)]
    struct Once(AtomicUsize);

    #[async_trait]
    impl Probe for Once {
        async fn ask(&self) -> Result<(), String> {
            if self.0.fetch_add(1, Ordering::SeqCst) > 0 {
                std::future::pending::<()>().await;
            }
            Err("first".to_owned())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_counts_for_a_moment_and_silence_is_an_answer() {
        let once = Arc::new(Once::default());
        let cell = Arc::new(OnceLock::new());
        let probes = Probes::new(Arc::clone(&cell), Handle::current());
        assert_eq!(probes.database().await, Ok(()), "it is not open");
        cell.set(Arc::clone(&once) as Arc<dyn Probe>).ok().unwrap();
        for _ in 0..100 {
            assert_eq!(probes.database().await, Err("first".to_owned()));
        }
        assert_eq!(once.0.load(Ordering::SeqCst), 1);
        tokio::time::sleep(FRESH).await;
        assert_eq!(probes.database().await, Err("no answer within 3 seconds".to_owned()));
    }
}
