//! What a fleet knows of one tenant, and what follows from it. Decides only.

use crate::process::run::status::Status;
use crate::process::scheduler::Process;
use crate::process::tenants::status::{TenantRun, TenantStatus};
use crate::process::tenants::tenant::{Tenant, TenantState};
use crate::process::waiting::backoff;
use crate::tenant::TenantName;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The first and the longest wait after a failure: of another system, and of the configuration.
const UNAVAILABLE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(8)];
const BROKEN: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];

/// How long to wait after a failure, and `before` others. `random` is any number.
pub(in crate::process) fn pause(is_unavailable: bool, before: u32, random: u64) -> Duration {
    let [first, longest] = if is_unavailable { UNAVAILABLE } else { BROKEN };
    backoff(first, longest, before, random)
}

/// A process that ran for so long worked: its failure is the first again.
const WORKED: Duration = Duration::from_secs(60);

/// What the directory says of a tenant.
#[derive(Debug)]
pub(in crate::process) enum Wanted {
    /// It has left the directory.
    Absent,
    /// Its row cannot be read.
    Unreadable,
    Tenant(Box<Tenant>),
}

impl Wanted {
    /// The tenant, if it is to have a process.
    fn active(&self) -> Option<&Tenant> {
        match self {
            Self::Tenant(tenant) if tenant.state == TenantState::Active => Some(tenant),
            _ => None,
        }
    }
}

/// A process, from the call of the factory until its end.
#[derive(Debug)]
pub(in crate::process) struct Running {
    version: u64,
    began: Instant,
    /// `None` until the factory has made its worker.
    process: Option<Process>,
    /// `None` when the process was told to stop.
    stop: Option<oneshot::Sender<()>>,
    /// Whether its task was ended because it is stuck.
    is_ended: bool,
}

impl Running {
    /// Whether it did not get any further for longer than `after`.
    fn is_stuck(&self, now: Instant, after: Duration) -> bool {
        match &self.process {
            Some(process) => process.is_stuck(after),
            None => now - self.began > after,
        }
    }
}

/// Why a process ended or did not start.
#[derive(Debug)]
pub(in crate::process) struct Failure {
    pub(in crate::process) text: String,
    pub(in crate::process) is_unavailable: bool,
}

impl Failure {
    /// The program has a defect. The panic itself was reported where it occurred; its text may be about a
    /// person.
    pub(in crate::process) fn panicked() -> Self {
        let text = "its process panicked: report a defect of the program".to_owned();
        Self { text, is_unavailable: false }
    }

    /// It was ended, as if it were killed. Another start may help it, and the other tenants go on.
    pub(in crate::process) fn stuck() -> Self {
        let text = "it did not get any further for too long, and is started again".to_owned();
        Self { text, is_unavailable: true }
    }
}

/// What to do for a tenant.
#[derive(Debug)]
pub(in crate::process) enum Step {
    Start(Box<Tenant>),
    /// Dropping this stops its process.
    Stop(oneshot::Sender<()>),
    /// It is stuck: its task is ended.
    End,
    /// Nothing is left of it.
    Forget,
}

#[derive(Debug)]
pub(in crate::process) struct Slot {
    wanted: Wanted,
    running: Option<Running>,
    /// The status of the process that ended last.
    last: Option<Status>,
    failures: u32,
    last_error: Option<String>,
    /// The error that was logged last.
    logged: Option<String>,
    /// When its process may start.
    at: Instant,
    /// When its process is woken.
    pub(in crate::process) wake_at: Option<Instant>,
}

impl Slot {
    pub(in crate::process) const fn new(wanted: Wanted, at: Instant) -> Self {
        Self {
            wanted,
            running: None,
            last: None,
            failures: 0,
            last_error: None,
            logged: None,
            at,
            wake_at: None,
        }
    }

    /// Whether `wanted` needs a process that is not there, and differs from what was known.
    pub(in crate::process) fn is_news(&self, wanted: &Wanted) -> bool {
        let version = |wanted: &Wanted| wanted.active().map(|tenant| tenant.version);
        version(wanted).is_some() && version(wanted) != version(&self.wanted)
    }

