//! Runs of the worker over a store, with prepared answers.

use crate::support::layer::{Layer, Layered};
use crate::support::one_question;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::{
    self, Allocation, Case, CaseId, CaseStore, Change, Claim, Lease, MemoryStore, NumberSource,
    NumberStatus, RecordType, RecordedNumber, ReviewReason,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::{Demographics, Gender, PersonName, Recorded};
use nhs_pds::ids::CountingIds;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{
    self, CaseReport, Policy, Reason, RunReport, Scope, Settings, TraceResult, Worker, plan,
};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, Freshness, LocalIdentity, Match,
    MessageId, Outcome, Question, ScriptedTracer, Tracer, User,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
const OTHER: NhsNumber = NhsNumber::constant(9_434_765_919);

fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

/// An eligible case of a person named after the case.
fn case(text: &str) -> Case {
    let mut case = Case::new(id(text), RecordType::AdultCase);
    case.surname = Some(format!("Family {text}"));
    (case.forename, case.postcode) = (Some("Comfort".into()), Some("KT17 1NA".into()));
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.allocations = vec![Allocation::new("A Worker")];
    case
}

/// The person of `case(text)`, found.
fn found(text: &str, number: NhsNumber) -> Outcome {
    found_as(text, number, |_| ())
}

/// Replaced by `by`, whose person is that of `case(text)`.
fn superseded(text: &str, by: NhsNumber) -> Outcome {
    let Outcome::Found(found) = found(text, by) else { panic!() };
    Outcome::Superseded { by: Some(by), person: found.person.map(Box::new) }
}

fn found_as(text: &str, number: NhsNumber, change: impl FnOnce(&mut Match)) -> Outcome {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new("COMFORT", &format!("FAMILY {text}").to_uppercase()));
    person.date_of_birth = Recorded::Known("1943-05-19".parse().unwrap());
    person.gender = Recorded::Known(Gender::Female);
    let mut found = Match::new(number).with_person(person);
    change(&mut found);
    Outcome::Found(Box::new(found))
}

/// A person of this name who was born in another year.
fn stranger(family: &str, number: NhsNumber) -> Outcome {
    found_as(family, number, |found| {
        found.person.as_mut().unwrap().date_of_birth = Recorded::read("1950-01-01");
    })
}

async fn store(cases: impl IntoIterator<Item = Case>) -> Arc<MemoryStore> {
    let store = MemoryStore::new();
    store.insert_all(cases.into_iter().collect()).await.unwrap();
    Arc::new(store)
}

fn settings() -> Settings {
    let caller = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    Settings::new(Caller::System(caller))
        .with_policy(one_question())
        .with_clock(Arc::new(FixedClock::at(start())))
        .with_ids(Arc::new(CountingIds::default()))
}

