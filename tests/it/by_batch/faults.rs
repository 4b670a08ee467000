//! Files that are refused, elsewhere, foreign or come again, and pauses.

use super::rig::{Attempt, Post, Rig, Waiting, begin, by, no_match, response};
use async_trait::async_trait;
use chrono::TimeDelta;
use nhs_pds::audit::AuditLog;
use nhs_pds::batch::file::Limits;
use nhs_pds::batch::{BatchTracer, Error as BatchError, ErrorKind, Inbox, Journal, Outgoing};
use nhs_pds::case::CaseStore;
use nhs_pds::clock::Clock;
use nhs_pds::process::alert::AlertSink;
use nhs_pds::process::batch::{Batch, BatchPolicy, BatchState, Batches, Ending};
use nhs_pds::process::store::{Commit, Committed, Store};
use nhs_pds::process::{Error, Process, Schedule, Worker};
use nhs_pds::trace::ScriptedTracer;
use std::fs::{self, File};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// One batch for each case.
async fn built(rig: &Rig) -> Vec<Batch> {
    let batches = rig.batches().with_limits(Limits::default().with_rows(1));
    batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap()
}

/// The batches of the same store, with their files in another folder.
fn elsewhere(rig: &Rig) -> Batches {
    Batches::new(Arc::clone(&rig.store), rig.settings(), rig.file("elsewhere"))
}

fn files(rig: &Rig, folder: &str) -> Vec<String> {
    let Ok(files) = fs::read_dir(rig.file("batches").join(folder)) else { return Vec::new() };
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".csv")).collect()
}

async fn states(rig: &Rig) -> Vec<BatchState> {
    rig.batches().list().await.unwrap().iter().map(|batch| batch.state).collect()
}

const REFUSED: BatchState = BatchState::Closed(Ending::Refused);

/// A response that says that the whole request was refused.
fn refusal() -> Waiting {
    Waiting::File("MPTREQ_20261130101500,SPINE_MPT_RESPONSE,0,06\n".to_owned())
}

#[tokio::test]
async fn a_foreign_response_is_kept_although_it_closes_an_empty_batch() {
    let (rig, post) = (Rig::of(2).await, Post::default());
    built(&rig).await;
    rig.batches().send(&post).await.unwrap();
    // The cases have left their batches in another way.
    for mut case in rig.all().await {
        case.asking.submitted = None;
        rig.cases.save(&case).await.unwrap();
    }
    let foreign = post.taken()[0].1.replace("-4", "-5");
    post.delivers("R-1", Waiting::File(response(&foreign, no_match)));
    let collected = rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    assert_eq!((collected.refused.len(), files(&rig, "refused")), (1, vec!["R-1.csv".to_owned()]));
    assert_eq!(states(&rig).await, [BatchState::Closed(Ending::Settled); 2]);
}

#[tokio::test]
async fn a_response_that_comes_again_is_deleted_again() {
    let (rig, post) = (Rig::of(3).await, Post::default());
    rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    rig.batches().send(&post).await.unwrap();
    let answer = response(&post.taken()[0].1, no_match);
    // The acknowledgement of the first was lost. Some services write the reference in capital letters.
    for text in [answer.clone(), answer.clone(), answer.to_uppercase()] {
        post.delivers("R-1", Waiting::File(text));
        let collected = rig.batches().collect(&post, &mut |_| ()).await.unwrap();
        assert_eq!((collected.arrived, collected.imported[0].rows), (1, 3));
        assert!(collected.refused.is_empty());
        assert!(files(&rig, "in").is_empty() && files(&rig, "refused").is_empty());
        assert_eq!(states(&rig).await, [BatchState::Closed(Ending::Settled)]);
    }
}

#[tokio::test]
async fn a_refusal_that_comes_again_does_not_end_the_next_batch() {
    let (rig, post) = (Rig::of(1).await, Post::default());
    for expected in [vec![REFUSED], vec![REFUSED, BatchState::Sent]] {
        built(&rig).await;
        rig.batches().send(&post).await.unwrap();
        post.delivers("R-1", refusal());
        rig.batches().collect(&post, &mut |_| ()).await.unwrap();
        assert_eq!(states(&rig).await, expected);
        assert_eq!(files(&rig, "refused"), ["R-1.csv"]);
    }
}

