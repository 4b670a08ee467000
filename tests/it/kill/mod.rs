//! A worker that is killed at any point of its work, and started again on the same file.
//!
//! To kill a run is to drop it: at a chosen point, before or after an effect, a call never returns, and the
//! run is dropped.

#[cfg(feature = "smsp")]
mod wire;

use crate::support::layer::{Layer, Layered};
use crate::support::one_question;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{
    self, Anchor, AuditLog, Entry, Event, EventKind, Filter, SqliteLog, Verdict, case_as_of,
};
use nhs_pds::case::{
    self, Alert, Allocation, Case, CaseId, CaseStore, Change, Claim, Lease, NumberSource,
    RecordType, RecordedNumber, SqliteStore,
};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::{Demographics, Gender, PersonName, Recorded};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::{self, AlertSink, SqliteAlerts};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Policy, RunReport, Settings, TraceResult, Worker};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, Freshness, LocalIdentity, Match,
    MessageId, Outcome, Question, Tracer, User,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

/// Where a run may be killed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Boundary {
    Claim,
    AuditWritten,
    RequestSent,
    AnswerReceived,
    StoreSaved,
    AlertSent,
    Release,
}

/// Counts boundaries down to the one at which the run is killed.
#[derive(Debug)]
struct Killer {
    left: AtomicUsize,
    killed: Notify,
    met: Mutex<Vec<Boundary>>,
}

impl Killer {
    fn at(point: usize) -> Arc<Self> {
        let left = AtomicUsize::new(point);
        Arc::new(Self { left, killed: Notify::new(), met: Mutex::default() })
    }

    async fn pass(&self, boundary: Boundary) {
        self.met.lock().unwrap().push(boundary);
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Debug)]
struct MortalStore {
    store: SqliteStore,
    killer: Arc<Killer>,
    /// Every number that was written to a case.
    written: Arc<Mutex<Vec<(CaseId, NhsNumber)>>>,
}

#[async_trait]
impl Layer for MortalStore {
    fn behind(&self) -> &dyn CaseStore {
        &self.store
    }

    async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
        self.killer.pass(Boundary::StoreSaved).await;
        let mut new = Vec::new();
        for Change { case, .. } in &changes {
            let before = self.store.get(&case.id).await?.and_then(|case| case.live_number());
            if let Some(number) = case.live_number().filter(|number| before != Some(*number)) {
                new.push((case.id.clone(), number));
            }
        }
        self.store.save_all(changes).await?;
        self.written.lock().unwrap().extend(new);
        self.killer.pass(Boundary::StoreSaved).await;
        Ok(())
    }

    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, case::Error> {
        let claim = self.store.claim_due(limit, lease).await;
        self.killer.pass(Boundary::Claim).await;
        claim
    }

    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), case::Error> {
        self.killer.pass(Boundary::Release).await;
        self.store.release(owner, ids).await
    }
}

#[derive(Debug)]
struct MortalLog(SqliteLog, Arc<Killer>);

#[async_trait]
impl AuditLog for MortalLog {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, audit::Error> {
        self.1.pass(Boundary::AuditWritten).await;
        let appended = self.0.append(entries).await;
        self.1.pass(Boundary::AuditWritten).await;
        appended
    }
    async fn page(&self, f: &Filter, after: u64, n: usize) -> Result<Vec<Event>, audit::Error> {
        self.0.page(f, after, n).await
    }
    async fn head(&self) -> Result<Anchor, audit::Error> {
        self.0.head().await
    }
    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, audit::Error> {
        self.0.verify(anchors).await
    }
    async fn forget(&self, case: &CaseId) -> Result<(), audit::Error> {
        self.0.forget(case).await
    }
}

#[derive(Debug)]
struct MortalAlerts(SqliteAlerts, Arc<Killer>);

#[async_trait]
impl AlertSink for MortalAlerts {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), alert::Error> {
        self.1.pass(Boundary::AlertSent).await;
        let delivered = self.0.deliver(alerts).await;
        self.1.pass(Boundary::AlertSent).await;
        delivered
    }
}

/// A service. A run may be killed before or after each of its calls.
#[derive(Debug)]
struct MortalTracer(Arc<dyn Tracer>, Arc<Killer>);

#[async_trait]
impl Tracer for MortalTracer {
    async fn trace(&self, c: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        self.1.pass(Boundary::RequestSent).await;
        let answer = self.0.trace(c, question, id).await;
        self.1.pass(Boundary::AnswerReceived).await;
        answer
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.0.trace_attended(user, question, id).await
    }
}

