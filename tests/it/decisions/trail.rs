//! The audit trail keeps its words: a row that has another name today is recorded under its older one.

use super::case;
use crate::support::one_question;
use nhs_pds::audit::{AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{CaseStore, MemoryStore};
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Row, Settings, Worker, table};
use nhs_pds::trace::{Caller, LocalIdentity, Outcome, ScriptedTracer};
use std::sync::Arc;

#[tokio::test]
async fn a_renamed_row_keeps_its_word_in_the_audit_trail() {
    let store = MemoryStore::new();
    let mut new = case();
    new.version = 0;
    store.insert_all(vec![new]).await.unwrap();
    let log = Arc::new(MemoryLog::new());
    let worker = Worker::new(
        Arc::new(ScriptedTracer::new([Ok(Outcome::None)])),
        Arc::new(Joined::new(
            Arc::new(store),
            Arc::<MemoryLog>::clone(&log),
            Arc::new(MemoryAlerts::default()),
        )),
        Settings::new(Caller::System(
            LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap(),
        ))
        .with_policy(one_question())
        .with_clock(Arc::new(FixedClock::at(super::now()))),
    );
    let mut rows = Vec::new();
    worker.run_once(&mut |report| rows.extend(report.row)).await.unwrap();
    assert_eq!(rows, [Row::NoMatch]);
    let changed = Filter::new().with_kind(EventKind::CaseChanged);
    let entries = log.page(&changed, 0, 9).await.unwrap();
    let decisions: Vec<&str> = entries
        .iter()
        .flat_map(|entry| &entry.details)
        .filter(|(key, _)| key == "decision")
        .map(|(_, word)| word.as_str())
        .collect();
    assert_eq!(decisions, ["nobody"]);
    assert!(table().contains("| `no_match` | `nobody` |"), "the document says so");
}