#[tokio::test]
async fn a_refusal_that_may_be_about_another_batch_ends_none() {
    let fails = Attempt::Fails(ErrorKind::Undetermined);
    let unclear = || Post::with(&[fails, Attempt::Takes, fails]);
    for other in ["exported", "released", "sending", "held", "lost"] {
        let rig = Rig::of(2).await;
        let post = if matches!(other, "sending" | "held") { unclear() } else { Post::default() };
        let batches = rig.batches().with_limits(Limits::default().with_rows(1));
        let (batches, all) =
            (batches.with_lost_after(TimeDelta::hours(1)), BatchPolicy::everything());
        let one = &batches.build(&all, &mut |_| ()).await.unwrap()[0].id;
        match other {
            "exported" => drop(rig.batches().export(one, &rig.file("1.csv")).await.unwrap()),
            "held" => drop(rig.batches().send(&post).await.unwrap()),
            _ => {}
        }
        rig.batches().send(&post).await.unwrap();
        match other {
            "released" => drop(rig.batches().release(one, &by("Jo Doe")).await.unwrap()),
            "lost" => {
                rig.clock.set(begin() + TimeDelta::hours(1));
                rig.batches().tidy().await.unwrap();
                rig.clock.set(begin() + TimeDelta::days(6));
                rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
                rig.batches().send(&post).await.unwrap();
            }
            _ => {}
        }
        let before = states(&rig).await;
        let word = |state: &BatchState| state.ending().map_or(state.as_str(), Ending::as_str);
        assert!(before.iter().any(|state| word(state) == other), "{other}");
        assert_eq!(before.iter().filter(|state| **state == BatchState::Sent).count(), 1);
        post.delivers("R-1", refusal());
        rig.batches().collect(&post, &mut |_| ()).await.unwrap();
        assert_eq!(states(&rig).await, before, "{other}");
        assert_eq!(files(&rig, "refused"), ["R-1.csv"]);
    }
}

/// A store that calls a function beside one commit.
#[derive(Debug)]
struct Beside {
    store: Arc<dyn Store>,
    other: Batches,
    rig_clock: Arc<nhs_pds::clock::FixedClock>,
    commits: AtomicUsize,
    at: usize,
}

#[async_trait]
impl Store for Beside {
    fn cases(&self) -> &dyn CaseStore {
        self.store.cases()
    }

    fn audit(&self) -> &dyn AuditLog {
        self.store.audit()
    }

    fn alerts(&self) -> &dyn AlertSink {
        self.store.alerts()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        if self.commits.fetch_add(1, Ordering::SeqCst) == self.at {
            // This program was suspended, and another one takes it for dead.
            self.rig_clock.set(self.rig_clock.now() + TimeDelta::hours(12));
            self.other.tidy().await?;
        }
        self.store.commit(commit).await
    }
}

#[tokio::test]
async fn a_file_that_another_program_withdrew_does_not_become_ready() {
    // The batch is on record, a first and a second page are marked, and the file is about to be ready.
    for at in 1..=5 {
        let rig = Rig::of(300).await;
        let store = Arc::new(Beside {
            store: Arc::clone(&rig.store),
            other: elsewhere(&rig),
            rig_clock: Arc::clone(&rig.clock),
            commits: AtomicUsize::new(0),
            at,
        });
        let built = rig.over(Arc::clone(&store) as Arc<dyn Store>);
        let built = built.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
        assert!(built.is_empty(), "at {at}");
        assert!(store.commits.load(Ordering::SeqCst) > at, "the other program came in at {at}");
        assert!(files(&rig, "").is_empty());
        assert_eq!(states(&rig).await, [BatchState::Closed(Ending::Withdrawn)]);
        let all = rig.all().await;
        assert!(all.iter().all(|case| case.asking.submitted.is_none()), "at {at}");
        let post = Post::default();
        rig.batches().send(&post).await.unwrap();
        assert!(post.taken().is_empty());
        // They go by the next file.
        let again = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
        assert_eq!(again[0].rows, 300);
    }
}

/// A service that refuses a file, whose cases a person has released meanwhile.
#[derive(Debug)]
struct Late(Batches);

#[async_trait]
impl BatchTracer for Late {
    async fn submit(&self, file: Outgoing<'_>, _: &mut dyn Journal) -> Result<(), BatchError> {
        self.0.release(file.id, &by("Jo Doe")).await.unwrap();
        Err(BatchError::new(ErrorKind::Refused).with_code("12"))
    }

    async fn collect(&self, _: &Path, _: &mut dyn Inbox) -> Result<usize, BatchError> {
        Ok(0)
    }
}

#[tokio::test]
async fn a_batch_that_was_released_is_not_refused_too() {
    let rig = Rig::of(1).await;
    built(&rig).await;
    let sent = rig.batches().send(&Late(elsewhere(&rig))).await.unwrap();
    assert!(sent.refused.is_empty() && sent.failed.is_none());
    assert_eq!(states(&rig).await, [BatchState::Closed(Ending::Released)]);
    assert_eq!(rig.all().await[0].asking.unanswered, 1);
}

