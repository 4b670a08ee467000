//! Writes that share one transaction and one wait for the disk.
//!
//! One thread takes all waiting jobs into one transaction, each behind a savepoint, so that a refused
//! job is undone alone. The commit itself does not wait for the disk (`synchronous=NORMAL`): the
//! file's lock is free again for other processes, and a second thread waits for the write-ahead log
//! to be on the disk before it answers. The log is in the order of the commits, so a caller that waits for
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
        // The work knows best why it has failed itself.
        let failed = matches!(result, Some(Err(_)));
        let failure = failure.filter(|_| !failed);
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
        // A change whose log is not on the disk must not be seen, and nothing may follow from it.
        if let Some(error) = self.log.and_then(|log| log.failure()) {
            return self.fail(group.drain(..).map(|(_, job)| job), &error);
        }
        // The answers wait for the disk themselves.
        let begun = synchronous(connection, self.log, "normal")
            .and_then(|()| Ok(connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?));
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
                    let error = error.again();
                    return self.answers.push(Box::new(move || job.answer(Some(error))));
                }
            };
            if stays {
                kept.push((durability, job));
            } else {
                refused.push(job);
            }
        }
        let end = if kept.is_empty() { "ROLLBACK" } else { "COMMIT" };
        let ended = connection.prepare_cached(end).and_then(|mut end| end.execute([]));
        if let Err(error) = ended.map_err(Error::from) {
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

    /// Why nothing is written any more, after a sync that failed.
    fn failure(&self) -> Option<Error> {
        let failed = self.has_failed.load(Ordering::Relaxed);
        failed.then(|| Error::unavailable("the disk has failed: start the program again"))
    }

    fn sync(&self) -> Result<(), Error> {
        if let Some(error) = self.failure() {
            return Err(error);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Database;
    use std::sync::mpsc;
    use std::time::Duration;
    use tokio::task::JoinSet;

    fn database(folder: &tempfile::TempDir) -> Database {
        let database = Database::open(folder.path().join("file.db")).unwrap();
        database.with(|c| c.execute_batch("CREATE TABLE IF NOT EXISTS n (n INTEGER)")).unwrap();
        database
    }

    fn add(transaction: &Connection, n: i64) -> Result<(), Error> {
        transaction.execute("INSERT INTO n (n) VALUES (?1)", [n])?;
        Ok(())
    }

    async fn numbers(database: &Database) -> Vec<i64> {
        let read = |connection: &mut Connection| -> Result<Vec<i64>, Error> {
            let mut query = connection.prepare("SELECT n FROM n ORDER BY n")?;
            let numbers = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(numbers)
        };
        database.read(read).await.unwrap()
    }

    /// Keeps the connection busy while the jobs are added, so that they are one group.
    async fn together<T: Send + 'static>(
        database: &Database,
        jobs: impl IntoIterator<Item = impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static>,
    ) -> Vec<Result<T, Error>> {
        let (begun, is_busy) = oneshot::channel();
        let (begin, wait) = mpsc::channel::<()>();
        let (busy, _) = Job::alone(move |_| -> Result<(), Error> {
            begun.send(()).unwrap();
            wait.recv().unwrap();
            Ok(())
        });
        let (writer, runtime) = (database.writer_for_tests(), Handle::current());
        writer.add(&runtime, busy);
        // A job that is added before this one has begun could be in its group.
        is_busy.await.unwrap();
        let added: Vec<_> = jobs
            .into_iter()
            .map(|job| {
                let (job, answer) = Job::in_a_group(Durability::Durable, job);
                writer.add(&runtime, job);
                answer
            })
            .collect();
        begin.send(()).unwrap();
        let mut answers = Vec::new();
        for answer in added {
            // A job that panics has no answer.
            answers.push(answer.await.unwrap_or_else(|_| Err(Error::unavailable("no answer"))));
        }
        answers
    }

    #[tokio::test]
    async fn a_refused_job_and_one_that_panics_are_undone_alone() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder);
        let jobs = (0..9).map(|n| {
            move |transaction: &Connection| {
                add(transaction, n)?;
                assert_ne!(n, 4, "a defect");
                if n % 3 == 0 { Err(Error::unavailable("refused")) } else { Ok(n) }
            }
        });
        let answers = together(&database, jobs).await;
        for (n, answer) in (0..).zip(&answers) {
            assert_eq!(answer.is_err(), n % 3 == 0 || n == 4, "{n}");
        }
        let refused = answers[3].as_ref().unwrap_err().source.as_ref().unwrap().to_string();
        assert_eq!(refused, "refused");
        assert_eq!(numbers(&database).await, [1, 2, 5, 7, 8]);
        database.write(Durability::Durable, |file| add(file, 9)).await.unwrap();
        assert_eq!(numbers(&database).await.last(), Some(&9));
    }

    /// As a full disk does.
    #[tokio::test]
    async fn a_job_that_ends_the_transaction_fails_with_those_before_it_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder);
        let jobs = (0..6).map(|n| {
            move |transaction: &Connection| {
                add(transaction, n)?;
                if n == 2 {
                    transaction.execute_batch("ROLLBACK")?;
                    return Err(Error::unavailable("full"));
                }
                Ok(n)
            }
        });
        let answers = together(&database, jobs).await;
        let failed: Vec<bool> = answers.iter().map(Result::is_err).collect();
        assert_eq!(failed, [true, true, true, false, false, false]);
        let full = answers[2].as_ref().unwrap_err().source.as_ref().unwrap().to_string();
        assert_eq!(full, "full");
        assert_eq!(numbers(&database).await, [3, 4, 5]);
    }

    #[tokio::test]
    async fn a_group_that_cannot_be_committed_fails_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder);
        database
            .with(|connection| {
                connection.execute_batch(
                    "PRAGMA foreign_keys = on;
                     CREATE TABLE p (p INTEGER PRIMARY KEY);
                     CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
                )
            })
            .unwrap();
        let jobs = (0..4).map(|n| {
            move |transaction: &Connection| {
                add(transaction, n)?;
                if n == 1 {
                    transaction.execute("INSERT INTO c (p) VALUES (7)", [])?;
                }
                if n == 2 { Err(Error::unavailable("refused")) } else { Ok(n) }
            }
        });
        let answers = together(&database, jobs).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!(numbers(&database).await, [] as [i64; 0]);
        database.write(Durability::Durable, |file| add(file, 5)).await.unwrap();
        assert_eq!(numbers(&database).await, [5]);
    }

    /// A device that cannot be synced stands for a disk that fails.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_durable_change_that_does_not_reach_the_disk_is_an_error_from_then_on() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE n (n INTEGER)").unwrap();
        let device = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
        let writer = Writer::new(connection, Some(device));
        for durability in [Durability::Relaxed, Durability::Durable, Durability::Durable] {
            let (job, answer) = Job::in_a_group(durability, |file| add(file, 1));
            writer.add(&Handle::current(), job);
            let answer = answer.await.unwrap();
            assert_eq!(answer.is_err(), durability == Durability::Durable);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sixteen_connections_lose_no_change() {
        const EACH: i64 = 20;
        let folder = tempfile::tempdir().unwrap();
        let first = database(&folder);
        first.with(|connection| add(connection, 0)).unwrap();
        let mut writers = JoinSet::new();
        for _ in 0..16 {
            let database = database(&folder);
            writers.spawn(async move {
                for _ in 0..EACH {
                    let count = |file: &Connection| -> Result<(), Error> {
                        let n: i64 = file.query_row("SELECT n FROM n", [], |row| row.get(0))?;
                        file.execute("UPDATE n SET n = ?1", [n + 1])?;
                        Ok(())
                    };
                    // Refused where one of the others keeps the file locked for long.
                    let mut refused = 0;
                    while let Err(error) = database.write(Durability::Relaxed, count).await {
                        assert_eq!(error.kind, ErrorKind::Unavailable);
                        refused += 1;
                        assert!(refused < 20, "it is always locked");
                    }
                }
            });
        }
        writers.join_all().await;
        assert_eq!(numbers(&first).await, [16 * EACH]);
    }

    /// A job that was added to a runtime that then ended must not block the jobs after it.
    #[test]
    fn a_runtime_that_ends_blocks_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder);
        let ended =
            tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let (release, wait) = mpsc::channel::<()>();
        // The only thread that may block is taken.
        ended.spawn_blocking(move || wait.recv());
        let (job, lost) = Job::in_a_group(Durability::Durable, |file| add(file, 1));
        database.writer_for_tests().add(ended.handle(), job);
        ended.shutdown_background();
        release.send(()).unwrap();
        let next = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        next.block_on(async {
            // If its caller has no error, it was done.
            let was_done = lost.await.is_ok();
            database.write(Durability::Durable, |file| add(file, 2)).await.unwrap();
            let numbers = numbers(&database).await;
            assert!(numbers == [1, 2] || numbers == [2] && !was_done, "{numbers:?}");
        });
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_blocks_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder);
        for n in 0..20 {
            let call = database.write(Durability::Durable, move |file| add(file, n));
            let _ = tokio::time::timeout(Duration::from_micros(100 * n as u64), call).await;
        }
        database.write(Durability::Durable, |file| add(file, 99)).await.unwrap();
        let kept = numbers(&database).await;
        assert_eq!(kept.last(), Some(&99));
        let mut once = kept.clone();
        once.dedup();
        assert_eq!(kept, once);
    }
}
