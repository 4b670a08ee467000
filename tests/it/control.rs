//! Control of the processes on one store, by a program that runs none: paused time, two processes.

use crate::process::TokioClock;
use crate::support::layer::{Layer, Layered};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{Actor, AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{self, CaseStore, MemoryStore, Setting};
use nhs_pds::clock::Clock;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::{Joined, Store};
use nhs_pds::process::{Control, ErrorKind, Process, Schedule, Settings, State, Worker};
use nhs_pds::resilience::{CircuitBreakerState, Gateway};
use nhs_pds::trace::{Caller, LocalIdentity, ScriptedTracer, User};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A store in memory whose settings can fail, or change just before a save.
#[derive(Debug, Default)]
struct Cases {
    behind: MemoryStore,
    fails: AtomicBool,
    reads: AtomicUsize,
    rival: Mutex<Option<Setting>>,
}

#[async_trait]
impl Layer for Cases {
    fn behind(&self) -> &dyn CaseStore {
        &self.behind
    }

    async fn setting(&self, name: &str) -> Result<Option<Setting>, case::Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.fails.load(Ordering::Relaxed) {
            return Err(case::Error::new(case::ErrorKind::Unavailable));
        }
        self.behind.setting(name).await
    }

    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), case::Error> {
        let rival = self.rival.lock().unwrap().take();
        if let Some(rival) = rival {
            self.behind.save_setting(name, rival).await?;
        }
        self.behind.save_setting(name, setting).await
    }
}

struct Office {
    clock: Arc<TokioClock>,
    cases: Arc<Layered<Cases>>,
    audit: Arc<MemoryLog>,
    store: Arc<dyn Store>,
    control: Control,
}

fn office() -> Office {
    let clock = TokioClock::new();
    let cases = Arc::new(Layered(Cases::default()));
    let audit = Arc::new(MemoryLog::new());
    let alerts = Arc::new(MemoryAlerts::default());
    let joined = Joined::new(Arc::clone(&cases) as _, Arc::clone(&audit) as _, alerts);
    let store: Arc<dyn Store> = Arc::new(joined);
    let control = Control::new(Arc::clone(&store)).with_clock(Arc::clone(&clock) as _);
    Office { clock, cases, audit, store, control }
}

fn jo() -> Actor {
    let user = User::Local(LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap());
    Actor::new(&user.into(), "Jo Doe")
}

fn every(interval: Duration) -> Schedule {
    Schedule::every(interval).unwrap()
}

/// A process, and the starts of its runs.
struct Running {
    process: Process,
    runs: Arc<Mutex<BTreeSet<DateTime<Utc>>>>,
    task: JoinHandle<()>,
}

impl Office {
    /// Starts a process on the store, with a worker of its own.
    fn start(&self, name: &str, schedule: Schedule) -> Running {
        let us = LocalIdentity::new("RHM".parse().unwrap(), name).unwrap();
        let settings = Settings::new(Caller::System(us)).with_clock(Arc::clone(&self.clock) as _);
        let tracer = Arc::new(ScriptedTracer::new([]));
        let worker = Worker::new(tracer, Arc::clone(&self.store), settings);
        let process = Process::new(worker, schedule).with_name(name);
        let (running, runs) = (process.clone(), Arc::<Mutex<BTreeSet<_>>>::default());
        let seen = Arc::clone(&runs);
        let task = tokio::spawn(async move {
            let watched = running.clone();
            let watch = tokio::spawn(async move {
                loop {
                    let status = watched.status();
                    let runs = status.last.into_iter().chain(status.current);
                    seen.lock().unwrap().extend(runs.map(|run| run.began));
                    sleep(SECOND / 2).await;
                }
            });
            running.run_until(sleep(30 * 24 * 60 * MINUTE), &mut |_| ()).await.unwrap();
            watch.abort();
        });
        Running { process, runs, task }
    }