fn start() -> DateTime<Utc> {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

fn worker<T: Tracer + 'static, S: CaseStore + 'static>(tracer: &Arc<T>, store: &Arc<S>) -> Worker {
    worker_with(tracer, store, settings())
}

fn worker_with<T: Tracer + 'static, S: CaseStore + 'static>(
    tracer: &Arc<T>,
    store: &Arc<S>,
    settings: Settings,
) -> Worker {
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    let store = Joined::new(Arc::<S>::clone(store), audit, alerts);
    Worker::new(Arc::<T>::clone(tracer), Arc::new(store), settings)
}

/// A worker as that of `worker`, some time later.
fn later<T: Tracer + 'static, S: CaseStore + 'static>(
    tracer: &Arc<T>,
    store: &Arc<S>,
    after: TimeDelta,
) -> Worker {
    let clock = FixedClock::at(start() + after);
    worker_with(tracer, store, settings().with_clock(Arc::new(clock)))
}

async fn run(worker: &Worker) -> (RunReport, Vec<CaseReport>) {
    let mut seen = Vec::new();
    let report = worker.run_once(&mut |case| seen.push(case.clone())).await.unwrap();
    assert_eq!(report.seen, seen.len() as u64);
    let counted = report.results.values().chain(report.ineligible.values()).sum::<u64>();
    assert_eq!(report.seen, counted, "every case is counted once");
    assert_eq!(report.eligible, report.results.values().sum::<u64>());
    // Cases have no order among them.
    seen.sort_by(|one, other| one.case_id.cmp(&other.case_id));
    (report, seen)
}

/// One run over `cases`, which are all eligible, with one response for each.
async fn results(
    cases: Vec<Case>,
    answers: Vec<Result<Outcome, ErrorKind>>,
) -> (Vec<&'static str>, Arc<MemoryStore>) {
    let store = store(cases).await;
    let worker = worker(&Arc::new(ScriptedTracer::new(answers)), &store);
    let (_, seen) = run(&worker).await;
    (seen.iter().map(|case| case.result.unwrap().as_str()).collect(), store)
}

async fn stored(store: &MemoryStore, text: &str) -> Case {
    store.get(&id(text)).await.unwrap().unwrap()
}

#[tokio::test]
async fn every_response_has_its_result_and_only_verified_ones_write_a_number() {
    let answers = [
        ("found", Ok(found("01", NUMBER))),
        ("duplicate", Ok(found("02", NUMBER))),
        ("differs", Ok(stranger("another person", OTHER))),
        ("none", Ok(Outcome::None)),
        ("ambiguous", Ok(Outcome::Ambiguous(Vec::new()))),
        ("superseded", Ok(Outcome::Superseded { by: None, person: None })),
        ("replaced", Ok(superseded("07", OTHER))),
        ("invalidated", Ok(Outcome::Invalidated)),
        ("not_verified", Ok(Outcome::NotVerified)),
        ("rejected", Err(ErrorKind::Rejected)),
        ("unavailable", Err(ErrorKind::Unavailable)),
        ("unreadable", Err(ErrorKind::Unreadable)),
    ];
    let cases: Vec<Case> = (1..=answers.len()).map(|n| case(&format!("{n:02}"))).collect();
    let words: Vec<&str> = answers.iter().map(|(word, _)| *word).collect();
    let (results, store) = results(cases, answers.map(|(_, answer)| answer).into()).await;
    assert_eq!(results, words);
    for (word, case) in words.iter().zip(store.page(None, 99).await.unwrap()) {
        assert_eq!(case.nhs_number.is_some(), ["found", "replaced"].contains(word));
        let last = case.last_trace.as_ref();
        if *word == "unavailable" {
            assert!(last.is_none() && case.review.is_empty(), "nothing is known without an answer");
            assert_eq!((case.version, case.asking.unanswered), (2, 1), "it is only counted");
            assert!(case.asking.asked.is_none() && case.asking.retry_after > Some(start()));
        } else {
            let last = last.unwrap();
            assert_eq!(last.result.as_str(), *word);
            // One more save for each case with an alert, once it is delivered.
            assert!([2, 3].contains(&case.version) && case.undelivered.is_empty());
            assert_eq!(last.at.to_rfc3339(), "2026-11-23T09:30:00+00:00");
            assert!(last.message_id.is_some());
        }
    }
}

#[tokio::test]
async fn a_traced_case_is_not_queried_again_and_a_copy_is() {
    let stale = found_as("2", OTHER, |found| found.freshness = Freshness::Stale);
    let tracer =
        Arc::new(ScriptedTracer::new([Ok(found("1", NUMBER)), Ok(stale), Ok(found("2", OTHER))]));
    let store = store([case("1"), case("2")]).await;
    let worker = worker(&tracer, &store);
    let (first, _) = run(&worker).await;
    assert_eq!(first.numbers_written, 2);
    assert_eq!(first.results[&TraceResult::Stale], 1);
    let early = later(&tracer, &store, TimeDelta::seconds(15 * 60 - 1));
    assert_eq!(run(&early).await.0.seen, 0, "neither is due");
    let worker = later(&tracer, &store, TimeDelta::minutes(15));
    let (second, seen) = run(&worker).await;
    assert_eq!((second.seen, seen[0].case_id.as_str()), (1, "2"), "the other is not looked at");
    assert_eq!((second.results[&TraceResult::Verified], tracer.left()), (1, 0));
    assert_eq!(run(&worker).await.0.seen, 0);
    // Every case is looked at once a month, whatever the rules say.
    let (third, _) = run(&later(&tracer, &store, TimeDelta::days(31))).await;
    assert_eq!((third.eligible, third.ineligible[&Reason::AlreadyTraced]), (0, 2));
    assert_eq!(tracer.asked().len(), 3);
    let recorded = stored(&store, "2").await.nhs_number.unwrap();
    assert_eq!(recorded.number, OTHER);
    assert!(matches!(recorded.source, NumberSource::Traced(p) if p.freshness == Freshness::Live));
}

#[tokio::test]
async fn a_death_is_recorded_and_ends_the_queries() {
    let died = found_as("1", NUMBER, |found| {
        found.person.as_mut().unwrap().date_of_death = Recorded::read("2026-11");
    });
    let (words, store) = results(vec![case("1")], vec![Ok(died)]).await;
    assert_eq!(words, ["deceased"]);
    let case = stored(&store, "1").await;
    assert_eq!(case.date_of_death.map(|date| date.to_string()).as_deref(), Some("2026-11"));
    let tracer = Arc::new(ScriptedTracer::new([]));
    assert_eq!(run(&worker(&tracer, &store)).await.0.seen, 0, "it is not due");
    let (again, _) = run(&later(&tracer, &store, TimeDelta::days(31))).await;
    assert_eq!(again.ineligible[&Reason::DeathRecorded], 1);
    assert!(tracer.asked().is_empty());
}

#[tokio::test]
async fn a_number_from_elsewhere_is_never_overwritten() {
    let imported = |text| {
        let mut case = case(text);
        let source = NumberSource::Imported(Some("GP letter".into()));
        case.nhs_number = Some(RecordedNumber::new(NUMBER, source));
        case
    };
    // Not confirmed, so the person is traced by demographic fields, and has another number.
    let answers = vec![Ok(Outcome::NotVerified), Ok(found("1", OTHER))];
    let (words, store) = results(vec![imported("1")], answers).await;
    assert_eq!(words, ["conflict"]);
    let recorded = stored(&store, "1").await.nhs_number.unwrap();
    assert_eq!((recorded.number, recorded.status), (NUMBER, NumberStatus::NotVerified));
    assert!(matches!(recorded.source, NumberSource::Imported(_)));
    let (words, store) = results(vec![imported("1")], vec![Ok(found("1", NUMBER))]).await;
    assert_eq!(words, ["verified"]);
    assert!(stored(&store, "1").await.nhs_number.unwrap().source.is_traced());
}

#[tokio::test]
async fn a_refused_configuration_stops_the_queries() {
    let mut ended = case("4");
    ended.allocations.clear();
    let store = store([case("1"), case("2"), case("3"), ended, case("5")]).await;
    let tracer = Arc::new(ScriptedTracer::new([Ok(Outcome::None), Err(ErrorKind::Configuration)]));
    let (report, seen) = run(&worker(&tracer, &store)).await;
    assert_eq!(tracer.asked().len(), 2);
    let results: Vec<_> = seen.iter().map(|case| case.result).collect();
    let not_asked = Some(TraceResult::NotAsked);
    let stopped = Some(TraceResult::Configuration);
    assert_eq!(results, [Some(TraceResult::None), stopped, not_asked, None, not_asked]);
    assert_eq!(report.stopped.unwrap().kind(), ErrorKind::Configuration);
    assert_eq!(report.due, 3, "the refused case, and those that were not asked");
    for text in ["2", "3", "4", "5"] {
        assert_eq!(stored(&store, text).await.version, 1, "nothing changes");
    }
}

/// Answers by the case that is asked about, not by the order of the queries.
#[derive(Debug)]
struct ByCase(Vec<(&'static str, Outcome)>);

#[async_trait]
impl Tracer for ByCase {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        let case = about(question);
        let exchange = Exchange::new("test", "trace", id.to_string(), DateTime::UNIX_EPOCH);
        let outcome = self.0.iter().find(|(of, _)| *of == case).unwrap().1.clone();
        // The later answer may arrive first.
        tokio::time::sleep(Duration::from_millis(9 - case.len() as u64)).await;
        Ok(Answer::new(outcome, exchange))
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

/// The case that a query is about.
fn about(question: &Question) -> String {
    let local = match question {
        Question::Find(find) => find.local_identifier(),
        Question::Fetch(fetch) => fetch.local_identifier(),
        _ => None,
    };
    local.unwrap().extension().to_owned()
}

#[tokio::test(start_paused = true)]
async fn any_number_of_queries_at_a_time_gives_the_same_run() {
    let mut runs = Vec::new();
    for in_flight in [1, 2, 3, 7, 100] {
        let answers = ByCase(vec![
            ("1", found("1", NUMBER)),
            ("10", found("10", OTHER)),
            ("2", Outcome::None),
        ]);
        let mut closed = case("9");
        closed.record_type = RecordType::Other("adoption".into());
        let store = store([closed, case("2"), case("10"), case("1")]).await;
        let settings = settings().with_in_flight(in_flight.try_into().unwrap());
        let (report, seen) = run(&worker_with(&Arc::new(answers), &store, settings)).await;
        let results: Vec<_> = seen.into_iter().map(|case| (case.case_id, case.result)).collect();
        runs.push((results, report.results, report.ineligible, report.numbers_written));
    }
    let (results, .., written) = &runs[0];
    let ids: Vec<&str> = results.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((ids, *written), (vec!["1", "10", "2", "9"], 2));
    assert!(runs.iter().all(|run| *run == runs[0]));
}

#[tokio::test]
async fn the_observer_gets_everything_but_the_person() {
    let store = store([case("1"), case("2")]).await;
    let answers = [Ok(stranger("Quentinsson", NUMBER)), Ok(found("2", NUMBER))];
    let worker = worker(&Arc::new(ScriptedTracer::new(answers)), &store);
    let (report, seen) = run(&worker).await;
    assert!(matches!(seen[0].review, Some(ReviewReason::Differs(_))));
    assert_eq!(seen[1].review, None);
    let detail = stored(&store, "1").await.last_trace.unwrap().detail;
    assert_eq!(detail.as_deref(), Some("differs:family"));
    assert_eq!(seen[1].exchange.as_ref().unwrap().service, "scripted");
    let shown = format!("{report:?} {seen:?}").to_lowercase();
    let number = ["9449304424", "944 930 4424"];
    let person = ["family", "1943-05", "19430519", "a worker", "quentinsson", "comfort"];
    for value in number.into_iter().chain(person) {
        // The kind of the differing field is named.
        assert!(!shown.replace("differs(family)", "").contains(value), "{value} in {shown}");
    }
}

/// Answers that the person of `case("1")` was found, after changing the store behind the worker.
struct Meddling<F> {
    store: Arc<MemoryStore>,
    change: Mutex<Option<F>>,
    others: Vec<Case>,
}

impl<F> std::fmt::Debug for Meddling<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddling")
    }
}

#[async_trait]
impl<F: FnOnce(&mut Case) + Send> Tracer for Meddling<F> {
    async fn trace(&self, _: &Caller, _: &Question, _: MessageId) -> Result<Answer, Error> {
        let change = self.change.lock().unwrap().take().unwrap();
        let mut case = stored(&self.store, "1").await;
        change(&mut case);
        self.store.save(&case).await.unwrap();
        self.store.insert_all(self.others.clone()).await.unwrap();
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M-1", chrono::DateTime::UNIX_EPOCH);
        Ok(Answer::new(found("1", NUMBER), exchange))
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::Unavailable))
    }
}

