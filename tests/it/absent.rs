//! People who are not on PDS, each with a namesake, a twin or a parent who is: no number and no death is
//! written. People who are on PDS: all of them are found.
#![expect(clippy::indexing_slicing, reason = "tests, whose panics are failures")]

use crate::support::services::{Face, us};
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::{
    Allocation, Case, CaseStore, MemoryStore, NumberSource, RecordType, RecordedNumber,
    ReviewReason,
};
use nhs_pds::correspondence::printable;
use nhs_pds::demographics::{Demographics, Gender, PartialDate};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{RefreshEvent, Settings, Worker};
use nhs_pds::trace::Caller;
use nhs_pds_simulator::{Person, Register, Simulator};
use std::sync::Arc;

const ABSENT: usize = 1_000;
const PRESENT: usize = 100;

/// A postcode at which no person of the register lives.
const ELSEWHERE: &str = "BL0 9XX";

/// Postcodes that cannot be read.
const UNREADABLE: [&str; 5] = ["RM14 OTA", "RM14 0TA (temp)", "NULL", "N/A", "RM14"];

fn case(id: String, person: &Person) -> Case {
    let mut case = Case::new(id.parse().unwrap(), RecordType::AdultCase);
    case.surname = Some(person.family.clone());
    case.forename = Some(person.given.clone());
    case.date_of_birth = Some(person.birth);
    case.gender = Some(person.gender);
    case.postcode = Some(person.postcode.clone());
    case.allocations = vec![Allocation::new("A Worker")];
    case
}

/// A person who is not on PDS, and resembles `other`, who is.
fn absent(n: usize, other: &Person) -> Case {
    let mut case = case(format!("A-{n}"), other);
    match n % 3 {
        0 => case.postcode = Some(ELSEWHERE.into()),
        1 => case.forename = Some("Ottoline".into()),
        _ => {
            let year = other.birth.year() + 28;
            case.date_of_birth =
                PartialDate::new(year, other.birth.month(), other.birth.day()).ok();
        }
    }
    let variant = n / 3 % 8;
    if [1, 4, 7].contains(&variant) {
        case.forename = None;
    }
    match variant {
        2 | 4 => case.postcode = None,
        3 | 7 => case.postcode = Some("ZZ99 3VZ".into()),
        5 => case.postcode = Some(UNREADABLE[n % 5].into()),
        6 => case.gender = Some(Gender::NotKnown),
        _ => {}
    }
    // A letter had the other person's number. For a namesake with the same forename the rule accepts the
    // letter's number: no field shows the difference.
    if n % 5 < 2 && (!n.is_multiple_of(3) || case.forename.is_none()) {
        let letter = NumberSource::Imported(Some("GP letter".into()));
        case.nhs_number = Some(RecordedNumber::new(other.nhs_number, letter));
    }
    case
}

/// Every person on PDS. Many of them have died, are known from a copy, or had another number.
fn register() -> Vec<Person> {
    let people: Vec<Person> = Register::from_seed(77, 3 * (ABSENT + PRESENT))
        .iter()
        .filter(|person| {
            person.superseded_by.is_none()
                && person.birth.full().is_some()
                && matches!(person.gender, Gender::Male | Gender::Female)
                && !person.given.is_empty()
                && person
                    .postcode
                    .parse()
                    .is_ok_and(|postcode: nhs_pds::demographics::Postcode| !postcode.is_pseudo())
        })
        .cloned()
        .collect();
    assert!(people.len() > ABSENT + 2 * PRESENT);
    people
}