    async fn recorded(&self) -> Vec<String> {
        let filter = Filter::new().with_kind(EventKind::ProcessControlled);
        let events = self.audit.page(&filter, 0, 999).await.unwrap();
        let by_jo = events.iter().filter(|event| event.actor == jo());
        by_jo
            .map(|event| {
                let values = event.details.iter().map(|(_, value)| value.clone());
                values.collect::<Vec<_>>().join(" ")
            })
            .collect()
    }
}

impl Running {
    fn times(&self) -> Vec<String> {
        let runs = self.runs.lock().unwrap();
        runs.iter().map(|began| began.format("%H:%M:%S").to_string()).collect()
    }

    fn state(&self) -> State {
        self.process.status().state
    }
}

#[tokio::test(start_paused = true)]
async fn every_process_on_the_store_pauses_and_resumes_within_five_seconds() {
    let office = office();
    let (a, b) = (office.start("a", every(MINUTE)), office.start("b", every(MINUTE)));
    sleep(90 * SECOND).await;
    assert_eq!((a.times(), b.times()), (vec!["09:00:00".into(), "09:01:00".into()], a.times()));
    assert!(!office.control.wanted().await.unwrap().paused);
    office.control.pause(&jo()).await.unwrap();
    sleep(5 * SECOND).await;
    assert_eq!((a.state(), b.state()), (State::Paused, State::Paused));
    sleep(30 * MINUTE).await;
    assert_eq!((a.times().len(), b.times().len()), (2, 2), "no run while paused");
    office.control.resume(&jo()).await.unwrap();
    sleep(5 * SECOND).await;
    assert_eq!((a.times().len(), b.times().len()), (3, 3), "the missed run");
    assert_eq!(office.recorded().await, ["pause", "resume"]);
}

