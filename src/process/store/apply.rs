//! What a commit does in a store that holds cases, trail and alerts, and takes them together. The store says how each
//! part is written, and how a part of a commit is undone.

use crate::audit::{AuditLog, Entry, Subject};
use crate::case::{self, Alert, Case, CaseId, CaseStore, Change, Due};
use crate::process::alert::AlertSink;
use crate::process::error::Error;
use crate::process::store::commit::{Commit, Committed, Set, changed};
use crate::process::store::deliver::{Delivery, pending, saved, told};

/// A transaction, or what becomes one. After an error that is not a refusal, all of it is rolled back.
pub(super) trait Medium {
    /// Saves the settings and makes the changes. After a refusal, some of it may be done.
    fn save(&mut self, sets: &[Set], changes: Vec<Change>) -> Result<(), case::Error>;

    /// Appends to the trail.
    fn record(&mut self, entries: Vec<Entry>) -> Result<(), Error>;

    /// Puts alerts into the inbox.
    fn deliver(&mut self, alerts: Vec<Alert>) -> Result<(), Error>;

    /// Ends leases.
    fn release(&mut self, owner: &str, ids: &[CaseId]) -> Result<(), Error>;

    /// Does `work`, or nothing of it where the store refuses a save.
    fn unless_refused(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<Committed, Error>;
}

/// Why a step ended.
pub(super) enum Refusal {
    /// The store of cases has refused or failed.
    Case(case::Error),
    Other(Error),
}

/// A commit in a transaction.
pub(super) struct Unit<'a, M> {
    medium: &'a mut M,
    commit: Commit,
}

impl<'a, M: Medium> Unit<'a, M> {
    pub(super) const fn new(medium: &'a mut M, commit: Commit) -> Self {
        Self { medium, commit }
    }

    /// Everything but the delivery of alerts.
    pub(super) fn commit(mut self) -> Result<Committed, Error> {
        let result = self.effects()?;
        self.release(&result)?;
        Ok(result)
    }

    /// Everything, with the inbox in the same file.
    pub(super) fn commit_all(mut self) -> Result<Committed, Error> {
        let now_saved = saved(&self.commit.saves);
        let result = self.effects()?;
        for (case, due) in std::mem::take(&mut self.commit.deliveries) {
            // A case that another program has changed keeps its alerts, and is due.
            let commit = &self.commit;
            let _ = self.medium.unless_refused(|medium| deliver(medium, commit, case, due))?;
        }
        if result.is_done() {
            for (case, due) in now_saved {
                deliver(self.medium, &self.commit, case, due)?;
            }
        }
        self.release(&result)?;
        Ok(result)
    }

    /// Saves and records.
    fn effects(&mut self) -> Result<Committed, Error> {
        let mut entries = std::mem::take(&mut self.commit.recorded);
        let saves = std::mem::take(&mut self.commit.saves);
        let sets = std::mem::take(&mut self.commit.sets);
        let mut result = Committed::Done;
        if !saves.is_empty() || !sets.is_empty() {
            let mut changes = Vec::with_capacity(saves.len());
            let mut with_changes: Vec<Entry> = sets.iter().map(|set| set.entry.clone()).collect();
            for save in saves {
                changes.push(save.change);
                with_changes.push(save.entry);
            }
            result = self.medium.unless_refused(|medium| Ok(medium.save(&sets, changes)?))?;
            if result.is_done() {
                entries.append(&mut with_changes);
            }
        }
        if !entries.is_empty() {
            self.medium.record(entries)?;
        }
        Ok(result)
    }

    /// Ends the leases. Where the changes were refused, the caller decides again, and keeps them.
    fn release(&mut self, result: &Committed) -> Result<(), Error> {
        match &self.commit.releases {
            Some((owner, ids)) if result.is_done() => self.medium.release(owner, ids),
            _ => Ok(()),
        }
    }
}

/// Commits through `write`, and then delivers the alerts to the sink of another maker.
pub(super) async fn commit_and_deliver<F: Future<Output = Result<Committed, Error>>>(
    (cases, audit, sink): (&dyn CaseStore, &dyn AuditLog, &dyn AlertSink),
    mut commit: Commit,
    write: impl FnOnce(Commit) -> F,
) -> Result<Committed, Error> {
    let told = std::mem::take(&mut commit.deliveries);
    let now_saved = saved(&commit.saves);
    let mut effects = commit.clone();
    if told.iter().chain(&now_saved).any(|(case, _)| !case.undelivered.is_empty()) {
        // The leases end after the delivery.
        effects.releases = None;
    } else {
        commit.releases = None;
    }
    for save in &mut effects.saves {
        save.change = pending(save.change.clone(), commit.at);
    }
    let result = write(effects).await?;
    let delivery = Delivery { cases, audit, alerts: sink, commit: &commit };
    delivery.deliver(told).await?;
    if result.is_done() {
        delivery.deliver_saved(now_saved).await;
    }
    if let Some((owner, ids)) = commit.releases.as_ref().filter(|_| result.is_done()) {
        cases.release(owner, ids).await?;
    }
    Ok(result)
}

/// Whether the commit only ends leases. Then it need not wait for the disk.
pub(super) const fn only_releases(commit: &Commit) -> bool {
    let Commit { recorded, saves, sets, deliveries, .. } = commit;
    recorded.is_empty() && saves.is_empty() && sets.is_empty() && deliveries.is_empty()
}

/// Delivers the alerts of a stored case to the inbox.
fn deliver<M: Medium>(
    medium: &mut M,
    commit: &Commit,
    mut case: Case,
    due: Due,
) -> Result<(), Refusal> {
    if case.undelivered.is_empty() {
        return Ok(());
    }
    let (actor, at) = (&commit.actor, commit.at);
    let sent = case.undelivered.iter().map(|alert| told(actor, alert, at));
    let mut entries: Vec<Entry> = sent.map(|entry| entry.about(Subject::of(&case))).collect();
    let alerts = std::mem::take(&mut case.undelivered);
    entries.push(changed(actor, &case, &[(commit.why, "alerts_delivered")], at));
    medium.save(&[], vec![Change::new(case).with_due(due)])?;
    medium.record(entries)?;
    medium.deliver(alerts)?;
    Ok(())
}

impl From<case::Error> for Refusal {
    fn from(error: case::Error) -> Self {
        Self::Case(error)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Case(error) => error.into(),
            Refusal::Other(error) => error,
        }
    }
}
