//! The strategies: which questions are asked about a case, in which order, and when they end.

use crate::support::service::{case, us};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{Case, CaseStore, Heard, KnownSoFar, MemoryStore, ReviewReason};
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::Demographics;
use nhs_pds::matching::{Judge, Veto};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{
    Context, Decision, NotPermitted, Plan, Policy, Row, Scope, Settings, Strategy, Worker, decide,
    plan,
};
use nhs_pds::trace::{
    Answer, Attended, Breadth, Caller, Error, ErrorKind, Exchange, LocalIdentifier, Match,
    MessageId, Outcome, Question, Tracer, User,
};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
const OTHER: NhsNumber = NhsNumber::constant(9_434_765_919);
const ROOT: &str = LocalIdentifier::LOCAL_PATIENT_ROOT;

type Script = VecDeque<Result<Outcome, ErrorKind>>;

/// A service with some breadths and prepared answers.
#[derive(Debug)]
struct Service {
    breadths: &'static [Breadth],
    answers: Mutex<Script>,
    asked: Mutex<Vec<Question>>,
}

impl Service {
    fn new(
        breadths: &'static [Breadth],
        answers: impl IntoIterator<Item = Result<Outcome, ErrorKind>>,
    ) -> Self {
        let answers = Mutex::new(answers.into_iter().collect());
        Self { breadths, answers, asked: Mutex::default() }
    }
}

#[async_trait]
impl Tracer for Service {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        self.asked.lock().unwrap().push(question.clone());
        let exchange = Exchange::new("test", "trace", id.to_string(), start());
        match self.answers.lock().unwrap().pop_front().unwrap() {
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
        Err(Error::new(ErrorKind::Unavailable))
    }

    fn permits(&self, breadth: Breadth) -> bool {
        self.breadths.contains(&breadth)
    }
}

fn start() -> DateTime<Utc> {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

/// One case, a service with answers, and the worker.
pub(crate) struct Night {
    service: Arc<Service>,
    store: Arc<MemoryStore>,
    log: Arc<MemoryLog>,
    policy: Policy,
    case: Case,
}

impl Night {
    /// A service with exact searches, and one question about the case.
    pub(crate) async fn new(
        case: Case,
        answers: impl IntoIterator<Item = Result<Outcome, ErrorKind>>,
    ) -> Self {
        Self::by(Strategy::exact(), case, answers).await
    }

    async fn by(
        strategy: Strategy,
        case: Case,
        answers: impl IntoIterator<Item = Result<Outcome, ErrorKind>>,
    ) -> Self {
        let service = Arc::new(Service::new(&Breadth::ALL, answers));
        let policy = Policy::default().with_strategy(strategy, &*service).unwrap();
        let store = Arc::new(MemoryStore::new());
        store.insert_all(vec![case.clone()]).await.unwrap();
        Self { service, store, log: Arc::new(MemoryLog::new()), policy, case }
    }

    /// The case after a pass, and the steps of the questions that were asked.
    pub(crate) async fn pass(&self) -> (Case, Vec<String>) {
        self.pass_after(TimeDelta::zero()).await
    }

    pub(crate) async fn pass_after(&self, wait: TimeDelta) -> (Case, Vec<String>) {
        let joined = Joined::new(
            Arc::<MemoryStore>::clone(&self.store),
            Arc::<MemoryLog>::clone(&self.log),
            Arc::new(MemoryAlerts::default()),
        );
        let settings = Settings::new(us())
            .with_policy(self.policy.clone())
            .with_clock(Arc::new(FixedClock::at(start() + wait)));
        let tracer = Arc::<Service>::clone(&self.service);
        let before = self.sent().await.len();
        Worker::new(tracer, Arc::new(joined), settings).run_once(&mut |_| ()).await.unwrap();
        let after = self.store.get(&self.case.id).await.unwrap().unwrap();
        (after, self.sent().await.split_off(before))
    }

    pub(crate) fn script(&self, answers: impl IntoIterator<Item = Result<Outcome, ErrorKind>>) {
        *self.service.answers.lock().unwrap() = answers.into_iter().collect();
    }

    fn left(&self) -> usize {
        self.service.answers.lock().unwrap().len()
    }

    async fn sent(&self) -> Vec<String> {
        let sent = Filter::new().with_kind(EventKind::MessageSent);
        let entries = self.log.page(&sent, 0, 1_000).await.unwrap();
        let details = entries.iter().flat_map(|entry| &entry.details);
        details.filter(|(key, _)| key == "step").map(|(_, step)| step.clone()).collect()
    }
}

/// An object with further fields, or other ones.
pub(crate) fn with(mut object: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("{fields}") };
    object.as_object_mut().unwrap().extend(fields);
    object
}

