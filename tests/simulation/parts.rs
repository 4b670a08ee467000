//! The parts of a store, each in front of a part in memory: with delays, faults and the ledger.

use crate::atomic::Atomic;
use crate::place::{Place, Places};
use crate::world::{Fate, Who, World};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{self, Anchor, AuditLog, Entry, Event, Filter, MemoryLog, Verdict};
use nhs_pds::case::{
    self, Alert, Case, CaseId, CaseStore, Change, Claim, Counts, Lease, MemoryStore, Planned,
    Setting,
};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::{self, AlertSink, MemoryAlerts};
use nhs_pds::process::store::{Joined, Store};
use std::fmt;
use std::sync::Arc;

/// The parts as they are, which all processes use.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) cases: MemoryStore,
    pub(crate) audit: MemoryLog,
    pub(crate) alerts: Arc<dyn AlertSink>,
}

impl Memory {
    pub(crate) fn with_alerts(alerts: Arc<dyn AlertSink>) -> Self {
        Self { cases: MemoryStore::default(), audit: MemoryLog::default(), alerts }
    }
}

#[async_trait]
impl Place for Arc<Memory> {
    fn store(&self, world: &Arc<World>, who: &Who) -> Arc<dyn Store> {
        let memory = Self::clone(self);
        let parts = Parts { world: Arc::clone(world), who: who.clone(), memory };
        if world.shape.atomic {
            return Arc::new(Atomic::new(parts));
        }
        let parts = Arc::new(parts);
        Arc::new(Joined::new(Arc::clone(&parts) as _, Arc::clone(&parts) as _, parts))
    }

    async fn cases(&self) -> Vec<Case> {
        self.cases.page(None, usize::MAX).await.unwrap()
    }

    async fn is_chain_whole(&self) -> bool {
        self.audit.verify(&[]).await.unwrap().is_whole()
    }
}

/// New stores in memory.
#[derive(Debug)]
pub(crate) struct InMemory;

impl Places for InMemory {
    fn place(&self) -> Arc<dyn Place> {
        Arc::new(Arc::new(Memory::default()))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_alerts(Arc::new(MemoryAlerts::default()))
    }
}

/// The parts as one process reaches them.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) world: Arc<World>,
    pub(crate) who: Who,
    pub(crate) memory: Arc<Memory>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parts({})", self.who.name)
    }
}

impl Parts {
    /// Before the effect of a call: a delay, and perhaps a refusal.
    pub(crate) async fn enter(&self, rate: u64) -> Result<Fate, ()> {
        self.world.pause().await;
        match self.world.fate(&self.who, rate) {
            Fate::Refused => Err(()),
            fate => Ok(fate),
        }
    }

    /// After the effect: a delay, and perhaps a lost connection.
    pub(crate) async fn leave(&self, fate: Fate) -> Result<(), ()> {
        self.world.pause().await;
        if fate == Fate::Lost { Err(()) } else { Ok(()) }
    }

    async fn begin(&self) -> Result<Fate, case::Error> {
        self.enter(self.world.shape.store_faults).await.map_err(|()| unavailable())
    }

    async fn done<T>(&self, fate: Fate, result: T) -> Result<T, case::Error> {
        self.leave(fate).await.map(|()| result).map_err(|()| unavailable())
    }

    /// Notes a save, done or refused. The caller does not wait between the save and the note.
    pub(crate) fn note_save(&self, changes: &[Change], saved: &Result<(), case::Error>) {
        let name = |Change { case, .. }: &Change| format!("{}.{}", case.id, case.version + 1);
        let names: Vec<String> = changes.iter().map(name).collect();
        let word = saved.as_ref().map_err(case::Error::kind);
        self.world.event(&self.who, format_args!("saves {}: {word:?}", names.join(" ")));
        match saved.as_ref().map_err(case::Error::kind) {
            Err(case::ErrorKind::Conflict) => self.world.count("saves over another version"),
            Err(case::ErrorKind::NumberTaken) => self.world.count("numbers taken"),
            _ => {}
        }
        self.world.ledger(|ledger| match saved {
            Ok(()) => {
                let before = ledger.before(changes);
                ledger.saved(&self.who, changes)?;
                ledger.check_sole_holder(&self.who, &before)
            }
            Err(error) => ledger.refused(&self.who, changes, error.kind()),
        });
    }

    /// Appends, and notes it.
    pub(crate) async fn record(&self, entries: Vec<Entry>) -> Result<u64, audit::Error> {
        let last = self.memory.audit.append(entries.clone()).await?;
        for entry in &entries {
            let case = entry.subject().and_then(|about| about.case_id());
            let case = case.map_or("-", |case| case.as_str());
            let message = entry.message_id().unwrap_or_default();
            self.world.event(&self.who, format_args!("records {} {case} {message}", entry.kind()));
        }
        self.world.ledger(|ledger| {
            entries.iter().try_for_each(|entry| {
                let what = (entry.kind(), entry.message_id().map(str::to_owned));
                ledger.appended(&self.who, what, entry.subject())
            })
        });
        Ok(last)
    }