/// A service whose response depends on the case only, not on the count or order of queries.
#[derive(Debug)]
struct ByCase;

#[async_trait]
impl Tracer for ByCase {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        let (local, fetched) = match question {
            Question::Find(find) => (find.local_identifier().unwrap().extension(), None),
            Question::Fetch(fetch) => {
                (fetch.local_identifier().unwrap().extension(), Some(fetch.nhs_number()))
            }
            Question::Verify(_) => panic!("the worker queries the person"),
            _ => panic!("there is no other question"),
        };
        let exchange = Exchange::new("test", "trace", id.to_string(), SystemClock.now());
        match answer(local, fetched) {
            Ok(outcome) => Ok(Answer::new(outcome, exchange)),
            Err(kind) => Err(Error::new(kind).with_exchange(exchange)),
        }
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::Configuration))
    }
}

/// The nth of a few numbers that are not issued.
fn number(n: usize) -> NhsNumber {
    nhs_pds::nhs_number::Synthetic::from_seed(7).nth(n).unwrap()
}

/// A person named after `family`.
fn person(family: &str) -> Demographics {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new("COMFORT", family));
    person.date_of_birth = Recorded::read("1943-05-19");
    person.gender = Recorded::Known(Gender::Female);
    person
}

fn found(family: &str, n: usize, change: impl FnOnce(&mut Match)) -> Result<Outcome, ErrorKind> {
    let mut found = Match::new(number(n)).with_person(person(family));
    change(&mut found);
    Ok(Outcome::Found(Box::new(found)))
}

fn answer(case: &str, fetched: Option<NhsNumber>) -> Result<Outcome, ErrorKind> {
    let plain = |n| found(case, n, |_| ());
    match (case, fetched) {
        ("01", _) => plain(1),
        // The same person as 01, and as 09.
        ("02", _) | ("09", _) => found(case, 1, |_| ()),
        ("03", _) => found("03", 3, |found| {
            found.person.as_mut().unwrap().date_of_death = Recorded::read("2026-11-01");
        }),
        ("04", _) => Ok(Outcome::None),
        ("05", _) => Ok(Outcome::Ambiguous(Vec::new())),
        ("06", Some(_)) => Ok(Outcome::Invalidated),
        ("06", None) => plain(6),
        ("07", _) => {
            let person = Some(Box::new(person("07")));
            Ok(Outcome::Superseded { by: Some(number(7)), person })
        }
        ("08", Some(_)) => Ok(Outcome::NotVerified),
        ("08", None) => plain(8),
        ("10", _) => found("10", 10, |found| found.freshness = Freshness::Stale),
        ("11", _) => found("ANOTHER PERSON", 11, |found| {
            found.person.as_mut().unwrap().date_of_birth = Recorded::read("1950-01-01");
        }),
        ("12", _) => Err(ErrorKind::Unavailable),
        ("13", _) => Err(ErrorKind::Unreadable),
        ("14", _) => Err(ErrorKind::Rejected),
        ("15", Some(recorded)) => found("15", 0, |found| found.nhs_number = recorded),
        (_, Some(_)) => {
            let person = Some(Box::new(person(case)));
            Ok(Outcome::Superseded { by: Some(number(37)), person })
        }
        (_, None) => plain(16),
    }
}

fn cases() -> Vec<Case> {
    let case = |n: usize| {
        let text = format!("{n:02}");
        let mut case = Case::new(text.parse().unwrap(), RecordType::AdultCase);
        case.surname = Some(text);
        (case.forename, case.postcode) = (Some("Comfort".into()), Some("KT17 1NA".into()));
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case.gender = Some(Gender::Female);
        case.allocations = vec![Allocation::new("A Worker")];
        // Numbers from elsewhere: invalidated, superseded, not verified, confirmed, superseded by the number
        // of the last case. That one is not traced, so it always has its number before.
        if n == 17 {
            case.record_type = RecordType::Other("adoption".into());
        }
        if [6, 7, 8, 15, 16, 17].contains(&n) {
            let source = NumberSource::Imported(Some("GP letter".into()));
            case.nhs_number = Some(RecordedNumber::new(number(20 + n), source));
        }
        case
    };
    (1..=17).map(case).collect()
}

/// A caseload, and its service.
struct World {
    cases: Vec<Case>,
    /// A client of the service, as a starting program makes it.
    service: Box<dyn Fn() -> Arc<dyn Tracer> + Send + Sync>,
}

