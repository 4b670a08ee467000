//! What the processes of a worker show of themselves at the local port and to systemd.

use crate::console::because;
use crate::port::Seen;
use nhs_pds::process::tenants::{Fleet, TenantRun, TenantStatus};
use nhs_pds::process::{Process, State, Status};
use nhs_pds::tenant::TenantName;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A run in which no case was finished for so long is stuck. A question with all its retries takes three minutes at
/// most; another worker keeps a case for one minute after its death.
const STUCK: Duration = Duration::from_secs(15 * 60);

/// How far a run has come, as far as it can be seen from outside, and since when.
#[derive(Debug)]
struct Mark<T> {
    at: T,
    since: Instant,
}

impl<T: PartialEq> Mark<T> {
    const fn new(at: T, since: Instant) -> Self {
        Self { at, since }
    }

    /// How long nothing has changed, if that is too long.
    fn stuck(&mut self, at: T, is_running: bool, now: Instant) -> Option<Duration> {
        if self.at != at || !is_running {
            *self = Self::new(at, now);
        }
        let quiet = now.saturating_duration_since(self.since);
        (quiet >= STUCK).then_some(quiet)
    }
}

/// Shows a process on its schedule.
pub(super) fn scheduled(process: Process) -> impl Fn() -> Vec<Seen> + Send + Sync {
    let mark = Mutex::new(Mark::new(None, Instant::now()));
    move || {
        let status = process.status();
        let is_running = matches!(status.state, State::Running | State::Stopping);
        let mut mark = mark.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = mark.stuck(status.current.clone(), is_running, Instant::now());
        vec![Seen {
            tenant: None,
            runs: !matches!(status.state, State::NotStarted | State::Stopped),
            stuck: stuck.is_some(),
            doing: stuck.map_or_else(|| doing(&status), quiet),
            error: error(&status),
        }]
    }
}

/// Shows the process of each tenant of a fleet.
pub(super) fn fleet(fleet: Fleet) -> impl Fn() -> Vec<Seen> + Send + Sync {
    move || fleet.status().tenants.iter().map(of_tenant).collect()
}

fn of_tenant(tenant: &TenantStatus) -> Seen {
    let runs = tenant.state == TenantRun::Running;
    let process = tenant.process.as_ref().filter(|_| runs);
    let doing = match process {
        _ if tenant.stuck => "it makes no progress, and its database may not answer".to_owned(),
        Some(status) => doing(status),
        None if tenant.state == TenantRun::Paused => "paused by an operator".to_owned(),
        None => tenant.state.as_str().to_owned(),
    };
    let error = tenant.last_error.clone().or_else(|| process.and_then(error));
    Seen { tenant: Some(tenant.name.clone()), runs, stuck: tenant.stuck, doing, error }
}

/// Shows a single run that counts its cases in `seen`.
pub(super) fn once(
    seen: Arc<AtomicU64>,
    tenant: Option<TenantName>,
) -> impl Fn() -> Vec<Seen> + Send + Sync {
    let mark = Mutex::new(Mark::new(0, Instant::now()));
    move || {
        let count = seen.load(Ordering::Relaxed);
        let mut mark = mark.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = mark.stuck(count, true, Instant::now());
        vec![Seen {
            tenant: tenant.clone(),
            runs: true,
            stuck: stuck.is_some(),
            doing: stuck.map_or_else(|| format!("running; {count} cases looked at"), quiet),
            error: None,
        }]
    }
}

fn quiet(time: Duration) -> String {
    format!("no case was finished for {} seconds", time.as_secs())
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
    fn a_run_without_a_finished_case_is_stuck_after_a_time() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut mark = Mark::new(0, now);
        assert_eq!(mark.stuck(0, true, now + STUCK - second), None);
        assert_eq!(mark.stuck(0, true, now + STUCK), Some(STUCK));
        assert_eq!(mark.stuck(1, true, now + STUCK), None, "a case was finished");
        assert_eq!(mark.stuck(1, true, now + STUCK * 2), Some(STUCK));
        assert_eq!(mark.stuck(1, false, now + STUCK * 9), None, "no run is in progress");
        assert_eq!(mark.stuck(1, true, now + STUCK * 9 + second), None, "a new one is");
    }

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
