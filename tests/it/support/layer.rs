//! A store in front of another, for tests in which one call behaves differently.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use nhs_pds::case::{Case, CaseId, CaseStore, Change, Claim, Error, Lease, Unreadable};
use nhs_pds::nhs_number::NhsNumber;
use std::fmt::Debug;

/// The changed calls; all others go to the store behind.
#[async_trait]
pub(crate) trait Layer: Debug + Send + Sync {
    fn behind(&self) -> &dyn CaseStore;

    async fn insert_all(&self, cases: Vec<Case>) -> Result<(), Error> {
        self.behind().insert_all(cases).await
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
    async fn claim(&self, ids: &[CaseId], lease: &Lease) -> Result<Claim, Error> {
        self.behind().claim(ids, lease).await
    }
    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        self.behind().renew(lease).await
    }
    async fn release(
        &self,
        owner: &str,
        ids: &[CaseId],
        at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        self.behind().release(owner, ids, at).await
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
    async fn insert_all(&self, cases: Vec<Case>) -> Result<(), Error> {
        self.0.insert_all(cases).await
    }
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        self.0.behind().get(id).await
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
    async fn claim(&self, ids: &[CaseId], lease: &Lease) -> Result<Claim, Error> {
        self.0.claim(ids, lease).await
    }
    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        self.0.renew(lease).await
    }
    async fn release(
        &self,
        owner: &str,
        ids: &[CaseId],
        at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        self.0.release(owner, ids, at).await
    }
    async fn erase(&self, case: Case) -> Result<(), Error> {
        self.0.erase(case).await
    }
}
