//! Reviewers' actions on review items, end to end: over both stores, with runs of the worker before and
//! after.

use crate::support::layer::{Layer, Layered};
use crate::support::one_question;
use async_trait::async_trait;
use nhs_pds::audit::{
    self, Actor, Anchor, AuditLog, Entry, Event, EventKind, Filter, MemoryLog, Verdict, case_as_of,
};
use nhs_pds::case::{
    self, Absorbed, AdvisoryKind, Allocation, Case, CaseId, CaseStore, Change, DeletionKind,
    MemoryStore, NumberSource, NumberStatus, RecordType, RecordedNumber, ReviewReason, ReviewState,
    advisories,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::{Demographics, Field, Gender, PersonName, Recorded};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::review::{
    ActionOutcome, Corrections, ItemFilter, ItemId, ListedItem, Refusal, Resolution, ReviewQueue,
};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{ErrorKind, Scope, Settings, Worker, plan};
use nhs_pds::trace::{
    Caller, LocalIdentifier, LocalIdentity, Match, Outcome as Traced, Question, ScriptedTracer,
    User,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
const OTHER: NhsNumber = NhsNumber::constant(9_434_765_919);
const NOW: &str = "2026-11-24T09:30:00Z";

/// More searches than a strategy has.
const WIDER: usize = 20;

fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

fn item(text: &str, number: u32) -> ItemId {
    ItemId::new(id(text), number)
}

fn case(text: &str) -> Case {
    let mut case = Case::new(id(text), RecordType::AdultCase);
    case.surname = Some(format!("Family {text}"));
    (case.forename, case.postcode) = (Some("Comfort".into()), Some("KT17 1NA".into()));
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.allocations = vec![Allocation::new("A Worker")];
    case
}

fn imported(number: NhsNumber) -> Option<RecordedNumber> {
    Some(RecordedNumber::new(number, NumberSource::Imported(Some("SMSP".into()))))
}

fn number(case: &Case) -> Option<NhsNumber> {
    case.nhs_number.as_ref().map(|recorded| recorded.number)
}

fn person(given: &str, family: &str) -> Demographics {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new(given, family));
    person.date_of_birth = Recorded::read("1943-05-19");
    person.gender = Recorded::Known(Gender::Female);
    person
}

fn found(given: &str, family: &str, number: NhsNumber) -> Traced {
    Traced::Found(Box::new(Match::new(number).with_person(person(given, family))))
}

fn jo() -> Actor {
    let user = User::Local(LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap());
    Actor::new(&user.into(), "Jo Doe").with_role("Back office", "RHM".parse().unwrap())
}

/// A store, a trail and a sink, with the worker and the reviewers.
struct Office {
    store: Arc<dyn CaseStore>,
    audit: Arc<dyn AuditLog>,
    alerts: Arc<MemoryAlerts>,
    queue: ReviewQueue,
    tracer: Arc<ScriptedTracer>,
}

impl Office {
    fn over(store: Arc<dyn CaseStore>, audit: Arc<dyn AuditLog>) -> Self {
        let alerts = Arc::new(MemoryAlerts::default());
        let sink: Arc<dyn AlertSink> = Arc::<MemoryAlerts>::clone(&alerts);
        let clock = Arc::new(FixedClock::at(NOW.parse().unwrap()));
        let queue =
            ReviewQueue::new(Arc::new(Joined::new(Arc::clone(&store), Arc::clone(&audit), sink)))
                .with_clock(clock);
        Self { store, audit, alerts, queue, tracer: Arc::new(ScriptedTracer::new([])) }
    }

    fn in_memory() -> Self {
        Self::over(Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()))
    }

    /// One for each kind of store, with `cases`.
    async fn each(cases: &[Case]) -> Vec<Self> {
        let offices = vec![
            Self::in_memory(),
            #[cfg(feature = "sqlite")]
            Self::over(
                Arc::new(nhs_pds::case::SqliteStore::open_in_memory().unwrap()),
                Arc::new(nhs_pds::audit::SqliteLog::open_in_memory().unwrap()),
            ),
        ];
        for office in &offices {
            office.store.insert_all(cases.to_vec()).await.unwrap();
        }
        offices
    }

    /// One pass of the worker, with these responses. Returns the number of queries.
    async fn pass(&mut self, answers: impl IntoIterator<Item = Traced>) -> usize {
        self.pass_at(NOW, answers).await
    }

    async fn pass_at(&mut self, at: &str, answers: impl IntoIterator<Item = Traced>) -> usize {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        // A search that matches no person is followed by wider ones, which match no person either.
        let answers: Vec<Traced> = answers.into_iter().collect();
        let finds_none = |answer: &&Traced| matches!(answer, Traced::None);
        let wider = answers.last().filter(finds_none).map_or(0, |_| answers.len() * WIDER);
        let script = answers.into_iter().chain(std::iter::repeat_n(Traced::None, wider));
        self.tracer = Arc::new(ScriptedTracer::new(script.map(Ok)));
        let worker = Worker::new(
            Arc::<ScriptedTracer>::clone(&self.tracer),
            Arc::new(Joined::new(
                Arc::clone(&self.store),
                Arc::clone(&self.audit),
                Arc::<MemoryAlerts>::clone(&self.alerts),
            )),
            Settings::new(Caller::System(us))
                .with_policy(one_question())
                .with_clock(Arc::new(FixedClock::at(at.parse().unwrap()))),
        );
        worker.run_once(&mut |_| ()).await.unwrap();
        assert!(self.tracer.left() <= wider, "every response was used");
        self.tracer.asked().len()
    }

    /// One pass, in which every queried person is found with this number.
    async fn pass_that_finds(&mut self, number: NhsNumber) {
        let cases = self.all().await;
        let (scope, policy, now) = (Scope::default(), one_question(), NOW.parse().unwrap());
        let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
        let asked = cases.iter().filter(|case| plan(case, &scope, &policy, root, now).is_ok());
        let families: Vec<&str> = asked.filter_map(|case| case.surname.as_deref()).collect();
        self.pass(families.iter().map(|family| found("COMFORT", family, number))).await;
    }

    async fn stored(&self, text: &str) -> Case {
        self.store.get(&id(text)).await.unwrap().unwrap()
    }

    async fn open(&self) -> Vec<ItemId> {
        let listed = self.queue.list(&ItemFilter::default(), None, 99, &jo()).await.unwrap();
        listed.into_iter().map(|listed| listed.id).collect()
    }

    /// Resolves the item twice: the second time it is already done, and not audited again.
    async fn resolve(&self, item: &ItemId, resolution: Resolution) {
        let done = self.queue.resolve(item, &resolution, &jo()).await.unwrap();
        assert_eq!(done, ActionOutcome::Done, "{}", resolution.as_str());
        let head = self.audit.head().await.unwrap();
        let again = self.queue.resolve(item, &resolution, &jo()).await.unwrap();
        assert_eq!(again, ActionOutcome::AlreadyDone, "{}", resolution.as_str());
        assert_eq!(self.audit.head().await.unwrap(), head, "no action, so no event");
    }

    async fn refuses(&self, item: &ItemId, resolution: Resolution) -> Refusal {
        let head = self.audit.head().await.unwrap();
        let outcome = self.queue.resolve(item, &resolution, &jo()).await.unwrap();
        assert_eq!(self.audit.head().await.unwrap(), head);
        let ActionOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        refusal
    }

    async fn events(&self, text: &str) -> Vec<Event> {
        let filter = Filter::new().with_case(id(text));
        self.audit.page(&filter, 0, 999).await.unwrap()
    }

    /// The details of the last change of a case.
    async fn last_change(&self, text: &str) -> (String, Vec<(String, String)>) {
        let events = self.events(text).await;
        let last = events.iter().rfind(|event| event.kind == EventKind::CaseChanged).unwrap();
        assert!(
            last.about.subject().and_then(|subject| subject.case())
                == Some(&self.stored(text).await),
            "the trail has the case as it is stored"
        );
        (last.actor.user_id().to_owned(), last.details.clone())
    }
}

