//! `Debug` of the public types tells nothing about a person.

use nhs_pds::demographics::{Demographics, FullDate, Gender, PersonName, Postcode};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{
    Answer, Candidate, Exchange, FetchDetails, FindPerson, LocalIdentifier, Match, Outcome,
    Question, VerifyNumber,
};

/// In a range from which nobody has numbers, but not in the one for test people, which may be shown.
const NUMBER: NhsNumber = NhsNumber::constant(5_990_000_014);

fn person() -> Demographics {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new("ARABELLA", "QUENTINSSON"));
    person.date_of_birth =
        nhs_pds::demographics::PartialDate::from("1984-02-29".parse::<FullDate>().unwrap()).into();
    person
}

#[test]
fn questions_and_answers_do_not_show_the_person() {
    let born: FullDate = "1984-02-29".parse().unwrap();
    let postcode: Postcode = "KT17 1NA".parse().unwrap();
    let local = LocalIdentifier::new("1.2.3", "CASE77").unwrap();
    let name = |text: &str| text.parse::<nhs_pds::trace::NameText>().unwrap();
    let questions: [Question; 3] = [
        VerifyNumber::new(NUMBER, born).with_given(name("Arabella")).into(),
        FindPerson::new(name("Quentinsson"), Gender::Female, born)
            .with_postcode(postcode)
            .with_local_identifier(local.clone())
            .into(),
        FetchDetails::new(NUMBER, born).with_family(name("Quentinsson")).into(),
    ];
    let mut found = Match::new(NUMBER).with_person(person());
    found.local_identifier = Some(local);
    let mut candidate = Candidate::new("5990000014");
    candidate.person = Some(person());
    let exchange = Exchange::new("SMSP", "getNHSNumber", "1", chrono::DateTime::UNIX_EPOCH);
    let answers = [
        Outcome::Found(Box::new(found)),
        Outcome::Ambiguous(vec![candidate]),
        Outcome::Superseded { by: Some(NUMBER), person: Some(Box::new(person())) },
    ]
    .map(|outcome| Answer::new(outcome, exchange.clone()));
    let shown = format!("{questions:?} {answers:?}").to_uppercase();
    for value in ["5990000014", "599 000 0014", "ARABELLA", "QUENTINSSON", "1984", "KT17", "CASE77"]
    {
        assert!(!shown.contains(value), "{value} in {shown}");
    }
}

#[test]
fn what_people_do_about_a_case_does_not_show_the_person() {
    use nhs_pds::case::{Case, CaseId, RecordType};
    use nhs_pds::review::{Changed, Context, Corrections, ItemFilter, ItemId, Resolution, Step};
    let id: CaseId = "CASE77".parse().unwrap();
    let mut case = Case::new(id.clone(), RecordType::Review);
    case.surname = Some("Quentinsson".into());
    let mut corrections = Corrections::default();
    corrections.surname = Some("Quentinsson".into());
    let resolutions = [
        Resolution::AcceptNumber(NUMBER),
        Resolution::CorrectAndAskAgain(corrections.clone()),
        Resolution::Merge { absorbed: id.clone() },
    ];
    let others = [case.clone()];
    let context = Context::new("j.doe", chrono::DateTime::UNIX_EPOCH).with_others(&others);
    let deleted: Vec<Changed> = nhs_pds::review::delete(&case, &context).unwrap();
    let note = Step::Note("Arabella rang.".into());
    let filter = ItemFilter::default().with_assignee("Arabella");
    let item = ItemId::new(id, 1);
    let shown = format!(
        "{resolutions:?} {corrections:?} {context:?} {deleted:?} {note:?} {filter:?} {item:?}"
    );
    for value in ["5990000014", "599 000 0014", "ARABELLA", "QUENTINSSON", "CASE77"] {
        assert!(!shown.to_uppercase().contains(value), "{value} in {shown}");
    }
}

/// What a document of the wrong shape says about itself does not repeat the values.
#[test]
fn reading_errors_do_not_repeat_what_was_read() {
    use nhs_pds::demographics::{Held, PartialDate};
    let said = [
        serde_json::from_str::<PartialDate>("19840229").unwrap_err().to_string(),
        serde_json::from_str::<PartialDate>("\"QUENTINSSON\"").unwrap_err().to_string(),
        serde_json::from_str::<Held<PartialDate>>("19840229").unwrap_err().to_string(),
        serde_json::from_str::<NhsNumber>("5990000014").unwrap_err().to_string(),
    ];
    for value in ["1984", "QUENTINSSON", "5990000014"] {
        assert!(!said.iter().any(|said| said.contains(value)), "{said:?}");
    }
}

