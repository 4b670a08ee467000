//! The loop of a fleet: starts, stops and watches the processes.

use crate::process::scheduler::Process;
use crate::process::tenants::directory::Listing;
use crate::process::tenants::error::ErrorKind;
use crate::process::tenants::fleet::Fleet;
use crate::process::tenants::slot::{Failure, Step};
use crate::process::tenants::tenant::Tenant;
#[cfg(feature = "batch")]
use crate::process::waiting::beside;
use crate::process::waiting::until;
use crate::tenant::TenantName;
use crate::trace::causes;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;
use tracing::{Instrument, info_span};

/// How long a reading of the directory may take.
const READING: Duration = Duration::from_secs(30);

/// The shortest time between two readings. Notifications may come in hundreds.
const APART: Duration = Duration::from_millis(500);

/// The time between two readings while none has succeeded.
const SOON: Duration = Duration::from_secs(1);

/// The longest wait, so that nothing depends on one timer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why a wait ended.
enum Event {
    Shutdown,
    Ended(TenantName, Option<Failure>),
    Read(Result<Listing, ErrorKind>),
    Other,
}

/// The tasks of a fleet. Dropping them ends the processes at once.
struct Tasks<'a> {
    fleet: &'a Fleet,
    processes: JoinSet<Result<(), Failure>>,
    names: HashMap<Id, (TenantName, AbortHandle)>,
    reading: JoinSet<Result<Listing, ErrorKind>>,
    /// When the latest reading began.
    read_began: Option<Instant>,
    is_closing: bool,
}

impl Fleet {
    /// Runs the processes of all active tenants until `shutdown` completes. Then stops all of them at once,
    /// and waits until each has settled the answers to its open questions. That lasts as long as the
    /// slowest open question.
    ///
    /// The starts of many tenants are spread over five seconds. Never fails: the [status](Self::status)
    /// says what does not work. A second call on the same fleet waits for the end of the first. Needs a Tokio
    /// runtime with its timer. A dropped call ends the processes at once, as if they were killed.
    pub async fn run_until(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let Some(_run) = until(shutdown.as_mut(), self.shared.runs.lock()).await else { return };
        self.begin();
        let mut tasks = Tasks {
            fleet: self,
            processes: JoinSet::new(),
            names: HashMap::new(),
            reading: JoinSet::new(),
            read_began: None,
            is_closing: false,
        };
        while tasks.advance() {
            match tasks.wait(shutdown.as_mut()).await {
                Event::Shutdown => tasks.is_closing = true,
                Event::Ended(name, failure) => tasks.ended(&name, failure),
                Event::Read(listing) => self.learn(listing),
                Event::Other => {}
            }
        }
    }

    /// Makes the worker of `tenant`, and runs its process until `stop` completes.
    async fn lead(self, tenant: Box<Tenant>, stop: oneshot::Receiver<()>) -> Result<(), Failure> {
        let mut stop = pin!(async {
            let _stopped = stop.await;
        });
        let worker = until(stop.as_mut(), self.factory.worker(&tenant)).await;
        let Some(worker) = worker.transpose().map_err(|error| Failure {
            text: error.to_string(),
            is_unavailable: error.is_unavailable(),
        })?
        else {
            return Ok(());
        };
        let process = Process::new(worker, tenant.schedule.clone())
            .with_name(&*self.name)
            .with_controls_interval(self.controls_interval);
        // Before the first run: what goes by file must not be traced singly meanwhile.
        #[cfg(feature = "batch")]
        let Some(batches) = until(stop.as_mut(), self.add_batches(&tenant, &process)).await else {
            return Ok(());
        };
        if let Some(slot) = self.state().known.0.get_mut(&tenant.name) {
            slot.made(process.clone());
        }
        let mut observer = |case: &_| (self.observer)(&tenant.name, case);
        let ended = process.run_until(stop, &mut observer);
        #[cfg(feature = "batch")]
        let ended = beside(ended, self.add_batches_later(&tenant, &process, batches));
        let ended = ended.await;
        ended.map_err(|error| {
            let cause = causes(&error).map(|cause| format!(": {cause}"));
            let text = format!("{error}{}", cause.unwrap_or_default());
            Failure { text, is_unavailable: error.is_transient() }
        })
    }
}

