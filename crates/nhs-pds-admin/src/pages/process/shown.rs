//! A process as its page shows it.

use crate::pages::process::words;
use crate::view;
use chrono::{DateTime, Utc};
use nhs_pds::process::{Failure, Progress, State, Status, WorkerStatus};

/// One line of a list.
pub(crate) struct Line {
    pub(crate) label: &'static str,
    pub(crate) text: String,
    /// Whether it is a problem: the page marks it with a word.
    pub(crate) is_problem: bool,
}

/// Failures of runs.
pub(crate) struct ShownFailure {
    pub(crate) when: String,
    pub(crate) what: &'static str,
    pub(crate) to_do: &'static str,
    pub(crate) details: Option<String>,
}

/// A process.
pub(crate) struct Shown {
    pub(crate) name: String,
    pub(crate) tag: &'static str,
    pub(crate) tag_class: &'static str,
    /// Why the shown state may not be true any more.
    pub(crate) stale: Option<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) failures: Vec<ShownFailure>,
}

/// A thing that a user should know or do.
pub(crate) struct Problem {
    pub(crate) what: String,
    pub(crate) to_do: &'static str,
}

/// Whether a process runs: it has not ended, and has given a sign lately.
pub(crate) fn is_alive(worker: &WorkerStatus, now: DateTime<Utc>) -> bool {
    let has_ended = matches!(worker.status.state, State::NotStarted | State::Stopped);
    !has_ended && !worker.is_stale(now)
}

/// Shows a process.
pub(crate) fn shown(worker: &WorkerStatus, now: DateTime<Utc>) -> Shown {
    let status = &worker.status;
    let has_ended = matches!(status.state, State::NotStarted | State::Stopped);
    let is_silent = !has_ended && worker.is_stale(now);
    let (tag, tag_class) =
        if is_silent { ("No sign of life", "nhsuk-tag--red") } else { words::state(status.state) };
    let stale = is_silent.then(|| {
        format!(
            "The process has given no sign since {}. It has ended without saying so, or cannot reach the database. \
             What follows is its last known state.",
            view::time(worker.at)
        )
    });
    let mut lines = vec![line("Last sign", view::time(worker.at))];
    lines.extend(run_lines(status));
    lines.extend(service_lines(status, now));
    Shown {
        name: worker.name.clone(),
        tag,
        tag_class,
        stale,
        lines,
        failures: status.failures.iter().map(failure).collect(),
    }
}

fn run_lines(status: &Status) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(run) = &status.current {
        let began = view::time(run.began);
        lines.push(line("Current run", format!("Began {began}. So far: {}", counts(run))));
    }
    lines.push(match &status.last {
        Some(run) => {
            let ended = run.ended.map_or(String::new(), |at| {
                format!(", ended {} after {}", view::time(at), view::length(at - run.began))
            });
            let began = view::time(run.began);
            let text = format!("Began {began}{ended}. {}", counts(run));
            Line { label: "Last run", text, is_problem: has_failed(status) }
        }
        None => line("Last run", "No run has ended yet".to_owned()),
    });
    let next = match (status.next_run, status.state) {
        (Some(at), State::Quiet) => format!("{}, after the quiet hours", view::time(at)),
        (Some(at), _) => view::time(at),
        (None, State::Running) => "Planned when the current run has ended".to_owned(),
        (None, State::Paused) => "None while the process is paused".to_owned(),
        (None, _) => "None planned".to_owned(),
    };
    lines.push(line("Next run", next));
    lines
}

/// The counts of a run in a sentence.
fn counts(run: &Progress) -> String {
    let mut words = format!(
        "{} looked at, {} traced, {} written or confirmed, {} left for a person",
        view::counted(run.seen, "case", "cases"),
        view::count(run.asked),
        view::counted(run.numbers_written, "NHS Number", "NHS Numbers"),
        view::count(run.to_review),
    );
    if run.unanswered > 0 {
        words.push_str(&format!(", {} without an answer", view::count(run.unanswered)));
    }
    if run.unreadable > 0 {
        let damaged = view::counted(run.unreadable, "case cannot", "cases cannot");
        words.push_str(&format!(", {damaged} be read"));
    }
    words.push('.');
    words
}

/// Whether the last run has ended early.
fn has_failed(status: &Status) -> bool {
    status.last_error.is_some() || status.service_refused || status.suspended_until.is_some()
}

