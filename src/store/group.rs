//! Writes that share one transaction and one wait for the disk.
//!
//! One thread takes all waiting jobs into one transaction, each behind a savepoint, so that a refused
//! job is undone alone. The commit itself does not wait for the disk (`synchronous=NORMAL`): the
//! file's lock is free again for other processes, and a second thread waits for the write-ahead log
//! to be on the disk before it answers. The log is in the order of the commits, so whoever waits for
//! a later commit waits for all earlier ones.

use crate::store::error::{Error, ErrorKind};
use crate::store::led::{Answer, Led};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Whether a change is on the disk when it is acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Durability {
    /// It survives a power cut.
    Durable,
    /// It survives the end of the process. A power cut may undo it; durable changes before it stay.
    Relaxed,
}

/// The connection that writes, and the jobs that wait for it.
pub(super) struct Writer {
    file: Arc<Mutex<Connection>>,
    jobs: Arc<Led<Job>>,
    log: Option<Arc<Log>>,
}

/// The write-ahead log, and the answers that wait until it is on the disk.
struct Log {
    file: File,
    waiting: Arc<Led<Box<dyn Grouped>>>,
    /// What was not on the disk after a failure may be lost, even if a later attempt succeeds.
    has_failed: AtomicBool,
}

/// A unit of work on the connection that writes.
pub(super) enum Job {
    Grouped(Durability, Box<dyn Grouped>),
    Alone(Alone),
}

/// Work that has the connection to itself, if the connection is in order.
type Alone = Box<dyn FnOnce(Result<&mut Connection, Error>) -> Answer + Send>;

/// A job that shares its transaction.
pub(super) trait Grouped: Send {
    /// Does the work. Returns whether its changes are to stay.
    fn run(&mut self, transaction: &Connection) -> bool;

    /// Answers the caller: with the result, unless the transaction or the disk has failed.
    fn answer(self: Box<Self>, failure: Option<Error>);
}

struct Task<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Grouped for Task<T, E, F>
where
    T: Send,
    E: From<Error> + Send,
    F: FnOnce(&Connection) -> Result<T, E> + Send,
{
    fn run(&mut self, transaction: &Connection) -> bool {
        self.result = self.work.take().map(|work| work(transaction));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let Self { result, answer, .. } = *self;
        let result = failure.map_or(result, |failure| Some(Err(failure.into())));
        // Without a result, the work has panicked. The caller may have stopped waiting.
        let _ = result.map(|result| answer.send(result));
    }
}

impl Job {
    pub(super) fn in_a_group<T, E>(
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, E>>)
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let task = Task { work: Some(work), result: None, answer };
        (Self::Grouped(durability, Box::new(task)), receiver)
    }

    pub(super) fn alone<T, E>(
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, E>>)
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let job = move |connection: Result<&mut Connection, Error>| -> Answer {
            // A transaction that was open is rolled back by the panic.
            let result = catch_unwind(AssertUnwindSafe(|| work(connection?))).ok();
            Box::new(move || {
                let _ = result.map(|result| answer.send(result));
            })
        };
        (Self::Alone(Box::new(job)), receiver)
    }
}

impl Writer {
    /// Writes through `connection`. `log` is its write-ahead log, unless it writes to no disk.
    pub(super) fn new(connection: Connection, log: Option<File>) -> Arc<Self> {
        let log = log.map(|file| {
            Arc::new(Log { file, waiting: Led::new(), has_failed: AtomicBool::new(false) })
        });
        Arc::new(Self { file: Arc::new(Mutex::new(connection)), jobs: Led::new(), log })
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, runtime: &Handle, job: Job) {
        let (file, log, on) = (Arc::clone(&self.file), self.log.clone(), runtime.clone());
        self.jobs.add(runtime, job, move |jobs| {
            let mut connection = file.lock().unwrap_or_else(PoisonError::into_inner);
            serve(&mut connection, jobs, log.as_ref(), &on)
        });
    }
}

/// Does `jobs` in their order.
fn serve(
    connection: &mut Connection,
    mut jobs: VecDeque<Job>,
    log: Option<&Arc<Log>>,
    runtime: &Handle,
) -> Vec<Answer> {
    let (mut answers, mut group) = (Vec::new(), VecDeque::new());
    loop {
        match jobs.pop_front() {
            Some(Job::Grouped(durability, job)) => group.push_back((durability, job)),
            next => {
                while !group.is_empty() {
                    let mut done = Group { connection, log, runtime, answers: &mut answers };
                    done.commit(&mut group);
                }
                match next {
                    Some(Job::Alone(job)) => {
                        let synced = synchronous(connection, log, "full");
                        answers.push(job(synced.map(|()| &mut *connection)));
                    }
                    _ => return answers,
                }
            }
        }
    }
}

type Member = (Durability, Box<dyn Grouped>);