impl World {
    fn by_case() -> Self {
        Self { cases: cases(), service: Box::new(|| Arc::new(ByCase)) }
    }

    /// A new file with the cases in it.
    async fn file(&self, folder: &Path) -> std::path::PathBuf {
        let file = folder.join("cases.sqlite");
        SqliteStore::open(&file).unwrap().insert_all(self.cases.clone()).await.unwrap();
        file
    }

    /// Makes the `nth` run on the file, until it ends or is killed. Returns whether it was killed.
    async fn run(&self, nth: usize, file: &Path, killer: &Arc<Killer>, written: &Written) -> bool {
        let store = SqliteStore::open(file).unwrap();
        let last = store.clone();
        let killed = self.run_over(nth, store, file, killer, written).await;
        // The run was dropped, and the process lives: writes that have begun come to their end.
        let now = SystemClock.now();
        last.renew(&Lease::new("the last", now, now)).await.unwrap();
        killed
    }

    async fn run_over(
        &self,
        nth: usize,
        store: SqliteStore,
        file: &Path,
        killer: &Arc<Killer>,
        written: &Written,
    ) -> bool {
        let store = MortalStore { store, killer: Arc::clone(killer), written: Arc::clone(written) };
        let log = MortalLog(SqliteLog::open(file).unwrap(), Arc::clone(killer));
        let alerts = MortalAlerts(SqliteAlerts::open(file).unwrap(), Arc::clone(killer));
        let worker = worker(
            nth,
            MortalTracer((self.service)(), Arc::clone(killer)),
            Arc::new(Layered(store)),
            Arc::new(log),
            Arc::new(alerts),
        );
        let mut ignore = |_: &_| ();
        let mut going = std::pin::pin!(worker.run_once(&mut ignore));
        tokio::select! {
            biased;
            () = killer.killed.notified() => true,
            done = &mut going => {
                done.unwrap();
                false
            }
        }
    }

    /// An undisturbed run, and the points that it passes.
    async fn undisturbed(&self) -> (End, Vec<Boundary>) {
        let folder = tempfile::tempdir().unwrap();
        let file = self.file(folder.path()).await;
        let killer = Killer::at(usize::MAX);
        assert!(!self.run(0, &file, &killer, &Written::default()).await);
        let met = killer.met.lock().unwrap().clone();
        (end(&file).await, met)
    }

    /// Kills a run at each of `points`, starts another, and checks the result.
    async fn ends_the_same_killed_at(self, points: impl IntoIterator<Item = usize>, expected: End) {
        let (world, expected) = (Arc::new(self), Arc::new(expected));
        let places = Arc::new(Semaphore::new(8));
        let mut lives = JoinSet::new();
        for point in points {
            let (world, expected) = (Arc::clone(&world), Arc::clone(&expected));
            let places = Arc::clone(&places);
            lives.spawn(async move {
                let _place = places.acquire().await.unwrap();
                let folder = tempfile::tempdir().unwrap();
                let file = world.file(folder.path()).await;
                let written = Written::default();
                let about = format!("killed at {point}");
                let killed = world.run(0, &file, &Killer::at(point), &written).await;
                assert!(!world.run(1, &file, &Killer::at(usize::MAX), &written).await);
                check(&file, &written, &expected, &about).await;
                killed
            });
        }
        let (all, mut killed) = (lives.len(), 0);
        while let Some(life) = lives.join_next().await {
            killed += usize::from(life.unwrap());
        }
        // No two runs pass the same number of points, so a run may end before the last ones.
        assert!(all - killed <= all / 5, "{killed} of {all} were killed");
    }
}

/// Long for a slow machine: a case whose lease ends is traced later than others, and of several cases with one number the
/// first that is stored gets it.
const LEASE: Duration = Duration::from_secs(60);

/// The time of the `nth` run, at which no case has a lease of an earlier run.
#[derive(Debug)]
struct TimeOfRun(usize);

impl Clock for TimeOfRun {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::minutes(10) * i32::try_from(self.0).unwrap()
    }
}