    pub(crate) async fn free(&self, owner: &str, ids: &[CaseId]) -> Result<(), case::Error> {
        let released = self.memory.cases.release(owner, ids).await;
        self.world.event(&self.who, format_args!("releases {}", ids.len()));
        self.world.ledger(|ledger| {
            ledger.released(owner, ids);
            Ok(())
        });
        released
    }

    fn note(&self, claim: &Claim, lease: &Lease) {
        let names: Vec<&str> = claim.cases.iter().map(|case| case.id.as_str()).collect();
        self.world.event(&self.who, format_args!("leases {}", names.join(" ")));
        let punctual = self.world.shape.is_punctual();
        let taken = self.world.ledger(|ledger| {
            let before = ledger.taken_over();
            ledger.claimed(&self.who, lease, &claim.cases, punctual)?;
            Ok(ledger.taken_over() > before)
        });
        if taken == Some(true) {
            self.world.count("leases taken over");
        }
    }
}

fn unavailable() -> case::Error {
    case::Error::new(case::ErrorKind::Unavailable)
}

#[async_trait]
impl CaseStore for Parts {
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, case::Error> {
        let fate = self.begin().await?;
        let case = self.memory.cases.get(id).await?;
        self.done(fate, case).await
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, case::Error> {
        let fate = self.begin().await?;
        let page = self.memory.cases.page(after, limit).await?;
        self.done(fate, page).await
    }

    async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
        let fate = self.begin().await?;
        let saved = self.memory.cases.save_all(changes.clone()).await;
        self.note_save(&changes, &saved);
        saved?;
        self.done(fate, ()).await
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, case::Error> {
        let fate = self.begin().await?;
        let holders = self.memory.cases.holders(number).await?;
        self.done(fate, holders).await
    }

    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, case::Error> {
        let fate = self.begin().await?;
        // Fewer than the caller wants, so that workers share the cases.
        let most = usize::try_from(self.world.draw(|random| random.between(1, 16))).unwrap();
        let limit = if self.world.is_lenient() { limit } else { limit.min(most) };
        let claim = self.memory.cases.claim_due(limit, lease).await?;
        self.note(&claim, lease);
        self.done(fate, claim).await
    }

    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, case::Error> {
        let fate = self.begin().await?;
        let claim = self.memory.cases.claim(id, lease).await?;
        self.note(&claim, lease);
        self.done(fate, claim).await
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, case::Error> {
        let fate = self.begin().await?;
        let renewed = self.memory.cases.renew(lease).await?;
        self.world.event(&self.who, format_args!("renews {renewed}"));
        self.world.ledger(|ledger| {
            ledger.renewed(lease);
            Ok(())
        });
        self.done(fate, renewed).await
    }

    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), case::Error> {
        let fate = self.begin().await?;
        self.free(owner, ids).await?;
        self.done(fate, ()).await
    }

    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), case::Error> {
        let fate = self.begin().await?;
        for Planned { id, version, due } in &planned {
            let at = due.at.timestamp_millis();
            self.world.event(&self.who, format_args!("plans {id}.{version} for {at}"));
        }
        self.memory.cases.set_due(planned).await?;
        self.done(fate, ()).await
    }

    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, case::Error> {
        let fate = self.begin().await?;
        let counts = self.memory.cases.counts(now).await?;
        self.done(fate, counts).await
    }

    async fn setting(&self, name: &str) -> Result<Option<Setting>, case::Error> {
        let fate = self.begin().await?;
        let setting = self.memory.cases.setting(name).await?;
        self.done(fate, setting).await
    }

    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), case::Error> {
        let fate = self.begin().await?;
        self.memory.cases.save_setting(name, setting).await?;
        self.done(fate, ()).await
    }

    async fn erase(&self, case: Case) -> Result<(), case::Error> {
        self.save_all(vec![Change::new(case)]).await
    }
}

fn unwritten() -> audit::Error {
    audit::Error::new(audit::ErrorKind::Unavailable)
}

#[async_trait]
impl AuditLog for Parts {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, audit::Error> {
        let rate = self.world.shape.store_faults;
        let fate = self.enter(rate).await.map_err(|()| unwritten())?;
        let last = self.record(entries).await?;
        self.leave(fate).await.map_err(|()| unwritten())?;
        Ok(last)
    }

    async fn page(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, audit::Error> {
        self.world.pause().await;
        self.memory.audit.page(filter, after, limit).await
    }

    async fn head(&self) -> Result<Anchor, audit::Error> {
        self.memory.audit.head().await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, audit::Error> {
        self.memory.audit.verify(anchors).await
    }

    async fn forget(&self, case: &CaseId) -> Result<(), audit::Error> {
        self.world.pause().await;
        self.memory.audit.forget(case).await
    }
}

#[async_trait]
impl AlertSink for Parts {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), alert::Error> {
        let unavailable = || {
            self.world.count("alerts not delivered");
            alert::Error::new(alert::ErrorKind::Unavailable)
        };
        let rate = self.world.shape.sink_faults;
        let fate = self.enter(rate).await.map_err(|()| unavailable())?;
        self.memory.alerts.deliver(alerts).await?;
        for Alert { id, case_id, .. } in alerts {
            self.world.event(&self.who, format_args!("alerts {id}"));
            self.world.ledger(|ledger| ledger.delivered(id, case_id.as_ref()));
        }
        self.leave(fate).await.map_err(|()| unavailable())
    }
}
