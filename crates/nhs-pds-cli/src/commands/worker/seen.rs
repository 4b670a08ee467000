//! What the only process of a worker shows of itself at the local port and to systemd.

use crate::console::because;
use crate::port::Seen;
use nhs_pds::process::{Process, State, Status, Worker};
use nhs_pds::tenant::TenantName;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A run that has not got any further for so long is stuck. One that waits for the service or for the rate limit renews
/// its leases meanwhile.
const STUCK: Duration = Duration::from_secs(5 * 60);

/// Shows a process on its schedule.
pub(super) fn scheduled(
    process: Process,
    tenant: Option<TenantName>,
) -> impl Fn() -> Vec<Seen> + Send + Sync {
    move || {
        let status = process.status();
        let stuck = process.is_stuck(STUCK);
        vec![Seen {
            tenant: tenant.clone(),
            runs: !matches!(status.state, State::NotStarted | State::Stopped),
            stuck,
            doing: if stuck { silent() } else { doing(&status) },
            error: error(&status),
        }]
    }
}

/// Shows a single run that counts its cases in `seen`.
pub(super) fn once(
    worker: Worker,
    seen: Arc<AtomicU64>,
    tenant: Option<TenantName>,
) -> impl Fn() -> Vec<Seen> + Send + Sync {
    move || {
        let stuck = worker.is_stuck(STUCK);
        let count = seen.load(Ordering::Relaxed);
        vec![Seen {
            tenant: tenant.clone(),
            runs: true,
            stuck,
            doing: if stuck { silent() } else { format!("running; {count} cases looked at") },
            error: None,
        }]
    }
}

fn silent() -> String {
    format!("the run has not got any further for {} minutes", STUCK.as_secs() / 60)
}

/// The state of a process in words.
fn doing(status: &Status) -> String {
    let time = |time: chrono::DateTime<chrono::Utc>| time.format("%H:%M:%SZ").to_string();
    let next = status.next_run.map(time).unwrap_or_default();
    match (status.state, &status.current) {
        (State::Running, Some(run)) => {
            format!("running since {}; {} cases looked at", time(run.began), run.seen)
        }
        (State::Waiting, _) => match status.suspended_until {
            Some(_) => format!("the service does not work; it is asked again at {next}"),
            None => format!("waiting for the next run at {next}"),
        },
        (State::Quiet, _) => format!("quiet hours until {next}"),
        (State::Paused, _) => "paused by a user".to_owned(),
        (state, _) => state.as_str().replace('_', " "),
    }
}

fn error(status: &Status) -> Option<String> {
    if status.service_refused {
        return Some("the service refuses our configuration".to_owned());
    }
    let error = status.last_error?;
    let cause = status.last_cause.as_ref().map(|cause| format!(": {cause}"));
    Some(format!("the last run ended early: {}{}", because(&error), cause.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta, Utc};

    #[test]
    fn each_state_has_its_words() {
        let at = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(12);
        let mut status = Status::default();
        status.next_run = Some(at);
        for (state, words) in [
            (State::Waiting, "waiting for the next run at 12:00:00Z"),
            (State::Quiet, "quiet hours until 12:00:00Z"),
            (State::Paused, "paused by a user"),
            (State::NotStarted, "not started"),
        ] {
            status.state = state;
            assert_eq!(doing(&status), words);
        }
        status.state = State::Waiting;
        status.suspended_until = Some(at);
        assert!(doing(&status).ends_with("asked again at 12:00:00Z"));
        assert_eq!(error(&status), None);
        status.last_error = Some(nhs_pds::process::ErrorKind::StoreUnavailable);
        status.last_cause = Some("database is locked".to_owned());
        let words = error(&status).unwrap();
        assert!(words.starts_with("the last run ended early: the store of cases is"), "{words}");
        assert!(words.ends_with(": database is locked"), "{words}");
        status.service_refused = true;
        assert_eq!(error(&status).unwrap(), "the service refuses our configuration");
    }
}
