//! A queue that one thread empties, however many add to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;

/// Tells a caller the result of its job.
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// Jobs that wait. While one thread does some, the others collect, and are then done together.
pub(super) struct Led<J>(Mutex<Queue<J>>);

struct Queue<J> {
    waiting: VecDeque<J>,
    is_led: bool,
}

impl<J: Send + 'static> Led<J> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Queue { waiting: VecDeque::new(), is_led: false })))
    }

    /// Adds `job`. If no thread does the jobs now, starts one that may block: it passes all waiting
    /// jobs to `serve` until none is left. The last answers are given after `serve` is dropped, so a
    /// caller that has its answer has the file to itself.
    pub(super) fn add(
        self: &Arc<Self>,
        runtime: &Handle,
        job: J,
        serve: impl FnMut(VecDeque<J>) -> Vec<Answer> + Send + 'static,
    ) {
        let must_lead = {
            let mut queue = self.queue();
            queue.waiting.push_back(job);
            !std::mem::replace(&mut queue.is_led, true)
        };
        if must_lead {
            let leader = Leader { led: Arc::clone(self), is_done: false };
            runtime.spawn_blocking(move || leader.lead(serve));
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<J>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Leader<J: Send + 'static> {
    led: Arc<Led<J>>,
    is_done: bool,
}

impl<J: Send + 'static> Leader<J> {
    fn lead(mut self, mut serve: impl FnMut(VecDeque<J>) -> Vec<Answer>) {
        let mut answers = Vec::new();
        while let Some(jobs) = self.next() {
            answers.drain(..).for_each(|answer: Answer| answer());
            answers = serve(jobs);
        }
        drop(serve);
        answers.into_iter().for_each(|answer| answer());
    }

    /// All waiting jobs. `None` ends the leadership.
    fn next(&mut self) -> Option<VecDeque<J>> {
        let mut queue = self.led.queue();
        if queue.waiting.is_empty() {
            queue.is_led = false;
            self.is_done = true;
            return None;
        }
        Some(std::mem::take(&mut queue.waiting))
    }
}

/// A runtime that ends does not start the thread. The jobs are then dropped, so their callers get an
/// error, and the next job starts a thread on its own runtime.
impl<J: Send + 'static> Drop for Leader<J> {
    fn drop(&mut self) {
        if !self.is_done {
            let dropped = {
                let mut queue = self.led.queue();
                queue.is_led = false;
                std::mem::take(&mut queue.waiting)
            };
            drop(dropped);
        }
    }
}