/// A woman of this name, as PDS has recorded her.
pub(crate) fn person(given: &str, family: &str, postcode: &str) -> Value {
    json!({
        "name": {"given": [given], "family": family},
        "gender": "female",
        "date_of_birth": "1943-05-19",
        "addresses": [{"use": "home", "postcode": postcode}],
    })
}

pub(crate) fn found(number: NhsNumber, who: &Value) -> Outcome {
    let person: Demographics = serde_json::from_value(who.clone()).unwrap();
    Outcome::Found(Box::new(Match::new(number).with_person(person)))
}

/// A case for which every step has something to send.
fn full() -> Case {
    let mut full = case("1");
    full.surname = Some("O'Brien-Shaw".into());
    full.forename = Some("Comfort Joy".into());
    full.other_forenames = vec!["Adjoa".into()];
    full.former_surnames = vec!["Obi".into()];
    full.former_postcodes = vec!["LS1 4HY".into()];
    full.date_of_birth = Some("1943-05-09".parse().unwrap());
    full
}

/// Every question that the strategy asks about the case while no person is found, in order.
fn planned(strategy: &Strategy, case: &Case) -> Vec<Plan> {
    let service = Service::new(&Breadth::ALL, []);
    let policy = Policy::default().with_strategy(strategy.clone(), &service).unwrap();
    let (mut case, mut plans): (Case, Vec<Plan>) = (case.clone(), Vec::new());
    let mut heard = Vec::new();
    loop {
        let next = plan(&case, &Scope::default(), &policy, ROOT, start()).unwrap();
        if plans.iter().any(|earlier| earlier.step == next.step) {
            return plans;
        }
        heard.push(Heard::none(next.step.clone()));
        let known = KnownSoFar::new(policy.rules(), next.asked.clone(), heard.clone(), start());
        case.asking.known = Some(known);
        plans.push(next);
    }
}

fn steps(plans: &[Plan]) -> Vec<String> {
    plans.iter().map(|plan| plan.step.clone()).collect()
}

/// The criteria in words, as they are sent.
fn sent(plan: &Plan) -> String {
    let Question::Find(find) = &plan.question else { panic!("{plan:?}") };
    let given = find.given().map_or("-", |given| given.as_str());
    let postcode = find.postcode().map_or_else(|| "-".to_owned(), ToString::to_string);
    let years = find.birth_years();
    let (family, born) = (find.family().as_str(), find.date_of_birth());
    let gender = find.gender().code();
    format!(
        "{} {}: {family}, {given}, {born} ±{years}, {gender}, {postcode}",
        plan.step,
        find.breadth().as_str()
    )
}

#[test]
fn the_questions_for_exact_searches_in_order() {
    let asked: Vec<String> = planned(&Strategy::smsp(), &full()).iter().map(sent).collect();
    assert_eq!(asked, SMSP);
    let listed: Vec<&str> = Strategy::smsp().step_names().collect();
    let mut reached = steps(&planned(&Strategy::smsp(), &full()));
    reached.retain(|step| !step.ends_with("_2"));
    assert_eq!(reached, listed, "the case reaches every step");
}

/// The step and its breadth, and the criteria: family name, given name, birth and the years around it, gender,
/// postcode.
const SMSP: &[&str] = &[
    "exact exact: O'Brien-Shaw, Comfort Joy, 1943-05-09 ±0, 2, KT17 1NA",
    "no_given exact: O'Brien-Shaw, -, 1943-05-09 ±0, 2, KT17 1NA",
    "no_postcode exact: O'Brien-Shaw, Comfort Joy, 1943-05-09 ±0, 2, -",
    "respelt exact: OBRIEN-SHAW, Comfort Joy, 1943-05-09 ±0, 2, KT17 1NA",
    "respelt_2 exact: OBRIEN SHAW, Comfort Joy, 1943-05-09 ±0, 2, KT17 1NA",
    "family_part exact: Shaw, Comfort Joy, 1943-05-09 ±0, 2, KT17 1NA",
    "family_part_2 exact: O'Brien, Comfort Joy, 1943-05-09 ±0, 2, KT17 1NA",
    "former_family exact: Obi, Comfort Joy, 1943-05-09 ±0, 2, KT17 1NA",
    "birth_swapped exact: O'Brien-Shaw, Comfort Joy, 1943-09-05 ±0, 2, KT17 1NA",
    "gender exact: O'Brien-Shaw, Comfort Joy, 1943-05-09 ±0, 1, KT17 1NA",
    "names_swapped exact: Comfort, O'Brien-Shaw, 1943-05-09 ±0, 2, KT17 1NA",
];

