//! Review items with several candidates: accepted, rejected one by one, and rejected all at once.

#![expect(clippy::indexing_slicing, reason = "a place that is wrong must fail the test")]

use async_trait::async_trait;
use nhs_pds::audit::{Actor, AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{
    Allocation, Candidate, Case, CaseStore, Evidence, MemoryStore, NumberSource, RecordType,
    RecordedNumber, ReviewReason, ReviewState,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::{Demographics, Gender, PersonName, Recorded, Telecom};
use nhs_pds::matching::{Local, NameTables, Risk, Veto, relate};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::review::{
    ActionOutcome, Agreement, ItemId, Refusal, Resolution, ReviewQueue, ShownItem,
};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Settings, Worker};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, LocalIdentity, Match, MessageId, Outcome,
    Question, Tracer, User,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const NUMBERS: [NhsNumber; 4] = [
    NhsNumber::constant(5_990_000_014),
    NhsNumber::constant(5_990_000_022),
    NhsNumber::constant(5_990_000_030),
    NhsNumber::constant(5_990_000_049),
];
const GIVEN: [&str; 4] = ["JOY", "GRACE", "COMFORT", "PRUDENCE"];
const NOW: &str = "2026-11-24T09:30:00Z";

fn person(place: usize) -> Demographics {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new(GIVEN[place], "AINDOW"));
    person.date_of_birth = Recorded::read("1943-05-19");
    person.gender = Recorded::Known(Gender::Female);
    person
}

fn case(id: &str) -> Case {
    let mut case = Case::new(id.parse().unwrap(), RecordType::AdultCase);
    case.surname = Some("Aindow".into());
    case.forename = Some("Comfort".into());
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.telephones = vec!["01632 960001".into()];
    case.allocations = vec![Allocation::new("A Worker")];
    case
}

fn candidate(place: usize, risk: f64) -> Candidate {
    let mut local = Local::default();
    (local.family, local.given) = (Some("Aindow"), Some("Comfort"));
    local.birth = Some("1943-05-19".parse().unwrap());
    local.gender = Some(Gender::Female);
    let relations = relate(&local, &person(place), &NameTables::shipped());
    let exchange = Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", NOW.parse().unwrap());
    let (number, risk) = (NUMBERS[place], Risk::of(risk));
    Candidate::new(number, person(place), relations, risk, vec![], "no_postcode", exchange)
}

/// A case with an open item that has these candidates, the first of them its subject.
fn undecided(id: &str, candidates: Vec<Candidate>) -> Case {
    let mut case = case(id);
    let mut evidence = Evidence::default();
    if let Some(first) = candidates.first() {
        evidence.nhs_number = Some(first.nhs_number);
        evidence.returned = Some(first.person.clone());
        evidence.exchange = Some(first.exchange.clone());
    }
    evidence.candidates = candidates;
    case.open_item(ReviewReason::Unconfirmed, &evidence, NOW.parse().unwrap());
    case
}

fn three(id: &str) -> Case {
    undecided(id, vec![candidate(2, 0.01), candidate(0, 0.02), candidate(1, 0.9)])
}

fn jo() -> Actor {
    let user = User::Local(LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap());
    Actor::new(&user.into(), "Jo Doe")
}

fn item(case: &str, number: u32) -> ItemId {
    ItemId::new(case.parse().unwrap(), number)
}

/// A service that returns another of four people for each search.
#[derive(Debug, Default)]
struct Crowd(AtomicUsize);

#[async_trait]
impl Tracer for Crowd {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        let place = self.0.fetch_add(1, Ordering::Relaxed) % NUMBERS.len();
        let outcome = match question {
            Question::Find(_) => {
                Outcome::Found(Box::new(Match::new(NUMBERS[place]).with_person(person(place))))
            }
            _ => Outcome::NotVerified,
        };
        let exchange = Exchange::new("crowd", "trace", id.to_string(), NOW.parse().unwrap());
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

struct Office {
    store: Arc<dyn CaseStore>,
    audit: Arc<MemoryLog>,
    queue: ReviewQueue,
    crowd: Arc<Crowd>,
}

impl Office {
    async fn over(store: Arc<dyn CaseStore>, cases: &[Case]) -> Self {
        store.insert_all(cases.to_vec()).await.unwrap();
        let audit = Arc::new(MemoryLog::new());
        let parts = (Arc::clone(&store), Arc::<MemoryLog>::clone(&audit));
        let joined = Joined::new(parts.0, parts.1, Arc::new(MemoryAlerts::default()));
        let clock = Arc::new(FixedClock::at(NOW.parse().unwrap()));
        let queue = ReviewQueue::new(Arc::new(joined)).with_clock(clock);
        Self { store, audit, queue, crowd: Arc::default() }
    }

