//! `worker`.

use super::cases::{asked, other_id};
use super::{audit, cases, exchange, found, gate, judge, person, person_case, traced_case, us};
use crate::privacy::person::{BORN, CASE, FAMILY, NEW_NUMBER, NUMBER, OTHER_CASE};
use crate::privacy::walk::Shown;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, Entry, EventKind, MemoryLog, Subject};
use nhs_pds::case::{
    Case, CaseId, CaseStore, Change, Due, Heard, KnownSoFar, MemoryStore, RecordType, Setting,
    advisories,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::matching::Risk;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::{Commit, Committed, Joined, Store};
use nhs_pds::process::{
    CaseReport, Context, Control, Error, Plan, Policy, Process, RefreshEvent, Row, Schedule, Scope,
    Settings, Status, Strategy, Worker, apply, decide, plan,
};
use nhs_pds::report::Figures;
use nhs_pds::resilience::Retry;
use nhs_pds::trace::{
    self, Answer, Attended, Caller, ErrorKind, LocalIdentifier, MessageId, Outcome, Question,
    ScriptedTracer, Tracer, User,
};
use nhs_pds::transport;
use std::sync::Arc;
use std::time::Duration;

fn plan_for(case: &Case, policy: &Policy) -> Plan {
    let mut due = case.clone();
    due.nhs_number = None;
    let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
    plan(&due, &Scope::default(), policy, root, later()).unwrap()
}

/// Later than the person's birth and death, unlike `NOW`.
fn later() -> DateTime<Utc> {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

pub(super) async fn show(shown: &mut Shown) {
    shown.value(&Scope::new([RecordType::Other(FAMILY.into())]));
    for row in Row::ALL {
        shown.value(row);
    }
    shown.error(&Error::from(cases::error()));
    shown.error(&Error::from(audit::error()));
    for case in [person_case(CASE), traced_case(CASE)] {
        show_decisions(shown, &case);
    }
    show_work(shown).await;
    show_commit(shown).await;
}

/// The decision about a case for any response, and the fields of the case afterwards.
fn show_decisions(shown: &mut Shown, case: &Case) {
    let policy = Policy::default();
    let plan = plan_for(case, &policy);
    shown.value(&plan);
    // A question that follows others.
    let wide = Policy::default().with_strategy(Strategy::smsp(), &NoService).unwrap();
    let mut waiting = case.clone();
    let mut unlikely = judge::candidate();
    unlikely.risk = Risk::of(0.99);
    let heard = vec![Heard::none("exact".to_owned()), Heard::person(unlikely)];
    waiting.asking.known = Some(KnownSoFar::new(wide.rules(), plan.asked.clone(), heard, later()));
    shown.value(&plan_for(&waiting, &wide));
    let answers = [
        found(NUMBER),
        Outcome::Superseded { by: Some(NEW_NUMBER), person: Some(Box::new(person())) },
        Outcome::Ambiguous(Vec::new()),
        Outcome::Invalidated,
        Outcome::None,
    ];
    let answers = answers.map(|outcome| Ok(Answer::new(outcome, exchange())));
    let kinds = [ErrorKind::Configuration, ErrorKind::Rejected, ErrorKind::Unreadable];
    let mut errors: Vec<_> =
        kinds.map(|kind| Err(trace::Error::new(kind).with_exchange(exchange()))).into();
    let refused = trace::Error::new(ErrorKind::Rejected).with_exchange(exchange());
    errors.push(Err(refused.with_unexplained()));
    for reply in answers.into_iter().chain(errors) {
        for holders in [&[other_id()][..], &[]] {
            let mut about = plan.asked.clone();
            about.nhs_number = case.nhs_number.as_ref().map(|recorded| recorded.number);
            let context = Context::new(&about, holders, &policy);
            shown.value(&context);
            let decision = decide(case, reply.as_ref(), &context, later());
            shown.value(&decision);
            let Some(after) = apply(case, &decision, &policy) else { continue };
            shown.value(&after);
            after.review.iter().for_each(|item| shown.value(item));
            after.undelivered.iter().for_each(|alert| shown.value(alert));
            shown.value(&after.asking);
            advisories(&after).iter().for_each(|advisory| shown.value(advisory));
        }
    }
    shown.value(&asked());
    let known = [Heard::person(judge::candidate())];
    let context = Context::new(&plan.asked, &[], &policy).after(&known, &plan);
    shown.value(&context);
    let silent = trace::Error::new(ErrorKind::Unavailable).with_exchange(exchange());
    shown.value(&decide(case, Err(&silent), &context, later()));
}

async fn store(cases: Vec<Case>) -> Arc<Joined> {
    let store = Arc::new(MemoryStore::new());
    store.insert_all(cases).await.unwrap();
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    Arc::new(Joined::new(store, audit, alerts))
}

fn settings() -> Settings {
    Settings::new(Caller::System(us()))
}

async fn worker(cases: Vec<Case>, answer: Result<Outcome, ErrorKind>) -> Worker {
    Worker::new(Arc::new(ScriptedTracer::new([answer])), store(cases).await, settings())
}

async fn show_work(shown: &mut Shown) {
    let twice = vec![person_case(CASE), traced_case(OTHER_CASE)];
    let store = store(twice).await;
    let tracer = Arc::new(ScriptedTracer::new([Ok(found(NUMBER))]));
    let refreshing = Worker::new(Arc::clone(&tracer) as _, Arc::clone(&store) as _, settings());
    let id = CASE.parse().unwrap();
    let refreshed = refreshing.refresh(&id, RefreshEvent::OnRequest).await.unwrap().unwrap();
    shown.value(&refreshed);
    let (gate, _) = gate::shut().await;
    let settings =
        settings().with_foreground(gate.foreground()).with_retry(Retry::new(Default::default()));
    shown.value(&settings);
    let refused = Worker::new(tracer, store, settings);
    shown.value(&refused);
    shown.value(&refused.refresh(&id, RefreshEvent::OnRequest).await.unwrap().unwrap());
    let mut odd = Case::new("CASE-9".parse().unwrap(), RecordType::Other(FAMILY.into()));
    odd.date_of_birth = Some(BORN.parse().unwrap());
    odd.date_of_death = Some("1900".parse().unwrap());
    let cases = vec![person_case(CASE), odd];
    for answer in [Ok(found(NUMBER)), Err(ErrorKind::Configuration)] {
        let worker = worker(cases.clone(), answer).await;
        let run = worker.run_once(&mut |report| shown.value(report)).await.unwrap();
        shown.value(&run);
        shown.value(&worker);
    }
    let unanswered = unanswered(cases).await;
    show_process(shown, unanswered.0, unanswered.1).await;
}

/// A worker without a service, whose clock is an hour ahead of the service's.
async fn unanswered(cases: Vec<Case>) -> (Worker, Arc<dyn Store>) {
    let store = store(cases).await;
    (Worker::new(Arc::new(NoService), Arc::clone(&store) as _, settings()), store)
}

#[derive(Debug)]
struct NoService;

#[async_trait]
impl Tracer for NoService {
    async fn trace(&self, _: &Caller, _: &Question, _: MessageId) -> Result<Answer, trace::Error> {
        let lost = transport::Error::new(transport::ErrorKind::Connect);
        Err(trace::Error::new(ErrorKind::Unavailable).with_source(lost))
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, trace::Error> {
        Err(trace::Error::new(ErrorKind::Configuration))
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        Some(TimeDelta::hours(1))
    }
}

/// A unit of work with every part.
async fn show_commit(shown: &mut Shown) {
    let (id, other): (CaseId, CaseId) = (CASE.parse().unwrap(), OTHER_CASE.parse().unwrap());
    let store = store(vec![person_case(CASE), traced_case(OTHER_CASE)]).await;
    shown.value(&*store);
    let stored = store.cases().get(&id).await.unwrap().unwrap();
    let actor = Actor::new(&Caller::System(us()), FAMILY);
    let entry = Entry::new(EventKind::CaseViewed, later(), &actor).about(Subject::of(&stored));
    let commit = Commit::new(&actor, later())
        .record(entry.clone())
        .save(Change::as_sole_holder(stored.clone()), &[("decision", "accepted")])
        .deliver(stored.clone(), Due::NOW)
        .set("paused", Setting::new(FAMILY), entry.clone())
        .release("w", vec![id, other]);
    shown.value(&commit);
    shown.value(&commit.saves[0]);
    shown.value(&commit.sets[0]);
    assert!(store.commit(commit.clone()).await.unwrap().is_done());
    let refused: Committed = store.commit(commit).await.unwrap();
    assert!(!refused.is_done());
    shown.value(&refused);
    let entry = Entry::new(EventKind::ProcessControlled, later(), &actor);
    let commit = Commit::of_a_person(&actor, later()).set("note", Setting::new(FAMILY), entry);
    shown.value(&commit);
    shown.value(&commit.sets[0]);
    shown.value(&commit.sets[0].setting);
}

async fn show_process(shown: &mut Shown, worker: Worker, store: Arc<dyn Store>) {
    let schedule = Schedule::every(Duration::from_secs(60)).unwrap();
    shown.value(&schedule);
    let control = Control::new(Arc::clone(&store)).with_clock(Arc::new(FixedClock::at(later())));
    shown.value(&control);
    control
        .set_schedule(Some(&schedule), &Actor::new(&Caller::System(us()), FAMILY))
        .await
        .unwrap();
    let wanted = control.wanted().await.unwrap();
    shown.value(wanted.last_change.as_ref().unwrap());
    shown.value(&wanted);
    let process = Process::new(worker, schedule);
    let until_run = async {
        while process.status().last.is_none() {
            tokio::task::yield_now().await;
        }
    };
    let observe = &mut |report: &CaseReport| {
        shown.value(report);
        shown.value(&process.status());
    };
    process.run_until(until_run, observe).await.unwrap();
    shown.value(&process);
    shown.value(&process.status());
    shown.value(&control.workers().await.unwrap()[0]);
    shown.value(&process.status().last.unwrap());
    show_status(shown);
}

/// What a worker writes about its service and its failures, and what a report keeps: nothing of a person.
fn show_status(shown: &mut Shown) {
    let status: Status = serde_json::from_value(serde_json::json!({
        "state": "waiting", "service_refused": true, "clock_skew_ms": 0, "last_cause": "could not connect", "batch_error": "no answer",
        "service": {
            "per_second": 5, "in_flight": 1, "circuit_breaker": "open",
            "suspended_since": "2026-11-23T09:30:00Z", "suspended_until": "2026-11-23T09:31:00Z",
            "certificate_expires": "2027-11-23T09:30:00Z", "key_id": "key-1"
        },
        "failures": [{
            "since": "2026-11-23T09:30:00Z", "until": "2026-11-23T09:31:00Z", "runs": 2,
            "error": "store_unavailable", "service_refused": false, "cause": "could not connect"
        }]
    }))
    .unwrap();
    shown.value(&status.service);
    shown.value(&status.failures[0]);
    shown.value(&status);
    let figures: Figures = serde_json::from_value(serde_json::json!({
        "at": "2026-11-23T09:30:00Z", "counts": {"cases:in_use": 1}, "oldest_item": "2026-11-23T09:30:00Z"
    }))
    .unwrap();
    shown.value(&figures);
}