    /// Takes what the directory says. A tenant that has changed may start at `at`.
    pub(in crate::process) fn learn(&mut self, wanted: Wanted, at: Instant) {
        if self.is_news(&wanted) {
            (self.at, self.failures) = (at, 0);
        }
        if wanted.active().is_none() {
            self.last_error = None;
        }
        self.wanted = wanted;
    }

    /// The next step at `now`; `None` when there is nothing to do. While the fleet `is_closing`, nothing
    /// starts. A process that is stuck for longer than `after` ends.
    pub(in crate::process) fn step(
        &mut self,
        now: Instant,
        is_closing: bool,
        after: Duration,
    ) -> Option<Step> {
        let active = self.wanted.active();
        if let Some(running) = &mut self.running {
            if running.is_stuck(now, after) {
                let was_ended = std::mem::replace(&mut running.is_ended, true);
                return (!was_ended).then_some(Step::End);
            }
            let goes_on = active.is_some_and(|tenant| tenant.version == running.version);
            return if goes_on && !is_closing { None } else { running.stop.take().map(Step::Stop) };
        }
        match active {
            Some(tenant) if !is_closing && self.at <= now => {
                Some(Step::Start(Box::new(tenant.clone())))
            }
            None if matches!(self.wanted, Wanted::Absent) => Some(Step::Forget),
            _ => None,
        }
    }

    /// When the next step or the next wake may follow from the time alone.
    pub(in crate::process) fn next(&self) -> Option<Instant> {
        let start = (self.running.is_none() && self.wanted.active().is_some()).then_some(self.at);
        start.into_iter().chain(self.wake_at).min()
    }

    /// Its process starts.
    pub(in crate::process) fn start(
        &mut self,
        version: u64,
        now: Instant,
    ) -> oneshot::Receiver<()> {
        let (stop, stopped) = oneshot::channel();
        let (process, stop) = (None, Some(stop));
        self.running = Some(Running { version, began: now, process, stop, is_ended: false });
        stopped
    }

    /// The factory has made the worker.
    pub(in crate::process) fn made(&mut self, process: Process) {
        self.last_error = None;
        if let Some(running) = &mut self.running {
            running.process = Some(process);
        }
    }

    /// Its process has ended. `random` is any number. Returns whether that is news for the log: what does not
    /// work is tried again and again.
    pub(in crate::process) fn ended(
        &mut self,
        failure: Option<Failure>,
        now: Instant,
        random: u64,
    ) -> bool {
        let Some(running) = self.end() else { return true };
        if running.stop.is_none() {
            // As it was told.
            (self.at, self.failures, self.logged) = (now, 0, None);
            return true;
        }
        if now - running.began >= WORKED && running.process.is_some() {
            (self.failures, self.logged) = (0, None);
        }
        let unavailable = failure.as_ref().is_none_or(|failure| failure.is_unavailable);
        self.at = now + pause(unavailable, self.failures, random);
        self.failures = self.failures.saturating_add(1);
        self.last_error = failure.map(|failure| failure.text);
        let is_news = self.logged != self.last_error;
        self.logged.clone_from(&self.last_error);
        is_news
    }

    /// Its task is gone.
    pub(in crate::process) fn end(&mut self) -> Option<Running> {
        let running = self.running.take();
        let process = running.as_ref().and_then(|running| running.process.as_ref());
        self.last = process.map(Process::status).or_else(|| self.last.take());
        self.wake_at = None;
        running
    }

    /// Wakes its process.
    pub(in crate::process) fn wake(&mut self) {
        self.wake_at = None;
        if let Some(process) = self.running.as_ref().and_then(|running| running.process.as_ref()) {
            process.wake();
        }
    }