#[test]
fn the_questions_for_wider_searches_in_order() {
    let asked: Vec<String> = planned(&Strategy::fhir(), &full()).iter().map(sent).collect();
    assert_eq!(asked, FHIR);
    let listed: Vec<&str> = Strategy::fhir().step_names().collect();
    let mut reached = steps(&planned(&Strategy::fhir(), &full()));
    reached.retain(|step| !step.ends_with("_2"));
    assert_eq!(reached, listed);
}

/// The same for a service with all searches.
const FHIR: &[&str] = &[
    "history history: O'Brien-Shaw, Comfort Joy, 1943-05-09 ±0, 0, KT17 1NA",
    "fuzzy fuzzy: O'Brien-Shaw, Comfort, 1943-05-09 ±0, 2, KT17 1NA",
    "no_postcode history: O'Brien-Shaw, Comfort Joy, 1943-05-09 ±0, 0, -",
    "birth_around history: O'Brien-Shaw, Comfort Joy, 1943-05-09 ±50, 0, KT17 1NA",
    "wildcard wildcard: O'Brien-Shaw, Comfort, 1943-05-09 ±0, 0, KT17 1NA",
];

/// What the case does not have is not asked twice: each question differs from the others.
#[test]
fn no_question_is_asked_twice() {
    for strategy in [Strategy::exact(), Strategy::smsp(), Strategy::fhir()] {
        for case in [full(), case("1")] {
            let plans = planned(&strategy, &case);
            for (n, plan) in plans.iter().enumerate() {
                assert!(
                    plans[..n].iter().all(|earlier| earlier.question != plan.question),
                    "{}",
                    plan.step
                );
            }
        }
    }
    assert_eq!(planned(&Strategy::exact(), &full()).len(), 1);
}

#[test]
fn a_strategy_the_service_does_not_allow_is_refused() {
    let exact_only = Service::new(&[Breadth::Exact], []);
    let without_fuzzy = Service::new(&[Breadth::Exact, Breadth::History, Breadth::Wildcard], []);
    for (service, breadth) in [(&exact_only, Breadth::History), (&without_fuzzy, Breadth::Fuzzy)] {
        let refused = Strategy::fhir().checked_for(service).unwrap_err();
        assert_eq!(refused.breadth, breadth);
        let policy = Policy::default().with_strategy(Strategy::fhir(), service);
        assert!(matches!(policy, Err(NotPermitted { breadth: same, .. }) if same == breadth));
        assert_eq!(Strategy::for_service(service).to_string(), "smsp-1");
        assert!(Strategy::smsp().checked_for(service).is_ok());
    }
    let all = Service::new(&Breadth::ALL, []);
    assert_eq!(Strategy::for_service(&all).to_string(), "fhir-1");
    // The strategy without its fuzzy step is one that the second service permits.
    let narrowed = Strategy::fhir().without("fuzzy");
    assert!(narrowed.checked_for(&without_fuzzy).is_ok());
}

#[tokio::test]
async fn a_person_with_enough_evidence_ends_the_questions() {
    for strategy in [Strategy::smsp(), Strategy::fhir()] {
        let steps = steps(&planned(&strategy, &case("1")));
        let her = || Ok(found(NUMBER, &person("COMFORT", "AINDOW", "KT17 1NA")));
        let night = Night::by(strategy.clone(), case("1"), [her()]).await;
        let (after, asked) = night.pass().await;
        assert_eq!(asked, steps[..1]);
        let number = serde_json::to_value(after.nhs_number.unwrap()).unwrap();
        let traced = number.pointer("/source/traced").unwrap();
        assert_eq!(
            (&traced["strategy"], &traced["step"]),
            (&json!(strategy.to_string()), &json!(steps[0]))
        );
        // Found at the third question: the answer of that step has the evidence.
        let night =
            Night::by(strategy, case("1"), [Ok(Outcome::None), Ok(Outcome::None), her()]).await;
        let (_, asked) = night.pass().await;
        assert_eq!(asked[..3], steps[..3]);
    }
}

