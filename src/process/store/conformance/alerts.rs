//! Alerts: delivered once their case is saved, and on it until then.

use super::{Breach, at, commit, hold, kinds, new_case, saving, stored};
use crate::audit::EventKind;
use crate::case::{Alert, AlertKind, Case, Change, Due, Lease, Priority};
use crate::process::alert::{self, AlertSink};
use crate::process::store::unit::Store;
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A sink that fails until it is told otherwise.
#[derive(Debug, Default)]
pub(super) struct Sink {
    works: AtomicBool,
    delivered: Mutex<Vec<String>>,
}

#[async_trait]
impl AlertSink for Sink {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), alert::Error> {
        if !self.works.load(Ordering::Relaxed) {
            return Err(alert::Error::new(alert::ErrorKind::Unavailable));
        }
        let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        delivered.extend(alerts.iter().map(|alert| alert.id.clone()));
        Ok(())
    }
}

/// A case with an alert to deliver.
fn alerting(id: &str) -> Result<Case, Breach> {
    let mut case = new_case(id)?;
    case.undelivered = vec![Alert::about(format!("{id}/1"), AlertKind::Deceased, at(5), &case)];
    Ok(case)
}

pub(super) async fn takes_alerts_off_their_cases(store: &dyn Store) -> Result<(), Breach> {
    let due = Due::new(Priority::Routine, at(20));
    let (case, other) = (alerting("a")?, new_case("b")?);
    let id = case.id.clone();
    let commit = commit()?.save(Change::new(case).with_due(due), &[("decision", "tested")]);
    hold(store.commit(saving(commit, &other)).await?.is_done(), "a case with an alert is saved")?;
    let mut expected = new_case("a")?;
    expected.version = 2;
    let clause = "a delivered alert is taken off its case";
    hold(stored(store, &id).await? == Some(expected), clause)?;
    let last = kinds(store).await?;
    let clause = "an alert is on record before the case without it";
    hold(last.ends_with(&[EventKind::AlertSent, EventKind::CaseChanged]), clause)?;
    let version = stored(store, &other.id).await?.map(|case| case.version);
    hold(version == Some(1), "a case without alerts is saved once")?;
    let _done = store.cases().claim(&other.id, &Lease::new("b", at(10), at(20))).await?;
    let claim = store.cases().claim_due(9, &Lease::new("a", at(19), at(29))).await?;
    hold(claim.cases.is_empty(), "a case whose alerts are delivered is due at its time")
}

pub(super) async fn delivers_stored_alerts(store: &dyn Store) -> Result<(), Breach> {
    let case = alerting("a")?;
    store.cases().insert_all(vec![case.clone()]).await?;
    let mut read = case.clone();
    read.version = 1;
    let due = Due::new(Priority::Routine, at(20));
    let _done = store.commit(commit()?.deliver(read.clone(), due)).await?;
    let after = store.cases().get(&case.id).await?;
    let clause = "a stored alert is delivered and taken off its case";
    hold(after.is_some_and(|case| case.undelivered.is_empty() && case.version == 2), clause)?;
    let early = store.cases().claim_due(9, &Lease::new("a", at(19), at(29))).await?;
    let then = store.cases().claim_due(9, &Lease::new("a", at(20), at(30))).await?;
    let is_due = early.cases.is_empty() && then.cases.len() == 1;
    hold(is_due, "a case whose stored alerts are delivered is due at the given time")?;
    // Version 1 is not stored any more.
    let late = store.commit(commit()?.deliver(read, due)).await?;
    hold(late.is_done(), "an alert of an old version is no error")?;
    let version = stored(store, &case.id).await?.map(|case| case.version);
    hold(version == Some(2), "an alert of an old version changes no case")
}

pub(super) async fn keeps_an_alert_until_it_is_delivered(
    store: &dyn Store,
    sink: &Sink,
) -> Result<(), Breach> {
    let delivered = || sink.delivered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let due = Due::new(Priority::Routine, at(9_000));
    let case = alerting("a")?;
    let id = case.id.clone();
    let save = commit()?.save(Change::new(case.clone()).with_due(due), &[("decision", "tested")]);
    let clause = "a case is saved whether or not its alert can be delivered";
    hold(store.commit(save).await?.is_done(), clause)?;
    let mut kept = case;
    kept.version = 1;
    let clause = "an alert that cannot be delivered stays on its case";
    hold(stored(store, &id).await? == Some(kept.clone()), clause)?;
    let lease = Lease::new("us", at(8_000), at(8_010));
    let claim = store.cases().claim_due(9, &lease).await?;
    hold(claim.cases.len() == 1, "a case with an undelivered alert is due soon")?;
    sink.works.store(true, Ordering::Relaxed);
    let again = commit()?.deliver(kept, due).release("us", vec![id.clone()]);
    let _done = store.commit(again).await?;
    hold(delivered() == ["a/1"], "an alert is delivered to the sink, with its id")?;
    let after = stored(store, &id).await?;
    let clause = "a delivered alert is taken off its case";
    hold(after.is_some_and(|case| case.undelivered.is_empty()), clause)?;
    let claim = store.cases().claim(&id, &Lease::new("them", at(8_000), at(8_010))).await?;
    hold(claim.cases.len() == 1, "leases end after a delivery")?;
    let _done = store.commit(saving(commit()?, &alerting("b")?)).await?;
    hold(delivered() == ["a/1", "b/1"], "an alert of a saved case is delivered to the sink")
}
