use crate::process::run::status::Status;
use crate::process::tenants::error::ErrorKind;
use crate::tenant::TenantName;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// What a [`Fleet`](crate::process::tenants::Fleet) does, for health checks and screens. Contains no personal
/// data and no secrets.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct FleetStatus {
    /// Whether the fleet runs. After its end, the tenants are shown as they were then.
    pub is_running: bool,
    /// When the directory was last read.
    pub directory_read: Option<DateTime<Utc>>,
    /// Why the latest attempt to read the directory failed. Processes go on meanwhile.
    pub directory_error: Option<ErrorKind>,
    /// Each tenant of the directory, and each that has left it and whose process has not ended yet, in the
    /// order of their names.
    pub tenants: Vec<TenantStatus>,
}

impl FleetStatus {
    /// The tenants whose process is stuck, or cannot start for longer than that limit.
    pub fn stuck(&self) -> impl Iterator<Item = &TenantStatus> {
        self.tenants.iter().filter(|tenant| tenant.stuck)
    }

    /// The tenants that are active and whose process cannot run.
    pub fn broken(&self) -> impl Iterator<Item = &TenantStatus> {
        self.tenants.iter().filter(|tenant| tenant.state == TenantRun::Broken)
    }
}

/// What a fleet does for one tenant. Contains no personal data and no secrets.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct TenantStatus {
    /// The tenant.
    pub name: TenantName,
    /// What the fleet does.
    pub state: TenantRun,
    /// The version of the tenant by which its process was started.
    pub version: Option<u64>,
    /// The status of its process, or of its last one.
    pub process: Option<Status>,
    /// Why its process could not start, or why it ended; until the next one has started.
    pub last_error: Option<String>,
    /// Whether its process does not get any further:
    /// [`Process::is_stuck`](crate::process::Process::is_stuck).
    pub stuck: bool,
}

/// What a fleet does for one tenant.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantRun {
    /// An operator has paused the tenant: it has no process.
    Paused,
    /// Its process starts soon.
    Waiting,
    /// Its worker is being made.
    Starting,
    /// Its process runs; [`State`](crate::process::State) says what that does.
    Running,
    /// Its process is stopping, and waits for the questions in progress.
    Stopping,
    /// Its process could not start, or has failed. The fleet tries again.
    Broken,
}

impl TenantRun {
    /// Returns a stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Broken => "broken",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn a_status_as_json() {
        let tenant = TenantStatus {
            name: "leeds".parse().unwrap(),
            state: TenantRun::Broken,
            version: None,
            process: None,
            last_error: Some("no certificate".to_owned()),
            stuck: false,
        };
        let status = FleetStatus {
            is_running: true,
            directory_read: Some(DateTime::UNIX_EPOCH),
            directory_error: Some(ErrorKind::Unavailable),
            tenants: vec![tenant],
        };
        let expected = json!({
            "is_running": true,
            "directory_read": "1970-01-01T00:00:00Z",
            "directory_error": "unavailable",
            "tenants": [{
                "name": "leeds",
                "state": "broken",
                "version": null,
                "process": null,
                "last_error": "no certificate",
                "stuck": false,
            }],
        });
        assert_eq!(to_value(&status).unwrap(), expected);
        for state in [
            TenantRun::Paused,
            TenantRun::Waiting,
            TenantRun::Starting,
            TenantRun::Running,
            TenantRun::Stopping,
            TenantRun::Broken,
        ] {
            assert_eq!(to_value(state).unwrap(), state.as_str());
        }
        assert_eq!((status.broken().count(), status.stuck().count()), (1, 0));
    }
}