/// What must not be in sight of any of the values below, however they are written.
const PERSONAL: [&str; 12] = [
    "5990000014",
    "599 000 0014",
    "599-000-0014",
    "ARABELLA",
    "QUENTINSSON",
    "ALIASSON",
    "1984",
    "KT17",
    "SAMPLE ROW",
    "CASE77",
    "CASE78",
    "RANG",
];

fn discreet(what: &str, shown: &str) {
    for value in PERSONAL {
        assert!(!shown.to_uppercase().contains(value), "{value} in {what}: {shown}");
    }
}

/// A case that has all that is personal, and may be asked about.
fn case(id: &str) -> nhs_pds::case::Case {
    use nhs_pds::case::{Allocation, Case, RecordType};
    let mut case = Case::new(id.parse().unwrap(), RecordType::Review);
    case.surname = Some("Quentinsson".into());
    case.forename = Some("Arabella".into());
    case.aliases = vec!["Aliasson".into()];
    case.date_of_birth = Some("1984-02-29".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.address[1] = "1 Sample Row".into();
    case.postcode = Some("KT17 1NA".into());
    case.allocations.push(Allocation::new("Arabella"));
    case
}

/// The same with a number that was traced.
fn traced(id: &str) -> nhs_pds::case::Case {
    use nhs_pds::case::{HeldNumber, NumberSource, Provenance};
    use nhs_pds::trace::Freshness;
    let exchange = Exchange::new("SMSP", "fetch", "1", chrono::DateTime::UNIX_EPOCH);
    let source = NumberSource::Traced(Provenance::new(exchange, Freshness::Live, "exact"));
    let mut case = case(id);
    case.nhs_number = Some(HeldNumber::new(NUMBER, source));
    case
}

/// Whoever was found has another given name and lives elsewhere.
fn found(number: NhsNumber) -> Outcome {
    let mut person = person();
    person.gender = Gender::Female.into();
    Outcome::Found(Box::new(Match::new(number).with_person(person)))
}

#[test]
fn what_is_decided_of_a_case_does_not_show_the_person() {
    use nhs_pds::case::{ReviewStep, advisories};
    use nhs_pds::reconcile::compare;
    use nhs_pds::worker::{Context, Policy, Scope, apply, decide, plan};
    let (now, policy) = (chrono::DateTime::UNIX_EPOCH, Policy::default());
    let holders = ["CASE78".parse().unwrap()];
    for case in [case("CASE77"), traced("CASE77")] {
        let mut due = case.clone();
        due.nhs_number = None;
        let plan = plan(&due, &Scope::default(), &policy, "1.2.3", now).unwrap();
        discreet("Plan", &format!("{plan:?}"));
        for outcome in [
            found(NUMBER),
            Outcome::Superseded { by: Some(NUMBER), person: Some(Box::new(person())) },
            Outcome::Invalidated,
            Outcome::None,
        ] {
            let exchange = Exchange::new("SMSP", "fetch", "1", now);
            let answer = Answer::new(outcome, exchange);
            for holders in [&holders[..], &[]] {
                let mut asked = plan.asked.clone();
                asked.nhs_number = case.nhs_number.as_ref().map(|held| held.number);
                let context = Context::new(&asked, holders, &policy);
                let decision = decide(&case, Ok(&answer), &context, now);
                let mut after = apply(&case, &decision, &policy).unwrap();
                if let Some(item) = after.review.first_mut() {
                    item.history.push(ReviewStep::new(now, "j.doe", "note").with_note("She rang"));
                    discreet("ReviewItem", &format!("{item:?} {:?}", item.evidence));
                    discreet("ReviewStep", &format!("{:?}", item.history));
                }
                for alert in &after.undelivered {
                    discreet("Alert", &format!("{alert:?} {:?}", alert.person));
                }
                discreet("Context and Decision", &format!("{context:?} {decision:?}"));
                discreet("Asking", &format!("{:?} {:?}", after.asking, after.asking.asked));
                discreet("Case", &format!("{after:?} {:?}", after.nhs_number));
                discreet("Advisory", &format!("{:?}", advisories(&after)));
            }
        }
        let comparison = compare(&case, &person());
        discreet("Comparison", &format!("{comparison:?} {:?}", comparison.fields()));
    }
}

#[tokio::test]
async fn what_is_stored_and_reported_does_not_show_the_person() {
    use nhs_pds::case::{CaseStore, Change, Lease, MemoryStore};
    use nhs_pds::correspondence::printable;
    use nhs_pds::reconcile::report;
    let now = chrono::DateTime::UNIX_EPOCH;
    let store = MemoryStore::new();
    store.insert_all(vec![traced("CASE77"), traced("CASE78")]).await.unwrap();
    let report = report(&store, now).await.unwrap();
    assert_eq!(report.duplicates.by_number.len(), 1);
    let text = format!("{report:?}");
    discreet("Report", &text);
    let later = now + chrono::TimeDelta::seconds(9);
    let ids = ["CASE77".parse().unwrap()];
    let claim = store.claim(&ids, &Lease::new("w", now, later)).await.unwrap();
    discreet("Claim", &format!("{claim:?}"));
    discreet("Change", &format!("{:?}", Change::as_sole_holder(traced("CASE77"))));
    discreet("MemoryStore", &format!("{store:?}"));
    discreet("PrintableNumber", &format!("{:?}", printable(&traced("CASE77"), &[]).unwrap()));
}

#[tokio::test]
async fn what_is_audited_does_not_show_the_person() {
    use nhs_pds::audit::{Actor, AuditLog, Entry, EventKind, Filter, MemoryLog, Subject};
    use nhs_pds::trace::{Caller, LocalIdentity};
    let now = chrono::DateTime::UNIX_EPOCH;
    let us = LocalIdentity::new("RHM".parse().unwrap(), "quentinsson").unwrap();
    let actor = Actor::new(&Caller::System(us), "Arabella Quentinsson");
    let subject = Subject::snapshot(&traced("CASE77")).with_personal("family", "Quentinsson");
    discreet("Subject", &format!("{subject:?} {:?}", Subject::person(NUMBER)));
    let entry = Entry::new(EventKind::CaseViewed, now, &actor).about(subject);
    discreet("Entry and Actor", &format!("{entry:?} {actor:?}"));
    let log = MemoryLog::new();
    log.append(vec![entry]).await.unwrap();
    let filter = Filter::new().with_number(NUMBER).with_case("CASE77".parse().unwrap());
    discreet("Filter", &format!("{filter:?}"));
    let events = log.page(&filter, 0, 9).await.unwrap();
    assert_eq!(events.len(), 1);
    discreet("Event", &format!("{events:?} {:?} {log:?}", events[0].about));
}

#[tokio::test]
async fn what_is_refreshed_and_worked_does_not_show_the_person() {
    use nhs_pds::alert::MemoryAlerts;
    use nhs_pds::audit::{Actor, MemoryLog};
    use nhs_pds::case::{CaseStore, MemoryStore};
    use nhs_pds::review::{ItemFilter, ReviewQueue};
    use nhs_pds::trace::{Caller, LocalIdentity, ScriptedTracer};
    use nhs_pds::worker::{RefreshEvent, Worker};
    use std::sync::Arc;
    let (store, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    let alerts = Arc::new(MemoryAlerts::default());
    let (cases, trail, told) = (Arc::clone(&store), Arc::clone(&audit), Arc::clone(&alerts));
    store.insert_all(vec![case("CASE77"), traced("CASE78")]).await.unwrap();
    let tracer = Arc::new(ScriptedTracer::new([Ok(found(NUMBER))]));
    let us = Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "worker").unwrap());
    let jo = Actor::new(&us, "Jo Doe");
    let worker = Worker::new(tracer, cases, trail, told, us);
    let id = "CASE77".parse().unwrap();
    let refreshed = worker.refresh(&id, RefreshEvent::EpisodeStarted).await.unwrap().unwrap();
    discreet("Refreshed", &format!("{refreshed:?} {:?}", refreshed.report));
    let queue = ReviewQueue::new(store, audit, alerts);
    let listed = queue.list(&ItemFilter::default(), None, 9).await.unwrap();
    assert!(!listed.is_empty());
    let shown = queue.show(&listed[0].id, &jo).await.unwrap().unwrap();
    discreet("ListedItem and ShownItem", &format!("{listed:?} {shown:?}"));
    discreet("Worker and ReviewQueue", &format!("{worker:?} {queue:?}"));
}
