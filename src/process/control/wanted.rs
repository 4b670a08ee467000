use crate::case::{self, CaseStore, Setting};
use crate::process::error::{Error, ErrorKind};
use crate::process::schedule::Schedule;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of the setting.
pub(in crate::process) const CONTROLS: &str = "process";

/// What users want of all processes on a store.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Controls {
    /// Whether no run starts by the schedule.
    pub paused: bool,
    /// How often a user has asked for a run at once. Each process makes one run when it has grown.
    pub runs: u64,
    /// The schedule of every process; `None` where each has its own.
    pub schedule: Option<Schedule>,
    /// The last change. The audit trail has all of them.
    pub last_change: Option<ControlChange>,
}

/// A change of the controls.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct ControlChange {
    /// What changed: `pause`, `resume`, `run_now` or `schedule`, as in the audit trail.
    pub what: String,
    /// The name of the user.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Shows no name of a user.
impl fmt::Debug for ControlChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlChange({})", self.what)
    }
}

/// The controls of the store, and the setting that they are in.
pub(in crate::process) async fn read(cases: &dyn CaseStore) -> Result<(Controls, Setting), Error> {
    let Some(setting) = cases.setting(CONTROLS).await? else {
        return Ok((Controls::default(), Setting::new("{}")));
    };
    let controls = serde_json::from_str(&setting.value);
    let broken = |_| Error::from(case::Error::new(case::ErrorKind::Corrupt));
    Ok((controls.map_err(broken)?, setting))
}

/// The setting with other controls.
pub(in crate::process) fn with(
    mut setting: Setting,
    controls: &Controls,
) -> Result<Setting, Error> {
    let json = serde_json::to_string(controls);
    setting.value = json.map_err(|_| Error::new(ErrorKind::StoreBroken))?;
    Ok(setting)
}