fn details(words: &[(&str, &str)]) -> Vec<(String, String)> {
    words.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn an_accepted_number_is_not_queried_again() {
    for mut office in Office::each(&[case("1")]).await {
        office.pass([found("JOY", "FAMILY 1", NUMBER)]).await;
        let doubt = item("1", 1);
        let shown = office.queue.show(&doubt, &jo()).await.unwrap().unwrap();
        assert_eq!(shown.item.reason, ReviewReason::Differs(Field::Given));
        assert_eq!(shown.offered, Some(NUMBER));
        let comparison = shown.comparison.unwrap();
        let given = comparison.field(Field::Given).unwrap();
        assert_eq!((given.local.as_deref(), given.pds.as_deref()), (Some("Comfort"), Some("JOY")));
        let viewed = office.events("1").await.pop().unwrap();
        assert_eq!(viewed.kind, EventKind::CaseViewed);
        assert!(viewed.actor == jo(), "with name, role and organisation");

        let wrong = office.refuses(&doubt, Resolution::AcceptNumber(OTHER)).await;
        assert_eq!(wrong, Refusal::NotOffered);
        office.resolve(&doubt, Resolution::AcceptNumber(NUMBER)).await;
        let accepted = office.stored("1").await;
        let recorded = accepted.nhs_number.as_ref().unwrap();
        let NumberSource::Traced(provenance) = &recorded.source else { panic!() };
        assert_eq!(provenance.confirmed_by.as_deref(), Some(jo().user_id()));
        assert!(advisories(&accepted).is_empty() && office.open().await.is_empty());
        let (by, said) = office.last_change("1").await;
        assert_eq!(by, jo().user_id());
        let expected = [("action", "accepted"), ("item", "1"), ("reason", "differs:given")];
        assert_eq!(said[..3], details(&expected));
        let keys: Vec<&str> = said[3..].iter().map(|(key, _)| key.as_str()).collect();
        assert!(
            keys.starts_with(&["step", "risk", "evidence"]),
            "what the user has decided on: {keys:?}"
        );
        let steps: Vec<&str> =
            accepted.review[0].history.iter().map(|step| step.what.as_str()).collect();
        assert_eq!(steps, ["accepted"]);
        assert_eq!(office.pass_at("2026-12-24T09:30:00Z", []).await, 0, "the number was traced");
    }
}

/// A candidate without complete evidence can be accepted, whatever the query was.
#[tokio::test]
async fn an_unconfirmed_candidate_is_confirmed_by_a_person() {
    let letter = NumberSource::Imported(Some("GP letter".into()));
    let without_forename = |recorded: Option<NumberSource>| {
        let mut case = case("1");
        case.forename = None;
        case.nhs_number = recorded.map(|source| RecordedNumber::new(OTHER, source));
        case
    };
    let successor = Traced::Superseded {
        by: Some(NUMBER),
        person: Some(Box::new(person("COMFORT", "FAMILY 1"))),
    };
    for (recorded, answer, candidate) in [
        (None, found("COMFORT", "FAMILY 1", NUMBER), NUMBER),
        (Some(letter.clone()), found("COMFORT", "FAMILY 1", OTHER), OTHER),
        (Some(letter), successor, NUMBER),
    ] {
        for mut office in Office::each(&[without_forename(recorded.clone())]).await {
            office.pass([answer.clone()]).await;
            let before = office.stored("1").await.nhs_number;
            assert!(before.is_none_or(|before| before.source == recorded.clone().unwrap()));
            let shown = office.queue.show(&item("1", 1), &jo()).await.unwrap().unwrap();
            assert_eq!(shown.item.reason, ReviewReason::Unconfirmed);
            assert_eq!(shown.offered, Some(candidate));
            assert!(shown.comparison.is_some(), "the candidate is shown beside the case");
            office.resolve(&item("1", 1), Resolution::AcceptNumber(candidate)).await;
            let accepted = office.stored("1").await.nhs_number.unwrap();
            assert_eq!(accepted.number, candidate);
            assert!(accepted.source.is_traced() && accepted.status.is_usable());
            assert_eq!(office.pass_at("2026-12-24T09:30:00Z", []).await, 0);
        }
    }
}

#[tokio::test]
async fn a_rejected_number_is_never_offered_again() {
    for mut office in Office::each(&[case("1")]).await {
        office.pass([found("JOY", "FAMILY 1", NUMBER)]).await;
        office.resolve(&item("1", 1), Resolution::RejectNumber(NUMBER)).await;
        // Even if the service now has the right fields.
        office.pass_at("2027-11-24T09:30:00Z", [found("COMFORT", "FAMILY 1", NUMBER)]).await;
        let case = office.stored("1").await;
        assert!(case.nhs_number.is_none());
        let [again] = &case.open_items().collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!(again.reason, ReviewReason::NoMatch);
        let refusal = office.refuses(&item("1", 2), Resolution::AcceptNumber(NUMBER)).await;
        assert_eq!(refusal, Refusal::RejectedBefore);
        let shown = office.queue.show(&item("1", 2), &jo()).await.unwrap().unwrap();
        assert_eq!(shown.offered, None);
    }
}

#[tokio::test]
async fn a_rejected_number_is_removed_and_traced_anew() {
    let mut recorded = case("1");
    recorded.nhs_number = Some(RecordedNumber::new(OTHER, NumberSource::Imported(None)));
    for mut office in Office::each(&[recorded]).await {
        // The service says too that it belongs to a different person.
        office.pass([Traced::NotVerified, Traced::None]).await;
        let doubtful = office.stored("1").await;
        assert_eq!(advisories(&doubtful)[0].kind, AdvisoryKind::UnderInvestigation);
        let open = doubtful.open_items().last().unwrap().number;
        office.resolve(&item("1", open), Resolution::RejectNumber(OTHER)).await;
        assert!(advisories(&office.stored("1").await).is_empty());
        let asked = office.pass([found("COMFORT", "FAMILY 1", NUMBER)]).await;
        assert_eq!(asked, 1, "at once");
        assert!(
            office.stored("1").await.nhs_number.is_some_and(|recorded| recorded.number == NUMBER)
        );
    }
}

#[tokio::test]
async fn corrected_demographics_are_traced_at_once() {
    for mut office in Office::each(&[case("1")]).await {
        office.pass([Traced::None]).await;
        assert_eq!(office.pass([]).await, 0, "not due");
        let nothing = Resolution::CorrectAndAskAgain(Corrections::default());
        assert_eq!(office.refuses(&item("1", 1), nothing).await, Refusal::NothingToCorrect);
        let mut corrections = Corrections::default();
        corrections.surname = Some("Familiar".into());
        office.resolve(&item("1", 1), Resolution::CorrectAndAskAgain(corrections)).await;
        assert_eq!(office.pass([found("COMFORT", "FAMILIAR", NUMBER)]).await, 1);
        let Question::Find(asked) = &office.tracer.asked()[0] else { panic!() };
        assert_eq!(asked.family().as_str(), "Familiar");
        assert!(office.stored("1").await.nhs_number.is_some());
    }
}

#[tokio::test]
async fn a_person_not_on_pds_is_traced_when_corrected() {
    for mut office in Office::each(&[case("1")]).await {
        office.pass([Traced::None]).await;
        office.resolve(&item("1", 1), Resolution::NotOnPds).await;
        assert_eq!(office.pass_at("2036-11-24T09:30:00Z", []).await, 0);
        let mut corrected = office.stored("1").await;
        corrected.forename = Some("Joy".into());
        office.store.save(&corrected).await.unwrap();
        assert_eq!(office.pass([found("JOY", "FAMILY 1", NUMBER)]).await, 1);
        assert!(!office.stored("1").await.not_on_pds, "they are, after all");
    }
}

/// Two cases of one number: the first has it, and it was found for the second.
async fn two_of_one_number(office: &mut Office) {
    office.pass([found("COMFORT", "FAMILY 2", NUMBER)]).await;
    assert_eq!(office.open().await, [item("1", 1), item("2", 1)]);
    assert_eq!(office.alerts.delivered().len(), 1);
}

fn holder_and_newcomer() -> [Case; 2] {
    let (mut holder, newcomer) = (case("1"), case("2"));
    holder.surname.clone_from(&newcomer.surname);
    holder.nhs_number = imported(NUMBER);
    [holder, newcomer]
}

#[tokio::test]
async fn duplicates_are_merged_and_unmerged() {
    for mut office in Office::each(&holder_and_newcomer()).await {
        two_of_one_number(&mut office).await;
        let recorded = office.refuses(&item("2", 1), Resolution::AcceptNumber(NUMBER)).await;
        assert_eq!(recorded, Refusal::HeldByAnother);
        let shown = office.queue.show(&item("2", 1), &jo()).await.unwrap().unwrap();
        assert_eq!(shown.offered, None, "what would be refused is not offered");
        let itself = office.refuses(&item("2", 1), Resolution::Merge { absorbed: id("2") }).await;
        assert_eq!(itself, Refusal::SameCase);

        office.resolve(&item("2", 1), Resolution::Merge { absorbed: id("1") }).await;
        let (survivor, gone) = (office.stored("2").await, office.stored("1").await);
        assert!(number(&survivor) == Some(NUMBER) && !gone.is_live());
        assert!(advisories(&survivor).is_empty() && office.open().await.is_empty());
        assert_eq!(office.store.holders(NUMBER).await.unwrap(), [id("2")]);
        for (case, action) in [("1", "absorbed"), ("2", "merged")] {
            assert_eq!(office.last_change(case).await.1[0], details(&[("action", action)])[0]);
        }

        let undone = office.queue.undo_merge(&id("2"), &id("1"), &jo()).await.unwrap();
        assert_eq!(undone, ActionOutcome::Done);
        let again = office.queue.undo_merge(&id("2"), &id("1"), &jo()).await.unwrap();
        assert_eq!(again, ActionOutcome::Refused(Refusal::NotMerged));
        let (survivor, back) = (office.stored("2").await, office.stored("1").await);
        assert!(survivor.nhs_number.is_none() && back.nhs_number == imported(NUMBER));
        assert!(survivor.absorbed.is_empty() && back.is_live());
        assert!(office.open().await.is_empty(), "only one of them has it");
        let opened = [item("1", 2), item("2", 2)];
        office.pass([found("COMFORT", "FAMILY 2", NUMBER)]).await;
        assert_eq!(office.open().await, opened, "the duplicate is flagged again");
        office.resolve(&item("1", 2), Resolution::Merge { absorbed: id("2") }).await;
        let _ = office.queue.undo_merge(&id("1"), &id("2"), &jo()).await.unwrap();
        office.pass([found("COMFORT", "FAMILY 2", NUMBER)]).await;
        assert_eq!(office.open().await.len(), 2, "in either direction of the merge");
        // The trail says who made each change.
        let now = NOW.parse().unwrap();
        let version = back.version;
        for (version, live) in [(version - 1, false), (version, true)] {
            let then = case_as_of(&*office.audit, &id("1"), version, now).await.unwrap().unwrap();
            assert_eq!(then.is_live(), live);
        }
    }
}

/// A third case is a duplicate of whichever of the two has the number.
#[tokio::test]
async fn duplicates_follow_the_case_with_the_number() {
    let mut holder = case("1");
    holder.nhs_number = imported(NUMBER);
    for mut office in Office::each(&[holder, case("2"), case("3")]).await {
        let both = [found("COMFORT", "FAMILY 2", NUMBER), found("COMFORT", "FAMILY 3", NUMBER)];
        office.pass(both).await;
        assert_eq!(office.open().await, [item("1", 1), item("2", 1), item("3", 1)]);
        office.resolve(&item("2", 1), Resolution::Merge { absorbed: id("1") }).await;
        let named = |case: &Case| -> Vec<CaseId> {
            let open = case.open_items().filter(|item| item.reason == ReviewReason::Duplicate);
            open.flat_map(|item| item.evidence.others.clone()).collect()
        };
        assert_eq!(named(&office.stored("3").await), [id("2")]);
        let undone = office.queue.undo_merge(&id("2"), &id("1"), &jo()).await.unwrap();
        assert_eq!(undone, ActionOutcome::Done);
        assert_eq!(named(&office.stored("1").await), [id("3")], "the holder is warned of");
        assert_eq!(named(&office.stored("3").await), [id("1")]);
        assert_eq!(named(&office.stored("2").await), [], "it has no number to share");
    }
}

#[tokio::test]
async fn a_merge_replaces_a_superseded_number() {
    let mut old = case("1");
    old.nhs_number = Some(RecordedNumber::new(OTHER, NumberSource::Imported(None)));
    let mut new = case("2");
    new.surname.clone_from(&old.surname);
    new.nhs_number = imported(NUMBER);
    for mut office in Office::each(&[old, new]).await {
        office
            .pass([Traced::Superseded {
                by: Some(NUMBER),
                person: Some(Box::new(person("COMFORT", "FAMILY 1"))),
            }])
            .await;
        let before = office.stored("1").await;
        assert_eq!(before.nhs_number.as_ref().unwrap().status, NumberStatus::Superseded);
        assert!(advisories(&before).iter().any(|told| told.kind == AdvisoryKind::Superseded));
        office.resolve(&item("1", 1), Resolution::Merge { absorbed: id("2") }).await;
        let survivor = office.stored("1").await;
        assert!(number(&survivor) == Some(NUMBER) && advisories(&survivor).is_empty());
        assert!(office.open().await.is_empty());
        let _ = office.queue.undo_merge(&id("1"), &id("2"), &jo()).await.unwrap();
        let undone = office.stored("1").await.nhs_number.unwrap();
        assert_eq!((undone.number, undone.status), (OTHER, NumberStatus::Superseded), "as it was");
    }
}

#[tokio::test]
async fn a_case_is_deleted_undeleted_and_flagged() {
    for mut office in Office::each(&holder_and_newcomer()).await {
        two_of_one_number(&mut office).await;
        for expected in [ActionOutcome::Done, ActionOutcome::AlreadyDone] {
            assert_eq!(office.queue.delete(&id("1"), &jo()).await.unwrap(), expected);
        }
        assert!(!office.stored("2").await.review[0].is_open(), "no other case has the number");
        assert!(office.open().await.is_empty());
        // The number is free.
        office.pass_at("2027-11-24T09:30:00Z", [found("COMFORT", "FAMILY 2", NUMBER)]).await;
        assert!(office.stored("2").await.nhs_number.is_some());
        for expected in [ActionOutcome::Done, ActionOutcome::AlreadyDone] {
            assert_eq!(office.queue.undelete(&id("1"), &jo()).await.unwrap(), expected);
        }
        for text in ["1", "2"] {
            let told = advisories(&office.stored(text).await);
            assert_eq!(told[0].kind, AdvisoryKind::Duplicate);
        }
        // The first alert was about the worker's finding; the second is about the undeletion.
        assert_eq!(office.alerts.delivered().len(), 2);
        assert!(office.stored("1").await.undelivered.is_empty(), "and it is noted");
        let missing = office.queue.delete(&id("9"), &jo()).await.unwrap();
        assert_eq!(missing, ActionOutcome::Refused(Refusal::NoSuchCase));
    }
}

#[tokio::test]
async fn items_are_assigned_and_listed() {
    let cases: Vec<Case> = (1..=250).map(|n| case(&format!("{n:03}"))).collect();
    for mut office in Office::each(&cases).await {
        office.pass(cases.iter().map(|_| Traced::None)).await;
        let (queue, jo) = (&office.queue, jo());
        let mut seen = Vec::new();
        loop {
            let page = queue.list(&ItemFilter::default(), seen.last(), 40, &jo).await.unwrap();
            if page.is_empty() {
                break;
            }
            seen.extend(page.iter().map(ListedItem::place));
        }
        assert_eq!(seen.len(), 250);
        assert!(seen.is_sorted());
        let counts = queue.counts("a.worker", None).await.unwrap();
        assert_eq!((counts.open, counts.unassigned, counts.assigned), (250, 250, 0));

        let second = item("002", 1);
        for expected in [ActionOutcome::Done, ActionOutcome::AlreadyDone] {
            let state = ReviewState::WithNationalBackOffice;
            assert_eq!(queue.assign(&second, Some("a.worker"), &jo).await.unwrap(), expected);
            assert_eq!(queue.transition(&second, state, &jo).await.unwrap(), expected);
            assert_eq!(queue.note(&second, "Sent the form.", &jo).await.unwrap(), expected);
        }
        let with_nbo = ItemFilter::default().with_state(ReviewState::WithNationalBackOffice);
        let theirs = with_nbo.with_assignee("a.worker").with_reason(ReviewReason::NoMatch);
        let listed = queue.list(&theirs, None, 9, &jo).await.unwrap();
        assert!(listed.len() == 1 && listed[0].id == second && listed[0].age.is_zero());
        assert_eq!(office.last_change("002").await.1[0].1, "noted");

        let done = queue.resolve(&second, &Resolution::Dismiss, &jo).await.unwrap();
        assert_eq!(done, ActionOutcome::Done);
        assert!(queue.list(&theirs, None, 9, &jo).await.unwrap().is_empty());
        let closed = queue.transition(&second, ReviewState::WithGp, &jo).await.unwrap();
        assert_eq!(closed, ActionOutcome::Refused(Refusal::Closed));
        assert_eq!(
            queue.transition(&second, ReviewState::Open, &jo).await.unwrap(),
            ActionOutcome::Done
        );
        let case = office.stored("002").await;
        let steps: Vec<&str> =
            case.review[0].history.iter().map(|step| step.what.as_str()).collect();
        let expected = ["assigned", "with_national_back_office", "noted", "dismissed", "reopened"];
        assert_eq!(steps, expected);
    }
}

// Interrupted actions, and concurrent changes.

/// Allows this many effects of the store and the trail, and then fails: before the effect, or after.
#[derive(Debug)]
struct Fuse {
    left: AtomicUsize,
    after: bool,
}

impl Fuse {
    fn new(left: usize, after: bool) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(left), after })
    }

    fn burn(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        left == 0
    }
}

