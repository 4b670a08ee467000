//! The audit trail keeps its words: a row that has another name today is recorded under its older one.

use super::case;
use crate::support::one_question;
use nhs_pds::audit::{AuditLog, Event, EventKind, Filter, MemoryLog};
use nhs_pds::case::{CaseStore, MemoryStore, NumberSource};
use nhs_pds::clock::FixedClock;
use nhs_pds::matching::Judge;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Row, Settings, Worker, table};
use nhs_pds::trace::{Caller, LocalIdentity, Outcome, ScriptedTracer};
use serde_json::json;
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

/// The strategy, the step, the judge's version and the evidence are in the trail, and with the number.
#[tokio::test]
async fn strategy_step_and_evidence_are_recorded() {
    let her = super::found(super::NEW, &super::comfort()).unwrap().outcome;
    let twin = super::comfort_but(json!({"name": {"given": ["JOY"], "family": "AINDOW"}}));
    let twin = super::found(super::NEW, &twin).unwrap().outcome;
    for (answers, step, row) in [
        (vec![Ok(her.clone())], "exact", Row::Found),
        (vec![Ok(Outcome::None), Ok(her)], "no_given", Row::Found),
        (vec![Ok(twin); 3], "exact", Row::FoundDiffers),
    ] {
        let store = Arc::new(MemoryStore::new());
        let mut new = case();
        new.version = 0;
        let id = new.id.clone();
        store.insert_all(vec![new]).await.unwrap();
        let log = Arc::new(MemoryLog::new());
        let tracer =
            ScriptedTracer::new(answers.into_iter().chain((0..9).map(|_| Ok(Outcome::None))));
        let worker = worker(&store, &log, tracer);
        let mut rows = Vec::new();
        worker.run_once(&mut |report| rows.extend(report.row)).await.unwrap();
        assert_eq!(rows, [row]);
        let sent = log.page(&Filter::new().with_kind(EventKind::MessageSent), 0, 99).await.unwrap();
        let asked: Vec<&str> = sent.iter().filter_map(|entry| detail(entry, "step")).collect();
        assert!(asked.contains(&step), "each message has its step: {asked:?}");
        let changed = Filter::new().with_kind(EventKind::CaseChanged);
        let entries = log.page(&changed, 0, 9).await.unwrap();
        let entry = entries.iter().find(|entry| detail(entry, "evidence").is_some()).unwrap();
        assert_eq!(detail(entry, "strategy"), Some("smsp-1"));
        assert_eq!(detail(entry, "judge"), Some(Judge::VERSION.to_string().as_str()));
        assert_eq!(detail(entry, "step"), Some(step));
        let after = store.get(&id).await.unwrap().unwrap();
        let risk = detail(entry, "risk").unwrap().to_owned();
        let evidence = detail(entry, "evidence").unwrap().to_owned();
        let Some(recorded) = after.nhs_number else {
            assert_eq!(detail(entry, "vetoes"), Some("twin"));
            let item = after.review.last().unwrap();
            let [candidate] = &item.evidence.candidates[..] else { panic!() };
            assert_eq!(
                (candidate.risk.to_string(), candidate.relations.to_string()),
                (risk, evidence)
            );
            continue;
        };
        assert_eq!(
            evidence,
            "family=equal given=equal birth=equal gender=equal postcode=equal house=different \
             contact=unknown"
        );
        let NumberSource::Traced(provenance) = recorded.source else { panic!() };
        assert_eq!(
            (provenance.strategy.as_str(), provenance.step.as_deref()),
            ("smsp-1", Some(step))
        );
        assert_eq!(provenance.risk.unwrap().to_string(), risk);
        assert_eq!(provenance.relations.unwrap().to_string(), evidence);
    }
}

/// The value of a detail.
fn detail<'a>(entry: &'a Event, name: &str) -> Option<&'a str> {
    let found = entry.details.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

/// A worker with the strategy of its service.
fn worker(store: &Arc<MemoryStore>, log: &Arc<MemoryLog>, tracer: ScriptedTracer) -> Worker {
    let (cases, audit) = (Arc::<MemoryStore>::clone(store), Arc::<MemoryLog>::clone(log));
    let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    Worker::new(
        Arc::new(tracer),
        Arc::new(Joined::new(cases, audit, Arc::new(MemoryAlerts::default()))),
        Settings::new(Caller::System(us)).with_clock(Arc::new(FixedClock::at(super::now()))),
    )
}
