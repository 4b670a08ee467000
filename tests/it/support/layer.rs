//! A store in front of another, for tests in which one call behaves differently.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use nhs_pds::case::{
    Case, CaseId, CaseStore, Change, Claim, Counts, Error, Lease, Planned, Setting, Unreadable,
};
use nhs_pds::nhs_number::NhsNumber;
use std::fmt::Debug;

/// The changed calls; all others go to the store behind.
#[async_trait]
pub(crate) trait Layer: Debug + Send + Sync {
    fn behind(&self) -> &dyn CaseStore;

    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        self.behind().get(id).await
    }
    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        self.behind().page(after, limit).await
    }
    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        self.behind().unreadable().await
    }
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.behind().save_all(changes).await
    }
    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        self.behind().holders(number).await
    }
    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, Error> {
        self.behind().claim_due(limit, lease).await
    }
    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, Error> {
        self.behind().claim(id, lease).await
    }
    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        self.behind().renew(lease).await
    }
    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        self.behind().release(owner, ids).await
    }
    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), Error> {
        self.behind().set_due(planned).await
    }
    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, Error> {
        self.behind().counts(now).await
    }
    async fn setting(&self, name: &str) -> Result<Option<Setting>, Error> {
        self.behind().setting(name).await
    }
    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), Error> {
        self.behind().save_setting(name, setting).await
    }
    async fn erase(&self, case: Case) -> Result<(), Error> {
        self.behind().erase(case).await
    }
}

/// The store in front.
#[derive(Debug)]
pub(crate) struct Layered<L>(pub(crate) L);

#[async_trait]
impl<L: Layer> CaseStore for Layered<L> {
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        self.0.get(id).await
    }
    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        self.0.page(after, limit).await
    }
    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        self.0.unreadable().await
    }
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.0.save_all(changes).await
    }
    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        self.0.holders(number).await
    }
    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, Error> {
        self.0.claim_due(limit, lease).await
    }
    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, Error> {
        self.0.claim(id, lease).await
    }
    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        self.0.renew(lease).await
    }
    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        self.0.release(owner, ids).await
    }
    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), Error> {
        self.0.set_due(planned).await
    }
    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, Error> {
        self.0.counts(now).await
    }
    async fn setting(&self, name: &str) -> Result<Option<Setting>, Error> {
        self.0.setting(name).await
    }
    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), Error> {
        self.0.save_setting(name, setting).await
    }
    async fn erase(&self, case: Case) -> Result<(), Error> {
        self.0.erase(case).await
    }
}