#[derive(Debug)]
struct Burning(Arc<dyn CaseStore>, Arc<Fuse>);

fn no_store() -> case::Error {
    case::Error::new(case::ErrorKind::Unavailable)
}

#[async_trait]
impl Layer for Burning {
    fn behind(&self) -> &dyn CaseStore {
        &*self.0
    }
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
        let burnt = self.1.burn();
        if !burnt || self.1.after {
            self.0.save_all(changes).await?;
        }
        if burnt { Err(no_store()) } else { Ok(()) }
    }
    async fn erase(&self, case: Case) -> Result<(), case::Error> {
        let burnt = self.1.burn();
        if !burnt || self.1.after {
            self.0.erase(case).await?;
        }
        if burnt { Err(no_store()) } else { Ok(()) }
    }
}

#[derive(Debug)]
struct BurningLog(Arc<dyn AuditLog>, Arc<Fuse>);

fn no_trail() -> audit::Error {
    audit::Error::new(audit::ErrorKind::Unavailable)
}

#[async_trait]
impl AuditLog for BurningLog {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, audit::Error> {
        let burnt = self.1.burn();
        if !burnt || self.1.after {
            self.0.append(entries).await?;
        }
        if burnt { Err(no_trail()) } else { Ok(0) }
    }
    async fn page(
        &self,
        filter: &Filter,
        after: u64,
        n: usize,
    ) -> Result<Vec<Event>, audit::Error> {
        self.0.page(filter, after, n).await
    }
    async fn head(&self) -> Result<Anchor, audit::Error> {
        self.0.head().await
    }
    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, audit::Error> {
        self.0.verify(anchors).await
    }
    async fn forget(&self, case: &CaseId) -> Result<(), audit::Error> {
        let burnt = self.1.burn();
        if !burnt || self.1.after {
            self.0.forget(case).await?;
        }
        if burnt { Err(no_trail()) } else { Ok(()) }
    }
}