/// Whatever step gets no answer: the case stays due, no item says that no person matches, and the next run
/// continues with the question that failed.
#[tokio::test]
async fn an_outage_at_any_step_is_never_none() {
    for strategy in [Strategy::exact(), Strategy::smsp(), Strategy::fhir()] {
        let steps = steps(&planned(&strategy, &full()));
        for failed in 0..steps.len() {
            let answers =
                || (0..failed).map(|_| Ok(Outcome::None)).chain([Err(ErrorKind::Unavailable)]);
            let night = Night::by(strategy.clone(), full(), answers()).await;
            let (after, asked) = night.pass().await;
            assert_eq!(asked, steps[..=failed], "{strategy} {failed}");
            assert_eq!(after.open_items().count(), 0);
            assert!(after.last_trace.is_none() && after.nhs_number.is_none());
            assert!(after.asking.retry_after.is_some() && after.asking.unanswered == 1);
            let known = after.asking.known.as_ref().map_or(&[][..], |known| &known.heard);
            let heard: Vec<String> = known.iter().map(|heard| heard.step.clone()).collect();
            assert_eq!(heard, steps[..failed]);
            // The next run continues, and the end is the same as without the outage.
            let rest = steps.len() - failed;
            night.script((0..rest).map(|_| Ok(Outcome::None)));
            let (after, asked) = night.pass_after(TimeDelta::hours(1)).await;
            assert_eq!(asked, steps[failed..], "{strategy} {failed}");
            assert_eq!(night.left(), 0);
            let open: Vec<ReviewReason> = after.open_items().map(|item| item.reason).collect();
            assert_eq!(open, [ReviewReason::NoMatch]);
            assert_eq!(after.last_trace.unwrap().result, "none");
            assert!(after.asking.known.is_none(), "nothing is kept after an answer");
        }
    }
}

/// What was heard is used for one day, and only for the same person.
#[tokio::test]
async fn the_questions_begin_again_after_a_day_or_a_correction() {
    let steps = steps(&planned(&Strategy::smsp(), &full()));
    let outage = || [Ok(Outcome::None), Ok(Outcome::None), Err(ErrorKind::Unavailable)];
    let all = || steps.iter().map(|_| Ok(Outcome::None)).collect::<Vec<_>>();
    let night = Night::by(Strategy::smsp(), full(), outage()).await;
    night.pass().await;
    night.script(all());
    let (_, asked) = night.pass_after(TimeDelta::hours(25)).await;
    assert_eq!(asked, steps);
    let night = Night::by(Strategy::smsp(), full(), outage()).await;
    let (mut corrected, _) = night.pass().await;
    corrected.surname = Some("O'Brien-Shore".into());
    let service = Service::new(&Breadth::ALL, []);
    let policy = Policy::default().with_strategy(Strategy::smsp(), &service).unwrap();
    let later = start() + TimeDelta::hours(1);
    let next = plan(&corrected, &Scope::default(), &policy, ROOT, later).unwrap();
    assert_eq!(next.step, steps[0], "a correction");
    // Another strategy begins at its own first question.
    let policy = Policy::default().with_strategy(Strategy::fhir(), &service).unwrap();
    corrected.surname = full().surname;
    let next = plan(&corrected, &Scope::default(), &policy, ROOT, later).unwrap();
    assert_eq!(next.step, Strategy::fhir().step_names().next().unwrap());
}

/// A person found before the outage is not lost, and is not written before the strategy has ended.
#[tokio::test]
async fn a_person_found_before_an_outage_is_kept() {
    let moved = found(NUMBER, &person("COMFORT", "AINDOW", "LS1 4HY"));
    let mut unsure = case("1");
    unsure.postcode = None;
    unsure.former_postcodes = vec!["LS1 4HY".into()];
    let steps = steps(&planned(&Strategy::smsp(), &unsure));
    let night =
        Night::by(Strategy::smsp(), unsure, [Ok(Outcome::None), Err(ErrorKind::Unavailable)]).await;
    night.pass().await;
    night.script([Ok(moved)]);
    let (after, asked) = night.pass_after(TimeDelta::hours(1)).await;
    assert_eq!(asked, steps[1..2]);
    assert_eq!(after.nhs_number.unwrap().number, NUMBER, "the former postcode is hers");
}

#[tokio::test]
async fn a_rejected_candidate_is_not_proposed_again() {
    let her = || Ok(found(NUMBER, &person("COMFORT", "AINDOW", "KT17 1NA")));
    let mut rejecting = case("1");
    rejecting.rejected_numbers = vec![NUMBER];
    let steps = steps(&planned(&Strategy::smsp(), &rejecting));
    let night = Night::by(Strategy::smsp(), rejecting.clone(), steps.iter().map(|_| her())).await;
    let (after, asked) = night.pass().await;
    assert_eq!(asked, steps, "the search for another person goes on");
    assert!(after.nhs_number.is_none());
    for item in &after.review {
        assert_eq!(item.evidence.candidates, []);
        assert_eq!(item.reason, ReviewReason::NoMatch);
    }
    assert_eq!(after.review.len(), 1);
    // The person of the case, found by a later question, is written.
    let other = Ok(found(OTHER, &person("COMFORT", "AINDOW", "KT17 1NA")));
    let night = Night::by(Strategy::smsp(), rejecting, [her(), other]).await;
    let (after, asked) = night.pass().await;
    assert_eq!(asked, steps[..2]);
    assert_eq!(after.nhs_number.unwrap().number, OTHER);
}