struct Group<'a> {
    connection: &'a Connection,
    log: Option<&'a Arc<Log>>,
    runtime: &'a Handle,
    answers: &'a mut Vec<Answer>,
}

impl Group<'_> {
    /// Does the jobs of `group` in one transaction. Leaves those for the next transaction that were
    /// not begun when this one failed.
    fn commit(&mut self, group: &mut VecDeque<Member>) {
        let connection = self.connection;
        // The answers wait for the disk themselves.
        let begun = synchronous(connection, self.log, "normal")
            .and_then(|()| Ok(connection.execute_batch("BEGIN IMMEDIATE")?));
        if let Err(error) = begun {
            return self.fail(group.drain(..).map(|(_, job)| job), &error);
        }
        let is_shared = group.len() > 1;
        let (mut kept, mut refused) = (Vec::new(), Vec::new());
        while let Some((durability, mut job)) = group.pop_front() {
            let stays = match step(connection, &mut *job, is_shared) {
                Ok(stays) => stays,
                Err(error) => {
                    let _ = connection.execute_batch("ROLLBACK");
                    let others = kept.drain(..).map(|(_, job)| job).chain(refused.drain(..));
                    let others: Vec<_> = others.collect();
                    self.fail(others.into_iter(), &error);
                    // The job that has failed knows why itself, as a rule.
                    return self.answers.push(Box::new(move || job.answer(None)));
                }
            };
            if stays {
                kept.push((durability, job));
            } else {
                refused.push(job);
            }
        }
        let end = if kept.is_empty() { "ROLLBACK" } else { "COMMIT" };
        if let Err(error) = connection.execute_batch(end).map_err(Error::from) {
            if !connection.is_autocommit() {
                let _ = connection.execute_batch("ROLLBACK");
            }
            let all: Vec<_> = kept.into_iter().map(|(_, job)| job).chain(refused).collect();
            return self.fail(all.into_iter(), &error);
        }
        for job in refused {
            self.answers.push(Box::new(move || job.answer(None)));
        }
        for (durability, job) in kept {
            self.answer_when_kept(durability, job);
        }
    }

    /// Answers once the log is on the disk, if the job asks for that.
    fn answer_when_kept(&mut self, durability: Durability, job: Box<dyn Grouped>) {
        match self.log.filter(|_| durability == Durability::Durable) {
            None => self.answers.push(Box::new(move || job.answer(None))),
            Some(log) => {
                let (log, runtime) = (Arc::clone(log), self.runtime.clone());
                self.answers.push(Box::new(move || log.answer_when_synced(job, &runtime)));
            }
        }
    }

    fn fail(&mut self, jobs: impl Iterator<Item = Box<dyn Grouped>>, error: &Error) {
        for job in jobs {
            let error = error.again();
            self.answers.push(Box::new(move || job.answer(Some(error))));
        }
    }
}

impl Log {
    fn answer_when_synced(self: &Arc<Self>, job: Box<dyn Grouped>, runtime: &Handle) {
        let log = Arc::clone(self);
        self.waiting.add(runtime, job, move |jobs| {
            let failure = log.sync().err();
            let answer = |job: Box<dyn Grouped>| -> Answer {
                let failure = failure.as_ref().map(Error::again);
                Box::new(move || job.answer(failure))
            };
            jobs.into_iter().map(answer).collect()
        });
    }

    fn sync(&self) -> Result<(), Error> {
        if self.has_failed.load(Ordering::Relaxed) {
            return Err(Error::unavailable("the disk has failed: start the program again"));
        }
        self.file.sync_data().map_err(|error| {
            self.has_failed.store(true, Ordering::Relaxed);
            Error::unavailable(error)
        })
    }
}

/// Sets what a commit does to the disk. Without a log of its own, the connection always waits.
fn synchronous(connection: &Connection, log: Option<&Arc<Log>>, level: &str) -> Result<(), Error> {
    if log.is_some() {
        connection.pragma_update(None, "synchronous", level)?;
    }
    Ok(())
}

/// Does one job. Returns whether its changes stay, or an error if the transaction cannot go on.
fn step(connection: &Connection, job: &mut dyn Grouped, is_shared: bool) -> Result<bool, Error> {
    if is_shared {
        connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    }
    // The connection is usable after a panic, and the job is never run again.
    let stays = catch_unwind(AssertUnwindSafe(|| job.run(connection))).unwrap_or(false);
    // A full disk ends the whole transaction.
    if connection.is_autocommit() {
        let lost = "a write in the same transaction has failed";
        return Err(Error { kind: ErrorKind::Unavailable, source: Some(lost.into()) });
    }
    if is_shared {
        if !stays {
            connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
        }
        connection.prepare_cached("RELEASE job")?.execute([])?;
    }
    Ok(stays)
}