impl Office {
    /// The same, until the fuse fails.
    fn burning(&self, fuse: &Arc<Fuse>) -> ReviewQueue {
        Self::over(
            Arc::new(Layered(Burning(Arc::clone(&self.store), Arc::clone(fuse)))),
            Arc::new(BurningLog(Arc::clone(&self.audit), Arc::clone(fuse))),
        )
        .queue
    }

    async fn all(&self) -> Vec<Case> {
        self.store.page(None, 99).await.unwrap()
    }
}

#[tokio::test]
async fn without_a_record_nothing_is_changed() {
    let mut replaced = case("1");
    replaced.open_item(ReviewReason::Replaced, &Default::default(), NOW.parse().unwrap());
    for office in Office::each(&[replaced]).await {
        let queue = office.burning(&Fuse::new(0, false));
        let before = office.all().await;
        let (jo, first) = (jo(), item("1", 1));
        let kinds = [
            queue.resolve(&first, &Resolution::Acknowledge, &jo).await.err(),
            queue.assign(&first, Some("a.worker"), &jo).await.err(),
            queue.transition(&first, ReviewState::WithGp, &jo).await.err(),
            queue.note(&first, "Rang.", &jo).await.err(),
            queue.delete(&id("1"), &jo).await.err(),
            queue.erase(&id("1"), "CO/2026/1", &jo).await.err(),
            queue.show(&first, &jo).await.err(),
        ];
        for error in kinds {
            assert_eq!(error.unwrap().kind(), ErrorKind::AuditUnavailable);
        }
        assert!(office.all().await == before);
    }
}