    async fn each(cases: &[Case]) -> [Self; 2] {
        let sqlite = nhs_pds::case::SqliteStore::open_in_memory().unwrap();
        [
            Self::over(Arc::new(MemoryStore::new()), cases).await,
            Self::over(Arc::new(sqlite), cases).await,
        ]
    }

    async fn resolve(&self, id: &ItemId, resolution: Resolution) -> ActionOutcome {
        self.queue.resolve(id, &resolution, &jo()).await.unwrap()
    }

    async fn show(&self, id: &ItemId) -> ShownItem {
        self.queue.show(id, &jo()).await.unwrap().unwrap()
    }

    async fn stored(&self, id: &str) -> Case {
        self.store.get(&id.parse().unwrap()).await.unwrap().unwrap()
    }

    async fn pass(&self, days: i64) {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        let joined = Joined::new(
            Arc::clone(&self.store),
            Arc::<MemoryLog>::clone(&self.audit),
            Arc::new(MemoryAlerts::default()),
        );
        let now = NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let clock = Arc::new(FixedClock::at(now + chrono::TimeDelta::days(days)));
        let crowd: Arc<dyn Tracer> = Arc::<Crowd>::clone(&self.crowd);
        let settings = Settings::new(Caller::System(us)).with_clock(clock);
        Worker::new(crowd, Arc::new(joined), settings).run_once(&mut |_| ()).await.unwrap();
    }

