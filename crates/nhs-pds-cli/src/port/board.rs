//! What the worker knows of itself, and what follows from it for a service manager, a load balancer and an
//! operator. Nothing here is about a case or a person.

use nhs_pds::tenant::TenantName;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The longest time between two turns of the event loop of a worker that makes progress.
const STALLED: Duration = Duration::from_secs(10);

/// What the worker is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// It prepares its work: what it does now.
    Starting(&'static str),
    Working,
    /// It is asked to stop, and waits for the answers to open questions.
    Stopping,
}

/// One process of the worker: that of a tenant, or the only one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    /// The tenant; `None` where the worker has one organisation only.
    pub(crate) tenant: Option<TenantName>,
    /// Whether it is started and has not ended.
    pub(crate) runs: bool,
    /// Whether a run is in progress in which nothing has happened for too long.
    pub(crate) stuck: bool,
    /// What it does, in words.
    pub(crate) doing: String,
    /// Why it does not run, or why its last run ended early.
    pub(crate) error: Option<String>,
}

/// What the worker knows of itself. The event loop writes it, and another thread reads it: an event loop that hangs
/// cannot say so itself.
#[derive(Debug)]
pub(crate) struct Board(Mutex<Shown>);

#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) phase: Phase,
    /// When the event loop had its last turn.
    pub(super) beat: Instant,
    pub(super) processes: Vec<Seen>,
}

/// An answer to `/health` or `/ready`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Verdict {
    pub(super) is_good: bool,
    /// One sentence a line.
    pub(super) text: String,
}

impl Board {
    pub(super) const fn new(phase: Phase, now: Instant) -> Self {
        Self(Mutex::new(Shown { phase, beat: now, processes: Vec::new() }))
    }

    pub(super) fn shown(&self) -> Shown {
        self.lock().clone()
    }

    /// Changes the phase. A worker that stops does not work again.
    pub(super) fn set(&self, phase: Phase) {
        let mut shown = self.lock();
        if shown.phase != Phase::Stopping {
            shown.phase = phase;
        }
    }