#[tokio::test]
async fn an_interrupted_merge_is_complete_or_absent() {
    for after in [false, true] {
        for effects in 0..2 {
            for mut office in Office::each(&holder_and_newcomer()).await {
                two_of_one_number(&mut office).await;
                let queue = office.burning(&Fuse::new(effects, after));
                let merge = Resolution::Merge { absorbed: id("1") };
                assert!(queue.resolve(&item("2", 1), &merge, &jo()).await.is_err());
                let (survivor, gone) = (office.stored("2").await, office.stored("1").await);
                assert_eq!(survivor.absorbed.len(), usize::from(!gone.is_live()));
                let _ = office.queue.resolve(&item("2", 1), &merge, &jo()).await.unwrap();
                let (survivor, gone) = (office.stored("2").await, office.stored("1").await);
                assert!(survivor.absorbed.len() == 1 && !gone.is_live());
                assert!(number(&survivor) == Some(NUMBER));
                // An action that failed does not count as done.
                let now = NOW.parse().unwrap();
                for stored in [survivor, gone] {
                    let then = case_as_of(&*office.audit, &stored.id, stored.version, now).await;
                    assert!(then.unwrap() == Some(stored));
                }
            }
        }
    }
}

/// Three cases: one to be erased, one that absorbed it, and one that is a duplicate of it.
fn family() -> [Case; 3] {
    let mut gone = case("1");
    gone.nhs_number = imported(NUMBER);
    gone.rejected_numbers = vec![OTHER];
    let [mut survivor, mut twin] = [case("2"), case("3")];
    let now = NOW.parse().unwrap();
    survivor.absorbed = vec![Absorbed::new(id("1"), now, None)];
    twin = twin.flag_duplicate(&id("1"), NUMBER, now).unwrap();
    let into = DeletionKind::MergedInto(id("1"));
    survivor.deleted = Some(nhs_pds::case::Deletion::new(now, "j.doe", into));
    [gone, survivor, twin]
}