    /// The status; a process is stuck that did not get any further for longer than `after`.
    pub(in crate::process) fn status(
        &self,
        name: &TenantName,
        now: Instant,
        after: Duration,
    ) -> TenantStatus {
        let running = self.running.as_ref();
        let process = running.and_then(|running| running.process.as_ref());
        let state = match (running, &self.wanted) {
            (Some(Running { stop: None, .. }), _) => TenantRun::Stopping,
            (Some(Running { process: None, .. }), _) => TenantRun::Starting,
            (Some(_), _) => TenantRun::Running,
            (None, Wanted::Unreadable) => TenantRun::Broken,
            (None, Wanted::Tenant(tenant)) if tenant.state == TenantState::Active => {
                if self.last_error.is_some() { TenantRun::Broken } else { TenantRun::Waiting }
            }
            (None, _) => TenantRun::Paused,
        };
        let unreadable = matches!(self.wanted, Wanted::Unreadable).then_some(UNREADABLE);
        let stuck = running.is_some_and(|running| running.is_stuck(now, after));
        TenantStatus {
            name: name.clone(),
            state,
            version: running.map(|running| running.version),
            process: process.map(Process::status).or_else(|| self.last.clone()),
            last_error: unreadable.map(str::to_owned).or_else(|| self.last_error.clone()),
            stuck,
        }
    }
}

const UNREADABLE: &str = "its row in the directory of tenants cannot be read: store it again";

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(300);

    fn failure(text: &str, is_unavailable: bool) -> Option<Failure> {
        Some(Failure { text: text.to_owned(), is_unavailable })
    }

    fn slot(now: Instant) -> Slot {
        let tenant = Tenant::new("leeds".parse().unwrap(), "RHM".parse().unwrap());
        Slot::new(Wanted::Tenant(Box::new(tenant)), now)
    }

    #[test]
    fn a_failure_is_news_once_and_the_waits_grow() {
        let now = Instant::now();
        let mut slot = slot(now);
        let mut fail = |text: &str, is_unavailable: bool| {
            let _stop = slot.start(1, now);
            let is_news = slot.ended(failure(text, is_unavailable), now, 0);
            (is_news, (slot.at - now).as_secs())
        };
        assert_eq!(fail("no certificate", false), (true, 5));
        assert_eq!(fail("no certificate", false), (false, 10));
        assert_eq!(fail("no database", true), (true, 4));
        assert_eq!(fail("no database", true), (false, 8));
        assert_eq!(fail("no certificate", false), (true, 60));
    }

    #[test]
    fn a_step_is_taken_once() {
        let now = Instant::now();
        let mut slot = slot(now);
        assert!(slot.step(now - Duration::from_millis(1), false, AFTER).is_none(), "not yet");
        assert!(slot.step(now, true, AFTER).is_none(), "the fleet is closing");
        assert!(matches!(slot.step(now, false, AFTER), Some(Step::Start(_))));
        let mut stopped = slot.start(0, now);
        assert!(slot.step(now, false, AFTER).is_none());
        slot.learn(Wanted::Absent, now);
        let Some(Step::Stop(stop)) = slot.step(now, false, AFTER) else { panic!("it goes on") };
        assert!(
            stopped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty)
        );
        drop(stop);
        assert!(
            stopped.try_recv().is_err_and(|error| error != oneshot::error::TryRecvError::Empty)
        );
        assert!(slot.step(now, false, AFTER).is_none(), "it was told");
        assert!(slot.ended(None, now, 0));
        assert!(matches!(slot.step(now, false, AFTER), Some(Step::Forget)));
    }

    #[test]
    fn a_start_that_takes_too_long_ends_and_is_tried_again() {
        let now = Instant::now();
        let mut slot = slot(now);
        let _stop = slot.start(0, now);
        let late = now + AFTER + Duration::from_secs(1);
        assert!(slot.step(now + AFTER, false, AFTER).is_none());
        assert!(matches!(slot.step(late, false, AFTER), Some(Step::End)));
        assert!(slot.step(late, false, AFTER).is_none(), "it was ended");
        assert!(slot.ended(Some(Failure::stuck()), late, 0));
        let status = slot.status(&"leeds".parse().unwrap(), late, AFTER);
        assert_eq!((status.state, status.stuck), (TenantRun::Broken, false));
        assert!(matches!(slot.step(late + UNAVAILABLE[0], false, AFTER), Some(Step::Start(_))));
    }
}
