use crate::audit::AuditLog;
use crate::case::{CaseId, CaseStore};
use crate::process::alert::AlertSink;
use crate::process::error::Error;
use crate::process::store::commit::{Commit, Committed, Set};
use crate::process::store::deliver::{Delivery, pending, saved, withdraw};
use crate::process::store::unit::Store;
use async_trait::async_trait;
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

    /// Saves the settings. Withdraws the entries of those that cannot be saved.
    async fn set(&self, sets: &[Set]) -> Result<Committed, Error> {
        for (at, set) in sets.iter().enumerate() {
            let saved = self.cases.save_setting(&set.name, set.setting.clone()).await;
            let result = Committed::of(saved)?;
            if !result.is_done() {
                let rest = sets.iter().skip(at).map(Set::withdrawn).collect();
                self.audit.append(rest).await?;
                return Ok(result);
            }
        }
        Ok(Committed::Done)
    }

    fn delivery<'a>(&'a self, commit: &'a Commit) -> Delivery<'a> {
        let (cases, audit) = (&*self.cases, &*self.audit);
        Delivery { cases, audit, alerts: &*self.alerts, commit }
    }
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
        let (saves, sets) = (std::mem::take(&mut commit.saves), std::mem::take(&mut commit.sets));
        entries.extend(sets.iter().map(|set| set.entry.clone()));
        entries.extend(saves.iter().map(|save| save.entry.clone()));
        if !entries.is_empty() {
            self.audit.append(entries).await?;
        }
        let told = std::mem::take(&mut commit.deliveries);
        self.delivery(&commit).deliver(told).await?;
        let mut result = self.set(&sets).await?;
        if !result.is_done() {
            let ids: Vec<CaseId> = saves.iter().map(|save| save.change.case.id.clone()).collect();
            withdraw(&*self.cases, &*self.audit, &commit, &ids).await?;
        } else if !saves.is_empty() {
            let ids: Vec<CaseId> = saves.iter().map(|save| save.change.case.id.clone()).collect();
            let told = saved(&saves);
            let changes = saves.into_iter().map(|save| pending(save.change, commit.at)).collect();
            result = Committed::of(self.cases.save_all(changes).await)?;
            if !result.is_done() {
                withdraw(&*self.cases, &*self.audit, &commit, &ids).await?;
            } else {
                self.delivery(&commit).deliver_saved(told).await;
            }
        }
        if let Some((owner, ids)) = commit.releases.as_ref().filter(|_| result.is_done()) {
            self.cases.release(owner, ids).await?;
        }
        Ok(result)
    }
}
