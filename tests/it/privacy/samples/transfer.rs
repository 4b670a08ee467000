//! `process::store::transfer`: a move of the person, and one of the damaged person.

use super::cases::{alert, full_case};
use super::{NOW, audit, us};
use crate::privacy::person::FAMILY;
use crate::privacy::walk::Shown;
use nhs_pds::audit::Actor;
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::AlertSink;
use nhs_pds::process::store::transfer::{Place, Transfer};
use nhs_pds::process::store::{Sqlite, Store};
use nhs_pds::trace::Caller;
use rusqlite::Connection;
use std::sync::{Arc, Mutex};

pub(super) async fn show(shown: &mut Shown) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.sqlite");
    let source = Sqlite::open(&file).unwrap();
    source.cases().insert_all(vec![full_case()]).await.unwrap();
    source.inbox().deliver(&[alert(&full_case())]).await.unwrap();
    source.audit().append(vec![audit::entry()]).await.unwrap();
    let by = Actor::new(&Caller::System(us()), FAMILY);
    shown.value(&Place::from(source.clone()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = Arc::clone(&seen);
    let transfer = Transfer::new(source.clone(), Sqlite::open_in_memory().unwrap())
        .with_clock(Arc::new(FixedClock::at(NOW)))
        .with_progress(move |at| progress.lock().unwrap().push(at));
    shown.value(&transfer);
    let moved = transfer.run(&by).await.unwrap();
    assert_eq!((moved.cases, moved.alerts), (1, 1));
    shown.value(&moved);
    seen.lock().unwrap().iter().for_each(|at| shown.value(at));

    let damage =
        format!("UPDATE cases SET document = '{FAMILY}'; UPDATE alert SET document = '{FAMILY}'");
    Connection::open(&file).unwrap().execute_batch(&damage).unwrap();
    let error =
        Transfer::new(source, Sqlite::open_in_memory().unwrap()).run(&by).await.unwrap_err();
    assert_eq!(error.damaged().len(), 2);
    shown.error(&error);
}