async fn meddled(
    others: Vec<Case>,
    change: impl FnOnce(&mut Case) + Send + 'static,
) -> (TraceResult, Case) {
    let store = store([case("1")]).await;
    let change = Mutex::new(Some(change));
    let tracer = Arc::new(Meddling { store: Arc::clone(&store), change, others });
    let (_, seen) = run(&worker(&tracer, &store)).await;
    (seen.first().and_then(|case| case.result).unwrap(), stored(&store, "1").await)
}

#[tokio::test]
async fn a_concurrent_change_is_kept_and_the_number_written_beside_it() {
    let (result, case) = meddled(Vec::new(), |case| case.address[1] = "2 New St".into()).await;
    assert_eq!(result, TraceResult::Found);
    assert_eq!((case.address[1].as_str(), case.version), ("2 New St", 3));
    assert_eq!(case.nhs_number.unwrap().number, NUMBER);
}

#[tokio::test]
async fn a_case_whose_query_has_changed_is_left_for_the_next_run() {
    let changes: [fn(&mut Case); 4] = [
        |case| case.surname = Some("Married".into()),
        |case| case.postcode = Some("KT1 1AA".into()),
        |case| case.allocations.clear(),
        |case| case.date_of_death = Some("2026".parse().unwrap()),
    ];
    for change in changes {
        let (result, case) = meddled(Vec::new(), change).await;
        assert_eq!(result, TraceResult::ConflictOnSave);
        assert_eq!((case.nhs_number, case.version), (None, 2));
    }
}

