//! `review`.

use super::cases::{full_case, id, other_id, traced_case};
use super::{audit, cases, us};
use crate::privacy::person::{
    ADDRESS, BORN, CASE, DIED, FAMILY, GIVEN, NEW_NUMBER, NUMBER, OTHER_CASE, POSTCODE,
};
use crate::privacy::walk::Shown;
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::{CaseFilter, CaseStore, MemoryStore, SearchKeys};
use nhs_pds::demographics::Gender;
use nhs_pds::process::Error;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::review::{
    ActionOutcome, Corrections, ItemFilter, ItemId, Refusal, Release, Resolution, ReviewQueue,
    Seen, Since,
};
use nhs_pds::process::store::Joined;
use nhs_pds::trace::Caller;
use std::sync::Arc;

fn corrections() -> Corrections {
    let mut corrections = Corrections::default();
    corrections.surname = Some(FAMILY.into());
    corrections.forename = Some(GIVEN.into());
    corrections.date_of_birth = Some(BORN.parse().unwrap());
    corrections.gender = Some(Gender::Female);
    corrections.address = Some(ADDRESS.map(str::to_owned));
    corrections.postcode = Some(POSTCODE.into());
    corrections.date_of_death = Some(DIED.parse().unwrap());
    corrections
}

pub(super) async fn show(shown: &mut Shown) {
    shown.value(&corrections());
    for resolution in [
        Resolution::AcceptNumber(NUMBER),
        Resolution::RejectNumber(NEW_NUMBER),
        Resolution::NoneOfThese,
        Resolution::KeepOurs,
        Resolution::CorrectAndAskAgain(corrections()),
        Resolution::Merge { absorbed: other_id() },
    ] {
        shown.value(&resolution);
    }
    shown.value(&ItemFilter::default().with_assignee(FAMILY));
    shown.value(&Release::default().with_code(FAMILY));
    shown.value(&ItemFilter::default().with_workers([FAMILY]));
    shown.value(&ItemId::new(id(), 1));
    shown.value(&ActionOutcome::Refused(Refusal::Closed));
    shown.error(&Error::from(cases::error()));
    shown.error(&Error::from(audit::error()));
    show_queue(shown).await;
}

async fn show_queue(shown: &mut Shown) {
    let store = Arc::new(MemoryStore::new());
    store.insert_all(vec![full_case(), traced_case(OTHER_CASE)]).await.unwrap();
    let (log, cases) = (Arc::new(MemoryLog::new()), Arc::clone(&store));
    let queue =
        ReviewQueue::new(Arc::new(Joined::new(store, log, Arc::new(MemoryAlerts::default()))));
    shown.value(&queue);
    let jo = Actor::new(&Caller::System(us()), "Jo Doe");
    let listed = queue.list(&ItemFilter::default(), None, 9, &jo).await.unwrap();
    assert_eq!(listed[0].id.case.as_str(), CASE);
    shown.value(&listed[0]);
    let item = queue.show(&listed[0].id, &jo).await.unwrap().unwrap();
    assert!(item.comparison.is_some());
    let [candidate] = &item.candidates[..] else { panic!() };
    assert!(candidate.fields.iter().any(|field| field.pds.is_some()));
    for field in &candidate.fields {
        shown.value(field);
        shown.value(&field.agreement);
    }
    shown.value(candidate);
    for choice in item.choices() {
        shown.value(&choice.kind);
        shown.value(&choice);
    }
    shown.value(&Seen::of(&item.case, Some(item.item.number)));
    shown.value(&queue.clone().if_as_seen(Seen::of(&item.case, Some(item.item.number))));
    let since = Since::between(&traced_case(OTHER_CASE), &item.case);
    assert!(!since.is_empty());
    since.fields.iter().for_each(|field| shown.value(field));
    shown.value(&since);
    shown.value(&item);
    let filter = CaseFilter::default().with_surname(FAMILY).with_postcode(FAMILY);
    shown.value(&filter);
    let found = queue.search(&CaseFilter::default().with_id(id()), None, 9, &jo).await.unwrap();
    assert_eq!(found[0].id.as_str(), CASE);
    shown.value(&found);
    shown.value(&SearchKeys::of(&found[0]));
    let items = cases.worklist(&ItemFilter::default(), None, 9).await.unwrap();
    shown.value(&items[0]);
    shown.value(&items[0].place());
    shown.value(&listed[0].place());
    shown.value(&CaseFilter::default().with_workers([FAMILY]));
    shown.value(&cases.item_counts(FAMILY, None).await.unwrap());
}
