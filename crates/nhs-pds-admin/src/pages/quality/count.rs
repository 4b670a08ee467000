//! Counting the data quality: in the background, one count at a time for all servers of a store.

use crate::app::App;
use crate::error::PageError;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, EventKind};
use nhs_pds::case::{self, CaseStore, Setting};
use nhs_pds::process;
use nhs_pds::process::store::Commit;
use nhs_pds::report::{Report, keep};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The setting of the store with the count in progress.
const SETTING: &str = "screens:count";

/// How many cases are read at a time.
const PAGE: usize = 500;

/// After how many pages the count says how far it is.
const PAGES: usize = 20;

/// A count that has not said so for this time has ended with its server.
const SILENCE: TimeDelta = TimeDelta::minutes(2);

/// How long a request waits for its count: long enough for a small store.
const PATIENCE: Duration = Duration::from_secs(2);

/// The rows of the last count that this server has made. They have ids of cases, so they are not stored.
pub(crate) struct Counted(Mutex<Option<Arc<Rows>>>);

/// The rows of a report, as CSV.
pub(super) struct Rows {
    pub(super) at: DateTime<Utc>,
    pub(super) csv: String,
}

impl Default for Counted {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counted(redacted)")
    }
}

impl Counted {
    /// The rows of the last count of this server.
    pub(super) fn rows(&self) -> Option<Arc<Rows>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, report: &Report) {
        let rows = Rows { at: report.at, csv: report.csv() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(rows));
    }
}

/// A count, as the setting has it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Count {
    pub(super) began: DateTime<Utc>,
    /// The last sign.
    at: DateTime<Utc>,
    /// How many cases it has read.
    pub(super) seen: u64,
    /// Whether it has ended.
    ended: bool,
    /// Whether it has failed.
    pub(super) failed: bool,
}

impl Count {
    /// Whether it goes on at `now`.
    pub(super) fn is_running(&self, now: DateTime<Utc>) -> bool {
        !self.ended && now - self.at <= SILENCE
    }

    /// Whether it has ended without a result.
    pub(super) fn has_failed(&self, now: DateTime<Utc>) -> bool {
        self.failed || !self.ended && now - self.at > SILENCE
    }
}

/// How a request for a count ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Started {
    /// The figures are new.
    Counted,
    /// It goes on in the background.
    Counting,
    /// Another count is in progress.
    Before,
}

/// The count in progress, or the last one.
pub(super) async fn read(cases: &dyn CaseStore) -> Result<(Option<Count>, u64), PageError> {
    let Some(setting) = cases.setting(SETTING).await? else { return Ok((None, 0)) };
    Ok((serde_json::from_str(&setting.value).ok(), setting.version))
}

/// Counts all cases, unless a count is in progress. Recorded with the user.
pub(super) async fn start(app: &Arc<App>, actor: &Actor) -> Result<Started, PageError> {
    let now = app.clock.now();
    let (count, version) = read(app.store.cases()).await?;
    if count.is_some_and(|count| count.is_running(now)) {
        return Ok(Started::Before);
    }
    let count = Count { began: now, at: now, seen: 0, ended: false, failed: false };
    let entry = app.event(EventKind::ProcessControlled, actor).with_detail("process", "report");
    let commit = Commit::of_a_person(actor, now).set(SETTING, setting(&count, version), entry);
    if !app.store.commit(commit).await?.is_done() {
        return Ok(Started::Before);
    }
    let shared = Arc::clone(app);
    let task = tokio::spawn(async move { run(&shared, count, version + 1).await });
    Ok(match tokio::time::timeout(PATIENCE, task).await {
        Ok(Ok(true)) => Started::Counted,
        // A count that has failed says so on the page.
        _ => Started::Counting,
    })
}

/// Makes a count, and says how far it is. Returns whether it has succeeded.
async fn run(app: &App, mut count: Count, mut version: u64) -> bool {
    let counted = all(app, &mut count, &mut version).await;
    if let Err(error) = &counted {
        tracing::warn!(kind = %error.kind(), "the data quality could not be counted");
    }
    (count.ended, count.failed) = (true, counted.is_err());
    sign(app, &mut count, &mut version).await;
    counted.is_ok()
}

async fn all(app: &App, count: &mut Count, version: &mut u64) -> Result<(), process::Error> {
    let (cases, mut after, mut pages) = (app.store.cases(), None, 0_usize);
    let mut builder = Report::builder(count.began);
    loop {
        let page = cases.page(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        page.iter().for_each(|case| builder.add(case));
        count.seen += page.len() as u64;
        pages += 1;
        if pages.is_multiple_of(PAGES) {
            sign(app, count, version).await;
        }
        // Users go before the count.
        tokio::task::yield_now().await;
    }
    builder.add_unreadable(cases.unreadable().await?.len() as u64);
    let report = builder.finish();
    keep(cases, &report.figures()).await?;
    app.counted.set(&report);
    Ok(())
}

/// Says how far a count is. Another server may have begun a count meanwhile: its setting stays.
async fn sign(app: &App, count: &mut Count, version: &mut u64) {
    count.at = app.clock.now();
    match app.store.cases().save_setting(SETTING, setting(count, *version)).await {
        Ok(()) => *version += 1,
        Err(error) if error.kind() == case::ErrorKind::Conflict => {}
        Err(error) => {
            tracing::debug!(kind = %error.kind(), "the progress of a count was not stored");
        }
    }
}

fn setting(count: &Count, version: u64) -> Setting {
    let mut setting = Setting::new(serde_json::to_string(count).unwrap_or_default());
    setting.version = version;
    setting
}
