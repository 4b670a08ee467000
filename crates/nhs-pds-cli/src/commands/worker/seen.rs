//! What the processes of a worker show of themselves at the local port and to systemd.

use super::once::Pass;
use crate::console::because;
use crate::port::Seen;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::process::tenants::{Fleet, TenantRun, TenantStatus};
use nhs_pds::process::{Process, State, Status};
use nhs_pds::tenant::TenantName;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A run that has not got any further for so long is stuck. One that waits for the service or for the rate limit renews
/// its leases meanwhile.
const STUCK: Duration = Duration::from_secs(5 * 60);

/// After this time, a run that finishes cases has left behind what ended the run before it. A first load runs for hours,
/// and must not show an outage of seconds until its end.
const RECOVERED: TimeDelta = TimeDelta::minutes(1);

/// Shows a process on its schedule.
pub(super) fn scheduled(process: Process) -> impl Fn() -> Vec<Seen> + Send + Sync {
    move || {
        let status = process.status();
        let stuck = process.is_stuck(STUCK);
        vec![Seen {
            tenant: None,
            runs: !matches!(status.state, State::NotStarted | State::Stopped),
            stuck,
            doing: if stuck { silent() } else { doing(&status) },
            error: error(&status, SystemClock.now()),
        }]
    }
}

/// Shows the process of each tenant of a fleet.
pub(super) fn fleet(fleet: Fleet) -> impl Fn() -> Vec<Seen> + Send + Sync {
    move || {
        let now = SystemClock.now();
        fleet.status().tenants.iter().map(|tenant| of_tenant(tenant, now)).collect()
    }
}

fn of_tenant(tenant: &TenantStatus, now: DateTime<Utc>) -> Seen {
    let runs = tenant.state == TenantRun::Running;
    let process = tenant.process.as_ref().filter(|_| runs);
    let doing = match process {
        _ if tenant.stuck => silent(),
        Some(status) => doing(status),
        None if tenant.state == TenantRun::Paused => "paused by an operator".to_owned(),
        None => tenant.state.as_str().to_owned(),
    };
    let error = tenant.last_error.clone().or_else(|| process.and_then(|status| error(status, now)));
    Seen { tenant: Some(tenant.name.clone()), runs, stuck: tenant.stuck, doing, error }
}

/// Shows a single run.
pub(super) fn once(
    pass: &Pass,
    tenant: Option<TenantName>,
) -> impl Fn() -> Vec<Seen> + Send + Sync + use<> {
    let (worker, seen) = (Arc::clone(&pass.worker), Arc::clone(&pass.seen));
    move || {
        let stuck = worker.get().is_some_and(|worker| worker.is_stuck(STUCK));
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
    let time = |time: DateTime<Utc>| time.format("%H:%M:%SZ").to_string();
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

fn error(status: &Status, now: DateTime<Utc>) -> Option<String> {
    if status.service_refused {
        return Some("the service refuses our configuration".to_owned());
    }
    last_failure(status, now).or_else(|| not_exchanged(status))
}

/// Why the files of batches are not exchanged.
pub(super) fn not_exchanged(status: &Status) -> Option<String> {
    let why = status.batch_error.as_ref()?;
    Some(format!("the files of batches are not exchanged: {why}"))
}

fn last_failure(status: &Status, now: DateTime<Utc>) -> Option<String> {
    let error = status.last_error?;
    let current = status.current.as_ref().filter(|run| run.seen > 0);
    if current.is_some_and(|run| now - run.began > RECOVERED) {
        return None;
    }
    // A failure of the current run did not end the last one.
    let cause = status.last_cause.as_ref().filter(|_| current.is_none());
    let cause = cause.map(|cause| format!(": {cause}"));
    Some(format!("the last run ended early: {}{}", because(&error), cause.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::process::ErrorKind;
    use serde_json::json;

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
        assert_eq!(error(&status, at), None);
        status.last_error = Some(ErrorKind::StoreUnavailable);
        status.last_cause = Some("database is locked".to_owned());
        let words = error(&status, at).unwrap();
        assert!(words.starts_with("the last run ended early: the store of cases is"), "{words}");
        assert!(words.ends_with(": database is locked"), "{words}");
        status.last_error = None;
        status.batch_error = Some("the password file is missing".to_owned());
        let words = error(&status, at).unwrap();
        assert_eq!(words, "the files of batches are not exchanged: the password file is missing");
        status.service_refused = true;
        assert_eq!(error(&status, at).unwrap(), "the service refuses our configuration");
    }

    #[test]
    fn a_run_that_goes_on_leaves_the_failure_of_the_last_one_behind() {
        let began = DateTime::<Utc>::UNIX_EPOCH;
        let run = |seen: u64| {
            let run = json!({
                "began": began, "ended": null, "seen": seen, "asked": seen, "unanswered": 0,
                "numbers_written": 0, "to_review": 0, "unreadable": 0,
            });
            Some(serde_json::from_value(run).unwrap())
        };
        let mut status = Status::default();
        status.state = State::Running;
        status.last_error = Some(ErrorKind::StoreUnavailable);
        status.last_cause = Some("connection closed".to_owned());
        let late = began + RECOVERED + TimeDelta::seconds(1);

        status.current = run(0);
        assert!(error(&status, late).unwrap().ends_with("connection closed"));
        status.current = run(1);
        status.last_cause = Some("a question of the current run failed".to_owned());
        let words = error(&status, began + RECOVERED).unwrap();
        assert!(!words.contains("current run"), "{words}");
        assert_eq!(error(&status, late), None);
        status.current = None;
        assert!(error(&status, late).is_some());
    }
}
