//! A queue that one task empties, however many add to it: what waits meanwhile is done together.

use crate::postgres::error::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How many jobs are done together at most, so that the first of many does not wait for all.
const MOST: usize = 64;

/// Does jobs together: gets at least one, and gives back a result for each, in order.
type Serve<J, T> = dyn Fn(Vec<J>) -> Pin<Box<dyn Future<Output = Vec<T>> + Send>> + Send + Sync;

/// Jobs that wait for a shared transaction.
pub(crate) struct Group<J, T> {
    queue: Arc<Mutex<Queue<J, T>>>,
    serve: Arc<Serve<J, T>>,
}

struct Queue<J, T> {
    waiting: Vec<(J, oneshot::Sender<T>)>,
    is_led: bool,
}

impl<J: Send + 'static, T: Send + 'static> Group<J, T> {
    pub(crate) fn new(
        serve: impl Fn(Vec<J>) -> Pin<Box<dyn Future<Output = Vec<T>> + Send>> + Send + Sync + 'static,
    ) -> Self {
        let queue = Queue { waiting: Vec::new(), is_led: false };
        Self { queue: Arc::new(Mutex::new(queue)), serve: Arc::new(serve) }
    }

    /// Does `job`, together with others that wait. A job is done even if the caller stops waiting.
    pub(crate) async fn run(&self, job: J) -> Result<T, Error> {
        let runtime = Handle::try_current().map_err(Error::unavailable)?;
        let (answer, receiver) = oneshot::channel();
        let must_lead = {
            let mut queue = lock(&self.queue);
            queue.waiting.push((job, answer));
            !std::mem::replace(&mut queue.is_led, true)
        };
        if must_lead {
            let leader = Leader { queue: Arc::clone(&self.queue), is_done: false };
            runtime.spawn(leader.lead(Arc::clone(&self.serve)));
        }
        receiver.await.map_err(|_| Error::new(ErrorKind::Unavailable))
    }
}

fn lock<Q>(queue: &Mutex<Q>) -> MutexGuard<'_, Q> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Leader<J, T> {
    queue: Arc<Mutex<Queue<J, T>>>,
    is_done: bool,
}

impl<J, T> Leader<J, T> {
    async fn lead(mut self, serve: Arc<Serve<J, T>>) {
        while let Some(group) = self.next() {
            let (jobs, answers): (Vec<J>, Vec<_>) = group.into_iter().unzip();
            for (result, answer) in serve(jobs).await.into_iter().zip(answers) {
                // The caller may have stopped waiting.
                let _ = answer.send(result);
            }
        }
    }

    /// The jobs to do next. `None` ends the leadership.
    fn next(&mut self) -> Option<Vec<(J, oneshot::Sender<T>)>> {
        let mut queue = lock(&self.queue);
        if queue.waiting.is_empty() {
            queue.is_led = false;
            self.is_done = true;
            return None;
        }
        let most = queue.waiting.len().min(MOST);
        Some(queue.waiting.drain(..most).collect())
    }
}

/// A runtime that ends drops the task. The jobs are then dropped, so their callers get an error, and the next job
/// starts a task on its own runtime. The same after a panic.
impl<J, T> Drop for Leader<J, T> {
    fn drop(&mut self) {
        if !self.is_done {
            let dropped = {
                let mut queue = lock(&self.queue);
                queue.is_led = false;
                std::mem::take(&mut queue.waiting)
            };
            drop(dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn doubling(panics: bool) -> Group<u32, (u32, usize)> {
        Group::new(move |jobs: Vec<u32>| {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                assert!(!panics || !jobs.contains(&13), "unlucky");
                let size = jobs.len();
                jobs.into_iter().map(|job| (job * 2, size)).collect()
            })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_that_wait_are_done_together_and_each_gets_its_result() {
        let group = Arc::new(doubling(false));
        let tasks: Vec<_> = (0..100)
            .map(|job| {
                let group = Arc::clone(&group);
                tokio::spawn(async move { (job, group.run(job).await.unwrap()) })
            })
            .collect();
        let mut sizes = Vec::new();
        for task in tasks {
            let (job, (doubled, size)) = task.await.unwrap();
            assert_eq!(doubled, job * 2);
            sizes.push(size);
        }
        assert_eq!(sizes.iter().max(), Some(&MOST));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_leader_is_followed_by_another() {
        let group = doubling(true);
        assert!(group.run(13).await.is_err());
        assert_eq!(group.run(4).await.unwrap(), (8, 1));
    }
}