    /// The details of the last action on the case.
    async fn details(&self, id: &str) -> Vec<(String, String)> {
        let filter = Filter::new().with_case(id.parse().unwrap()).with_kind(EventKind::CaseChanged);
        self.audit.page(&filter, 0, 999).await.unwrap().pop().unwrap().details
    }
}

#[tokio::test]
async fn a_user_must_say_which_of_several_candidates_it_is() {
    for office in Office::each(&[three("1")]).await {
        let shown = office.show(&item("1", 1)).await;
        assert_eq!(shown.offered, None, "none of them is the default");
        let numbers: Vec<_> = shown.candidates.iter().map(|shown| shown.nhs_number).collect();
        assert_eq!(numbers, [NUMBERS[2], NUMBERS[0], NUMBERS[1]]);
        assert!(shown.candidates.iter().all(|shown| shown.can_be_accepted));

        let wrong = office.resolve(&item("1", 1), Resolution::AcceptNumber(NUMBERS[3])).await;
        assert_eq!(wrong, ActionOutcome::Refused(Refusal::NotOffered));
        let done = office.resolve(&item("1", 1), Resolution::AcceptNumber(NUMBERS[0])).await;
        assert_eq!(done, ActionOutcome::Done);
        let recorded = office.stored("1").await.nhs_number.unwrap();
        let NumberSource::Traced(provenance) = &recorded.source else { panic!() };
        assert_eq!(recorded.number, NUMBERS[0]);
        assert_eq!(provenance.risk, Some(Risk::of(0.02)));
        assert_eq!(provenance.step.as_deref(), Some("no_postcode"));
        let details = office.details("1").await;
        let value = |key: &str| {
            details.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
        };
        assert_eq!((value("action"), value("step")), (Some("accepted"), Some("no_postcode")));
        assert_eq!(value("risk"), Some("1 in 50"));
        assert!(value("evidence").unwrap().starts_with("family=equal given=different birth=equal"));
        let shown = office.show(&item("1", 1)).await;
        assert!(shown.candidates.iter().all(|shown| !shown.can_be_accepted), "it is settled");
    }
}

#[tokio::test]
async fn a_candidate_beside_the_case() {
    let mut twin = candidate(0, 0.018_6);
    twin.vetoes = vec![Veto::Twin];
    twin.person.telecoms = vec![Telecom::default()];
    twin.person.telecoms[0].value = Recorded::Known("tel:01632960002".into());
    for office in Office::each(&[undecided("1", vec![twin.clone()])]).await {
        let shown = office.show(&item("1", 1)).await;
        assert_eq!(shown.offered, Some(NUMBERS[0]), "the only one");
        let [twin] = &shown.candidates[..] else { panic!() };
        assert_eq!(twin.risk_in_words, "may be a different person", "no figure beside a veto");
        assert_eq!(twin.vetoes_in_words, [Veto::Twin.in_words()]);
        assert!(twin.in_words.ends_with(&twin.risk_in_words), "{}", twin.in_words);
        let rows: Vec<_> = twin
            .fields
            .iter()
            .map(|at| (at.field, at.local.as_deref(), at.pds.as_deref(), at.agreement))
            .collect();
        use Agreement::{Different, NotKnown, Same};
        let expected = [
            ("family", Some("Aindow"), Some("AINDOW"), Same),
            ("given", Some("Comfort"), Some("JOY"), Different),
            ("date_of_birth", Some("1943-05-19"), Some("1943-05-19"), Same),
            ("gender", Some("female"), Some("female"), Same),
            ("address", None, None, NotKnown),
            ("postcode", None, None, NotKnown),
            ("date_of_death", None, None, NotKnown),
            ("contact", Some("01632 960001"), Some("tel:01632960002"), NotKnown),
        ];
        assert_eq!(rows, expected);
        let json = serde_json::to_string(&shown.candidates).unwrap();
        assert!(!json.contains("score"), "no score of the service");
        assert!(!format!("{twin:?} {:?}", twin.fields).to_lowercase().contains("aindow"));
    }
}

#[tokio::test]
async fn a_candidate_whose_number_another_case_has() {
    let mut holder = case("2");
    let source = NumberSource::Imported(Some("SMSP".into()));
    holder.nhs_number = Some(RecordedNumber::new(NUMBERS[2], source));
    for office in Office::each(&[three("1"), holder.clone()]).await {
        let shown = office.show(&item("1", 1)).await;
        let free: Vec<bool> = shown.candidates.iter().map(|at| at.can_be_accepted).collect();
        assert_eq!(free, [false, true, true]);
        let refused = office.resolve(&item("1", 1), Resolution::AcceptNumber(NUMBERS[2])).await;
        assert_eq!(refused, ActionOutcome::Refused(Refusal::HeldByAnother));
        // The other two are rejected: the one that is left is not the default, because it cannot be accepted.
        for number in [NUMBERS[0], NUMBERS[1]] {
            let done = office.resolve(&item("1", 1), Resolution::RejectNumber(number)).await;
            assert_eq!(done, ActionOutcome::Done);
        }
        let shown = office.show(&item("1", 1)).await;
        assert_eq!((shown.candidates.len(), shown.offered), (1, None));
    }
}

#[tokio::test]
async fn none_of_these_ends_the_item_and_is_on_record() {
    for office in Office::each(&[three("1")]).await {
        let done = office.resolve(&item("1", 1), Resolution::NoneOfThese).await;
        assert_eq!(done, ActionOutcome::Done);
        let again = office.resolve(&item("1", 1), Resolution::NoneOfThese).await;
        assert_eq!(again, ActionOutcome::AlreadyDone);
        let case = office.stored("1").await;
        assert_eq!(case.review[0].state, ReviewState::Resolved);
        assert_eq!(case.rejected_numbers.len(), 3);
        let details = office.details("1").await;
        assert!(details.contains(&("action".to_owned(), "none_of_these".to_owned())));
        assert!(details.contains(&("risk".to_owned(), "1 in 100; 1 in 50; 1 in 1".to_owned())));
        for (_, value) in &details {
            assert!(NUMBERS.iter().all(|number| !value.contains(number.digits().as_str())));
        }
        let shown = office.show(&item("1", 1)).await;
        assert!(shown.candidates.is_empty(), "rejected people are not shown as candidates");
    }
}

/// Two users who decide about one item: the second one's decision is made about what the first has left.
#[tokio::test]
async fn two_users_at_one_item() {
    for office in Office::each(&[three("1")]).await {
        let id = item("1", 1);
        let (accept, reject) =
            (Resolution::AcceptNumber(NUMBERS[2]), Resolution::RejectNumber(NUMBERS[2]));
        let jo = jo();
        let both = tokio::join!(
            office.queue.resolve(&id, &accept, &jo),
            office.queue.resolve(&id, &reject, &jo),
        );
        let case = office.stored("1").await;
        let has = case.nhs_number.as_ref().is_some_and(|at| at.number == NUMBERS[2]);
        let rejected = case.rejected_numbers.contains(&NUMBERS[2]);
        assert!(has != rejected, "{both:?}");
        let done = [both.0.unwrap(), both.1.unwrap()];
        assert_eq!(done.iter().filter(|done| **done == ActionOutcome::Done).count(), 1);
    }
}

/// What a user does with the items of a case, and what the worker does.
#[derive(Clone, Debug)]
enum Deed {
    Accept(u32, usize),
    Reject(u32, usize),
    NoneOfThese(u32),
    Acknowledge(u32),
    Reopen(u32),
    Pass,
}

fn deed() -> impl Strategy<Value = Deed> {
    let (item, person) = (1..=4u32, 0..NUMBERS.len());
    prop_oneof![
        1 => (item.clone(), person.clone()).prop_map(|(item, person)| Deed::Accept(item, person)),
        5 => (item.clone(), person).prop_map(|(item, person)| Deed::Reject(item, person)),
        1 => item.clone().prop_map(Deed::NoneOfThese),
        1 => item.clone().prop_map(Deed::Acknowledge),
        2 => item.prop_map(Deed::Reopen),
        3 => Just(Deed::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rejected_number_is_never_a_candidate_again(deeds in proptest::collection::vec(deed(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let office = Office::over(Arc::new(MemoryStore::new()), &[three("1")]).await;
            let mut rejected: Vec<NhsNumber> = Vec::new();
            for (day, deed) in (0i64..).zip(deeds) {
                let done = match deed {
                    Deed::Accept(at, person) => {
                        office.resolve(&item("1", at), Resolution::AcceptNumber(NUMBERS[person])).await
                    }
                    Deed::Reject(at, person) => {
                        office.resolve(&item("1", at), Resolution::RejectNumber(NUMBERS[person])).await
                    }
                    Deed::NoneOfThese(at) => {
                        office.resolve(&item("1", at), Resolution::NoneOfThese).await
                    }
                    Deed::Acknowledge(at) => {
                        office.resolve(&item("1", at), Resolution::Acknowledge).await
                    }
                    Deed::Reopen(at) => {
                        office.queue.transition(&item("1", at), ReviewState::Open, &jo()).await.unwrap()
                    }
                    Deed::Pass => {
                        office.pass(day * 40).await;
                        ActionOutcome::Done
                    }
                };
                let case = office.stored("1").await;
                if let (Deed::Reject(_, person), ActionOutcome::Done) = (&deed, done) {
                    rejected.push(NUMBERS[*person]);
                }
                for number in &rejected {
                    prop_assert!(case.rejected_numbers.contains(number), "a rejection is for ever");
                }
                for number in &case.rejected_numbers {
                    let held = case.nhs_number.as_ref().map(|recorded| recorded.number);
                    prop_assert_ne!(held, Some(*number), "{:?}", deed);
                    for open in case.open_items() {
                        let mut all = open.evidence.candidates.iter();
                        prop_assert!(all.all(|at| at.nhs_number != *number), "{:?}", deed);
                        let shown = office.show(&item("1", open.number)).await;
                        prop_assert!(shown.offered != Some(*number), "{:?}", deed);
                        let mut all = shown.candidates.iter();
                        prop_assert!(all.all(|at| at.nhs_number != *number), "{:?}", deed);
                    }
                }
                let reasons: Vec<_> = case.open_items().map(|item| item.reason).collect();
                for reason in &reasons {
                    let same = reasons.iter().filter(|other| *other == reason).count();
                    prop_assert!(same == 1 || *reason == ReviewReason::Duplicate, "{:?}", deed);
                }
            }
            Ok(())
        })?;
    }
}