async fn is_erased_wholly(office: &Office) {
    let [gone, survivor, twin] = &office.all().await[..] else { panic!() };
    let mut blank = Case::new(id("1"), RecordType::Other("erased".into()));
    (blank.version, blank.deleted) = (gone.version, gone.deleted.clone());
    assert!(*gone == blank);
    assert_eq!(gone.deleted.as_ref().unwrap().how, DeletionKind::Erased);
    assert!(survivor.absorbed.is_empty());
    assert_eq!(survivor.deleted.as_ref().unwrap().how, DeletionKind::Logical);
    let moot = twin.review.iter().all(|item| item.evidence.others.is_empty() && !item.is_open());
    assert!(moot);
    assert!(office.events("1").await.is_empty(), "the trail no longer names the person");
    let by_number = Filter::new().with_number(NUMBER);
    for event in office.audit.page(&by_number, 0, 9).await.unwrap() {
        let about = event.about.subject().and_then(|subject| subject.case_id());
        assert_eq!(about, Some(&id("3")), "its item names the number");
    }
    let erased = Filter::new().with_kind(EventKind::CaseErased);
    let told = office.audit.page(&erased, 0, 9).await.unwrap();
    let [told, ..] = &told[..] else { panic!() };
    assert_eq!(told.details, details(&[("court_order", "CO/2026/1")]));
    assert_eq!(told.actor.user_id(), jo().user_id());
    assert!(office.audit.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn an_interrupted_erasure_is_completed_by_the_next() {
    for after in [false, true] {
        for effects in 0.. {
            let mut broke_off = false;
            for office in Office::each(&family()).await {
                let _ = office.queue.show(&item("3", 1), &jo()).await.unwrap();
                let _ = office.queue.delete(&id("1"), &jo()).await.unwrap();
                let _ = office.queue.undelete(&id("1"), &jo()).await.unwrap();
                let queue = office.burning(&Fuse::new(effects, after));
                broke_off = queue.erase(&id("1"), "CO/2026/1", &jo()).await.is_err();
                let outcome = office.queue.erase(&id("1"), "CO/2026/1", &jo()).await.unwrap();
                if !broke_off {
                    assert_eq!(outcome, ActionOutcome::AlreadyDone);
                }
                is_erased_wholly(&office).await;
                let refused = office.queue.undelete(&id("1"), &jo()).await.unwrap();
                assert_eq!(refused, ActionOutcome::Refused(Refusal::Erased));
            }
            if !broke_off {
                assert!(effects > 5, "every boundary was tried");
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_erasure_requires_a_court_order_and_a_case() {
    for office in Office::each(&[case("1")]).await {
        for (text, order, refusal) in
            [("1", " ", Refusal::NoCourtOrder), ("9", "CO", Refusal::NoSuchCase)]
        {
            let outcome = office.queue.erase(&id(text), order, &jo()).await.unwrap();
            assert_eq!(outcome, ActionOutcome::Refused(refusal));
        }
    }
}

/// A back office that cannot be reached.
#[derive(Debug)]
struct Unreachable;

#[async_trait]
impl AlertSink for Unreachable {
    async fn deliver(
        &self,
        _: &[nhs_pds::case::Alert],
    ) -> Result<(), nhs_pds::process::alert::Error> {
        Err(nhs_pds::process::alert::Error::new(nhs_pds::process::alert::ErrorKind::Unavailable))
    }
}

#[tokio::test]
async fn an_undelivered_alert_is_left_for_the_worker() {
    let [holder, mut twin] = holder_and_newcomer();
    twin.nhs_number = imported(NUMBER);
    let logical = DeletionKind::Logical;
    twin.deleted = Some(nhs_pds::case::Deletion::new(NOW.parse().unwrap(), "j.doe", logical));
    for mut office in Office::each(&[holder, twin]).await {
        let (store, audit) = (Arc::clone(&office.store), Arc::clone(&office.audit));
        let queue = ReviewQueue::new(Arc::new(Joined::new(store, audit, Arc::new(Unreachable))));
        assert_eq!(queue.undelete(&id("2"), &jo()).await.unwrap(), ActionOutcome::Done);
        assert_eq!(office.stored("2").await.undelivered.len(), 1);
        let sent = Filter::new().with_kind(EventKind::AlertSent);
        let sent = office.audit.page(&sent, 0, 9).await.unwrap();
        let undelivered = |event: &&Event| event.details.iter().any(|it| it.1 == "not_delivered");
        assert_eq!((sent.len(), sent.iter().filter(undelivered).count()), (2, 1));
        office.pass([]).await;
        assert_eq!(office.alerts.delivered().len(), 1);
        assert!(office.stored("2").await.undelivered.is_empty());
    }
}

/// Changes the case just before each of the first saves.
#[derive(Debug)]
struct Meddler(Arc<dyn CaseStore>, AtomicUsize);

#[async_trait]
impl Layer for Meddler {
    fn behind(&self) -> &dyn CaseStore {
        &*self.0
    }
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
        let left = self.1.load(Ordering::Relaxed);
        if left > 0 {
            self.1.store(left - 1, Ordering::Relaxed);
            let mut case = self.0.get(&id("1")).await?.unwrap();
            case.aliases.push(format!("Alias {left}"));
            self.0.save(&case).await?;
        }
        self.0.save_all(changes).await
    }
}

#[tokio::test]
async fn concurrent_changes_are_kept() {
    for (meddling, succeeds) in [(1, true), (3, true), (99, false)] {
        let mut open = case("1");
        open.open_item(ReviewReason::Replaced, &Default::default(), NOW.parse().unwrap());
        for office in Office::each(&[open]).await {
            let meddler = Meddler(Arc::clone(&office.store), AtomicUsize::new(meddling));
            let queue = Office::over(Arc::new(Layered(meddler)), Arc::clone(&office.audit)).queue;
            let outcome = queue.resolve(&item("1", 1), &Resolution::Acknowledge, &jo()).await;
            let case = office.stored("1").await;
            if succeeds {
                assert_eq!(outcome.unwrap(), ActionOutcome::Done);
                assert!(case.aliases.len() == meddling && !case.review[0].is_open());
            } else {
                assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Conflict);
                assert!(case.review[0].is_open());
                // A version that was recorded and not saved is not in the trail's history: the saved one
                // is.
                let now = NOW.parse().unwrap();
                let then = case_as_of(&*office.audit, &case.id, case.version, now).await.unwrap();
                let then = then.map(|then| then.review[0].is_open());
                assert_eq!(then, Some(true));
            }
        }
    }
}

#[tokio::test]
async fn one_of_many_concurrent_actions_succeeds() {
    let mut open = case("1");
    open.open_item(ReviewReason::Replaced, &Default::default(), NOW.parse().unwrap());
    for office in Office::each(&[open]).await {
        let (jo, first) = (jo(), item("1", 1));
        let tries = (0..8).map(|_| office.queue.resolve(&first, &Resolution::Acknowledge, &jo));
        let mut done = 0;
        for outcome in futures_in_turn(tries).await {
            done += usize::from(outcome.unwrap() == ActionOutcome::Done);
        }
        assert_eq!(done, 1);
        assert_eq!(office.stored("1").await.review[0].history.len(), 1);
    }
}

/// Runs all of them concurrently on one thread.
async fn futures_in_turn<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    use std::task::Poll;
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(ready) => *output = Some(ready),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

/// No value of the person is left in the files, and the values of the others are.
#[cfg(feature = "sqlite")]
#[expect(clippy::too_many_lines, reason = "each kind of data is written before the erasure")]
#[tokio::test]
async fn an_erased_person_is_nowhere_in_the_file() {
    use nhs_pds::audit::SqliteLog;
    use nhs_pds::case::{Alert, AlertKind, Candidate, Evidence, Heard, KnownSoFar, SqliteStore};
    use nhs_pds::matching::{Criteria, Local, NameTables, Risk, relate};
    use nhs_pds::process::alert::SqliteAlerts;
    use nhs_pds::trace::Exchange;

    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("cases.db");
    let store: Arc<dyn CaseStore> = Arc::new(SqliteStore::open(&place).unwrap());
    let audit: Arc<dyn AuditLog> = Arc::new(SqliteLog::open(&place).unwrap());
    let alerts = SqliteAlerts::open(&place).unwrap();
    let mut person = case("1");
    person.surname = Some("Quentinsson".into());
    person.forename = Some("Arabella".into());
    person.postcode = Some("QX17 9ZZ".into());
    person.address[0] = "Larkspur Cottage".into();
    person.nhs_number = imported(NUMBER);
    let mut twin = case("2");
    (twin.postcode, twin.nhs_number) = (None, imported(NUMBER));
    person.deleted =
        Some(nhs_pds::case::Deletion::new(NOW.parse().unwrap(), "j.doe", DeletionKind::Logical));
    // A candidate of an item, and one in an answer that is kept for the next question.
    let at = NOW.parse().unwrap();
    let candidate = |family: &str| {
        let returned = self::person("Arabella", family);
        let relations = relate(&Local::default(), &returned, &NameTables::shipped());
        let exchange = Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", at);
        Candidate::new(OTHER, returned, relations, Risk::of(0.1), vec![], "no_given", exchange)
    };
    let mut evidence = Evidence::default();
    evidence.candidates = vec![candidate("Wetherspool")];
    person.open_item(ReviewReason::Ambiguous, &evidence, at);
    let asked = Criteria::new("Quentinsson", "1943-05-19".parse().unwrap());
    let heard = vec![Heard::person(candidate("Okonjiwe"))];
    person.asking.known = Some(KnownSoFar::new("smsp-1", asked, heard, at));
    store.insert_all(vec![person, twin]).await.unwrap();
    let queue = ReviewQueue::new(Arc::new(Joined::new(
        Arc::clone(&store),
        Arc::clone(&audit),
        Arc::new(alerts.clone()),
    )));
    let (jo, erased) = (jo(), id("1"));
    assert_eq!(queue.undelete(&erased, &jo).await.unwrap(), ActionOutcome::Done);
    assert_eq!(alerts.page(0, 9).await.unwrap().len(), 1);
    let twin = store.get(&id("2")).await.unwrap().unwrap();
    let mut told = Alert::about("2/1/duplicate", AlertKind::Duplicate, NOW.parse().unwrap(), &twin);
    told.others = vec![erased.clone(), id("3")];
    alerts.deliver(&[told]).await.unwrap();
    let note = "Larkspur Cottage is let.";
    assert_eq!(queue.note(&item("1", 1), note, &jo).await.unwrap(), ActionOutcome::Done);

    let values = ["Quentinsson", "Arabella", "QX17 9ZZ", "Larkspur", "Wetherspool", "Okonjiwe"];
    let contents = || {
        let mut all = Vec::new();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap().path();
            if !file.to_string_lossy().ends_with("-shm") {
                all.extend(std::fs::read(file).unwrap());
            }
        }
        all
    };
    let count = |value: &str| {
        contents().windows(value.len()).filter(|bytes| bytes == &value.as_bytes()).count()
    };
    for value in values {
        assert!(count(value) > 0, "{value} is there before");
    }
    let done = queue.erase(&erased, "CO/2026/1", &jo).await.unwrap();
    assert_eq!(done, ActionOutcome::Done);
    alerts.forget(&erased).await.unwrap();
    for value in values {
        assert_eq!(count(value), 0, "{value}");
    }
    let left = alerts.page(0, 9).await.unwrap();
    assert!(left.len() == 1 && left[0].others == [id("3")], "and the other's alert is its own");
    assert!(count("Family 2") > 0 && count("9449304424") > 0, "the other case is as it was");
    assert!(count("CO/2026/1") > 0);
}

/// Actions in any order, on three cases of one number.
#[derive(Clone, Debug)]
enum Deed {
    Resolve(u8, u32, Box<Resolution>),
    UndoMerge(u8, u8),
    Delete(u8),
    Undelete(u8),
    Pass,
}

fn deed() -> impl Strategy<Value = Deed> {
    let (case, item) = (1..=3u8, 1..=4u32);
    let resolution = prop_oneof![
        Just(Resolution::AcceptNumber(NUMBER)),
        Just(Resolution::RejectNumber(NUMBER)),
        Just(Resolution::NotOnPds),
        (1..=3u8).prop_map(|other| Resolution::Merge { absorbed: id(&other.to_string()) }),
    ];
    prop_oneof![
        4 => (case.clone(), item, resolution).prop_map(|(a, b, c)| Deed::Resolve(a, b, Box::new(c))),
        2 => (case.clone(), case.clone()).prop_map(|(a, b)| Deed::UndoMerge(a, b)),
        1 => case.clone().prop_map(Deed::Delete),
        1 => case.prop_map(Deed::Undelete),
        2 => Just(Deed::Pass),
    ]
}

async fn is_sound(office: &Office, deed: &Deed) {
    let all = office.all().await;
    let live = |id: &CaseId| all.iter().any(|case| case.id == *id && case.is_live());
    for case in &all {
        if let Some(number) = case.live_number() {
            assert!(!case.rejected_numbers.contains(&number), "{deed:?}");
            let flagged = case.open_items().any(|item| item.reason == ReviewReason::Duplicate);
            let holders = office.store.holders(number).await.unwrap().len();
            assert!(
                holders < 2 || flagged,
                "{deed:?}: {holders} cases have one number and are not flagged"
            );
        }
        for item in case.open_items().filter(|item| item.reason == ReviewReason::Duplicate) {
            let others = &item.evidence.others;
            assert!(
                !case.is_live() || others.iter().all(live),
                "{deed:?} names a case that is gone"
            );
            assert!(!others.contains(&case.id) && !others.is_empty(), "{deed:?}");
        }
        let open = || case.open_items().map(|item| (item.reason, item.evidence.nhs_number));
        for thing in open() {
            let same = open().filter(|other| *other == thing).count();
            assert_eq!(same, 1, "{deed:?}: one item for one thing");
        }
        for was in &case.absorbed {
            let gone = all.iter().find(|gone| gone.id == was.case_id).unwrap();
            let how = gone.deleted.as_ref().map(|deletion| &deletion.how);
            assert_eq!(how, Some(&DeletionKind::MergedInto(case.id.clone())), "{deed:?}");
        }
        if case.version > 1 {
            let now = NOW.parse().unwrap();
            let then = case_as_of(&*office.audit, &case.id, case.version, now).await.unwrap();
            assert!(then.as_ref() == Some(case), "{deed:?}: the trail has it otherwise");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_actions_keeps_the_cases_consistent(deeds in proptest::collection::vec(deed(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut office = Office::in_memory();
            let mut holder = case("1");
            holder.nhs_number = imported(NUMBER);
            office.store.insert_all(vec![holder, case("2"), case("3")]).await.unwrap();
            for deed in deeds {
                let named = |number: u8| id(&number.to_string());
                match &deed {
                    Deed::Resolve(case, number, resolution) => {
                        let item = ItemId::new(named(*case), *number);
                        let _ = office.queue.resolve(&item, resolution, &jo()).await.unwrap();
                    }
                    Deed::UndoMerge(case, other) => {
                        let (case, other) = (named(*case), named(*other));
                        let _ = office.queue.undo_merge(&case, &other, &jo()).await.unwrap();
                    }
                    Deed::Delete(case) => {
                        let _ = office.queue.delete(&named(*case), &jo()).await.unwrap();
                    }
                    Deed::Undelete(case) => {
                        let _ = office.queue.undelete(&named(*case), &jo()).await.unwrap();
                    }
                    Deed::Pass => office.pass_that_finds(NUMBER).await,
                }
                is_sound(&office, &deed).await;
            }
        });
    }
}