#[tokio::test]
async fn a_wildcard_is_only_for_review_unless_assessed() {
    let plans = planned(&Strategy::fhir(), &case("1"));
    let wildcard = plans.iter().position(|plan| plan.step == "wildcard").unwrap();
    let Question::Find(find) = &plans[wildcard].question else { panic!() };
    assert_eq!(find.breadth(), Breadth::Wildcard);
    let answers = || {
        let her = found(NUMBER, &person("COMFORT", "AINDOW", "KT17 1NA"));
        (0..wildcard).map(|_| Ok(Outcome::None)).chain([Ok(her)])
    };
    let night = Night::by(Strategy::fhir(), case("1"), answers()).await;
    let (after, _) = night.pass().await;
    assert!(after.nhs_number.is_none());
    let item = after.open_items().next().unwrap();
    assert_eq!(item.reason, ReviewReason::Unconfirmed);
    let [candidate] = &item.evidence.candidates[..] else { panic!() };
    assert_eq!((&candidate.vetoes[..], candidate.nhs_number), (&[Veto::Wildcard][..], NUMBER));
    let mut night = Night::by(Strategy::fhir(), case("1"), answers()).await;
    night.policy = night.policy.with_judge(Judge::default().with_wildcards_assessed());
    let (after, _) = night.pass().await;
    assert_eq!(after.nhs_number.unwrap().number, NUMBER);
}

/// The decision about a person whom the first question of a strategy returns.
fn first_decision(strategy: Strategy, who: &Value) -> Decision {
    let service = Service::new(&Breadth::ALL, []);
    let case = case("1");
    let plan = planned(&strategy, &case).remove(0);
    let policy = Policy::default().with_strategy(strategy, &service).unwrap();
    let answer = Answer::new(found(NUMBER, who), Exchange::new("test", "trace", "M-1", start()));
    let context = Context::new(&plan.asked, &[], &policy).after(&[], &plan);
    decide(&case, Ok(&answer), &context, start())
}

#[test]
fn the_same_evidence_gives_the_same_verdict_from_both_services() {
    let mut rows = Vec::new();
    for who in [
        person("COMFORT", "AINDOW", "KT17 1NA"),
        person("COMFORT", "AINDOW", "LS1 4HY"),
        person("JOY", "AINDOW", "KT17 1NA"),
        person("COMFORT", "OBI", "KT17 1NA"),
        with(person("COMFORT", "AINDOW", "KT17 1NA"), json!({"date_of_birth": "1950-01-01"})),
        with(person("COMFORT", "AINDOW", "KT17 1NA"), json!({"addresses": []})),
    ] {
        let [smsp, fhir] =
            [Strategy::smsp(), Strategy::fhir()].map(|strategy| first_decision(strategy, &who));
        assert_eq!(smsp.row, fhir.row, "{who}");
        let (a, b) = (smsp.candidate.unwrap(), fhir.candidate.unwrap());
        assert_eq!((a.relations, a.risk, &a.vetoes), (b.relations, b.risk, &b.vetoes), "{who}");
        rows.push(smsp.row);
    }
    assert!(rows.contains(&Row::Found) && rows.contains(&Row::FoundDiffers));
}

/// A search that does not compare the whole postcode says nothing about it: a person who lives elsewhere is left
/// to a reviewer.
#[test]
fn a_fuzzy_search_is_no_evidence_for_the_postcode() {
    let service = Service::new(&Breadth::ALL, []);
    let policy = Policy::default().with_strategy(Strategy::fhir(), &service).unwrap();
    let case = case("1");
    let plans = planned(&Strategy::fhir(), &case);
    let fuzzy = plans.iter().find(|plan| plan.step == "fuzzy").unwrap();
    let moved = found(NUMBER, &person("COMFORT", "AINDOW", "LS1 4HY"));
    let answer = Answer::new(moved, Exchange::new("test", "trace", "M-1", start()));
    let context = Context::new(&fuzzy.asked, &[], &policy).after(&[], fuzzy);
    let decision = decide(&case, Ok(&answer), &context, start());
    assert_eq!(decision.row, Row::FoundDiffers);
    assert_eq!(decision.review.unwrap().as_str(), "differs:postcode");
}
