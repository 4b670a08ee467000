//! `audit`.

use super::cases::{full_case, id};
use super::{NOW, us};
use crate::privacy::person::{CASE, FAMILY, GIVEN, NOTE, NUMBER};
use crate::privacy::walk::Shown;
use nhs_pds::audit::{
    Actor, Anchor, Anchored, AuditLog, AuditStorage as _, Batch, Entry, Error, ErrorKind, Event,
    EventKind, FileAnchors, Filter, Forwarding, JsonLines, MemoryLog, MemoryRows, Owner, SinkLog,
    Subject, Trail, Value, query_latest,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::trace::Caller;
use std::sync::Arc;

/// A user with the person's name: a member of staff may be a patient, too.
fn actor() -> Actor {
    Actor::new(&Caller::System(us()), format!("{GIVEN} {FAMILY}"))
        .with_role(NOTE, "RHM".parse().unwrap())
        .authorised_by(FAMILY)
        .on_device(FAMILY)
}

fn subject() -> Subject {
    Subject::snapshot(&full_case()).with_personal("family", FAMILY).with_number(NUMBER)
}

pub(super) fn entry() -> Entry {
    Entry::new(EventKind::CaseViewed, NOW, &actor())
        .with_message_id(FAMILY)
        .with_detail(FAMILY, FAMILY)
        .about(subject())
}

pub(super) fn error() -> Error {
    let cause = FAMILY.parse::<nhs_pds::NhsNumber>().unwrap_err();
    Error::new(ErrorKind::Corrupt).with_source(cause)
}

pub(super) async fn show(shown: &mut Shown) {
    shown.value(&actor());
    shown.value(&subject());
    shown.value(&Subject::person(NUMBER));
    shown.value(&entry());
    shown.error(&error());
    let filter = Filter::new().with_number(NUMBER).with_case(CASE.parse().unwrap());
    shown.value(&filter.clone().with_user(FAMILY).with_message_id(FAMILY));
    let log = Arc::new(MemoryLog::new());
    show_log(shown, &*log, &filter).await;
    shown.value(&*log);
    let anchors = Arc::new(FileAnchors::new("anchors.txt"));
    shown.value(&Anchored::new(log, anchors, Arc::new(FixedClock::at(NOW))));
    show_storage(shown).await;
    let sink = Arc::new(JsonLines::new("events.jsonl"));
    shown.value(&Event::new(1, &entry()));
    shown.value(&SinkLog::new(Arc::<JsonLines>::clone(&sink) as _));
    let log = Arc::new(MemoryLog::new());
    shown.value(&Forwarding::new(log, sink, Arc::new(FixedClock::at(NOW))));
    #[cfg(feature = "sqlite")]
    {
        let log = nhs_pds::audit::SqliteLog::open_in_memory().unwrap();
        show_log(shown, &log, &filter).await;
        shown.value(&log);
    }
    #[cfg(feature = "conformance")]
    shown.error(&nhs_pds::audit::conformance::Breach::from(error()));
}

/// What a storage reads and writes, with the person in every row.
async fn show_storage(shown: &mut Shown) {
    let (storage, entries) = (Arc::new(MemoryRows::new()), [entry()]);
    let batch = Batch::new(&entries, &storage.basis(&[]).await.unwrap()).unwrap();
    shown.value(&batch);
    shown.value(&batch.subjects()[0]);
    shown.value(&batch.rows()[0]);
    batch.rows()[0].values().iter().for_each(|value| shown.value(value));
    shown.value(&Value::Text(FAMILY.into()));
    storage.append(batch).await.unwrap();
    let owners = Batch::owners(&entries);
    shown.value(&owners[0]);
    shown.value(&Owner::Person(NUMBER));
    let basis = storage.basis(&owners).await.unwrap();
    shown.value(&basis.subject(&owners[0]).unwrap());
    shown.value(&basis);
    shown.value(&storage.rows(&Filter::new(), 1, 1).await.unwrap()[0]);
    shown.value(&*storage);
    shown.value(&Trail::new(storage));
}

async fn show_log(shown: &mut Shown, log: &dyn AuditLog, filter: &Filter) {
    log.append(vec![entry()]).await.unwrap();
    let events = log.page(filter, 0, 9).await.unwrap();
    assert_eq!(events.len(), 1);
    shown.value(&events[0]);
    shown.value(&events[0].about);
    shown.value(&log.head().await.unwrap());
    shown.value(&log.verify(&[]).await.unwrap());
    shown.value(&log.verify(&[Anchor::new(1, [1; 32])]).await.unwrap());
    for limit in [1, 1] {
        let all = Filter::new();
        shown.value(&query_latest(log, &actor(), NOW, &all, None, limit).await.unwrap());
    }
    // Before an event says that the case was erased.
    shown.error(&log.forget(&id()).await.unwrap_err());
}