#[tokio::test(start_paused = true)]
async fn an_immediate_run_is_made_once_by_each_process() {
    let office = office();
    let (a, b) = (office.start("a", every(30 * MINUTE)), office.start("b", every(30 * MINUTE)));
    office.control.pause(&jo()).await.unwrap();
    sleep(60 * MINUTE).await;
    let before = (a.times().len(), b.times().len());
    office.control.run_now(&jo()).await.unwrap();
    sleep(5 * SECOND).await;
    assert_eq!((a.times().len(), b.times().len()), (before.0 + 1, before.1 + 1));
    sleep(60 * MINUTE).await;
    assert_eq!((a.times().len(), b.times().len()), (before.0 + 1, before.1 + 1), "once");
    // A process that starts later does not make up for it, and stays paused.
    let c = office.start("c", every(30 * MINUTE));
    sleep(60 * MINUTE).await;
    assert_eq!((c.times().len(), c.state()), (0, State::Paused));
    // Asked for through one process, every process obeys.
    a.process.run_now(&jo()).await.unwrap();
    sleep(5 * SECOND).await;
    let all = (a.times().len(), b.times().len(), c.times().len());
    assert_eq!(all, (before.0 + 2, before.1 + 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_schedule_of_the_store_replaces_that_of_each_process() {
    let office = office();
    let a = office.start("a", every(30 * MINUTE));
    sleep(10 * MINUTE).await;
    office.control.set_schedule(Some(&every(5 * MINUTE)), &jo()).await.unwrap();
    sleep(12 * MINUTE).await;
    // At 9:10 the run of 9:05 is overdue.
    assert_eq!(a.times()[0], "09:00:00");
    let late: Vec<&str> = a.times()[1..]
        .iter()
        .map(|time| &time[..5])
        .map(|time| match time {
            "09:10" | "09:15" | "09:20" => "in time",
            _ => "not in time",
        })
        .collect();
    assert_eq!(late, ["in time"; 3]);
    let time = |text: &str| text.parse().unwrap();
    let quiet = every(5 * MINUTE).with_quiet_hours(time("09:22:00"), time("10:00:00"));
    office.control.set_schedule(Some(&quiet), &jo()).await.unwrap();
    sleep(30 * MINUTE).await;
    assert_eq!((a.state(), a.times().len()), (State::Quiet, 4));
    office.control.set_schedule(None, &jo()).await.unwrap();
    sleep(20 * MINUTE).await;
    assert_eq!(a.times().len(), 5, "its own: half an hour after the last run");
    assert_eq!(
        office.recorded().await,
        ["schedule every 300 s", "schedule every 300 s, not from 09:22:00 to 10:00:00", "schedule",]
    );
}

#[tokio::test(start_paused = true)]
async fn a_program_without_a_process_shows_the_status_of_each() {
    let office = office();
    assert!(office.control.workers().await.unwrap().is_empty());
    let (a, b) = (office.start("a", every(30 * MINUTE)), office.start("b", every(MINUTE)));
    sleep(10 * SECOND).await;
    let shown = office.control.workers().await.unwrap();
    let names: Vec<_> = shown.iter().map(|worker| (&*worker.name, worker.status.state)).collect();
    assert_eq!(names, [("a", State::Waiting), ("b", State::Waiting)]);
    assert_eq!(shown[0].status, a.process.status());
    let next = shown[0].status.next_run.map(|next| next.format("%H:%M").to_string());
    assert_eq!(next.as_deref(), Some("09:30"));
    assert_eq!(shown[1].status.last.as_ref().map(|last| last.seen), Some(0));
    // Nothing changes for a quarter of an hour, and each still gives signs.
    sleep(15 * MINUTE).await;
    let now = office.clock.now();
    let shown = office.control.workers().await.unwrap();
    assert!(shown.iter().all(|worker| !worker.is_stale(now)));
    // One dies; the other is stopped.
    b.task.abort();
    sleep(4 * MINUTE).await;
    let now = office.clock.now();
    let shown = office.control.workers().await.unwrap();
    let stale: Vec<_> = shown.iter().map(|worker| worker.is_stale(now)).collect();
    assert_eq!(stale, [false, true]);
    // Started again under its name, it is the same process on the screen.
    let again = office.start("b", every(MINUTE));
    sleep(5 * SECOND).await;
    assert_eq!(office.control.workers().await.unwrap().len(), 2);
    drop(again);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_process_says_so() {
    let office = office();
    let us = LocalIdentity::new("RHM".parse().unwrap(), "a").unwrap();
    let settings = Settings::new(Caller::System(us)).with_clock(Arc::clone(&office.clock) as _);
    let tracer = Arc::new(ScriptedTracer::new([]));
    let worker = Worker::new(tracer, Arc::clone(&office.store), settings);
    let process = Process::new(worker, every(MINUTE));
    process.run_until(sleep(3 * MINUTE), &mut |_| ()).await.unwrap();
    let shown = office.control.workers().await.unwrap();
    assert_eq!((&*shown[0].name, shown[0].status.state), ("worker", State::Stopped));
    assert_eq!(shown[0].status, process.status());
}

#[tokio::test(start_paused = true)]
async fn two_users_who_change_the_controls_at_once_both_succeed() {
    let office = office();
    let rival = Setting::new(r#"{"paused":true,"later":"words of a newer version"}"#);
    *office.cases.0.rival.lock().unwrap() = Some(rival);
    office.control.run_now(&jo()).await.unwrap();
    let wanted = office.control.wanted().await.unwrap();
    assert_eq!((wanted.paused, wanted.runs), (true, 1));
    // The entry of the change that was not saved is withdrawn.
    assert_eq!(office.recorded().await, ["run_now", "run_now not_saved", "run_now"]);
}

#[tokio::test(start_paused = true)]
async fn no_run_starts_while_the_controls_cannot_be_read() {
    let office = office();
    office.cases.0.fails.store(true, Ordering::Relaxed);
    let a = office.start("a", every(10 * MINUTE));
    sleep(25 * MINUTE).await;
    assert_eq!(a.times().len(), 0);
    assert_eq!(a.process.status().last_error, Some(ErrorKind::StoreUnavailable));
    assert!(office.control.pause(&jo()).await.is_err());
    office.cases.0.fails.store(false, Ordering::Relaxed);
    sleep(10 * MINUTE).await;
    assert_eq!(a.times().len(), 1);
    assert_eq!(a.process.status().last_error, None);
    assert!(office.recorded().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn controls_that_are_none_end_the_process() {
    let office = office();
    let damaged = Setting::new(r#"{"schedule":{"interval_ms":86400000}}"#);
    office.cases.save_setting("process", damaged).await.unwrap();
    let us = LocalIdentity::new("RHM".parse().unwrap(), "a").unwrap();
    let settings = Settings::new(Caller::System(us)).with_clock(Arc::clone(&office.clock) as _);
    let tracer = Arc::new(ScriptedTracer::new([]));
    let worker = Worker::new(tracer, Arc::clone(&office.store), settings);
    let process = Process::new(worker, every(MINUTE));
    let ended = process.run_until(sleep(60 * MINUTE), &mut |_| ()).await;
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::StoreBroken);
}

#[tokio::test(start_paused = true)]
async fn waiting_reads_the_store_every_four_seconds() {
    let office = office();
    let _a = office.start("a", every(30 * MINUTE));
    sleep(MINUTE).await;
    let before = office.cases.0.reads.load(Ordering::Relaxed);
    sleep(10 * MINUTE).await;
    let reads = office.cases.0.reads.load(Ordering::Relaxed) - before;
    // One for the controls every four seconds, and one for the status every minute.
    assert!((150..=165).contains(&reads), "{reads}");
}

impl Office {
    fn set_away(&self, is_away: bool) {
        self.cases.0.fails.store(is_away, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_woken_process_runs_at_once_and_once() {
    let office = office();
    let a = office.start("a", every(30 * MINUTE));
    sleep(90 * SECOND).await;
    a.process.wake();
    sleep(SECOND).await;
    assert_eq!(a.times(), ["09:00:00", "09:01:30"]);
    // The clock of the other program may be ahead.
    sleep(MINUTE).await;
    assert_eq!(a.times(), ["09:00:00", "09:01:30", "09:01:32"]);
    // The schedule goes on from there.
    sleep(30 * MINUTE).await;
    assert_eq!(a.times()[3..], ["09:31:32"]);
    assert!(office.recorded().await.is_empty(), "no user has asked for it");
}

#[tokio::test(start_paused = true)]
async fn a_woken_process_that_is_paused_or_quiet_runs_afterwards() {
    let office = office();
    let time = |text: &str| text.parse().unwrap();
    let quiet = every(30 * MINUTE).with_quiet_hours(time("09:10:00"), time("09:20:00"));
    let (a, b) = (office.start("a", quiet), office.start("b", every(30 * MINUTE)));
    sleep(11 * MINUTE).await;
    a.process.wake();
    sleep(8 * MINUTE).await;
    assert_eq!((a.times().len(), a.state()), (1, State::Quiet));
    sleep(2 * MINUTE).await;
    assert_eq!(a.times()[1], "09:20:00");
    office.control.pause(&jo()).await.unwrap();
    sleep(5 * SECOND).await;
    b.process.wake();
    sleep(2 * MINUTE).await;
    assert_eq!((b.times().len(), b.state()), (1, State::Paused));
    office.control.resume(&jo()).await.unwrap();
    sleep(8 * SECOND).await;
    assert_eq!((a.times().len(), b.times().len()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_run_follows_soon_after_an_outage_of_the_store() {
    let office = office();
    let a = office.start("a", every(30 * MINUTE));
    sleep(10 * MINUTE).await;
    office.set_away(true);
    a.process.wake();
    sleep(MINUTE).await;
    let away = office.cases.0.reads.load(Ordering::Relaxed);
    a.process.wake();
    sleep(10 * MINUTE).await;
    let reads = office.cases.0.reads.load(Ordering::Relaxed) - away;
    assert!(
        (140..=480).contains(&reads),
        "a store that is away is not asked all the time: {reads}"
    );
    assert_eq!(a.times().len(), 1, "it waits for the store");
    office.set_away(false);
    sleep(8 * SECOND).await;
    assert!(a.times().len() > 1);
    assert_eq!(a.process.status().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_notified_reads_the_store_less_and_still_obeys() {
    let office = office();
    let us = LocalIdentity::new("RHM".parse().unwrap(), "a").unwrap();
    let settings = Settings::new(Caller::System(us)).with_clock(Arc::clone(&office.clock) as _);
    let tracer = Arc::new(ScriptedTracer::new([]));
    let worker = Worker::new(tracer, Arc::clone(&office.store), settings);
    let process = Process::new(worker, every(2 * MINUTE));
    let process = process.with_controls_interval(30 * MINUTE);
    let running = process.clone();
    tokio::spawn(async move { running.run_until(std::future::pending(), &mut |_| ()).await });
    let began = || process.status().last.unwrap().began.format("%H:%M:%S").to_string();
    sleep(MINUTE).await;
    let before = office.cases.0.reads.load(Ordering::Relaxed);
    sleep(60 * MINUTE).await;
    let reads = office.cases.0.reads.load(Ordering::Relaxed) - before;
    // Every half minute, before each run, and what a run and its status need.
    assert!((120..=420).contains(&reads), "{reads}");
    assert_eq!(began(), "10:00:00");
    // A pause counts from the next run on, although no notification has come.
    sleep(58 * SECOND).await;
    office.control.pause(&jo()).await.unwrap();
    sleep(10 * MINUTE).await;
    assert_eq!((began().as_str(), process.status().state), ("10:00:00", State::Paused));
    // With a notification, it obeys at once; without, within half a minute.
    office.control.resume(&jo()).await.unwrap();
    process.wake();
    sleep(SECOND).await;
    assert_eq!(began(), "10:11:58");
    sleep(5 * SECOND).await;
    office.control.run_now(&jo()).await.unwrap();
    sleep(30 * SECOND).await;
    assert!("10:12:03" < began().as_str() && began().as_str() <= "10:12:34", "{}", began());
}

#[tokio::test(start_paused = true)]
async fn a_schedule_replaces_only_the_one_that_was_shown() {
    let office = office();
    let control = &office.control;
    let (ten, five) = (every(10 * MINUTE), every(5 * MINUTE));
    assert!(control.replace_schedule(None, Some(&ten), &jo()).await.unwrap());
    assert!(!control.replace_schedule(None, Some(&five), &jo()).await.unwrap());
    let wanted = control.wanted().await.unwrap();
    assert_eq!(wanted.schedule, Some(ten.clone()));
    let change = wanted.last_change.unwrap();
    assert_eq!((&*change.what, &*change.by), ("schedule", "Jo Doe"));
    assert!(control.replace_schedule(Some(&ten), None, &jo()).await.unwrap());
    assert_eq!(control.wanted().await.unwrap().schedule, None);
    assert_eq!(office.recorded().await, ["schedule every 600 s", "schedule"]);
}

#[tokio::test(start_paused = true)]
async fn other_programs_see_the_connection_of_a_process_to_the_service() {
    let office = office();
    let us = LocalIdentity::new("RHM".parse().unwrap(), "a").unwrap();
    let settings = Settings::new(Caller::System(us)).with_clock(Arc::clone(&office.clock) as _);
    let gateway = Gateway::new(Arc::new(ScriptedTracer::new([])));
    let worker = Worker::new(gateway.background(), Arc::clone(&office.store), settings);
    let process = Process::new(worker, every(30 * MINUTE));
    tokio::spawn(async move { process.run_until(std::future::pending(), &mut |_| ()).await });
    sleep(MINUTE).await;
    let worker = || async { office.control.workers().await.unwrap().remove(0) };
    let status = worker().await.status;
    assert_eq!(status.service.per_second, Some(5));
    assert_eq!(status.service.circuit_breaker, Some(CircuitBreakerState::Closed));
    assert!(status.failures.is_empty());
}