fn worker(
    nth: usize,
    tracer: MortalTracer,
    store: Arc<dyn CaseStore>,
    log: Arc<dyn AuditLog>,
    alerts: Arc<dyn AlertSink>,
) -> Worker {
    let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    let mut policy = one_question();
    policy.unreadable_limit = 1;
    // However slow the machine is, no run is still going when a case is due again that got no answer.
    (policy.retry_wait, policy.stale_wait) = (TimeDelta::hours(6), TimeDelta::hours(6));
    Worker::new(
        Arc::new(tracer),
        Arc::new(Joined::new(store, log, alerts)),
        Settings::new(Caller::System(us))
            .with_in_flight(NonZeroUsize::new(2).unwrap())
            .with_policy(policy)
            .with_lease(LEASE)
            .with_clock(Arc::new(TimeOfRun(nth))),
    )
}

type Written = Arc<Mutex<Vec<(CaseId, NhsNumber)>>>;

/// The result of a caseload, without times, versions and message identifiers.
#[derive(Debug, Eq, PartialEq)]
struct End {
    cases: BTreeMap<String, Vec<String>>,
    alerts: BTreeSet<String>,
}

/// The cases of one person, to whom the number goes that is saved first.
const ALIKE: [&str; 3] = ["01", "02", "09"];

/// The result as if the number of the cases in [`ALIKE`] had gone to the first of them: in all of `end`, the
/// case that has the number and the first change names.
fn normal(end: End) -> End {
    let number = format!("{:?}", Some(number(1)));
    let holders: Vec<&str> = ALIKE
        .into_iter()
        .filter(|id| end.cases.get(*id).unwrap().first() == Some(&number))
        .collect();
    let [holder] = holders[..] else {
        panic!("one of them has the number: {holders:?} of {end:?}")
    };
    let renamed = |id: &str| match id {
        "01" => holder.to_owned(),
        other if other == holder => "01".to_owned(),
        other => other.to_owned(),
    };
    let alert = |id: String| id.split('/').map(renamed).collect::<Vec<_>>().join("/");
    let others = |told: String| match told.split_once(" [") {
        Some((item, others)) => {
            let mut others: Vec<String> = others
                .trim_end_matches(']')
                .split(", ")
                .map(|id| renamed(id.trim_matches('"')))
                .collect();
            others.sort();
            format!("{item} {others:?}")
        }
        None => told,
    };
    let cases = end
        .cases
        .into_iter()
        .map(|(id, told)| (renamed(&id), told.into_iter().map(others).collect()));
    End { cases: cases.collect(), alerts: end.alerts.into_iter().map(alert).collect() }
}

async fn end(file: &Path) -> End {
    let store = SqliteStore::open(file).unwrap();
    let mut cases = BTreeMap::new();
    for case in store.page(None, 99).await.unwrap() {
        let mut told = vec![
            format!("{:?}", case.live_number()),
            format!("{:?}", case.nhs_number.as_ref().map(|recorded| recorded.status)),
            format!("{:?}", case.nhs_number.as_ref().map(|recorded| recorded.source.to_string())),
            case.date_of_death.map_or(String::new(), |date| date.to_string()),
            case.last_trace
                .as_ref()
                .map_or(String::new(), |last| format!("{} {:?}", last.result, last.detail)),
        ];
        told.extend(case.review.iter().map(|item| {
            let others = item.evidence.others.iter().map(ToString::to_string);
            let others: Vec<String> = others.collect();
            format!("{} {} {:?}", item.reason, item.state, others)
        }));
        assert!(case.undelivered.is_empty(), "no alert is left behind: {told:?} {}", case.version);
        cases.insert(case.id.to_string(), told);
    }
    let alerts = SqliteAlerts::open(file).unwrap().page(0, 99).await.unwrap();
    let count = alerts.len();
    let alerts: BTreeSet<String> = alerts.into_iter().map(|alert| alert.id).collect();
    assert_eq!(alerts.len(), count, "no alert is there twice");
    normal(End { cases, alerts })
}

/// Properties of a file after any kill.
async fn check(file: &Path, written: &Written, expected: &End, about: &str) {
    assert_eq!(end(file).await, *expected, "{about}");
    let mut once = BTreeSet::new();
    for (case, number) in written.lock().unwrap().iter() {
        assert!(once.insert((case.clone(), *number)), "{about}: a number was written twice");
    }
    let log = SqliteLog::open(file).unwrap();
    let verdict = log.verify(&[]).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { .. }), "{about}: {verdict:?}");
    // The trail has each case in its current version.
    let store = SqliteStore::open(file).unwrap();
    for case in store.page(None, 99).await.unwrap() {
        let later = SystemClock.now() + TimeDelta::days(1);
        let told = case_as_of(&log, &case.id, case.version, later).await.unwrap();
        // A case that never changed is not in the trail.
        assert!(told.as_ref().is_none_or(|told| *told == case), "{about}: {}", case.id);
        assert_eq!(told.is_some(), case.version > 1, "{about}");
    }
}

