//! A store that holds all parts and commits them as one, made from the public interface alone.

use crate::parts::{Memory, Parts};
use crate::world::{Role, World};
use async_trait::async_trait;
use chrono::TimeDelta;
use nhs_pds::audit::AuditLog;
use nhs_pds::case::{self, Case, CaseStore, Change, Due, ErrorKind};
use nhs_pds::process::Error;
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::store::{Commit, Committed, Joined, Store, conformance};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Atomic {
    parts: Arc<Parts>,
    /// Delivers alerts, which no database can deliver and save at once.
    joined: Joined,
}

impl Atomic {
    pub(crate) fn new(parts: Parts) -> Self {
        let parts = Arc::new(parts);
        let (cases, audit, alerts) = (Arc::clone(&parts), Arc::clone(&parts), Arc::clone(&parts));
        Self { parts, joined: Joined::new(cases, audit, alerts) }
    }

    /// Delivers the alerts of these stored cases.
    async fn deliver(&self, commit: &Commit, cases: Vec<(Case, Due)>) -> Result<(), Error> {
        let mut delivery = Commit::new(&commit.actor, commit.at);
        delivery.why = commit.why;
        delivery.deliveries = cases;
        let _done = self.joined.commit(delivery).await?;
        Ok(())
    }

    /// Whether each setting is as it was read.
    async fn check_settings(&self, commit: &Commit) -> Result<(), case::Error> {
        for set in &commit.sets {
            let stored = self.parts.memory.cases.setting(&set.name).await?;
            if stored.map_or(0, |stored| stored.version) != set.setting.version {
                return Err(case::Error::new(ErrorKind::Conflict));
            }
        }
        Ok(())
    }

    /// Does everything in one step, or only records and releases: nothing waits in between.
    async fn write(&self, commit: &Commit) -> Result<Committed, Error> {
        let (memory, mut entries) = (&self.parts.memory, commit.recorded.clone());
        let changes: Vec<Change> = commit
            .saves
            .iter()
            .map(|save| {
                let mut change = save.change.clone();
                // Due at once, in case the process ends before it delivers the alerts.
                if !change.case.undelivered.is_empty() {
                    change.due.at = change.due.at.min(commit.at);
                }
                change
            })
            .collect();
        let mut saved = self.check_settings(commit).await;
        if saved.is_ok() {
            saved = memory.cases.save_all(changes.clone()).await;
        }
        if saved.is_ok() {
            for set in &commit.sets {
                memory.cases.save_setting(&set.name, set.setting.clone()).await?;
                entries.push(set.entry.clone());
            }
            entries.extend(commit.saves.iter().map(|save| save.entry.clone()));
        }
        if !entries.is_empty() {
            self.parts.record(entries).await?;
        }
        if !changes.is_empty() {
            self.parts.note_save(&changes, &saved);
        }
        let committed = Committed::of(saved)?;
        if let Some((owner, ids)) = commit.releases.as_ref().filter(|_| committed.is_done()) {
            self.parts.free(owner, ids).await?;
        }
        Ok(committed)
    }
}

#[async_trait]
impl Store for Atomic {
    fn cases(&self) -> &dyn CaseStore {
        &*self.parts
    }

    fn audit(&self) -> &dyn AuditLog {
        &*self.parts
    }

    fn alerts(&self) -> &dyn AlertSink {
        &*self.parts
    }

    async fn commit(&self, mut commit: Commit) -> Result<Committed, Error> {
        let unavailable = || case::Error::new(ErrorKind::Unavailable);
        let deliveries = std::mem::take(&mut commit.deliveries);
        if !deliveries.is_empty() {
            self.deliver(&commit, deliveries).await?;
        }
        let rate = self.parts.world.shape.store_faults;
        let fate = self.parts.enter(rate).await.map_err(|()| unavailable())?;
        let committed = self.write(&commit).await?;
        self.parts.leave(fate).await.map_err(|()| unavailable())?;
        if committed.is_done() {
            let saved = commit.saves.iter().map(|save| {
                let mut case = save.change.case.clone();
                case.version += 1;
                (case, save.change.due)
            });
            let waiting = saved.filter(|(case, _)| !case.undelivered.is_empty()).collect();
            // They stay on their cases, which are due, if this fails.
            let _ = self.deliver(&commit, waiting).await;
        }
        Ok(committed)
    }
}

/// The contract of a store holds for one that is written outside the crate.
#[tokio::test(start_paused = true)]
async fn a_store_made_from_the_public_interface_keeps_the_contract() {
    let new = |alerts: Arc<dyn AlertSink>| -> Arc<dyn Store> {
        let world = World::lenient();
        let who = world.who("conformance", Role::Importer, TimeDelta::zero());
        let memory = Arc::new(Memory::with_alerts(alerts));
        Arc::new(Atomic::new(Parts { world, who, memory }))
    };
    conformance::check(async || new(Arc::new(MemoryAlerts::default()))).await.unwrap();
    conformance::check_deliveries(async |alerts| new(alerts)).await.unwrap();
}