impl Tasks<'_> {
    /// Does what follows from what is known. Returns false at the end.
    fn advance(&mut self) -> bool {
        let now = Instant::now();
        self.fleet.wake(now);
        let mut steps = Vec::new();
        let mut state = self.fleet.state();
        for (name, slot) in &mut state.known.0 {
            let step = slot.step(now, self.is_closing, self.fleet.stuck_after);
            steps.extend(step.map(|step| (name.clone(), step)));
        }
        for (name, step) in steps {
            match step {
                Step::Start(tenant) => {
                    if let Some(slot) = state.known.0.get_mut(&name) {
                        let stop = slot.start(tenant.version, now);
                        self.start(tenant, stop);
                    }
                }
                Step::Stop(stop) => drop(stop),
                Step::End => {
                    let task = self.names.values().find(|(running, _)| *running == name);
                    task.iter().for_each(|(_, handle)| handle.abort());
                }
                Step::Forget => {
                    state.known.0.remove(&name);
                }
            }
        }
        drop(state);
        if !self.is_closing && self.reading.is_empty() && self.read_at(now) <= now {
            self.read(now);
        }
        !self.is_closing || !self.processes.is_empty()
    }

    fn start(&mut self, tenant: Box<Tenant>, stop: oneshot::Receiver<()>) {
        let (name, version) = (tenant.name.clone(), tenant.version);
        let span = info_span!("tenant", %name);
        tracing::info!(%name, version, "the process of a tenant starts");
        let task = self.fleet.clone().lead(tenant, stop).instrument(span);
        let handle = self.processes.spawn(task);
        self.names.insert(handle.id(), (name, handle));
    }

    /// When the directory is read next.
    fn read_at(&self, now: Instant) -> Instant {
        let Some(began) = self.read_began else { return now };
        let state = self.fleet.state();
        let usual = self.fleet.interval;
        began
            + if state.must_read {
                APART.min(usual)
            } else if state.knows_nothing() {
                SOON.min(usual)
            } else {
                usual
            }
    }

    fn read(&mut self, now: Instant) {
        self.read_began = Some(now);
        self.fleet.state().must_read = false;
        let directory = Arc::clone(&self.fleet.directory);
        self.reading.spawn(async move {
            match tokio::time::timeout(READING, directory.list()).await {
                Ok(listed) => listed.map_err(|error| error.kind()),
                Err(_) => Err(ErrorKind::Unavailable),
            }
        });
    }

    /// Waits until something happens, or the time has come for the next step.
    async fn wait(&mut self, mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>) -> Event {
        let now = Instant::now();
        let mut at = now + LONGEST_WAIT;
        if !self.is_closing {
            at = self.fleet.state().known.next().map_or(at, |next| next.min(at));
            if self.reading.is_empty() {
                at = at.min(self.read_at(now));
            }
        }
        let mut timer = pin!(tokio::time::sleep_until(at));
        let mut changed = pin!(self.fleet.shared.changed.notified());
        let Self { processes, names, reading, is_closing, .. } = self;
        poll_fn(|context| {
            if !*is_closing && shutdown.as_mut().poll(context).is_ready() {
                return Poll::Ready(Event::Shutdown);
            }
            if let Poll::Ready(Some(ended)) = processes.poll_join_next_with_id(context) {
                let (id, failure) = match ended {
                    Ok((id, ended)) => (id, ended.err()),
                    Err(error) if error.is_cancelled() => (error.id(), Some(Failure::stuck())),
                    Err(error) => (error.id(), Some(Failure::panicked())),
                };
                let ended = names.remove(&id).map(|(name, _)| Event::Ended(name, failure));
                return Poll::Ready(ended.unwrap_or(Event::Other));
            }
            if let Poll::Ready(Some(read)) = reading.poll_join_next(context) {
                return Poll::Ready(Event::Read(read.unwrap_or(Err(ErrorKind::Unavailable))));
            }
            let other = changed.as_mut().poll(context).is_ready()
                || timer.as_mut().poll(context).is_ready();
            if other { Poll::Ready(Event::Other) } else { Poll::Pending }
        })
        .await
    }

    /// The process of the tenant `name` has ended.
    fn ended(&self, name: &TenantName, failure: Option<Failure>) {
        let error = failure.as_ref().map(|failure| failure.text.clone());
        let (now, random) = (Instant::now(), self.fleet.random());
        let mut state = self.fleet.state();
        let slot = state.known.0.get_mut(name);
        let is_news = slot.is_none_or(|slot| slot.ended(failure, now, random));
        drop(state);
        match error {
            Some(error) if is_news => {
                tracing::error!(%name, error, "the process of a tenant does not run");
            }
            Some(error) => {
                tracing::debug!(%name, error, "the process of a tenant still does not run");
            }
            None => tracing::info!(%name, "the process of a tenant has stopped"),
        }
    }
}

impl Drop for Tasks<'_> {
    fn drop(&mut self) {
        let mut state = self.fleet.state();
        state.is_running = false;
        for slot in state.known.0.values_mut() {
            slot.end();
        }
    }
}
