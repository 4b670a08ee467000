//! `case`, `alert`, `reconcile` and `correspondence`.

use super::questions::local_identifier;
use super::{NOW, exchange, person};
use crate::privacy::person::{
    ADDRESS, ALIAS, BORN, CASE, DIED, FAMILY, FORMER_FAMILY, FORMER_POSTCODE, GIVEN, MAIL,
    NEW_NUMBER, NOTE, NUMBER, OTHER_CASE, OTHER_GIVEN, POSTCODE, TELEPHONE,
};
use crate::privacy::walk::Shown;
use nhs_pds::case::{
    self, Absorbed, Advisory, AdvisoryKind, Alert, AlertKind, Allocation, Candidate, Case, CaseId,
    CaseStore, Change, Deletion, DeletionKind, Due, Evidence, Heard, KnownSoFar, Lease,
    MemoryStore, NumberSource, Planned, Priority, Provenance, RecordType, RecordedNumber,
    ReviewReason, ReviewStep, Setting, Taken, Unreadable, advisories,
};
use nhs_pds::correspondence::printable;
use nhs_pds::demographics::{Demographics, Field, Gender};
use nhs_pds::matching::{Criteria, Local, LocalRecord, NameTables, Risk, Veto, compare, relate};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::{self, AlertSink, MemoryAlerts};
use nhs_pds::report::{Report, report};
use nhs_pds::trace::{Freshness, Match, Outcome};

pub(super) fn id() -> CaseId {
    CASE.parse().unwrap()
}

pub(super) fn other_id() -> CaseId {
    OTHER_CASE.parse().unwrap()
}

pub(super) fn asked() -> Criteria {
    let mut asked = Criteria::new(FAMILY, BORN.parse().unwrap());
    asked.nhs_number = Some(NUMBER);
    asked.given = Some(GIVEN.into());
    asked.gender = Some(Gender::Female);
    asked.postcode = Some(POSTCODE.parse().unwrap());
    asked
}

/// A case with every personal field, eligible for queries.
pub(in crate::privacy) fn person_case(id: &str) -> Case {
    let mut case = Case::new(id.parse().unwrap(), RecordType::Review);
    case.surname = Some(FAMILY.into());
    case.forename = Some(GIVEN.into());
    case.aliases = vec![ALIAS.into()];
    case.other_forenames = vec![OTHER_GIVEN.into()];
    case.former_surnames = vec![FORMER_FAMILY.into()];
    case.former_postcodes = vec![FORMER_POSTCODE.into()];
    case.telephones = vec![TELEPHONE.into()];
    case.emails = vec![MAIL.into()];
    case.date_of_birth = Some(BORN.parse().unwrap());
    case.gender = Some(Gender::Female);
    case.address = ADDRESS.map(str::to_owned);
    case.postcode = Some(POSTCODE.into());
    case.damaged_number = Some(NOTE.into());
    case.allocations.push(Allocation::new(NOTE));
    case
}

/// The same with a traced number.
pub(in crate::privacy) fn traced_case(id: &str) -> Case {
    let mut case = person_case(id);
    case.nhs_number = Some(recorded());
    case
}

/// The same, with every event that a case can have.
pub(super) fn full_case() -> Case {
    let mut case = traced_case(CASE);
    case.record_type = RecordType::Other(FAMILY.into());
    case.date_of_death = Some(DIED.parse().unwrap());
    case.asking.asked = Some(asked());
    case.asking.known = Some(known());
    case.rejected_numbers = vec![NEW_NUMBER];
    case.open_item(ReviewReason::Differs(Field::Given), &evidence(), NOW);
    let history = &mut case.review[0].history;
    history.push(ReviewStep::new(NOW, "j.doe", "noted").with_note(NOTE));
    case.undelivered = vec![alert(&case)];
    case.absorbed = vec![absorbed()];
    case
}

/// Every found person is the test person.
pub(in crate::privacy) fn found(number: NhsNumber) -> Outcome {
    let mut person = person();
    person.date_of_death = Demographics::default().date_of_death;
    let mut found = Match::new(number).with_person(person);
    found.local_identifier = Some(local_identifier());
    Outcome::Found(Box::new(found))
}

pub(super) fn recorded() -> RecordedNumber {
    let provenance = Provenance::new(exchange(), Freshness::Live, "exact");
    RecordedNumber::new(NUMBER, NumberSource::Traced(provenance))
        .with_since(NOW)
        .with_person(person_case(CASE).identity())
}

fn known() -> KnownSoFar {
    KnownSoFar::new("smsp-1", asked(), vec![Heard::person(candidate())], NOW)
}

fn evidence() -> Evidence {
    let mut evidence = Evidence::default();
    evidence.damaged_number = Some(NOTE.into());
    evidence.asked = Some(asked());
    evidence.nhs_number = Some(NEW_NUMBER);
    evidence.returned = Some(person());
    evidence.others = vec![other_id()];
    evidence.candidates = vec![candidate()];
    evidence
}

/// A person whom a search returned.
fn candidate() -> Candidate {
    let relations = relate(&Local::default(), &person(), &NameTables::shipped());
    let (risk, vetoes) = (Risk::of(0.018_6), vec![Veto::Twin]);
    Candidate::new(NUMBER, person(), relations, risk, vetoes, "no_given", exchange())
}

pub(super) fn alert(case: &Case) -> Alert {
    let mut alert = Alert::about("1/1", AlertKind::Superseded, NOW, case);
    alert.nhs_number = Some(NUMBER);
    alert.new_nhs_number = Some(NEW_NUMBER);
    alert.others = vec![other_id()];
    alert
}