fn service_lines(status: &Status, now: DateTime<Utc>) -> Vec<Line> {
    let (service, mut lines) = (&status.service, Vec::new());
    if let Some(rate) = service.per_second {
        let queries = view::counted(rate.into(), "query", "queries");
        let in_flight = service.in_flight.map_or(String::new(), |most| {
            format!(", and at most {} in progress at a time", view::count(most.into()))
        });
        lines.push(line("Rate limit", format!("At most {queries} a second{in_flight}")));
    }
    if let Some(state) = service.circuit_breaker {
        let time = |at: Option<DateTime<Utc>>| at.map(view::time).unwrap_or_default();
        let (since, until) = (time(service.suspended_since), time(service.suspended_until));
        let is_problem = state != nhs_pds::trace::CircuitBreakerState::Closed;
        let text = words::circuit(state, &since, &until);
        lines.push(Line { label: "Circuit breaker", text, is_problem });
    }
    let (text, is_problem) = status
        .clock_skew
        .map_or(("Not known until the service has answered".to_owned(), false), words::skew);
    lines.push(Line { label: "Clock", text, is_problem });
    let (text, is_problem) = match service.certificate_expires {
        Some(expires) => words::certificate(expires, now),
        None => ("No client certificate in use".to_owned(), false),
    };
    lines.push(Line { label: "Client certificate and its key expire", text, is_problem });
    if let Some(key) = &service.key_id {
        let text = format!(
            "Key {key} signs the requests for access. It has no date of expiry: replace it when your rules say so"
        );
        lines.push(line("Signing key", text));
    }
    lines
}

fn failure(failure: &Failure) -> ShownFailure {
    let (what, to_do) = words::failure(failure.error, failure.service_refused);
    let when = if failure.runs == 1 {
        view::time(failure.until)
    } else {
        let runs = view::counted(failure.runs, "run", "runs");
        format!("{runs} from {} to {}", view::time(failure.since), view::time(failure.until))
    };
    ShownFailure { when, what, to_do, details: failure.cause.clone() }
}

const fn line(label: &'static str, text: String) -> Line {
    Line { label, text, is_problem: false }
}

/// What a user should know of the processes. Empty when all is well.
pub(crate) fn problems(workers: &[WorkerStatus], now: DateTime<Utc>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |what: String, to_do| problems.push(Problem { what, to_do });
    let alive: Vec<_> = workers.iter().filter(|worker| is_alive(worker, now)).collect();
    let of = |worker: &WorkerStatus| {
        if workers.len() > 1 { format!(" (process {})", worker.name) } else { String::new() }
    };
    if workers.is_empty() {
        add(
            "No process has ever run here".to_owned(),
            "Start one: the process page has the command.",
        );
    } else if alive.is_empty() {
        let last = workers.iter().map(|worker| worker.at).max().unwrap_or(now);
        let what = format!("No process runs. The last sign was on {}", view::time(last));
        add(what, "Start the process again, or ask the person who operates it.");
    }
    for worker in alive {
        let status = &worker.status;
        if has_failed(status) {
            let (what, to_do) = words::failure(status.last_error, status.service_refused);
            add(format!("{what}{}", of(worker)), to_do);
        }
        if let Some(why) = &status.batch_error {
            let to_do = "Cases that are in no file are traced singly meanwhile. Correct the cause. The process tries again: with \
                         the next run, or after six hours if it cannot write files.";
            let what = "Files of batches are not written, sent or received";
            add(format!("{what}{}: {why}", of(worker)), to_do);
        }
        let unreadable = status.last.as_ref().map_or(0, |run| run.unreadable);
        if unreadable > 0 {
            let what = view::counted(unreadable, "stored case cannot", "stored cases cannot");
            let to_do = "Restore the database from a copy, or erase the damaged cases.";
            add(format!("{what} be read{}", of(worker)), to_do);
        }
        if let Some((words, true)) = status.clock_skew.map(words::skew) {
            let to_do = "With a wrong clock a service may refuse every query.";
            add(format!("Clock: {words}{}", of(worker)), to_do);
        }
        let expires = status.service.certificate_expires;
        if let Some((words, true)) = expires.map(|expires| words::certificate(expires, now)) {
            let to_do = "Ask your provider for a new certificate, and give it to the process.";
            add(format!("Client certificate: {words}{}", of(worker)), to_do);
        }
    }
    problems
}
