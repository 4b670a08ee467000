use crate::audit::AuditLog;
use crate::case::{Case, CaseId, CaseStore, Change, Due};
use crate::process::alert::AlertSink;
use crate::process::error::Error;
use crate::process::store::commit::{Commit, Committed};
use crate::process::store::deliver::{Delivery, withdraw};
use crate::process::store::unit::Store;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// A [`Store`] of three parts, which may be of different makers.
///
/// Records, then saves, then delivers. Nothing is saved that is not on record, and no alert is
/// delivered whose case is not saved. When a save is refused, the trail gets one more entry for each
/// case: the case as it is stored.
///
/// ```
/// use nhs_pds::audit::MemoryLog;
/// use nhs_pds::case::MemoryStore;
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::store::{Joined, Store};
/// use std::sync::Arc;
///
/// let parts = (MemoryStore::new(), MemoryLog::new(), MemoryAlerts::default());
/// let store: Arc<dyn Store> =
///     Arc::new(Joined::new(Arc::new(parts.0), Arc::new(parts.1), Arc::new(parts.2)));
/// # let _ = store;
/// ```
#[derive(Clone, Debug)]
pub struct Joined {
    cases: Arc<dyn CaseStore>,
    audit: Arc<dyn AuditLog>,
    alerts: Arc<dyn AlertSink>,
}

impl Joined {
    /// Joins the three parts.
    #[must_use]
    pub fn new(
        cases: Arc<dyn CaseStore>,
        audit: Arc<dyn AuditLog>,
        alerts: Arc<dyn AlertSink>,
    ) -> Self {
        Self { cases, audit, alerts }
    }

    async fn deliver(&self, commit: &Commit, mut told: Vec<(Case, Due)>) -> Result<(), Error> {
        told.retain(|(case, _)| !case.undelivered.is_empty());
        if told.is_empty() {
            return Ok(());
        }
        let (cases, audit) = (&*self.cases, &*self.audit);
        Delivery { cases, audit, alerts: &*self.alerts, commit }.deliver(told).await
    }
}

/// A case with undelivered alerts is due at once, in case the process ends before it delivers them.
fn pending(mut change: Change, at: DateTime<Utc>) -> Change {
    if !change.case.undelivered.is_empty() {
        change.due.at = change.due.at.min(at);
    }
    change
}

#[async_trait]
impl Store for Joined {
    fn cases(&self) -> &dyn CaseStore {
        &*self.cases
    }

    fn audit(&self) -> &dyn AuditLog {
        &*self.audit
    }

    fn alerts(&self) -> &dyn AlertSink {
        &*self.alerts
    }

    async fn commit(&self, mut commit: Commit) -> Result<Committed, Error> {
        let mut entries = std::mem::take(&mut commit.recorded);
        let saves = std::mem::take(&mut commit.saves);
        entries.extend(saves.iter().map(|save| save.entry.clone()));
        if !entries.is_empty() {
            self.audit.append(entries).await?;
        }
        let told = std::mem::take(&mut commit.deliveries);
        self.deliver(&commit, told).await?;
        let mut result = Committed::Done;
        if !saves.is_empty() {
            let ids: Vec<CaseId> = saves.iter().map(|save| save.change.case.id.clone()).collect();
            let told = saves.iter().map(|save| {
                let mut case = save.change.case.clone();
                case.version += 1;
                (case, save.change.due)
            });
            let told = told.collect();
            let changes = saves.into_iter().map(|save| pending(save.change, commit.at)).collect();
            result = Committed::of(self.cases.save_all(changes).await)?;
            if !result.is_done() {
                withdraw(&*self.cases, &*self.audit, &commit, &ids).await?;
            } else if let Err(error) = self.deliver(&commit, told).await {
                // The cases are saved, with their alerts, and are due: the next pass delivers them.
                tracing::warn!(kind = %error.kind(), "alerts were not delivered");
            }
        }
        if let Some((owner, ids)) = commit.releases.as_ref().filter(|_| result.is_done()) {
            self.cases.release(owner, ids).await?;
        }
        Ok(result)
    }
}