fn absorbed() -> Absorbed {
    let mut taken = Taken::default();
    taken.other_forenames = vec![OTHER_GIVEN.into()];
    taken.former_surnames = vec![FORMER_FAMILY.into()];
    taken.former_postcodes = vec![FORMER_POSTCODE.into()];
    taken.telephones = vec![TELEPHONE.into()];
    taken.emails = vec![MAIL.into()];
    Absorbed::new(other_id(), NOW, Some(recorded())).with_lists(taken)
}

/// The errors of a store about a case that it knows.
pub(super) fn error() -> case::Error {
    let cause = FAMILY.parse::<NhsNumber>().unwrap_err();
    case::Error::new(case::ErrorKind::Conflict).with_case(id()).with_source(cause)
}

pub(super) fn show(shown: &mut Shown) {
    let case = full_case();
    shown.value(&case);
    shown.value(&case.id);
    shown.value(&case.record_type);
    shown.value(&case.allocations[0]);
    shown.value(&case.asking);
    shown.value(&asked());
    shown.value(&case.review[0]);
    shown.value(&case.review[0].history[0]);
    shown.value(&evidence());
    shown.value(&candidate());
    shown.value(&known());
    shown.value(&known().heard[0]);
    shown.value(&alert(&case));
    shown.value(alert(&case).person.as_ref().unwrap());
    shown.value(&absorbed());
    shown.value(&absorbed().took);
    shown.value(&recorded());
    shown.value(&recorded().source);
    shown.value(recorded().person.as_ref().unwrap());
    shown.value(&NumberSource::Imported(Some(FAMILY.into())));
    shown.value(&DeletionKind::MergedInto(other_id()));
    shown.value(&Deletion::new(NOW, "j.doe", DeletionKind::MergedInto(other_id())));
    shown.value(&Advisory::new(AdvisoryKind::Duplicate, NOTE));
    advisories(&case).iter().for_each(|advisory| shown.value(advisory));
    shown.value(&Change::as_sole_holder(case.clone()));
    shown.value(&Unreadable::Case(id()));
    shown.value(&Unreadable::Row(7));
    shown.error(&error());
    let cause = FAMILY.parse::<NhsNumber>().unwrap_err();
    shown.error(&alert::Error::new(alert::ErrorKind::Unavailable).with_source(cause));

    let local = LocalRecord::from(&case);
    shown.value(&local);
    let comparison = compare(&local, &person());
    shown.value(&comparison);
    comparison.fields().iter().for_each(|field| shown.value(field));
    let mut builder = Report::builder(NOW);
    builder.add(&case);
    shown.value(&builder);
    show_report(shown, &builder.finish());

    let printable = printable(&traced_case(CASE), &[]).unwrap();
    shown.value(&printable);
    #[cfg(feature = "barcode")]
    {
        use nhs_pds::correspondence::ApplicationIdentifier;
        shown.value(&printable.bar_code().with_text());
        shown.value(&printable.bar_code().bars().next().unwrap());
        shown.value(&printable.data_matrix(ApplicationIdentifier::new(99).unwrap()));
    }
}

/// Two cases of one person, in stores.
pub(super) async fn show_stored(shown: &mut Shown) {
    let store = MemoryStore::new();
    let cases = vec![full_case(), traced_case(OTHER_CASE)];
    store.insert_all(cases.clone()).await.unwrap();
    shown.value(&store);
    shown.error(&store.insert_all(cases).await.unwrap_err());
    show_report(shown, &report(&store, NOW).await.unwrap());
    let later = NOW + chrono::TimeDelta::seconds(9);
    let claimed = store.claim(&id(), &Lease::new("w", NOW, later)).await.unwrap();
    assert!(!claimed.cases.is_empty());
    shown.value(&claimed);
    let blocked = store.claim(&id(), &Lease::new("v", NOW, later)).await.unwrap();
    shown.value(&blocked);
    let due = Due::new(Priority::Screen, NOW);
    shown.value(&due);
    shown.value(&Planned::new(id(), 1, due));
    shown.value(&store.counts(NOW).await.unwrap());
    store.save_setting("paused", Setting::new(NOTE)).await.unwrap();
    shown.value(&store.setting("paused").await.unwrap().unwrap());
    shown.error(&store.save_setting("paused", Setting::new(NOTE)).await.unwrap_err());
    let alerts = MemoryAlerts::default();
    alerts.deliver(&[alert(&full_case())]).await.unwrap();
    shown.value(&alerts);
    #[cfg(feature = "sqlite")]
    {
        use nhs_pds::case::SqliteStore;
        use nhs_pds::process::alert::SqliteAlerts;
        let store = SqliteStore::open_in_memory().unwrap();
        let cases = vec![full_case(), traced_case(OTHER_CASE)];
        store.insert_all(cases.clone()).await.unwrap();
        shown.value(&store);
        shown.error(&store.insert_all(cases).await.unwrap_err());
        let alerts = SqliteAlerts::open_in_memory().unwrap();
        alerts.deliver(&[alert(&full_case())]).await.unwrap();
        shown.value(&alerts);
        let file = nhs_pds::process::store::Sqlite::open_in_memory().unwrap();
        file.inbox().deliver(&[alert(&full_case())]).await.unwrap();
        shown.value(&file);
    }
    #[cfg(feature = "conformance")]
    {
        shown.error(&case::conformance::Breach::from(error()));
        shown.error(&nhs_pds::process::store::conformance::Breach::from(error()));
    }
}

fn show_report(shown: &mut Shown, report: &Report) {
    shown.value(report);
    shown.value(&report.cases);
    report.numbers.iter().for_each(|count| shown.value(count));
    shown.value(&report.completeness);
    shown.value(&report.duplicates);
    shown.value(&report.review);
    shown.value(&report.review.ages);
    report.review.open.iter().for_each(|count| shown.value(count));
    shown.value(&report.matches);
    shown.value(&report.matches.in_scope);
}
