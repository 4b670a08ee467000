//! The state of a process in words, and what to do about it.

use crate::view;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::process::{ErrorKind, QuietHours, Schedule, State};
use nhs_pds::trace::CircuitBreakerState;

/// Clocks that differ by more are to be set.
const TOLERATED: TimeDelta = TimeDelta::seconds(30);

/// A certificate that expires sooner is to be renewed.
const RENEWAL: TimeDelta = TimeDelta::days(30);

/// The state of a process, and the class of its tag.
pub(super) const fn state(state: State) -> (&'static str, &'static str) {
    match state {
        State::NotStarted => ("Not started", "nhsuk-tag--grey"),
        State::Waiting => ("Waiting for the next run", "nhsuk-tag--green"),
        State::Quiet => ("Quiet hours", "nhsuk-tag--grey"),
        State::Paused => ("Paused", "nhsuk-tag--yellow"),
        State::Running => ("Run in progress", "nhsuk-tag--blue"),
        State::Stopping => ("Stopping", "nhsuk-tag--orange"),
        State::Stopped => ("Stopped", "nhsuk-tag--grey"),
        _ => ("Not known", "nhsuk-tag--grey"),
    }
}

/// Why runs ended early, and what to do.
pub(super) const fn failure(
    error: Option<ErrorKind>,
    is_refused: bool,
) -> (&'static str, &'static str) {
    match error {
        Some(ErrorKind::StoreUnavailable) => (
            "The database could not be read or written",
            "The process tries again by itself. If it lasts, check that the database runs and has free space.",
        ),
        Some(ErrorKind::StoreBroken | ErrorKind::CaseUnreadable) => (
            "The database has an entry that cannot be read",
            "Have the database checked, or restore it from a copy. The process does not start again by itself.",
        ),
        Some(ErrorKind::AuditUnavailable) => (
            "The audit trail could not be written",
            "Nothing is done that cannot be recorded. The process tries again by itself. If it lasts, check the database.",
        ),
        Some(ErrorKind::AuditReadOnly) => (
            "The audit trail can only be read",
            "Make the database writable. The process tries again by itself.",
        ),
        Some(ErrorKind::AuditBroken) => (
            "The audit trail cannot be used",
            "Have the audit trail verified. The process does not start again by itself.",
        ),
        Some(_) => (
            "The run ended with an error",
            "Look at the log of the process. Tell your supplier if it happens again.",
        ),
        None if is_refused => (
            "The service refused this system, or rejected five questions in a row for the same reason",
            "Check the organisation code, the certificate and the key with your provider. Then start a run.",
        ),
        None => (
            "The service did not work",
            "Queries start again by themselves. If it lasts for more than an hour, ask your provider.",
        ),
    }
}

/// Whether queries are sent.
pub(super) fn circuit(state: CircuitBreakerState, since: &str, until: &str) -> String {
    let since = if since.is_empty() { String::new() } else { format!(" since {since}") };
    match state {
        CircuitBreakerState::Closed => "Closed: queries are sent".to_owned(),
        CircuitBreakerState::Probing => {
            format!("Testing with one query whether the service works again; suspended{since}")
        }
        _ => {
            let next =
                if until.is_empty() { String::new() } else { format!("; next query {until}") };
            format!("Open: queries are suspended{since}{next}")
        }
    }
}

/// How the clocks of the process and of the service agree, and whether this is a problem.
pub(super) fn skew(skew: TimeDelta) -> (String, bool) {
    if skew.abs() <= TOLERATED {
        return ("Agrees with the clock of the service".to_owned(), false);
    }
    let side = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    let length = view::length(skew.abs());
    (format!("{length} {side} the clock of the service: set the clock of the machine"), true)
}

/// When a certificate expires, and whether this is a problem.
pub(super) fn certificate(expires: DateTime<Utc>, now: DateTime<Utc>) -> (String, bool) {
    let (at, left) = (view::time(expires), expires - now);
    if left < TimeDelta::zero() {
        (format!("Expired on {at}: renew it now, or no query is answered"), true)
    } else if left <= RENEWAL {
        (format!("{at}, in {}: renew it", view::length(left)), true)
    } else {
        (format!("{at}, in {}", view::length(left)), false)
    }
}

/// A schedule in a sentence.
pub(super) fn schedule(schedule: &Schedule) -> String {
    let time = |time: std::time::Duration| {
        view::length(TimeDelta::from_std(time).unwrap_or(TimeDelta::zero()))
    };
    let mut words = format!("A run starts every {}", time(schedule.interval()));
    if !schedule.jitter().is_zero() {
        words.push_str(&format!(", or up to {} earlier", time(schedule.jitter())));
    }
    words.push_str(". ");
    words.push_str(&schedule.quiet_hours().map_or("No quiet hours.".to_owned(), |quiet| {
        let QuietHours { from, to, is_london, .. } = quiet;
        let clocks =
            if is_london { "London time" } else { "UTC, which is London time in winter only" };
        let (from, to) = (view::time_of_day(from), view::time_of_day(to));
        format!("Quiet hours from {from} to {to} ({clocks}): no run starts by the schedule.")
    }));
    words
}

/// What was changed last, from the stored word.
pub(super) fn change(what: &str) -> &'static str {
    match what {
        "pause" => "Paused",
        "resume" => "Resumed",
        "run_now" => "A run was asked for",
        "schedule" => "The schedule was changed",
        _ => "Changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_certificate_warns_a_month_before() {
        let now = at("2026-11-30T09:00:00Z");
        let shown = |expires: &str| certificate(at(expires), now);
        assert_eq!(
            shown("2027-03-31T23:59:59Z"),
            ("1 April 2027, 12:59am, in 121 days".to_owned(), false)
        );
        assert_eq!(
            shown("2026-12-10T09:00:00Z"),
            ("10 December 2026, 9:00am, in 10 days: renew it".to_owned(), true)
        );
        assert!(shown("2026-11-30T08:59:59Z").0.starts_with("Expired on 30 November"));
    }

    #[test]
    fn clocks_that_agree_are_no_problem() {
        assert!(!skew(TimeDelta::seconds(-30)).1);
        let (words, is_problem) = skew(TimeDelta::seconds(-90));
        assert!(words.starts_with("1 minute behind") && is_problem);
    }

    #[test]
    fn a_schedule_says_whose_clocks_it_means() {
        let time = |text: &str| text.parse().unwrap();
        let every = Schedule::every(Duration::from_secs(600)).unwrap();
        let plain = schedule(&every);
        assert_eq!(plain, "A run starts every 10 minutes. No quiet hours.");
        let quiet = every.clone().with_quiet_hours_in_london(time("22:00:00"), time("06:00:00"));
        assert!(schedule(&quiet).contains("from 10:00pm to 6:00am (London time)"));
        let quiet = every.with_quiet_hours(time("22:00:00"), time("06:00:00"));
        assert!(schedule(&quiet).contains("UTC"));
    }
}
