//! The batches of a store: one value that all its programs share.

use crate::audit::{Actor, Entry, EventKind};
use crate::case::{CaseStore, Setting};
use crate::clock::Clock;
use crate::process::batch::record::{Batch, BatchState};
use crate::process::error::{Error, ErrorKind};
use crate::process::store::commit::{Commit, Committed};
use crate::process::store::unit::Store;

/// The name of the setting.
const BATCHES: &str = "batches";

/// How many batches that have ended are kept. The audit trail has all.
const KEPT: usize = 200;

/// How often a change is decided again when other programs change the batches.
const ATTEMPTS: usize = 32;

/// The batches of a store, for a program that changes them.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) actor: &'a Actor,
    pub(super) clock: &'a dyn Clock,
}

impl List<'_> {
    /// The batches, the oldest first.
    pub(super) async fn all(&self) -> Result<Vec<Batch>, Error> {
        Ok(read(self.store.cases()).await?.1)
    }

    /// Adds a batch.
    pub(super) async fn add(&self, batch: &Batch) -> Result<(), Error> {
        self.write(|batches| {
            batches.push(batch.clone());
            Some(batch.clone())
        })
        .await?;
        Ok(())
    }

    /// Changes the batch `id`, unless `change` returns false. Returns the changed batch; `None` when there is none, or
    /// it was not changed.
    pub(super) async fn change(
        &self,
        id: &str,
        change: impl Fn(&mut Batch) -> bool,
    ) -> Result<Option<Batch>, Error> {
        let now = self.clock.now();
        self.write(|batches| {
            let batch = batches.iter_mut().find(|batch| batch.id == id)?;
            let before = batch.state;
            if !change(batch) {
                return None;
            }
            if batch.state != before {
                batch.changed_at = now;
            }
            Some(batch.clone())
        })
        .await
    }

    /// Changes the state of the batch `id` from `from` to `to`. Returns `None` when it has another state.
    pub(super) async fn advance(
        &self,
        id: &str,
        from: BatchState,
        to: BatchState,
    ) -> Result<Option<Batch>, Error> {
        self.change_from(id, from, |batch| batch.state = to).await
    }

    /// Changes the batch `id`, which is in the state `from`. Returns `None` when it has another state.
    pub(super) async fn change_from(
        &self,
        id: &str,
        from: BatchState,
        change: impl Fn(&mut Batch),
    ) -> Result<Option<Batch>, Error> {
        let change = |batch: &mut Batch| {
            let is_from = batch.state == from;
            if is_from {
                change(batch);
            }
            is_from
        };
        self.change(id, change).await
    }

    async fn write(
        &self,
        change: impl Fn(&mut Vec<Batch>) -> Option<Batch>,
    ) -> Result<Option<Batch>, Error> {
        for _ in 0..ATTEMPTS {
            let (mut setting, mut batches) = read(self.store.cases()).await?;
            let Some(changed) = change(&mut batches) else { return Ok(None) };
            forget(&mut batches);
            setting.value = serde_json::to_string(&batches).unwrap_or_default();
            let entry = self.entry(&changed);
            let commit = Commit::new(self.actor, self.clock.now()).set(BATCHES, setting, entry);
            if self.store.commit(commit).await? == Committed::Done {
                return Ok(Some(changed));
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// The record of a change.
    fn entry(&self, batch: &Batch) -> Entry {
        let mut entry = Entry::new(EventKind::BatchChanged, self.clock.now(), self.actor)
            .with_detail("batch", batch.id.as_str())
            .with_detail("state", batch.state.as_str())
            .with_detail("rows", batch.rows.to_string())
            .with_detail("waiting", batch.waiting.to_string());
        if let Some(ending) = batch.state.ending() {
            entry = entry.with_detail("ending", ending.as_str());
        }
        if let Some(message) = &batch.message_id {
            entry = entry.with_detail("message", message.as_str());
        }
        match &batch.code {
            Some(code) => entry.with_detail("code", code.as_str()),
            None => entry,
        }
    }
}

/// The batches of the store, and the setting that has them.
pub(super) async fn read(cases: &dyn CaseStore) -> Result<(Setting, Vec<Batch>), Error> {
    let setting = cases.setting(BATCHES).await?.unwrap_or_else(|| Setting::new(String::new()));
    if setting.value.is_empty() {
        return Ok((setting, Vec::new()));
    }
    match serde_json::from_str(&setting.value) {
        Ok(batches) => Ok((setting, batches)),
        // Never written over: the batches in it may be under way.
        Err(error) => Err(Error::new(ErrorKind::StoreBroken).with_source(error)),
    }
}

/// Drops the oldest of the batches that have ended, if there are too many.
fn forget(batches: &mut Vec<Batch>) {
    let closed = batches.iter().filter(|batch| batch.is_closed()).count();
    let mut surplus = closed.saturating_sub(KEPT);
    batches.retain(|batch| {
        let drop = surplus > 0 && batch.is_closed();
        surplus -= usize::from(drop);
        !drop
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::batch::record::Ending;
    use chrono::DateTime;

    #[test]
    fn only_batches_that_have_ended_are_forgotten() {
        let at = DateTime::UNIX_EPOCH;
        let mut batches: Vec<Batch> = (0..KEPT + 7)
            .map(|number| Batch::new(number.to_string(), at, at))
            .map(|batch| Batch { state: BatchState::Closed(Ending::Settled), ..batch })
            .collect();
        batches[0].state = BatchState::Sent;
        batches[3].state = BatchState::Held;
        forget(&mut batches);
        let ids: Vec<&str> = batches.iter().take(4).map(|batch| batch.id.as_str()).collect();
        assert_eq!(ids, ["0", "3", "7", "8"]);
        assert_eq!(batches.len(), KEPT + 2);
        forget(&mut batches);
        assert_eq!(batches.len(), KEPT + 2);
    }
}