/// Each case's result.
fn results(end: &End) -> Vec<&str> {
    end.cases.values().map(|told| told.get(4).unwrap().split(' ').next().unwrap()).collect()
}

#[tokio::test]
async fn an_undisturbed_run_has_the_expected_result() {
    let (end, met) = World::by_case().undisturbed().await;
    assert!(met.len() > 100, "{}", met.len());
    let kinds: BTreeSet<Boundary> = met.into_iter().collect();
    assert_eq!(kinds.len(), 7, "every kind of boundary is met: {kinds:?}");
    assert_eq!(
        results(&end),
        [
            "found",
            "duplicate",
            "deceased",
            "none",
            "ambiguous",
            "replaced",
            "replaced",
            "conflict",
            "duplicate",
            "stale",
            "differs",
            "",
            "unreadable",
            "rejected",
            "verified",
            "superseded",
            ""
        ]
    );
    let End { cases, alerts } = end;
    // 02 and 09 about 01, the death of 03, 06 invalid and replaced, 07 replaced, the defect of 13, 16
    // superseded.
    assert_eq!(alerts.len(), 8, "{alerts:?}");
    assert!(cases["01"].iter().any(|told| told.starts_with("duplicate open")), "the holder too");
    assert_eq!(cases["01"][0], format!("{:?}", Some(number(1))), "the holder keeps it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_killed_at_any_boundary_has_the_same_result() {
    let world = World::by_case();
    let (expected, met) = world.undisturbed().await;
    world.ends_the_same_killed_at(1..=met.len(), expected).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Kills repeatedly, the later runs as well as the first.
    #[test]
    fn a_run_killed_many_times_has_the_same_result(points in proptest::collection::vec(1_usize..120, 2..7)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::by_case();
            let (expected, _) = world.undisturbed().await;
            let folder = tempfile::tempdir().unwrap();
            let file = world.file(folder.path()).await;
            let written = Written::default();
            for (nth, point) in points.iter().enumerate() {
                world.run(nth, &file, &Killer::at(*point), &written).await;
            }
            assert!(!world.run(points.len(), &file, &Killer::at(usize::MAX), &written).await);
            check(&file, &written, &expected, &format!("killed at {points:?}")).await;
        });
    }
}

/// Counts the queries about each case.
#[derive(Debug, Default)]
struct Counting(Mutex<BTreeMap<String, usize>>);

#[async_trait]
impl Tracer for Counting {
    async fn trace(&self, c: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        let Question::Find(find) = question else { panic!("{question:?}") };
        let case = find.local_identifier().unwrap().extension().to_owned();
        *self.0.lock().unwrap().entry(case).or_default() += 1;
        // Long enough for the other worker to reach the case.
        tokio::time::sleep(Duration::from_millis(1)).await;
        ByCase.trace(c, question, id).await
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::Configuration))
    }
}

/// Two workers in two threads with runtimes of their own, on one file.
#[test]
fn two_workers_on_one_file_never_trace_one_case_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.sqlite");
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut all = Vec::new();
    for n in 1..=300 {
        // One query in three fails, so the case has no record of it.
        let text = format!("{}-{n:03}", if n % 3 == 0 { "12" } else { "04" });
        let mut case = cases().remove(0);
        case.id = text.parse().unwrap();
        all.push(case);
    }
    runtime().block_on(SqliteStore::open(&file).unwrap().insert_all(all)).unwrap();
    let tracer = Arc::new(Counting::default());
    let work = || {
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        let log = Arc::new(SqliteLog::open(&file).unwrap());
        let alerts = Arc::new(SqliteAlerts::open(&file).unwrap());
        let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        let asking = Arc::clone(&tracer) as Arc<dyn Tracer>;
        // For a slow machine: a long lease, which is far below the longest, or it would look like a clock set
        // back, and a long wait before a case is due again that got no answer.
        let mut policy = Policy::default();
        policy.retry_wait = TimeDelta::hours(6);
        let settings = Settings::new(Caller::System(us))
            .with_lease(Duration::from_secs(30))
            .with_policy(policy);
        let worker = Worker::new(asking, Arc::new(Joined::new(store, log, alerts)), settings);
        runtime().block_on(worker.run_once(&mut |_| ())).unwrap()
    };
    let reports: Vec<RunReport> = std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.map(|worker| worker.join().unwrap()).into()
    });
    let asked = tracer.0.lock().unwrap();
    assert_eq!(asked.len(), 300);
    assert!(asked.values().all(|times| *times == 1), "{asked:?}");
    assert!(reports.iter().all(|report| report.seen == report.eligible), "{reports:?}");
    // A case whose answer could not be saved is due again a moment later. On a slow machine that is before the end. For the
    // worker that ends first, the cases of the other one are due too.
    let conflicts = |report: &RunReport| {
        report.results.get(&TraceResult::ConflictOnSave).copied().unwrap_or_default()
    };
    let all: u64 = reports.iter().map(conflicts).sum();
    assert!(reports.iter().any(|report| report.due <= all), "{reports:?}");
    assert_eq!(reports.iter().map(|report| report.eligible).sum::<u64>(), 300);
}

