//! The time between two runs, and the wait for a pause during a run.

use crate::process::control::next::Next;
use crate::process::control::wanted;
use crate::process::error::Error;
use crate::process::run::status::State;
use crate::process::scheduler::Process;
use crate::process::shared::{LONGEST_WAIT, Woken};
use crate::process::waiting::until;
use chrono::TimeDelta;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

/// Waits are a little shorter or longer than asked for: controls that are nearly old enough are read.
const NEARLY: TimeDelta = TimeDelta::seconds(2);

impl Process {
    /// Waits until the next run must start. Fails when it must start by what is known, and what users want
    /// cannot be read.
    pub(in crate::process) async fn wait(
        &self,
        next: &mut Next,
        mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<Woken, Error> {
        let age = TimeDelta::from_std(self.controls_interval).unwrap_or_default() - NEARLY;
        let mut must_read = true;
        loop {
            self.worker.alive.sign();
            let (mut unknown, mut is_read) = (None, false);
            if must_read || next.is_stale(age, self.now()) {
                let read = wanted::read(self.worker.store.cases());
                match until(shutdown.as_mut(), read).await {
                    None => return Ok(Woken::Shutdown),
                    Some(Ok((wanted, _))) => next.learn(wanted, self.now()),
                    Some(Err(error)) => unknown = Some(error),
                }
                is_read = true;
                if unknown.is_none() && next.take_run() {
                    return Ok(Woken::Control);
                }
            }
            let now = self.now();
            next.notice(now);
            next.woken = self.shared.is_woken();
            let schedule = next.wanted.schedule.as_ref().unwrap_or(&self.schedule);
            let wait = if next.wanted.paused {
                self.set(State::Paused, None);
                LONGEST_WAIT
            } else {
                let due = next.due(schedule, now);
                let begin = schedule.quiet_until(now.max(due)).unwrap_or(due);
                if begin <= now && is_read {
                    return unknown.map_or(Ok(Woken::Time), Err);
                }
                if begin <= now {
                    // No run starts by controls that were not just read: it may have been paused.
                    must_read = true;
                    continue;
                }
                let quiet = schedule.quiet_until(now).is_some();
                self.set(if quiet { State::Quiet } else { State::Waiting }, Some(begin));
                (begin - now).to_std().unwrap_or_default().min(LONGEST_WAIT)
            };
            let slept = async {
                self.write().await;
                self.sleep(wait).await
            };
            match until(shutdown.as_mut(), slept).await {
                None => return Ok(Woken::Shutdown),
                Some(is_notified) => must_read = is_notified,
            }
        }
    }

    /// Sleeps, but not after a change of the controls through this process. Returns whether there was one.
    async fn sleep(&self, wait: Duration) -> bool {
        let mut time = pin!(tokio::time::sleep(wait));
        let mut control = pin!(self.shared.changed.notified());
        poll_fn(|context| match control.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => time.as_mut().poll(context).map(|()| false),
        })
        .await
    }

    /// Waits during a run until a user pauses the process. A run may last for hours. A run that a user
    /// has started during a pause goes on.
    pub(in crate::process) async fn paused(&self, mut was_paused: bool) {
        loop {
            self.sleep(LONGEST_WAIT).await;
            if let Ok((wanted, _)) = wanted::read(self.worker.store.cases()).await {
                if wanted.paused && !was_paused {
                    return;
                }
                was_paused = wanted.paused;
            }
        }
    }
}