#[tokio::test]
async fn a_file_that_is_elsewhere_is_named_and_left() {
    let (rig, post) = (Rig::of(1).await, Post::default());
    let id = built(&rig).await[0].id.clone();
    let sent = elsewhere(&rig).send(&post).await.unwrap();
    assert_eq!((sent.elsewhere.len(), &sent.elsewhere[0].id), (1, &id));
    assert!(sent.failed.is_none() && post.taken().is_empty());
    assert_eq!(states(&rig).await, [BatchState::Ready]);
    assert_eq!(rig.batches().send(&post).await.unwrap().sent.len(), 1);
}

#[tokio::test]
async fn a_batch_that_may_have_left_is_looked_up_without_its_file() {
    for has_it in [true, false] {
        let kind = ErrorKind::Undetermined;
        let first = if has_it { Attempt::TakesAndFails(kind) } else { Attempt::Fails(kind) };
        let (rig, post) = (Rig::of(1).await, Post::with(&[first]));
        built(&rig).await;
        rig.batches().send(&post).await.unwrap();
        let soon = elsewhere(&rig).send(&post).await.unwrap();
        assert_eq!((soon.elsewhere.len(), post.looked_up()), (1, 0), "it may be on its way");
        rig.clock.set(begin() + TimeDelta::hours(1));
        let sent = elsewhere(&rig).send(&post).await.unwrap();
        assert_eq!(post.looked_up(), 1);
        assert_eq!((sent.sent.len(), sent.elsewhere.len()), if has_it { (1, 0) } else { (0, 1) });
        let state = if has_it { BatchState::Sent } else { BatchState::Sending };
        assert_eq!((states(&rig).await, sent.failed.is_none()), (vec![state], true));
        // Where the file is, it is sent, and only once.
        rig.batches().send(&post).await.unwrap();
        assert_eq!((states(&rig).await, post.taken().len()), (vec![BatchState::Sent], 1));
    }
}

#[tokio::test]
async fn one_batch_that_fails_does_not_stop_the_others() {
    let lost = Attempt::TakesAndFails(ErrorKind::Undetermined);
    let down = Attempt::Fails(ErrorKind::Unavailable);
    // Its fate is not known, and cannot be looked up now.
    let (rig, post) = (Rig::of(3).await, Post::with(&[lost, Attempt::Takes, Attempt::Takes, down]));
    let id = built(&rig).await[0].id.clone();
    let sent = rig.batches().send(&post).await.unwrap();
    assert_eq!((sent.sent.len(), &sent.not_sent[0].id), (2, &id));
    assert_eq!(sent.failed.unwrap().kind(), ErrorKind::Undetermined);
    let sent = rig.batches().send(&post).await.unwrap();
    assert_eq!((sent.not_sent.len(), sent.failed.unwrap().kind()), (1, ErrorKind::Unavailable));
    assert_eq!(post.taken().len(), 3);
    assert_eq!(states(&rig).await, [BatchState::Sending, BatchState::Sent, BatchState::Sent]);
}

#[tokio::test]
async fn a_service_that_fails_three_times_is_not_asked_again() {
    let down = |kind| Attempt::Fails(kind);
    let script = [down(ErrorKind::Configuration), down(ErrorKind::Unavailable)];
    let script = [script[0], script[1], Attempt::Takes, script[1], script[1], script[1]];
    let (rig, post) = (Rig::of(8).await, Post::with(&script));
    built(&rig).await;
    let sent = rig.batches().send(&post).await.unwrap();
    assert_eq!((sent.sent.len(), sent.not_sent.len()), (1, 7));
    assert_eq!(sent.failed.unwrap().kind(), ErrorKind::Configuration, "the first error is kept");
    assert_eq!(post.taken().len(), 1, "the last two were not tried");
    assert_eq!(rig.batches().send(&post).await.unwrap().sent.len(), 7);
}

#[tokio::test]
async fn old_requests_of_unlisted_batches_are_deleted() {
    let rig = Rig::of(1).await;
    let id = built(&rig).await[0].id.clone();
    let folder = rig.file("batches");
    let write = |name: &str, days: u32| {
        let file = File::create(folder.join(name)).unwrap();
        file.set_modified(SystemTime::from(begin()) - Duration::from_secs(86_400) * days).unwrap();
    };
    let old = "0f2a9c56-5b0c-4c38-8a9e-0d4a57a6f0c1.csv";
    let (new, capital) = (old.replace("0f", "1f"), old.to_uppercase().replace("CSV", "csv"));
    write(old, 8);
    write(&new, 6);
    write("notes.csv", 8);
    write(&capital, 8);
    write(&format!("{id}.csv"), 8);
    rig.batches().tidy().await.unwrap();
    let mut left = files(&rig, "");
    left.sort();
    let mut expected = [new, capital, "notes.csv".to_owned(), format!("{id}.csv")];
    expected.sort();
    assert_eq!(left, expected, "what is listed, recent, or of another form stays");
    write(old, 8);
    rig.batches().with_kept_files().tidy().await.unwrap();
    assert_eq!(files(&rig, "sent"), [old]);
}