#[tokio::test]
async fn a_conflict_is_decided_again() {
    let other_number = |case: &mut Case| {
        case.nhs_number = Some(RecordedNumber::new(OTHER, NumberSource::Imported(None)));
    };
    let (result, case) = meddled(Vec::new(), other_number).await;
    assert_eq!((result, case.nhs_number.unwrap().number), (TraceResult::Conflict, OTHER));
    let mut holder = case_out_of_scope("2");
    holder.nhs_number = Some(RecordedNumber::new(NUMBER, NumberSource::Imported(None)));
    let (result, case) = meddled(vec![holder], |_| ()).await;
    assert_eq!((result, case.nhs_number), (TraceResult::Duplicate, None));
}

fn case_out_of_scope(text: &str) -> Case {
    Case::new(id(text), RecordType::Other("adoption".into()))
}

/// A store whose saves fail.
#[derive(Debug)]
struct Refusing(Arc<MemoryStore>, case::ErrorKind);

#[async_trait]
impl Layer for Refusing {
    fn behind(&self) -> &dyn CaseStore {
        &*self.0
    }
    async fn save_all(&self, _: Vec<Change>) -> Result<(), case::Error> {
        Err(case::Error::new(self.1))
    }
}

/// A store whose claims never return.
#[derive(Debug)]
struct Hanging(MemoryStore);

