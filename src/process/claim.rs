//! Cases that are a worker's own for a while.

use crate::case::{Case, CaseId, Lease};
use crate::process::{Error, Worker};
use chrono::{DateTime, Utc};
use std::time::Duration;
use tracing::warn;

/// How soon a worker looks again whether another is done with a case.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The cases that are this worker's for a while.
pub(super) struct Claims {
    count: usize,
    renewed: DateTime<Utc>,
    /// Whether another worker has taken some, because the lease had run out.
    pub(super) lost: bool,
}

impl Claims {
    /// So many cases, claimed now.
    pub(super) const fn new(count: usize, now: DateTime<Utc>) -> Self {
        Self { count, renewed: now, lost: false }
    }
}

impl Worker {
    /// This worker under a name of its own, so that what it claims nobody else does.
    pub(super) fn owning(&self) -> Self {
        Self { owner: self.ids.next().to_string(), ..self.clone() }
    }

    /// The case `id`, as this worker's own for a while, once nobody else has it.
    pub(super) async fn claim_one(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        loop {
            let now = self.clock.now();
            let mut claim = self.store.claim(std::slice::from_ref(id), &self.lease(now)).await?;
            match claim.blocked_until {
                Some(until) => self.wait_for(until).await,
                None => return Ok(claim.cases.pop()),
            }
        }
    }

    pub(super) async fn give_back(&self, ids: &[CaseId]) -> Result<(), Error> {
        Ok(self.store.release(&self.owner, ids, Some(self.clock.now())).await?)
    }

    /// How many stored cases cannot be read, and so cannot be claimed.
    pub(super) async fn unreadable(&self) -> Result<u64, Error> {
        let count = self.store.unreadable().await?.len() as u64;
        if count > 0 {
            warn!(count, "stored cases are damaged and cannot be read");
        }
        Ok(count)
    }

    /// Gives back what was claimed and not asked about.
    pub(super) async fn give_back_unasked(&self, ids: &[CaseId]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        Ok(self.store.release(&self.owner, ids, None).await?)
    }

    /// Waits for a lease of somebody else's to be given up, or to run out; not longer at a time than a
    /// lively worker needs for a few cases.
    pub(super) async fn wait_for(&self, until: DateTime<Utc>) {
        let left = (until - self.clock.now()).to_std().unwrap_or_default();
        tokio::time::sleep(left.clamp(Duration::from_millis(1), LOOK_AGAIN)).await;
    }

    pub(super) fn lease(&self, began: DateTime<Utc>) -> Lease {
        let now = self.clock.now();
        Lease::new(self.owner.as_str(), now, now + self.lease).with_pass_began(began)
    }

    /// Keeps what is claimed for another while, and tells how many cases that are.
    pub(super) async fn renew(&self) -> Result<usize, Error> {
        Ok(self.store.renew(&self.lease(self.clock.now())).await?)
    }

    /// Renews the claims when the last time was so long ago, and finds out whether they are all there still:
    /// a machine that slept comes back to cases that others have asked about meanwhile.
    pub(super) async fn keep(&self, claims: &mut Claims, after: Duration) -> Result<(), Error> {
        let now = self.clock.now();
        // Before the last time it is only if the clock was put back.
        if (now - claims.renewed).to_std().map_or(true, |gone| gone >= after) {
            claims.lost |= self.renew().await? < claims.count;
            claims.renewed = now;
        }
        Ok(())
    }
}
