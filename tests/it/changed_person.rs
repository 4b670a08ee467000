//! A case whose person changes: its number is in doubt, however the change was made, until it is confirmed
//! for the new person.

use crate::support::one_question;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::{
    AdvisoryKind, Allocation, Case, CaseId, CaseStore, Evidence, Identity, MemoryStore,
    NumberSource, NumberStatus, Provenance, RecordType, RecordedNumber, ReviewReason, TraceRecord,
    advisories,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::correspondence::{PrintableNumber, Refusal, printable};
use nhs_pds::demographics::{
    Address, AddressUse, Demographics, Field, Gender, PersonName, Recorded,
};
use nhs_pds::matching::Criteria;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::review::{
    ActionOutcome as Done, Corrections, ItemId, Resolution, ReviewQueue,
};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{
    CaseReport, Imported, Policy, RefreshEvent, Scope, Settings, TraceResult, Worker, import, plan,
};
use nhs_pds::report::Report;
use nhs_pds::trace::{
    Caller, ErrorKind, Exchange, Freshness, LocalIdentifier, LocalIdentity, Match, Outcome,
    Question, Restriction, ScriptedTracer, User,
};
use proptest::prelude::*;
use std::sync::Arc;

const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
const OTHER: NhsNumber = NhsNumber::constant(9_434_765_919);
const THIRD: NhsNumber = NhsNumber::constant(9_990_000_018);

fn start() -> DateTime<Utc> {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

/// An eligible case with every field.
fn case(text: &str, forename: &str, surname: &str, born: &str, gender: Gender) -> Case {
    let mut case = Case::new(id(text), RecordType::AdultCase);
    (case.surname, case.forename) = (Some(surname.into()), Some(forename.into()));
    (case.date_of_birth, case.gender) = (Some(born.parse().unwrap()), Some(gender));
    case.postcode = Some("KT17 1NA".into());
    case.allocations = vec![Allocation::new("A Worker")];
    case
}

fn eleanor() -> Case {
    case("1", "Eleanor", "Parry", "1943-05-19", Gender::Female)
}

fn john() -> Case {
    case("1", "John", "Jones", "1950-02-01", Gender::Male)
}

fn imported(source: &str, number: NhsNumber) -> Option<RecordedNumber> {
    Some(RecordedNumber::new(number, NumberSource::Imported(Some(source.into()))))
}

fn exchange(at: DateTime<Utc>) -> Exchange {
    Exchange::new("SMSP", "getPatientDetails", "M-1", at)
}

/// The person of the case, as PDS has recorded them.
fn person(of: &Case) -> Demographics {
    let text = |text: &Option<String>| text.clone().unwrap_or_default().to_uppercase();
    let mut person = Demographics::default();
    person.name = Some(PersonName::new(&text(&of.forename), &text(&of.surname)));
    person.date_of_birth = of.date_of_birth.map_or(Recorded::Blank, Recorded::Known);
    person.gender = of.gender.map_or(Recorded::Blank, Recorded::Known);
    let mut home = Address::default();
    (home.usage, home.postcode) = (Some(AddressUse::Home), Recorded::read(&text(&of.postcode)));
    person.addresses = vec![home];
    person
}

fn matched(of: &Case, number: NhsNumber) -> Match {
    Match::new(number).with_person(person(of))
}

fn found(of: &Case, number: NhsNumber) -> Outcome {
    Outcome::Found(Box::new(matched(of, number)))
}

fn found_as(of: &Case, number: NhsNumber, change: impl FnOnce(&mut Match)) -> Outcome {
    let mut found = matched(of, number);
    change(&mut found);
    Outcome::Found(Box::new(found))
}

fn replaced(by: Option<NhsNumber>, of: &Case) -> Outcome {
    Outcome::Superseded { by, person: Some(Box::new(person(of))) }
}

/// A store, the worker and the reviewers, and a time that advances.
struct Office {
    store: Arc<dyn CaseStore>,
    audit: Arc<MemoryLog>,
    now: DateTime<Utc>,
    policy: Policy,
}

impl Office {
    fn over(store: Arc<dyn CaseStore>) -> Self {
        let policy = one_question();
        Self { store, audit: Arc::new(MemoryLog::new()), now: start(), policy }
    }

    /// An office in which the case of Eleanor Parry was imported and traced.
    async fn with_eleanor() -> Self {
        let mut office = Self::over(Arc::new(MemoryStore::new()));
        office.import(eleanor()).await;
        office.pass([Ok(found(&eleanor(), NUMBER))]).await;
        assert_eq!(printed(&office.stored().await), Ok(NUMBER));
        office
    }

    /// The same office. In the next night, the case changes to John Jones.
    async fn with_john() -> Self {
        let office = Self::with_eleanor().await;
        office.import(john()).await;
        office
    }

    async fn import(&self, case: Case) -> Imported {
        let clock = FixedClock::at(self.now);
        import(&self.joined(), &jo(), &clock, vec![case]).await.unwrap()
    }

    fn joined(&self) -> Joined {
        let (store, audit) = (Arc::clone(&self.store), Arc::<MemoryLog>::clone(&self.audit));
        Joined::new(store, audit, Arc::new(MemoryAlerts::default()))
    }

    fn worker(&self, tracer: &Arc<ScriptedTracer>) -> Worker {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        Worker::new(
            Arc::<ScriptedTracer>::clone(tracer),
            Arc::new(self.joined()),
            Settings::new(Caller::System(us))
                .with_policy(self.policy.clone())
                .with_clock(Arc::new(FixedClock::at(self.now))),
        )
    }

    /// Runs a pass half an hour later, with these responses. Returns the queries and the reports.
    async fn pass(
        &mut self,
        answers: impl IntoIterator<Item = Result<Outcome, ErrorKind>>,
    ) -> (Vec<Question>, Vec<CaseReport>) {
        self.now += TimeDelta::minutes(30);
        let tracer = Arc::new(ScriptedTracer::new(answers));
        let mut seen = Vec::new();
        let observe = &mut |case: &CaseReport| seen.push(case.clone());
        self.worker(&tracer).run_once(observe).await.unwrap();
        assert_eq!(tracer.left(), 0, "every response was used");
        (tracer.asked(), seen)
    }

    async fn stored(&self) -> Case {
        self.get("1").await
    }

    async fn get(&self, text: &str) -> Case {
        self.store.get(&id(text)).await.unwrap().unwrap()
    }

    fn queue(&self) -> ReviewQueue {
        let clock = Arc::new(FixedClock::at(self.now));
        ReviewQueue::new(Arc::new(self.joined())).with_clock(clock)
    }

    async fn resolve(&self, text: &str, resolution: &Resolution) {
        let item = self.get(text).await.open_items().last().unwrap().number;
        let item = ItemId::new(id(text), item);
        let done = self.queue().resolve(&item, resolution, &jo()).await.unwrap();
        assert_eq!(done, Done::Done);
    }

    /// Opens an item, as a response would.
    async fn open(&self, text: &str, reason: ReviewReason, evidence: Evidence) {
        let mut case = self.get(text).await;
        case.open_item(reason, &evidence, self.now);
        self.store.save(&case).await.unwrap();
    }
}

fn jo() -> Actor {
    let user = User::Local(LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap());
    Actor::new(&user.into(), "Jo Doe")
}

fn printed(case: &Case) -> Result<NhsNumber, Refusal> {
    printable(case, &[]).map(PrintableNumber::number)
}

fn kinds(case: &Case) -> Vec<AdvisoryKind> {
    advisories(case).iter().map(|advisory| advisory.kind).collect()
}

/// Checks that the number may not be used, and that the case is due for a query by it at once.
#[track_caller]
fn is_in_doubt(case: &Case, now: DateTime<Utc>) {
    assert!(case.person_changed() && case.usable_number().is_none());
    assert_eq!(printed(case), Err(Refusal::PersonChanged));
    assert!(kinds(case).contains(&AdvisoryKind::PersonChanged));
    let number = case.nhs_number.as_ref().unwrap().number;
    let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
    let planned = plan(case, &Scope::default(), &one_question(), root, now).unwrap();
    assert_eq!(planned.asked.nhs_number, Some(number), "verified at once");
    assert_eq!(case.live_number(), Some(number), "still a holder of it");
}

#[tokio::test]
async fn a_traced_number_is_verified_when_an_import_changes_the_person() {
    let mut office = Office::with_john().await;
    let case = office.stored().await;
    is_in_doubt(&case, office.now);
    let all = [Field::Family, Field::Given, Field::DateOfBirth, Field::Gender];
    assert_eq!(case.changed_fields(), all);

    let (asked, _) = office.pass([Ok(found(&john(), NUMBER))]).await;
    assert!(matches!(&asked[..], [Question::Fetch(question)] if question.nhs_number() == NUMBER));
    let case = office.stored().await;
    assert_eq!((printed(&case), kinds(&case)), (Ok(NUMBER), vec![]), "it is confirmed");
    assert!(office.pass([]).await.0.is_empty(), "and not queried again");
}

/// Eleanor, with the date of death that the Spine returned.
fn dead(of: &Case, died: &str) -> Match {
    let mut found = matched(of, NUMBER);
    found.person.as_mut().unwrap().date_of_death = Recorded::read(died);
    found
}

fn found_dead(of: &Case, died: &str) -> Outcome {
    Outcome::Found(Box::new(dead(of, died)))
}

#[tokio::test]
async fn a_death_returned_for_one_person_is_not_used_for_another() {
    let eleanor_died = || async {
        let mut office = Office::over(Arc::new(MemoryStore::new()));
        office.import(eleanor()).await;
        office.pass([Ok(found_dead(&eleanor(), "2026-10-01"))]).await;
        assert!(office.stored().await.death_traced);
        office.import(john()).await;
        office
    };
    // The number is his: he lives.
    let mut office = eleanor_died().await;
    is_in_doubt(&office.stored().await, office.now);
    office.pass([Ok(found(&john(), NUMBER))]).await;
    let case = office.stored().await;
    assert_eq!((case.date_of_death, case.death_traced), (None, false));
    assert_eq!((printed(&case), kinds(&case)), (Ok(NUMBER), vec![]));
    // The number is his: he died on another day, and the back office gets an alert.
    let mut office = eleanor_died().await;
    let before = office.stored().await.undelivered.len();
    office.pass([Ok(found_dead(&john(), "2026-11-02"))]).await;
    let case = office.stored().await;
    assert_eq!(case.date_of_death.unwrap().to_string(), "2026-11-02");
    assert!(case.death_traced && case.undelivered.len() >= before);
    // A reviewer decides that the number is his: he lives.
    let mut office = eleanor_died().await;
    let untold = |found: &mut Match| {
        found.person.as_mut().unwrap().date_of_birth = Recorded::NotReturned;
    };
    office.pass([Ok(found_as(&john(), NUMBER, untold))]).await;
    office.resolve("1", &Resolution::AcceptNumber(NUMBER)).await;
    let case = office.stored().await;
    assert_eq!((case.date_of_death, case.death_traced, printed(&case)), (None, false, Ok(NUMBER)));
    // The number is not his: it stays in doubt, and so does the death.
    let mut office = eleanor_died().await;
    office.pass([Ok(found_dead(&eleanor(), "2026-10-01"))]).await;
    let case = office.stored().await;
    assert!(case.person_changed() && printed(&case).is_err());
    let text = advisories(&case).iter().map(|it| it.text().to_owned()).collect::<String>();
    assert!(text.contains("may be another person's") && !text.contains("This person has died."));
    // After her fields are restored, the number is hers again.
    office.import(eleanor()).await;
    assert!(kinds(&office.stored().await).contains(&AdvisoryKind::Deceased));
}

#[tokio::test]
async fn a_death_without_a_number_is_removed_when_the_person_changes() {
    let mut case = eleanor();
    (case.date_of_death, case.death_traced) = (Some("2026-10-01".parse().unwrap()), true);
    let became = case.updated_from(john()).unwrap();
    assert_eq!((became.date_of_death, became.death_traced), (None, false));
    // Only her address has changed.
    let mut moved = eleanor();
    moved.postcode = Some("LS1 4HY".into());
    let moved = case.updated_from(moved).unwrap();
    assert!(moved.death_traced && moved.date_of_death == case.date_of_death);
}

#[tokio::test]
async fn an_impossible_local_death_is_replaced_by_that_of_the_spine() {
    for local in ["9999-12-31", "1920-01-01"] {
        let mut office = Office::over(Arc::new(MemoryStore::new()));
        let mut case = eleanor();
        case.date_of_death = Some(local.parse().unwrap());
        office.import(case).await;
        office.pass([Ok(found_dead(&eleanor(), "2026-10-01"))]).await;
        let case = office.stored().await;
        assert_eq!(case.date_of_death.unwrap().to_string(), "2026-10-01");
        assert!(case.death_traced);
    }
}

#[tokio::test]
async fn a_number_stays_in_doubt_without_a_response() {
    let mut office = Office::with_eleanor().await;
    let mut evidence = Evidence::default();
    (evidence.asked, evidence.nhs_number) = (Some(plan_of(&eleanor(), NUMBER)), Some(NUMBER));
    office.open("1", ReviewReason::Differs(Field::Gender), evidence).await;
    let doubted = |case: &Case| printed(case).unwrap_err();
    let before = doubted(&office.stored().await);
    let unanswered = [
        Err(ErrorKind::Rejected),
        Err(ErrorKind::Unavailable),
        Err(ErrorKind::Unreadable),
        Err(ErrorKind::Unreadable),
        Err(ErrorKind::Unreadable),
        Err(ErrorKind::Unreadable),
        Err(ErrorKind::Unreadable),
    ];
    for answer in unanswered {
        let tracer = Arc::new(ScriptedTracer::new([answer]));
        office.now += TimeDelta::minutes(30);
        office.worker(&tracer).refresh(&id("1"), RefreshEvent::BeforeContact).await.unwrap();
        assert_eq!(doubted(&office.stored().await), before);
    }
    let tracer = Arc::new(ScriptedTracer::new([Ok(found(&eleanor(), NUMBER))]));
    office.worker(&tracer).refresh(&id("1"), RefreshEvent::BeforeContact).await.unwrap();
    assert_eq!(printed(&office.stored().await), Ok(NUMBER));
}

fn plan_of(case: &Case, number: NhsNumber) -> Criteria {
    let mut case = case.clone();
    case.nhs_number = imported("GP letter", number);
    let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
    plan(&case, &Scope::default(), &one_question(), root, start()).unwrap().asked
}

#[tokio::test]
async fn a_number_in_doubt_is_verified_after_a_correction_and_not_used_before() {
    let mut office = Office::with_eleanor().await;
    let mut evidence = Evidence::default();
    evidence.asked = Some(plan_of(&eleanor(), NUMBER));
    office.open("1", ReviewReason::Unconfirmed, evidence).await;
    let mut corrections = Corrections::default();
    corrections.postcode = Some("LS1 4HY".into());
    office.resolve("1", &Resolution::CorrectAndAskAgain(corrections)).await;
    is_in_doubt(&office.stored().await, office.now);
    let mut moved = eleanor();
    moved.postcode = Some("LS1 4HY".into());
    let (asked, _) = office.pass([Ok(found(&moved, NUMBER))]).await;
    assert_eq!(asked.len(), 1, "at once");
    assert_eq!(printed(&office.stored().await), Ok(NUMBER));
}

#[tokio::test]
async fn a_change_of_any_field_puts_the_number_in_doubt_and_typing_does_not() {
    let office = Office::with_eleanor().await;
    let changes: [fn(&mut Case); 9] = [
        |case| case.surname = Some("Jones".into()),
        |case| case.forename = Some("Ellen".into()),
        |case| case.forename = Some("Eleanor Ann".into()),
        |case| case.forename = None,
        |case| case.date_of_birth = Some("1943-05-20".parse().unwrap()),
        |case| case.gender = Some(Gender::Male),
        |case| case.gender = Some(Gender::NotKnown),
        |case| case.surname = Some("Parry-Jones".into()),
        |case| case.surname = Some("Párry".into()),
    ];
    for change in changes {
        let mut read = eleanor();
        change(&mut read);
        let changed = office.stored().await.updated_from(read).unwrap();
        assert_eq!(printed(&changed), Err(Refusal::PersonChanged));
        let back = changed.updated_from(eleanor()).unwrap();
        assert_eq!(printed(&back), Ok(NUMBER), "restored");
    }
    let same: [fn(&mut Case); 6] = [
        |case| case.surname = Some(" PARRY\u{200b} ".into()),
        |case| case.forename = Some("eleanor".into()),
        |case| case.postcode = Some("LS1 4HY".into()),
        |case| case.address[0] = "1 High St".into(),
        |case| case.aliases = vec!["Ellie".into()],
        |case| case.allocations = vec![Allocation::new("Another Worker")],
    ];
    for change in same {
        let mut read = eleanor();
        change(&mut read);
        let changed = office.stored().await.updated_from(read).unwrap();
        assert_eq!(printed(&changed), Ok(NUMBER));
        let (root, now) = (LocalIdentifier::LOCAL_PATIENT_ROOT, office.now);
        let planned = plan(&changed, &Scope::default(), &office.policy, root, now);
        assert!(planned.is_err(), "HAV-3: it was traced");
    }
}

/// The result for the number of the case, after a pass in which the case is John's.
#[tokio::test]
async fn only_a_confirming_response_ends_the_doubt() {
    let dead = |day: &str| {
        let day = day.to_owned();
        found_as(&john(), NUMBER, move |found| {
            found.person.as_mut().unwrap().date_of_death = Recorded::read(&day);
        })
    };
    let moved = found_as(&john(), NUMBER, |found| {
        found.person.as_mut().unwrap().addresses[0].postcode = Recorded::read("LS1 4HY");
    });
    let restricted = found_as(&john(), NUMBER, |found| {
        found.restriction = Restriction::Restricted;
    });
    // He lives elsewhere by now: the search finds no other person at the address of the case.
    let moved = vec![Ok(moved), Ok(Outcome::None)];
    let at_once = [found(&john(), NUMBER), dead("2026-11-20"), restricted].map(|one| vec![Ok(one)]);
    for answers in at_once.into_iter().chain([moved]) {
        let mut office = Office::with_john().await;
        office.pass(answers).await;
        assert_eq!(printed(&office.stored().await), Ok(NUMBER));
    }
    let copy = found_as(&john(), NUMBER, |found| found.freshness = Freshness::Stale);
    let answers: [Vec<Result<Outcome, ErrorKind>>; 13] = [
        vec![Ok(found(&eleanor(), NUMBER))],
        vec![Ok(Outcome::Found(Box::new(Match::new(NUMBER))))],
        vec![Ok(found(&john(), OTHER))],
        vec![Ok(copy)],
        vec![Ok(dead("in May"))],
        vec![Ok(Outcome::Ambiguous(Vec::new()))],
        vec![Ok(Outcome::None), Ok(Outcome::None)],
        vec![Ok(Outcome::NotVerified), Ok(Outcome::Ambiguous(Vec::new()))],
        vec![Ok(Outcome::Invalidated), Ok(Outcome::None)],
        vec![Ok(replaced(Some(OTHER), &eleanor()))],
        vec![Err(ErrorKind::Unavailable)],
        vec![Err(ErrorKind::Unreadable)],
        vec![Err(ErrorKind::Rejected)],
    ];
    for (place, answers) in answers.into_iter().enumerate() {
        let mut office = Office::with_john().await;
        office.pass(answers).await;
        for _ in 0..3 {
            let case = office.stored().await;
            assert!(printed(&case).is_err(), "{place}");
            assert!(case.person_changed(), "{place}");
            // Any number of failures.
            office.now += TimeDelta::days(40);
            office.pass([]).await;
        }
    }
}

/// She is married, and her number was replaced. The new record has her date of birth and gender, and the
/// name of a different person. Without a name, the service's answer is about the number of the Parry she was.
/// With her former name, everything else agrees: a marriage.
#[tokio::test]
async fn a_replacement_does_not_confirm_a_changed_name() {
    let mut married = eleanor();
    married.surname = Some("Jones".into());
    let mut nameless = person(&married);
    nameless.name = None;
    let word = Outcome::Superseded { by: Some(OTHER), person: Some(Box::new(nameless)) };
    let before = Office::with_eleanor().await;
    let mut sister = eleanor();
    sister.forename = Some("Joy".into());
    for answer in [word.clone(), replaced(Some(OTHER), &sister)] {
        let mut office = Office::with_eleanor().await;
        office.import(married.clone()).await;
        office.pass([Ok(answer)]).await;
        let case = office.stored().await;
        assert_eq!(case.nhs_number.as_ref().unwrap().number, NUMBER, "no field shows the name");
        assert!(printed(&case).is_err());
    }
    for of in [&married, &eleanor()] {
        let mut office = Office::with_eleanor().await;
        office.import(married.clone()).await;
        office.pass([Ok(replaced(Some(OTHER), of))]).await;
        assert_eq!(printed(&office.stored().await), Ok(OTHER), "a name was returned, and agrees");
    }

    // If the person has not changed, the service's answer is enough (MSCA-DQ-03).
    let mut office = before;
    office.policy = one_question().with_reverification(TimeDelta::seconds(1));
    office.pass([Ok(word)]).await;
    assert_eq!(office.stored().await.nhs_number.unwrap().number, OTHER);
}

/// A number found by the new demographic fields belongs to the new person.
#[tokio::test]
async fn another_number_that_is_found_belongs_to_the_new_person() {
    let mut office = Office::with_john().await;
    office.pass([Ok(Outcome::Invalidated), Ok(found(&john(), OTHER))]).await;
    let recorded = office.stored().await.nhs_number.unwrap();
    assert!(
        recorded.number == OTHER && recorded.person.unwrap().changes(&john().identity()).is_empty()
    );
}

#[tokio::test]
async fn restored_fields_restore_the_number_and_close_its_review_items() {
    let mut office = Office::with_john().await;
    office.import(eleanor()).await;
    assert_eq!(printed(&office.stored().await), Ok(NUMBER), "no query was made, no item is open");
    assert!(office.pass([]).await.0.is_empty());

    let mut office = Office::with_john().await;
    office.pass([Ok(found(&eleanor(), NUMBER))]).await;
    let case = office.stored().await;
    assert!(case.open_items().any(|item| matches!(item.reason, ReviewReason::Differs(_))));
    assert!(office.pass([]).await.0.is_empty(), "the same words wait");
    office.import(eleanor()).await;
    assert_eq!(printed(&office.stored().await), Err(Refusal::UnderInvestigation));
    let (asked, _) = office.pass([Ok(found(&eleanor(), NUMBER))]).await;
    assert_eq!(asked.len(), 1, "at once");
    let case = office.stored().await;
    assert_eq!((printed(&case), kinds(&case)), (Ok(NUMBER), vec![]));
    assert!(office.pass([]).await.0.is_empty(), "and once");
}

#[tokio::test]
async fn earlier_queries_do_not_delay_the_verification() {
    let delays: [fn(&mut Case); 3] = [
        |case| case.asking.not_before = Some(start() + TimeDelta::days(9)),
        |case| case.asking.until_corrected = true,
        |case| case.not_on_pds = true,
    ];
    for delay in delays {
        let office = Office::with_eleanor().await;
        let mut case = office.stored().await;
        delay(&mut case);
        office.store.save(&case).await.unwrap();
        office.import(john()).await;
        is_in_doubt(&office.stored().await, office.now);

        // The same fields were queried before the case had the number.
        let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
        let (scope, now) = (Scope::default(), office.now);
        let by_particulars = plan(&john(), &scope, &office.policy, root, now).unwrap();
        let mut case = office.stored().await;
        case.asking.asked = Some(by_particulars.asked);
        delay(&mut case);
        is_in_doubt(&case, office.now);
    }
}

#[tokio::test]
async fn a_correction_puts_the_number_in_doubt_too() {
    let mut office = Office::with_eleanor().await;
    let mut traced = office.stored().await;
    // As an older store has it.
    traced.nhs_number.as_mut().unwrap().person = None;
    office.store.save(&traced).await.unwrap();
    office.open("1", ReviewReason::Discrepancy, Evidence::default()).await;
    let mut corrections = Corrections::default();
    (corrections.surname, corrections.forename) = (Some("Jones".into()), Some("John".into()));
    office.resolve("1", &Resolution::CorrectAndAskAgain(corrections)).await;
    let case = office.stored().await;
    is_in_doubt(&case, office.now);
    assert_eq!(case.changed_fields(), [Field::Family, Field::Given]);
    office.pass([Ok(Outcome::NotVerified), Ok(Outcome::None)]).await;
    let case = office.stored().await;
    assert_eq!(case.nhs_number.as_ref().unwrap().status, NumberStatus::NotVerified);
    assert!(printed(&case).is_err());

    // A new address does not change the person.
    let office = Office::with_eleanor().await;
    office.open("1", ReviewReason::Discrepancy, Evidence::default()).await;
    let mut corrections = Corrections::default();
    corrections.postcode = Some("LS1 4HY".into());
    office.resolve("1", &Resolution::CorrectAndAskAgain(corrections)).await;
    assert_eq!(printed(&office.stored().await), Ok(NUMBER));
}

/// An older store does not record whose a number is. The last query of the worker does.
#[tokio::test]
async fn the_person_of_a_number_is_taken_from_the_query() {
    let mut office = Office::with_eleanor().await;
    let mut case = john();
    let found = office.stored().await;
    (case.version, case.asking) = (found.version, found.asking);
    case.nhs_number = found.nhs_number.map(|mut recorded| {
        recorded.person = None;
        recorded
    });
    office.store.save(&case).await.unwrap();
    is_in_doubt(&office.stored().await, office.now);
    // Although the query is now about John, the number is not his.
    office.pass([Ok(Outcome::Ambiguous(Vec::new()))]).await;
    office.resolve("1", &Resolution::Dismiss).await;
    assert_eq!(printed(&office.stored().await), Err(Refusal::PersonChanged));
}

#[tokio::test]
async fn accepting_a_number_confirms_it_for_the_queried_person() {
    let mut office = Office::with_john().await;
    office.pass([Ok(found(&eleanor(), NUMBER))]).await;
    office.resolve("1", &Resolution::AcceptNumber(NUMBER)).await;
    assert_eq!(printed(&office.stored().await), Ok(NUMBER));

    // The response is about John, but the case is now about a different person.
    let mut office = Office::with_john().await;
    office.pass([Ok(found(&eleanor(), NUMBER))]).await;
    let jane = case("1", "Jane", "Jones", "1950-02-01", Gender::Female);
    office.import(jane).await;
    office.resolve("1", &Resolution::AcceptNumber(NUMBER)).await;
    is_in_doubt(&office.stored().await, office.now);
}

#[tokio::test]
async fn a_merge_leaves_the_number_of_another_person_in_doubt() {
    let mut office = Office::with_eleanor().await;
    let mut survivor = john();
    survivor.id = id("2");
    office.import(survivor).await;
    office.pass([Ok(Outcome::None)]).await;
    office.resolve("2", &Resolution::Merge { absorbed: id("1") }).await;
    let merged = office.get("2").await;
    is_in_doubt(&merged, office.now);

    // After the merge is undone, each case has its former fields, and the number is Eleanor's.
    let undone = office.queue().undo_merge(&id("2"), &id("1"), &jo()).await.unwrap();
    assert_eq!(undone, Done::Done);
    assert!(office.get("2").await.nhs_number.is_none());
    assert_eq!(printed(&office.stored().await), Ok(NUMBER));
}

#[tokio::test]
async fn a_merge_prefers_a_number_that_is_not_in_doubt() {
    let mut office = Office::with_john().await;
    let mut twice = john();
    twice.id = id("2");
    office.import(twice.clone()).await;
    office.pass([Err(ErrorKind::Unavailable), Ok(found(&twice, OTHER))]).await;
    office.open("1", ReviewReason::Duplicate, Evidence::default()).await;
    office.resolve("1", &Resolution::Merge { absorbed: id("2") }).await;
    assert_eq!(printed(&office.stored().await), Ok(OTHER));
    office.queue().undo_merge(&id("1"), &id("2"), &jo()).await.map(drop).unwrap();
    is_in_doubt(&office.stored().await, office.now);
}

/// The number that a merge replaced is restored as the number of the person that the case was about then.
#[tokio::test]
async fn a_number_replaced_by_a_merge_is_restored_with_its_person() {
    let mut office = Office::with_eleanor().await;
    let mut recorded = office.stored().await;
    let number = recorded.nhs_number.as_mut().unwrap();
    (number.person, number.status) = (None, NumberStatus::NotVerified);
    office.store.save(&recorded).await.unwrap();
    let mut other = eleanor();
    other.id = id("2");
    office.import(other.clone()).await;
    office.pass([Ok(Outcome::None), Ok(found(&other, OTHER))]).await;
    office.open("1", ReviewReason::Duplicate, Evidence::default()).await;
    office.resolve("1", &Resolution::Merge { absorbed: id("2") }).await;
    assert_eq!(printed(&office.stored().await), Ok(OTHER));
    office.import(john()).await;
    office.queue().undo_merge(&id("1"), &id("2"), &jo()).await.map(drop).unwrap();
    let case = office.stored().await;
    assert!(case.nhs_number.as_ref().is_some_and(|recorded| recorded.number == NUMBER));
    assert!(case.person_changed());
}

#[tokio::test]
async fn opening_a_case_verifies_the_number_for_its_person() {
    let office = Office::with_john().await;
    let tracer = Arc::new(ScriptedTracer::new([Ok(found(&eleanor(), NUMBER))]));
    let worker = office.worker(&tracer);
    let shown = worker.refresh(&id("1"), RefreshEvent::BeforeContact).await.unwrap().unwrap();
    assert_eq!(shown.report.result, Some(TraceResult::Differs));
    let kinds: Vec<_> = shown.advisories.iter().map(|advisory| advisory.kind).collect();
    assert_eq!(kinds, [AdvisoryKind::UnderInvestigation, AdvisoryKind::PersonChanged]);
    assert!(printed(&shown.case).is_err());
}

#[tokio::test]
async fn a_number_imported_as_traced_belongs_to_the_imported_person() {
    let mut office = Office::over(Arc::new(MemoryStore::new()));
    let mut read = eleanor();
    read.nhs_number = imported("SMSP", NUMBER);
    office.import(read).await;
    assert_eq!(printed(&office.stored().await), Ok(NUMBER));
    assert!(office.pass([]).await.0.is_empty(), "HAV-3");
    let mut read = john();
    read.nhs_number = imported("SMSP", NUMBER);
    office.import(read).await;
    is_in_doubt(&office.stored().await, office.now);
}

#[tokio::test]
async fn a_corrected_imported_number_is_taken_and_verified() {
    let mut office = Office::over(Arc::new(MemoryStore::new()));
    let mut read = eleanor();
    read.nhs_number = imported("GP letter", OTHER);
    office.import(read.clone()).await;
    office.pass([Ok(Outcome::NotVerified), Ok(Outcome::None)]).await;
    read.nhs_number = imported("GP letter", NUMBER);
    assert_eq!(office.import(read).await.updated, 1);
    let recorded = office.stored().await.nhs_number.unwrap();
    assert_eq!((recorded.number, recorded.status), (NUMBER, NumberStatus::Usable));
    assert_eq!(recorded.since, Some(office.now));
    let (asked, _) = office.pass([Ok(found(&eleanor(), NUMBER))]).await;
    assert!(matches!(&asked[..], [Question::Fetch(question)] if question.nhs_number() == NUMBER));
    assert_eq!(printed(&office.stored().await), Ok(NUMBER));
    // A caseload without the number does not remove it.
    office.import(eleanor()).await;
    assert_eq!(printed(&office.stored().await), Ok(NUMBER));
}

#[tokio::test]
async fn a_traced_number_that_the_local_system_contradicts_gets_a_review_item() {
    let office = Office::with_eleanor().await;
    let mut read = eleanor();
    read.nhs_number = imported("GP letter", OTHER);
    assert_eq!(office.import(read.clone()).await.updated, 1);
    let case = office.stored().await;
    assert_eq!(case.nhs_number.as_ref().unwrap().number, NUMBER, "what was traced stays");
    let open: Vec<_> =
        case.open_items().map(|item| (item.reason, item.evidence.nhs_number)).collect();
    assert_eq!(open, [(ReviewReason::Conflict, Some(OTHER))]);
    assert_eq!(printed(&case), Err(Refusal::UnderInvestigation));

    // After a reviewer has seen it, a change of address does not open it again.
    office.resolve("1", &Resolution::RejectNumber(OTHER)).await;
    for postcode in ["LS1 4HY", "KT17 1NA"] {
        read.postcode = Some(postcode.into());
        office.import(read.clone()).await;
        let case = office.stored().await;
        assert!(case.open_items().next().is_none());
        assert_eq!(printed(&case), Ok(NUMBER));
    }
    // A number that was dismissed does not open an item again. Another number does.
    read.nhs_number = imported("GP letter", THIRD);
    office.import(read.clone()).await;
    office.resolve("1", &Resolution::Dismiss).await;
    read.postcode = Some("LS1 4HY".into());
    office.import(read.clone()).await;
    assert!(office.stored().await.open_items().next().is_none());

    // A caseload that contradicts itself has no information about the number.
    (read.contradicted, read.nhs_number) = (true, imported("GP letter", OTHER));
    office.import(read).await;
    assert!(office.stored().await.open_items().next().is_none());
}

/// An item that the worker opened keeps the evidence that a reviewer needs.
#[tokio::test]
async fn an_open_conflict_keeps_its_evidence() {
    let office = Office::with_eleanor().await;
    let mut evidence = Evidence::default();
    evidence.nhs_number = Some(THIRD);
    evidence.exchange = Some(exchange(office.now));
    office.open("1", ReviewReason::Conflict, evidence.clone()).await;
    let mut read = eleanor();
    read.nhs_number = imported("GP letter", OTHER);
    office.import(read).await;
    let case = office.stored().await;
    assert!(case.open_items().map(|item| &item.evidence).eq([&evidence]));
}

#[tokio::test]
async fn another_person_and_another_number_in_one_caseload() {
    // Traced: the number stays, in doubt, and a reviewer gets the other number.
    let office = Office::with_eleanor().await;
    let mut read = john();
    read.nhs_number = imported("GP letter", OTHER);
    office.import(read.clone()).await;
    let case = office.stored().await;
    assert!(case.person_changed() && case.nhs_number.as_ref().unwrap().number == NUMBER);
    assert!(case.open_items().any(|item| item.evidence.nhs_number == Some(OTHER)));
    assert_eq!(printed(&case), Err(Refusal::UnderInvestigation));

    // Never traced: the other number is John's.
    let mut office = Office::over(Arc::new(MemoryStore::new()));
    let mut first = eleanor();
    first.nhs_number = imported("GP letter", NUMBER);
    office.import(first).await;
    office.import(read).await;
    let case = office.stored().await;
    assert!(!case.person_changed() && case.nhs_number.as_ref().unwrap().number == OTHER);
    office.pass([Ok(found(&john(), OTHER))]).await;
    assert_eq!(printed(&office.stored().await), Ok(OTHER));
}

#[cfg(feature = "csv")]
#[tokio::test]
async fn no_file_shows_a_number_in_doubt_as_confirmed() {
    use nhs_pds::case::caseload::{self, DecisionWriter, ResultRow, write_results};
    let office = Office::with_john().await;
    let mut case = office.stored().await;
    let decisions = |case: &Case| {
        let mut file = Vec::new();
        let mut rows = DecisionWriter::new(&mut file).unwrap();
        rows.write(case).unwrap();
        rows.finish().unwrap();
        String::from_utf8(file).unwrap()
    };
    let file = decisions(&case);
    assert!(file.contains(",9449304424,scripted,person_changed,"), "{file}");
    // The advisory; step, risk and candidates of the search come after it.
    assert!(file.contains(",person_changed,exact,"), "{file}");
    let results = |case: &Case| {
        let mut file = Vec::new();
        write_results(&mut file, vec![ResultRow::new(case)]).unwrap();
        String::from_utf8(file).unwrap()
    };
    assert!(!results(&case).contains("9449304424"), "{}", results(&case));
    // A caseload that is read elsewhere is verified there.
    case.nhs_number.as_mut().unwrap().source = NumberSource::Imported(Some("SMSP".into()));
    let read_back = |case: &Case| {
        let mut file = Vec::new();
        caseload::write(&mut file, [case]).unwrap();
        let read = caseload::read(&file[..]).unwrap();
        read.cases[0]
            .nhs_number
            .as_ref()
            .map(|recorded| (recorded.number, recorded.source.is_traced()))
    };
    assert_eq!(read_back(&case), Some((NUMBER, false)));

    let mut good = case.updated_from(eleanor()).unwrap();
    assert!(decisions(&good).contains(",9449304424,SMSP,usable,"));
    assert!(results(&good).contains(",9449304424,SMSP,"));
    assert_eq!(read_back(&good), Some((NUMBER, true)));
    for status in [NumberStatus::Invalid, NumberStatus::NotVerified, NumberStatus::Superseded] {
        good.nhs_number.as_mut().unwrap().status = status;
        assert!(!results(&good).contains("9449304424"), "{status:?}");
        assert_eq!(read_back(&good), Some((NUMBER, false)), "{status:?}");
        let mut both = good.clone();
        both.surname = Some("Jones".into());
        assert!(decisions(&both).contains(&format!(",{},", status.as_str())), "the graver word");
    }
}

#[tokio::test]
async fn a_report_counts_numbers_in_doubt_apart_from_confirmed_ones() {
    let office = Office::with_eleanor().await;
    let report = |case: &Case| {
        let mut builder = Report::builder(start());
        builder.add(case);
        builder.finish()
    };
    let good = report(&office.stored().await);
    assert_eq!((good.person_changed, good.matches.in_scope.matched), (0, 1));
    assert!(good.csv().contains("\nnumbers,person_changed,0\n"));
    office.import(john()).await;
    let doubtful = report(&office.stored().await);
    assert_eq!((doubtful.person_changed, doubtful.matches.in_scope.matched), (1, 0));
    assert!(doubtful.csv().contains("\nnumbers,person_changed,1\n"));

    // Numbers distinguish two cases of one name only while they are certain.
    let (mut one, mut two) = (office.stored().await, office.stored().await);
    (one.id, two.id) = (id("2"), id("3"));
    let pair = |one: &Case, two: &Case| {
        let mut builder = Report::builder(start());
        builder.add(one);
        builder.add(two);
        builder.finish().duplicates.by_particulars.len()
    };
    two.nhs_number =
        imported("SMSP", OTHER).map(|recorded| recorded.with_person(john().identity()));
    assert_eq!(pair(&one, &two), 1);
    one.nhs_number = one.nhs_number.map(|recorded| recorded.with_person(john().identity()));
    assert_eq!(pair(&one, &two), 0);
}

/// After an upgrade, every number belongs to the person of its case; a change comes later.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn an_older_file_keeps_its_numbers_printable_and_notices_a_change() {
    use nhs_pds::case::SqliteStore;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.db");
    let store = SqliteStore::open(&file).unwrap();
    let mut traced = eleanor();
    traced.nhs_number = imported("SMSP", NUMBER);
    let mut bare = Case::new(id("2"), RecordType::Review);
    bare.nhs_number = imported("SMSP", OTHER);
    let without = Case::new(id("3"), RecordType::Review);
    // One number was found by the worker. The other case has changed to another person since, unnoticed.
    let by_the_worker = |text: &str, now: &Case| {
        let source = Provenance::new(exchange(start()), Freshness::Live, "exact");
        let mut case = now.clone();
        case.id = id(text);
        case.nhs_number = Some(RecordedNumber::new(THIRD, NumberSource::Traced(source)));
        let (scope, policy) = (Scope::default(), one_question());
        let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
        case.asking.asked = Some(plan(&eleanor(), &scope, &policy, root, start()).unwrap().asked);
        case
    };
    let (same, another) = (by_the_worker("4", &eleanor()), by_the_worker("5", &john()));
    store.insert_all(vec![traced, bare, without, same, another]).await.unwrap();
    drop(store);
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch(
        "INSERT INTO cases (case_id, version, document) VALUES ('6', 1, 'damaged');
         DROP TABLE case_due; DROP TABLE setting;
         DROP TABLE case_item; DROP TABLE case_search; DROP TABLE case_search_pending; DROP TABLE case_count;
         DROP TABLE case_item_count; DROP TABLE case_worker;
         CREATE TABLE case_lease (case_id TEXT);
         PRAGMA user_version = 5",
    )
    .unwrap();
    drop(old);

    let store = Arc::new(SqliteStore::open(&file).unwrap());
    let office = Office::over(store);
    let case = office.stored().await;
    let person = case.nhs_number.as_ref().unwrap().person.clone().unwrap();
    assert!(person == eleanor().identity());
    assert_eq!(printed(&case), Ok(NUMBER));
    let bare = office.get("2").await;
    assert!(bare.nhs_number.as_ref().unwrap().person == Some(Identity::default()));
    assert_eq!(printed(&bare), Ok(OTHER));
    assert!(office.get("3").await.nhs_number.is_none());
    assert_eq!(printed(&office.get("4").await), Ok(THIRD));
    is_in_doubt(&office.get("5").await, office.now);

    // Saved by any program, in any way.
    let mut changed = case;
    changed.surname = Some("Jones".into());
    office.store.save(&changed).await.unwrap();
    is_in_doubt(&office.stored().await, office.now);
}

/// A number that was confirmed while the clock was ten years ahead.
#[tokio::test]
async fn a_number_confirmed_by_a_clock_ahead_is_still_verified() {
    let ahead: DateTime<Utc> = "2036-11-23T09:30:00Z".parse().unwrap();
    let confirmed = |at| {
        let provenance = Provenance::new(exchange(at), Freshness::Live, "exact");
        let source = NumberSource::Traced(provenance);
        Some(RecordedNumber::new(NUMBER, source).with_since(at))
    };
    let mut smsp = imported("SMSP", NUMBER);
    smsp.as_mut().unwrap().since = Some(ahead);
    for recorded in [confirmed(ahead), smsp] {
        let mut office = Office::over(Arc::new(MemoryStore::new()));
        office.policy = one_question().with_reverification(TimeDelta::days(90));
        let mut case = eleanor();
        case.nhs_number = recorded;
        office.store.insert_all(vec![case]).await.unwrap();
        let (asked, _) = office.pass([Ok(found(&eleanor(), NUMBER))]).await;
        assert_eq!(asked.len(), 1);
    }
    let mut office = Office::over(Arc::new(MemoryStore::new()));
    office.policy = one_question().with_reverification(TimeDelta::days(90));
    let mut case = eleanor();
    case.nhs_number = confirmed(start());
    office.store.insert_all(vec![case]).await.unwrap();
    assert!(office.pass([]).await.0.is_empty(), "one that was confirmed today has time");
}

/// A wait that began while the clock was ahead, by less than the longest wait.
#[tokio::test]
async fn a_wait_that_began_in_the_future_has_ended() {
    let mut office = Office::over(Arc::new(MemoryStore::new()));
    office.import(eleanor()).await;
    office.now += TimeDelta::days(20);
    office.pass([Ok(Outcome::None)]).await;
    assert!(office.pass([]).await.0.is_empty(), "tomorrow");
    office.now = start();
    assert_eq!(office.pass([Ok(Outcome::None)]).await.0.len(), 1, "the clock was put right");
    let last = office.stored().await.last_trace;
    assert_eq!(last.map(|last: TraceRecord| last.at), Some(office.now));
    assert!(office.pass([]).await.0.is_empty());
}

/// One event of a case.
#[derive(Clone, Debug)]
enum Event {
    Import(usize, Option<(bool, NhsNumber)>),
    Correct(usize),
    Accept,
    Pass(Vec<usize>),
}

/// People who share some of their fields; one of them occurs twice, typed differently.
fn people() -> [Case; 6] {
    let mut typed = eleanor();
    (typed.surname, typed.forename) = (Some("PARRY ".into()), Some("eleanor".into()));
    let mut unnamed = eleanor();
    unnamed.forename = None;
    let married = case("1", "Eleanor", "Jones", "1943-05-19", Gender::Female);
    let twin = case("1", "Ellen", "Parry", "1943-05-19", Gender::Female);
    [eleanor(), typed, unnamed, married, twin, john()]
}

/// The possible responses to any query.
fn answers() -> Vec<Result<Outcome, ErrorKind>> {
    let mut answers: Vec<Result<Outcome, ErrorKind>> = vec![
        Ok(Outcome::None),
        Ok(Outcome::NotVerified),
        Ok(Outcome::Invalidated),
        Ok(Outcome::Ambiguous(Vec::new())),
        Ok(Outcome::Superseded { by: None, person: None }),
        Err(ErrorKind::Unavailable),
        Err(ErrorKind::Rejected),
    ];
    for of in people() {
        for number in [NUMBER, OTHER] {
            answers.push(Ok(found(&of, number)));
            let copy = |found: &mut Match| found.freshness = Freshness::Stale;
            answers.push(Ok(found_as(&of, number, copy)));
            answers.push(Ok(replaced(Some(number), &of)));
        }
    }
    answers
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let number = prop_oneof![
        3 => Just(None),
        1 => (any::<bool>(), prop_oneof![Just(NUMBER), Just(OTHER)]).prop_map(Some),
    ];
    let count = answers().len();
    let event = prop_oneof![
        3 => (0..6_usize, number).prop_map(|(who, number)| Event::Import(who, number)),
        1 => (0..6_usize).prop_map(Event::Correct),
        1 => Just(Event::Accept),
        5 => prop::collection::vec(0..count, 2).prop_map(Event::Pass),
    ];
    prop::collection::vec(event, 1..14)
}

/// The person for whom the number of the case was last confirmed, as far as the test saw it. A pass that
/// wrote it, a reviewer who accepted it, or a local system that says it was traced confirms it.
#[derive(Default)]
struct Seen {
    confirmed: Option<(NhsNumber, Identity)>,
}

impl Seen {
    fn confirm(&mut self, case: &Case) {
        let number = case.nhs_number.as_ref().map(|recorded| recorded.number);
        self.confirmed = number.map(|number| (number, case.identity()));
    }
}

async fn happen(office: &mut Office, seen: &mut Seen, event: Event) {
    let before = office.stored().await;
    let number = |case: &Case| case.nhs_number.as_ref().map(|recorded| recorded.number);
    match event {
        Event::Import(who, number_read) => {
            let mut read = people().get(who).cloned().unwrap();
            read.nhs_number = number_read
                .and_then(|(traced, it)| imported(if traced { "SMSP" } else { "GP letter" }, it));
            office.import(read).await;
            let after = office.stored().await;
            if number(&after) != number(&before) {
                seen.confirm(&after);
            }
        }
        Event::Correct(who) => {
            office.open("1", ReviewReason::Discrepancy, Evidence::default()).await;
            let person = people().get(who).cloned().unwrap();
            let mut corrections = Corrections::default();
            corrections.surname.clone_from(&person.surname);
            corrections.forename = Some(person.forename.clone().unwrap_or_default());
            (corrections.date_of_birth, corrections.gender) = (person.date_of_birth, person.gender);
            let item = office.stored().await.open_items().last().unwrap().number;
            let item = ItemId::new(id("1"), item);
            let correct = Resolution::CorrectAndAskAgain(corrections);
            office.queue().resolve(&item, &correct, &jo()).await.map(drop).unwrap();
        }
        Event::Accept => accept(office, seen, &before).await,
        Event::Pass(chosen) => {
            office.now += TimeDelta::days(1);
            let answers = answers();
            let chosen = chosen.iter().filter_map(|place| answers.get(*place).cloned());
            let tracer = Arc::new(ScriptedTracer::new(chosen));
            let mut written = false;
            let observe = &mut |case: &CaseReport| written = case.number_written;
            office.worker(&tracer).run_once(observe).await.unwrap();
            let after = office.stored().await;
            if written {
                seen.confirm(&after);
            }
        }
    }
}

/// A reviewer accepts the number of the last open item, for the queried person.
async fn accept(office: &Office, seen: &mut Seen, case: &Case) {
    let Some(item) = case.open_items().last() else { return };
    let evidence = &item.evidence;
    let (Some(offered), Some(asked)) = (evidence.nhs_number, evidence.asked.clone()) else {
        return;
    };
    let item = ItemId::new(id("1"), item.number);
    let accepted = Resolution::AcceptNumber(offered);
    let done = office.queue().resolve(&item, &accepted, &jo()).await.unwrap();
    let is_confirmed = seen.confirmed.as_ref().is_some_and(|(number, person)| {
        *number == offered && person.changes(&case.identity()).is_empty()
    });
    if done == Done::Done && !is_confirmed {
        let mut identity = Identity::default();
        (identity.surname, identity.forename) = (Some(asked.family), asked.given);
        identity.date_of_birth = Some(asked.date_of_birth.into());
        identity.gender = asked.gender;
        seen.confirmed = Some((offered, identity));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// After any events, a number that may be printed is that of the person of the case, as it was last
    /// confirmed.
    #[test]
    fn a_printed_number_was_confirmed_for_the_person_of_the_case(events in events()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut office = Office::over(Arc::new(MemoryStore::new()));
            office.import(eleanor()).await;
            let mut seen = Seen::default();
            for event in events {
                happen(&mut office, &mut seen, event).await;
                let case = office.stored().await;
                if let Ok(number) = printed(&case) {
                    let (confirmed, person) = seen.confirmed.as_ref().unwrap();
                    prop_assert_eq!(number, *confirmed);
                    prop_assert_eq!(person.changes(&case.identity()), vec![]);
                }
            }
            Ok(())
        })?;
    }
}