    /// Writes that the event loop had a turn.
    pub(super) fn beat(&self, now: Instant, processes: Vec<Seen>) {
        let mut shown = self.lock();
        (shown.beat, shown.processes) = (now, processes);
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    /// Whether the worker makes progress. If it does not, it must be started again.
    pub(super) fn health(&self, now: Instant) -> Verdict {
        let mut text = String::new();
        let quiet = now.saturating_duration_since(self.beat);
        if quiet > STALLED {
            let seconds = quiet.as_secs();
            line(&mut text, &format!("stuck: the event loop has not run for {seconds} seconds"));
        }
        for process in self.processes.iter().filter(|process| process.stuck) {
            line(&mut text, &format!("stuck: {}{}", named(process), process.doing));
        }
        if text.is_empty() {
            return Verdict { is_good: true, text: "ok\n".to_owned() };
        }
        Verdict { is_good: false, text }
    }

    /// Whether the worker is to go on: its event loop runs, and not all tenants are stuck. A new start would end the runs
    /// of the others, so one stuck tenant is named and nothing more.
    pub(super) fn goes_on(&self, now: Instant) -> bool {
        let is_stalled = now.saturating_duration_since(self.beat) > STALLED;
        let mut active = self.processes.iter().filter(|process| process.runs || process.stuck);
        let is_idle = active.clone().next().is_none();
        !is_stalled && (is_idle || active.any(|process| !process.stuck))
    }

    /// Whether the worker can trace cases now. `database` is what it says to a question.
    pub(super) fn readiness(&self, database: Result<(), &str>) -> Verdict {
        let mut text = String::new();
        match self.phase {
            Phase::Starting(what) => line(&mut text, &format!("starting: {what}")),
            Phase::Stopping => {
                line(&mut text, "stopping: it waits for the answers to open questions");
            }
            Phase::Working => {}
        }
        if let Err(why) = database {
            line(&mut text, &format!("the database does not answer: {why}"));
        }
        let runs = self.processes.iter().any(|process| process.runs);
        if self.phase == Phase::Working && !runs {
            line(&mut text, "no process runs");
        }
        let is_good = text.is_empty();
        if is_good {
            line(&mut text, "ready");
        }
        for process in &self.processes {
            if let Some(error) = &process.error {
                line(&mut text, &format!("{}{error}", named(process)));
            }
        }
        Verdict { is_good, text }
    }

    /// What the worker does, in a line for `systemctl status`.
    pub(super) fn summary(&self, now: Instant) -> String {
        let health = self.health(now);
        if !health.is_good {
            return health.text.trim_end().replace('\n', "; ");
        }
        match self.phase {
            Phase::Starting(what) => format!("starting: {what}"),
            Phase::Stopping => "stopping: it waits for the answers to open questions".to_owned(),
            Phase::Working => match self.processes.as_slice() {
                [] => "no process runs".to_owned(),
                [one] => format!("{}{}", named(one), described(one)),
                many => {
                    let runs = many.iter().filter(|process| process.runs).count();
                    let mut text = format!("{runs} of {} tenants run", many.len());
                    for process in many.iter().filter(|process| process.error.is_some()) {
                        let _ = write!(text, "; {}{}", named(process), described(process));
                    }
                    text
                }
            },
        }
    }
}

/// `leeds: `, or nothing for the only process.
fn named(process: &Seen) -> String {
    process.tenant.as_ref().map(|tenant| format!("{tenant}: ")).unwrap_or_default()
}

fn described(process: &Seen) -> &str {
    process.error.as_ref().filter(|_| !process.runs).unwrap_or(&process.doing)
}

/// Adds a line without the characters that would begin another one.
fn line(text: &mut String, words: &str) {
    text.extend(words.chars().map(|c| if c.is_control() { ' ' } else { c }));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(tenant: &str) -> Seen {
        Seen {
            tenant: tenant.parse().ok(),
            runs: true,
            stuck: false,
            doing: "waiting".to_owned(),
            error: None,
        }
    }

    fn shown(processes: Vec<Seen>) -> (Shown, Instant) {
        let now = Instant::now();
        (Shown { phase: Phase::Working, beat: now, processes }, now)
    }

    fn verdict(is_good: bool, text: &str) -> Verdict {
        Verdict { is_good, text: text.to_owned() }
    }

    #[test]
    fn one_stuck_tenant_does_not_end_the_others() {
        let (mut shown, now) = shown(vec![process("leeds"), process("york")]);
        assert!(shown.goes_on(now));
        shown.processes[0].stuck = true;
        assert!(shown.goes_on(now) && !shown.health(now).is_good);
        shown.processes[1].stuck = true;
        assert!(!shown.goes_on(now));
        shown.processes.clear();
        assert!(shown.goes_on(now));
        assert!(!shown.goes_on(now + STALLED * 2));
    }

    #[test]
    fn health_names_what_is_stuck() {
        let (mut shown, now) = shown(vec![process("leeds"), process("york"), process("")]);
        assert_eq!(shown.health(now + STALLED), verdict(true, "ok\n"));
        for place in [1, 2] {
            shown.processes[place].stuck = true;
            shown.processes[place].doing = "no case was finished for 301 seconds".to_owned();
        }
        let health = shown.health(now + STALLED + Duration::from_secs(1));
        let expected = "stuck: the event loop has not run for 11 seconds\n\
                        stuck: york: no case was finished for 301 seconds\n\
                        stuck: no case was finished for 301 seconds\n";
        assert_eq!(health, verdict(false, expected));
        assert!(shown.summary(now).starts_with("stuck: york: no case"), "{}", shown.summary(now));
    }

    #[test]
    fn ready_is_a_worker_with_a_database_and_a_process() {
        let (mut shown, _) = shown(vec![process("leeds"), process("york")]);
        shown.processes[1] = Seen {
            runs: false,
            error: Some("the key file is missing\nready".to_owned()),
            ..process("york")
        };
        let york = "york: the key file is missing ready\n";
        assert_eq!(shown.readiness(Ok(())), verdict(true, &format!("ready\n{york}")));
        let refused = shown.readiness(Err("connection refused"));
        let expected = format!("the database does not answer: connection refused\n{york}");
        assert_eq!(refused, verdict(false, &expected));
        shown.processes.remove(0);
        assert_eq!(shown.readiness(Ok(())), verdict(false, &format!("no process runs\n{york}")));
        shown.processes.clear();
        assert_eq!(shown.readiness(Ok(())), verdict(false, "no process runs\n"));
        shown.phase = Phase::Starting("importing");
        assert_eq!(shown.readiness(Ok(())), verdict(false, "starting: importing\n"));
        shown.phase = Phase::Stopping;
        assert!(!shown.readiness(Ok(())).is_good);
    }

    #[test]
    fn the_summary_counts_tenants_and_names_the_broken_ones() {
        let (mut shown, now) = shown(vec![process("")]);
        assert_eq!(shown.summary(now), "waiting");
        let broken = Seen { runs: false, error: Some("no key".to_owned()), ..process("york") };
        shown.processes = vec![process("leeds"), broken];
        assert_eq!(shown.summary(now), "1 of 2 tenants run; york: no key");
        shown.phase = Phase::Starting("importing");
        assert_eq!(shown.summary(now), "starting: importing");
    }

    #[test]
    fn a_worker_that_stops_does_not_work_again() {
        let board = Board::new(Phase::Starting("x"), Instant::now());
        board.set(Phase::Stopping);
        board.set(Phase::Working);
        assert_eq!(board.shown().phase, Phase::Stopping);
    }
}