#[async_trait]
impl Layer for Hanging {
    fn behind(&self) -> &dyn CaseStore {
        &self.0
    }
    async fn claim_due(&self, _: usize, _: &Lease) -> Result<Claim, case::Error> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_stuck_while_a_call_of_the_store_does_not_return() {
    let limit = Duration::from_secs(300);
    let store = Arc::new(Layered(Hanging(MemoryStore::new())));
    let worker = worker(&Arc::new(ScriptedTracer::new([])), &store);
    assert!(!worker.is_stuck(Duration::ZERO), "no run is in progress");
    let shown = worker.clone();
    let run = tokio::spawn(async move { worker.run_once(&mut |_| ()).await.map(drop) });
    tokio::time::sleep(limit).await;
    assert!(!shown.is_stuck(limit));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(shown.is_stuck(limit));
    run.abort();
    assert!(run.await.is_err());
    assert!(!shown.is_stuck(limit), "it has ended");
}

async fn refused(kind: case::ErrorKind) -> Result<RunReport, process::Error> {
    let store = Arc::new(Layered(Refusing(store([case("1")]).await, kind)));
    let tracer = Arc::new(ScriptedTracer::new([Ok(found("1", NUMBER))]));
    worker(&tracer, &store).run_once(&mut |_| ()).await
}

#[tokio::test]
async fn a_case_that_keeps_changing_is_left_for_the_next_run() {
    use case::ErrorKind::{Conflict, NotFound, NumberTaken};
    for kind in [Conflict, NotFound, NumberTaken] {
        let report = refused(kind).await.unwrap();
        assert_eq!(report.results[&TraceResult::ConflictOnSave], 1);
        assert_eq!(report.numbers_written, 0);
    }
}

#[tokio::test]
async fn a_store_that_fails_ends_the_run() {
    for (kind, expected) in [
        (case::ErrorKind::Unavailable, process::ErrorKind::StoreUnavailable),
        (case::ErrorKind::Corrupt, process::ErrorKind::StoreBroken),
        (case::ErrorKind::Schema, process::ErrorKind::StoreBroken),
    ] {
        let error = refused(kind).await.unwrap_err();
        assert_eq!(error.kind(), expected);
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), kind.to_string());
    }
}