/// A process that traces by file.
fn process(rig: &Rig, service: impl BatchTracer + 'static, least: u64) -> Process {
    let tracer = Arc::new(ScriptedTracer::new([]));
    let worker = Worker::new(tracer, Arc::clone(&rig.store), rig.settings());
    let batches = Batches::beside(&worker, rig.file("batches"));
    let policy = BatchPolicy::everything().with_at_least(least);
    let schedule = Schedule::every(Duration::from_secs(30 * 60)).unwrap();
    Process::new(worker, schedule).with_batches(batches, Arc::new(service), policy)
}

/// Runs the process until `script` has ended.
async fn run_beside(process: &Process, script: impl Future<Output = ()>) {
    let (process, (stop, stopped)) = (process.clone(), tokio::sync::oneshot::channel::<()>());
    let run = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        process.run_until(stopped, &mut |_| ()).await.unwrap();
    });
    script.await;
    stop.send(()).unwrap();
    run.await.unwrap();
}

/// Waits until something is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let so = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), so).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_file_is_built_on_the_schedule_for_six_hours_after_one_was_refused() {
    let refuses = [Attempt::Fails(ErrorKind::Refused); 2];
    let (rig, post) = (Rig::of(2).await, Post::with(&refuses));
    // Each is a process that was started again, and its first run.
    for (hours, lives) in [(0, 1), (0, 1), (5, 1), (6, 2), (11, 2)] {
        rig.clock.set(begin() + TimeDelta::hours(hours));
        let collected = post.collected();
        let script = until(async || post.collected() > collected);
        run_beside(&process(&rig, post.clone(), 1), script).await;
        assert_eq!(states(&rig).await, vec![REFUSED; lives], "after {hours} hours");
    }
    assert!(rig.all().await.iter().all(|case| case.asking.unanswered > 0), "traced singly");
    // A user may.
    assert!(rig.batches().refused_lately().await.unwrap().is_some());
    rig.pass(1);
    assert!(!built(&rig).await.is_empty());
}

/// A service that waits in a call until it may go on.
#[derive(Clone, Debug)]
struct Slow {
    post: Post,
    sending: Arc<AtomicUsize>,
    collecting: Arc<AtomicUsize>,
    may_go_on: Arc<Notify>,
}

#[async_trait]
impl BatchTracer for Slow {
    async fn submit(
        &self,
        file: Outgoing<'_>,
        journal: &mut dyn Journal,
    ) -> Result<(), BatchError> {
        if self.sending.fetch_add(1, Ordering::SeqCst) == 0 {
            self.may_go_on.notified().await;
        }
        self.post.submit(file, journal).await
    }

    async fn collect(&self, folder: &Path, inbox: &mut dyn Inbox) -> Result<usize, BatchError> {
        if self.collecting.fetch_add(1, Ordering::SeqCst) == 0 {
            self.may_go_on.notified().await;
        }
        self.post.collect(folder, inbox).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_the_exchange_after_the_file_on_its_way() {
    let rig = Rig::of(3).await;
    built(&rig).await;
    let slow = Slow {
        post: Post::default(),
        sending: Arc::default(),
        collecting: Arc::default(),
        may_go_on: Arc::default(),
    };
    let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
    let process = process(&rig, slow.clone(), 1_000);
    let user = by("Jo Doe");
    let script = async {
        until(async || count(&slow.sending) == 1).await;
        process.pause(&user).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        slow.may_go_on.notify_one();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((slow.post.taken().len(), count(&slow.sending)), (1, 1), "it was on its way");
        assert_eq!((count(&slow.collecting), states(&rig).await[0]), (0, BatchState::Sent));
        // A run that a user wants all the same exchanges files.
        process.run_now(&user).await.unwrap();
        until(async || count(&slow.collecting) == 1).await;
        assert_eq!(slow.post.taken().len(), 3);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(slow.post.collected(), 0, "it still waits");
        process.resume(&user).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        process.pause(&user).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        // The call has ended: nothing takes this.
        slow.may_go_on.notify_waiters();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(slow.post.collected(), 0);
        process.run_now(&user).await.unwrap();
        until(async || slow.post.collected() == 1).await;
    };
    run_beside(&process, script).await;
}
