use crate::case::{self, CaseStore, Setting};
use crate::process::error::Error;
use crate::process::run::status::Status;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The setting with the names of the processes.
const WORKERS: &str = "workers";

/// How many names are kept. The oldest are forgotten.
const MOST: usize = 100;

/// How often a change is tried again when other processes change the same setting.
const ATTEMPTS: usize = 32;

/// After this time without a sign, a process has ended or cannot reach the store.
const STALE: TimeDelta = TimeDelta::minutes(3);

/// How often a process writes its status when nothing changes.
pub(in crate::process) const SIGN: Duration = Duration::from_secs(60);

/// What a process has last written, and when.
#[derive(Debug, Default)]
pub(in crate::process) struct Signs(Mutex<Option<(Status, DateTime<Utc>)>>);

impl Signs {
    /// Whether the status has changed, or the last one is old.
    pub(in crate::process) fn are_due(&self, status: &Status, now: DateTime<Utc>) -> bool {
        let is_old = |at: DateTime<Utc>| (now - at).to_std().map_or(true, |age| age >= SIGN);
        self.last().as_ref().is_none_or(|(before, at)| before != status || is_old(*at))
    }

    /// Writes the status of the process `name`. A failure is logged: the status gets old then.
    pub(in crate::process) async fn write(
        &self,
        cases: &dyn CaseStore,
        name: &str,
        now: DateTime<Utc>,
        status: Status,
    ) {
        match write(cases, name, now, status.clone()).await {
            Ok(()) => *self.last() = Some((status, now)),
            Err(error) => tracing::debug!(kind = %error.kind(), "the status was not stored"),
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<(Status, DateTime<Utc>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The status of a process on the store, as it was last written.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct WorkerStatus {
    /// The [name](crate::process::Process::with_name) of the process.
    pub name: String,
    /// When it was written. A process writes at each change of its state, and at least every minute.
    pub at: DateTime<Utc>,
    /// The status.
    #[serde(flatten)]
    pub status: Status,
}

impl WorkerStatus {
    /// Whether the status is older than three minutes at `now`: the process has ended without saying so,
    /// or it cannot reach the store.
    #[must_use]
    pub fn is_stale(&self, now: DateTime<Utc>) -> bool {
        now - self.at > STALE
    }
}

/// A status as it is stored.
#[derive(Deserialize, Serialize)]
struct Stored {
    at: DateTime<Utc>,
    status: Status,
}

/// The status of each process that ever ran on the store, in the order of their first start. Leaves out
/// what another version has written and this one cannot read.
pub(in crate::process) async fn all(cases: &dyn CaseStore) -> Result<Vec<WorkerStatus>, Error> {
    let mut workers = Vec::new();
    for name in names(&cases.setting(WORKERS).await?) {
        let setting = cases.setting(&setting_of(&name)).await?;
        let stored = setting.and_then(|setting| serde_json::from_str(&setting.value).ok());
        let status = |Stored { at, status }| WorkerStatus { name, at, status };
        workers.extend(stored.map(status));
    }
    Ok(workers)
}

/// Adds the name of a process.
pub(in crate::process) async fn add(cases: &dyn CaseStore, name: &str) -> Result<(), Error> {
    change(cases, WORKERS, |stored| {
        let mut names = names(&stored);
        if names.iter().any(|known| known == name) {
            return None;
        }
        names.push(name.to_owned());
        names.drain(..names.len().saturating_sub(MOST));
        serde_json::to_string(&names).ok()
    })
    .await
}

/// Writes the status of a process.
async fn write(
    cases: &dyn CaseStore,
    name: &str,
    at: DateTime<Utc>,
    status: Status,
) -> Result<(), Error> {
    let value = serde_json::to_string(&Stored { at, status }).ok();
    change(cases, &setting_of(name), |_| value.clone()).await
}

/// Saves the value that `change` returns, over any value that another process saves meanwhile.
async fn change(
    cases: &dyn CaseStore,
    name: &str,
    change: impl Fn(Option<Setting>) -> Option<String>,
) -> Result<(), Error> {
    for _ in 0..ATTEMPTS {
        let stored = cases.setting(name).await?;
        let version = stored.as_ref().map_or(0, |setting| setting.version);
        let Some(value) = change(stored) else { return Ok(()) };
        match cases.save_setting(name, Setting { value, version }).await {
            Err(error) if error.kind() == case::ErrorKind::Conflict => {}
            saved => return Ok(saved?),
        }
    }
    Ok(())
}

fn names(setting: &Option<Setting>) -> Vec<String> {
    let value = setting.as_ref().map(|setting| setting.value.as_str());
    value.and_then(|value| serde_json::from_str(value).ok()).unwrap_or_default()
}

fn setting_of(name: &str) -> String {
    format!("status:{name}")
}