/// AUD-01: no message is sent that is not audited.
#[tokio::test]
async fn without_an_audit_trail_nothing_is_sent() {
    #[derive(Debug)]
    struct Broken;
    #[async_trait]
    impl AuditLog for Broken {
        async fn append(&self, _: Vec<Entry>) -> Result<u64, audit::Error> {
            Err(audit::Error::new(audit::ErrorKind::Unavailable))
        }
        async fn page(&self, _: &Filter, _: u64, _: usize) -> Result<Vec<Event>, audit::Error> {
            Err(audit::Error::new(audit::ErrorKind::Unavailable))
        }
        async fn head(&self) -> Result<Anchor, audit::Error> {
            Err(audit::Error::new(audit::ErrorKind::Unavailable))
        }
        async fn verify(&self, _: &[Anchor]) -> Result<Verdict, audit::Error> {
            Err(audit::Error::new(audit::ErrorKind::Unavailable))
        }
        async fn forget(&self, _: &CaseId) -> Result<(), audit::Error> {
            Err(audit::Error::new(audit::ErrorKind::Unavailable))
        }
    }
    let store = Arc::new(SqliteStore::open_in_memory().unwrap());
    store.insert_all(cases()).await.unwrap();
    let tracer = MortalTracer(Arc::new(ByCase), Killer::at(1));
    let alerts = Arc::new(SqliteAlerts::open_in_memory().unwrap());
    let worker =
        worker(0, tracer, Arc::clone(&store) as Arc<dyn CaseStore>, Arc::new(Broken), alerts);
    let error = worker.run_once(&mut |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), nhs_pds::process::ErrorKind::AuditUnavailable);
    for case in store.page(None, 99).await.unwrap() {
        assert_eq!(case.version, 1);
    }
}

/// Each message is audited with its identifier before it is sent, and so is its response.
#[tokio::test]
async fn every_message_is_audited() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by_case();
    let file = world.file(folder.path()).await;
    assert!(!world.run(0, &file, &Killer::at(usize::MAX), &Written::default()).await);
    let log = SqliteLog::open(&file).unwrap();
    let of = |kind| Filter::new().with_kind(kind);
    let sent = log.page(&of(EventKind::MessageSent), 0, 999).await.unwrap();
    let received = log.page(&of(EventKind::MessageReceived), 0, 999).await.unwrap();
    // One for each case, and another for each case whose number was not confirmed.
    assert_eq!((sent.len(), received.len()), (18, 18));
    for sent in sent {
        let id = sent.message_id.unwrap();
        let answer = log.page(&Filter::new().with_message_id(&id), sent.seq, 9).await.unwrap();
        assert_eq!(answer.len(), 1, "{id}");
        assert_eq!(answer[0].kind, EventKind::MessageReceived);
        assert!(answer[0].details.iter().any(|(key, _)| key == "sent_at"), "each at its own time");
    }
    // A case that is changed for two reasons has both in the trail, each with the case as it was then.
    // Which of the cases of one person that is depends on which was saved first.
    let mut why: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in log.page(&of(EventKind::CaseChanged), 0, 999).await.unwrap() {
        let case = event.about.subject().and_then(|subject| subject.case_id()).unwrap().to_string();
        let decisions = event.details.into_iter().filter(|(key, _)| key == "decision");
        why.entry(case).or_default().extend(decisions.map(|(_, why)| why));
    }
    let both = ["found", "flagged_as_a_duplicate"];
    assert!(why.values().any(|why| why.iter().take(2).eq(&both)), "{why:?}");
}