/// A case that cannot be queried costs no query, and its reason is reported.
#[tokio::test]
async fn data_that_cannot_be_sent_are_reported_and_not_queried() {
    let with = |text, change: fn(&mut Case)| {
        let mut case = case(text);
        change(&mut case);
        case
    };
    let store = store([
        with("1", |case| case.surname = Some("Quentin*".into())),
        with("2", |case| case.surname = Some("Quen\u{7}tin".into())),
        with("3", |case| case.forename = Some("Co*".into())),
        with("4", |case| case.forename = Some("\u{fffe}".into())),
        with("5", |case| case.contradicted = true),
        case("6"),
    ])
    .await;
    let tracer = Arc::new(ScriptedTracer::new([Ok(found("6", NUMBER))]));
    let (report, seen) = run(&worker(&tracer, &store)).await;
    let told: Vec<_> = seen.iter().map(|case| case.eligibility.reason()).collect();
    let (surname, forename) = (Some(Reason::SurnameUnusable), Some(Reason::ForenameUnusable));
    assert_eq!(told, [surname, surname, forename, forename, Some(Reason::Contradicted), None]);
    assert_eq!((report.eligible, report.ineligible[&Reason::SurnameUnusable]), (1, 2));
    assert_eq!(tracer.asked().len(), 1);
    for text in ["1", "2", "3", "4", "5"] {
        assert_eq!(stored(&store, text).await.version, 1, "nothing changes");
    }
    // A case id fits into every message, so only a root can make an identifier unusable, and no worker
    // accepts such a root.
    assert!("RXX\u{fffe}".parse::<CaseId>().is_err());
    let now = "2026-11-23T09:30:00Z".parse().unwrap();
    let told = plan(&case("1"), &Scope::default(), &Policy::default(), "RXX", now).unwrap_err();
    assert_eq!(told.reason(), Some(Reason::LocalIdentifierUnusable));
    assert!(settings().with_local_root("RXX").is_err());
}

/// Placeholders for a missing value, and impossible dates.
#[tokio::test]
async fn faults_in_the_data_are_reported() {
    let with = |text, change: fn(&mut Case)| {
        let mut case = case(text);
        change(&mut case);
        case
    };
    let store = store([
        with("1", |case| case.surname = Some("N/A".into())),
        with("2", |case| case.forename = Some("Twin 1".into())),
        with("3", |case| case.allocations = vec![Allocation::new("NULL")]),
        with("4", |case| case.date_of_birth = Some("1066-10-14".parse().unwrap())),
        with("5", |case| case.date_of_birth = Some("2026-11-24".parse().unwrap())),
        with("6", |case| case.date_of_death = Some("2030-01-01".parse().unwrap())),
        with("7", |case| {
            case.date_of_death = Some("1943-05-18".parse().unwrap());
            case.allocations = Vec::new();
        }),
        with("8", |case| case.date_of_death = Some("2026-11-23".parse().unwrap())),
    ])
    .await;
    let tracer = Arc::new(ScriptedTracer::new([Ok(found("6", NUMBER))]));
    let (report, seen) = run(&worker(&tracer, &store)).await;
    let implausible = || vec![Reason::DateOfDeathImplausible];
    let told: Vec<_> =
        seen.into_iter().map(|case| (case.eligibility.reason(), case.faults)).collect();
    let recorded = |reason| (Some(reason), Vec::new());
    assert_eq!(
        told,
        [
            recorded(Reason::SurnamePlaceholder),
            recorded(Reason::ForenamePlaceholder),
            recorded(Reason::NotAllocated),
            recorded(Reason::DateOfBirthImplausible),
            recorded(Reason::DateOfBirthImplausible),
            (None, implausible()),
            (Some(Reason::NotAllocated), implausible()),
            recorded(Reason::DeathRecorded),
        ]
    );
    assert_eq!(report.faults[&Reason::DateOfDeathImplausible], 2);
    assert_eq!((report.eligible, tracer.asked().len()), (1, 1), "the date does not stop it");
}

#[tokio::test]
async fn a_run_can_be_spawned_as_a_task() {
    let store = store([case("1")]).await;
    let settings = settings().with_local_root("1.2.3").unwrap();
    assert!(settings.clone().with_local_root("no OID").is_err());
    let worker = worker_with(&Arc::new(ScriptedTracer::new([])), &store, settings);
    let task = tokio::spawn(async move { worker.run_once(&mut |_| ()).await });
    assert_eq!(task.await.unwrap().unwrap().results[&TraceResult::Unavailable], 1);
}