fn with_fates(people: &[Person]) -> Register {
    let mut register = Register::default();
    let mut spare = people[ABSENT + PRESENT..].iter();
    for (n, person) in people[..ABSENT].iter().enumerate() {
        let mut person = person.clone();
        if n % 4 == 1 {
            person.death = Some("2026-10-01".parse().unwrap());
        }
        if n % 11 == 3 {
            person.answer = Some("SMSP-0003".into());
        }
        if n % 17 == 5 {
            // The same person, under a newer number.
            let mut newer = person.clone();
            newer.nhs_number = spare.next().unwrap().nhs_number;
            person.superseded_by = Some(newer.nhs_number);
            register.insert(newer).unwrap();
        }
        register.insert(person).unwrap();
    }
    for person in &people[ABSENT..ABSENT + PRESENT] {
        register.insert(present(person)).unwrap();
    }
    register
}

/// The person, ordinary in every field but the filtered ones.
fn present(person: &Person) -> Person {
    let mut person = person.clone();
    (person.answer, person.death, person.sensitivity) = (None, None, Default::default());
    person
}

async fn nothing_is_written_for_the_absent(face: Face) {
    let people = register();
    let store = Arc::new(MemoryStore::new());
    let absent: Vec<Case> = (0..ABSENT).map(|n| absent(n, &people[n])).collect();
    let present = (ABSENT..ABSENT + PRESENT).map(|n| case(format!("P-{n}"), &present(&people[n])));
    store.insert_all(absent.iter().cloned().chain(present).collect()).await.unwrap();
    let simulator = Simulator::new(with_fates(&people));
    let alerts = Arc::new(MemoryAlerts::default());
    let worker = Worker::new(
        face.in_process(&simulator),
        Arc::new(Joined::new(
            Arc::clone(&store) as Arc<dyn CaseStore>,
            Arc::new(MemoryLog::new()),
            Arc::clone(&alerts) as Arc<_>,
        )),
        Settings::new(Caller::System(us())),
    );
    let report = worker.run_once(&mut |_| ()).await.unwrap();
    assert_eq!(report.numbers_written, PRESENT as u64, "{:?}", report.results);
    // A reviewer views some of the cases, and each of them is queried at once.
    for case in absent.iter().step_by(7) {
        worker.refresh(&case.id, RefreshEvent::OnRequest).await.unwrap().unwrap();
    }

    let (mut dead, mut unconfirmed) = (0, 0);
    for before in &absent {
        let after = store.get(&before.id).await.unwrap().unwrap();
        assert_eq!(after.date_of_death, None, "{}", before.id);
        let source = |case: &Case| case.nhs_number.as_ref().map(|recorded| recorded.source.clone());
        assert!(source(&after) == source(before), "{}: nothing confirmed", before.id);
        let number = |case: &Case| case.nhs_number.as_ref().map(|recorded| recorded.number);
        assert_eq!(number(&after), number(before), "{}", before.id);
        assert!(printable(&after, &[]).is_err());
        for item in after.open_items().filter(|item| item.reason == ReviewReason::Unconfirmed) {
            let returned = item.evidence.returned.as_ref();
            assert!(item.evidence.nhs_number.is_some() && returned.is_some(), "the candidate");
            unconfirmed += 1;
            dead += usize::from(returned.is_some_and(Demographics::is_deceased));
        }
    }
    assert!(unconfirmed > 200 && dead > 40, "{unconfirmed} candidates, {dead} of them dead");
    let told_of_deaths = alerts.delivered();
    let deceased = nhs_pds::case::AlertKind::Deceased;
    assert!(told_of_deaths.iter().all(|alert| alert.kind != deceased));

    for (n, person) in people.iter().enumerate().skip(ABSENT).take(PRESENT) {
        let after = store.get(&format!("P-{n}").parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(after.nhs_number.unwrap().number, person.nhs_number);
    }
}

#[tokio::test]
async fn a_thousand_absent_people_get_nothing_from_a_mini_service() {
    nothing_is_written_for_the_absent(Face::Smsp).await;
}

#[cfg(feature = "fhir")]
#[tokio::test]
async fn a_thousand_absent_people_get_nothing_from_the_newer_service() {
    nothing_is_written_for_the_absent(Face::Fhir).await;
}
