//! Leases on cases, which keep other workers away for a time.

use crate::case::{Case, CaseId, Lease};
use crate::process::error::Error;
use crate::process::run::worker::Worker;
use chrono::{DateTime, Utc};
use std::time::Duration;
use tracing::warn;

/// How soon a worker checks again whether another worker has finished with a case.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The cases leased by this worker.
pub(in crate::process) struct Claims {
    count: usize,
    renewed: DateTime<Utc>,
    /// Whether another worker has taken a case because its lease had expired.
    pub(in crate::process) lost: bool,
}

impl Claims {
    /// Counts the cases leased now.
    pub(in crate::process) const fn new(count: usize, now: DateTime<Utc>) -> Self {
        Self { count, renewed: now, lost: false }
    }
}

impl Worker {
    /// Returns this worker under a unique name, for its leases.
    pub(in crate::process) fn owning(&self) -> Self {
        Self { owner: self.ids.next().to_string(), ..self.clone() }
    }

    /// Leases the case `id`, as soon as no other worker has a lease on it.
    pub(in crate::process) async fn claim_one(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        loop {
            let now = self.clock.now();
            let mut claim = self.store.claim(std::slice::from_ref(id), &self.lease(now)).await?;
            match claim.blocked_until {
                Some(until) => self.wait_for(until).await,
                None => return Ok(claim.cases.pop()),
            }
        }
    }

    pub(in crate::process) async fn give_back(&self, ids: &[CaseId]) -> Result<(), Error> {
        Ok(self.store.release(&self.owner, ids, Some(self.clock.now())).await?)
    }

    /// Returns how many stored cases are damaged, and so cannot be leased.
    pub(in crate::process) async fn unreadable(&self) -> Result<u64, Error> {
        let count = self.store.unreadable().await?.len() as u64;
        if count > 0 {
            warn!(count, "stored cases are damaged and cannot be read");
        }
        Ok(count)
    }

    /// Releases cases that were leased and not traced.
    pub(in crate::process) async fn give_back_unasked(&self, ids: &[CaseId]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        Ok(self.store.release(&self.owner, ids, None).await?)
    }

    /// Waits until another worker's lease is released or expires, but only for a short time per
    /// call.
    pub(in crate::process) async fn wait_for(&self, until: DateTime<Utc>) {
        let left = (until - self.clock.now()).to_std().unwrap_or_default();
        tokio::time::sleep(left.clamp(Duration::from_millis(1), LOOK_AGAIN)).await;
    }

    pub(in crate::process) fn lease(&self, began: DateTime<Utc>) -> Lease {
        let now = self.clock.now();
        Lease::new(self.owner.as_str(), now, now + self.lease).with_pass_began(began)
    }

    /// Extends the leases, and returns their number.
    pub(in crate::process) async fn renew(&self) -> Result<usize, Error> {
        Ok(self.store.renew(&self.lease(self.clock.now())).await?)
    }

    /// Extends the leases when they are old enough, and checks that none was lost. After a machine
    /// sleeps, other workers may have traced its cases.
    pub(in crate::process) async fn keep(
        &self,
        claims: &mut Claims,
        after: Duration,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        // A time before the last renewal means that the clock was set back.
        if (now - claims.renewed).to_std().map_or(true, |gone| gone >= after) {
            claims.lost |= self.renew().await? < claims.count;
            claims.renewed = now;
        }
        Ok(())
    }
}
