//! The store as one process reaches it: the tenant's database, with the faults of the world and the ledger.

use crate::calls::{Call, End, Ended, Stage};
use crate::effects::Written;
use crate::server::Server;
use crate::world::{Fate, Who, World};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{self, Anchor, AuditLog, Entry, Event, Filter, Verdict};
use nhs_pds::case::{
    self, Alert, Case, CaseFilter, CaseId, CaseStore, Change, Claim, Counts, ItemCounts,
    ItemFilter, ItemPlace, Lease, Planned, Setting, WorkItem,
};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::{self, AlertSink};
use nhs_pds::process::store::{Commit, Committed, Postgres, Store};
use nhs_pds::process::{Error, ErrorKind};
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// An error of a part of the store.
trait Failure: Send + 'static {
    fn unavailable() -> Self;

    /// Whether the database could not be used.
    fn is_outage(&self) -> bool;
}

impl Failure for case::Error {
    fn unavailable() -> Self {
        Self::new(case::ErrorKind::Unavailable)
    }

    fn is_outage(&self) -> bool {
        self.kind() == case::ErrorKind::Unavailable
    }
}

impl Failure for audit::Error {
    fn unavailable() -> Self {
        Self::new(audit::ErrorKind::Unavailable)
    }

    fn is_outage(&self) -> bool {
        self.kind() == audit::ErrorKind::Unavailable
    }
}

impl Failure for alert::Error {
    fn unavailable() -> Self {
        Self::new(alert::ErrorKind::Unavailable)
    }

    fn is_outage(&self) -> bool {
        self.kind() == alert::ErrorKind::Unavailable
    }
}

impl Failure for Error {
    fn unavailable() -> Self {
        <case::Error as Failure>::unavailable().into()
    }

    fn is_outage(&self) -> bool {
        matches!(self.kind(), ErrorKind::StoreUnavailable | ErrorKind::AuditUnavailable)
    }
}

/// Ids with spaces between them.
struct Ids<'a>(&'a [CaseId]);

impl fmt::Display for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|id| write!(f, "{id} "))
    }
}

#[derive(Clone)]
pub(crate) struct Reach {
    server: Arc<Server>,
    world: Arc<World>,
    who: Who,
    /// Commits of one process share transactions.
    store: Postgres,
}

impl Reach {
    pub(crate) fn new(server: &Arc<Server>, world: &Arc<World>, who: &Who) -> Self {
        let (server, world) = (Arc::clone(server), Arc::clone(world));
        let store = Postgres::new(server.reached.clone());
        Self { server, world, who: who.clone(), store }
    }

    /// Runs `work` together with the calls of other processes at the same time. `end` says what its result means, and
    /// `note` notes it in the ledger.
    async fn call<T: Send + 'static, E: Failure>(
        &self,
        (stage, owner): (Stage, Option<String>),
        written: Option<Written>,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
        end: impl FnOnce(&T) -> End + Send + 'static,
        note: impl FnOnce(&Self, &Result<T, E>) + Send + 'static,
    ) -> Result<T, E> {
        self.world.pause().await;
        let fate = self.world.fate(&self.who, self.world.shape.store_faults);
        if fate == Fate::Refused {
            return Err(E::unavailable());
        }
        let (ended, slot) = (Ended::default(), Arc::new(Mutex::new(None)));
        let (sets, fills, reads) = (ended.clone(), Arc::clone(&slot), Arc::clone(&slot));
        let (reach, (done, waits)) = (self.clone(), oneshot::channel());
        let call = Call {
            stage,
            work: Box::pin(async move {
                let result = work.await;
                sets.set(match &result {
                    Ok(value) => end(value),
                    Err(error) if error.is_outage() => End::Failed,
                    Err(_) => End::Refused,
                });
                *fills.lock().unwrap() = Some(result);
            }),
            ended,
            owner,
            written,
            note: Box::new(move || {
                let result = reads.lock().unwrap();
                let Some(result) = &*result else { return };
                reach.note_outage(result);
                note(&reach, result);
            }),
            done,
        };
        self.server.add(&self.world, call);
        let _ended = waits.await;
        self.world.pause().await;
        let result = slot.lock().unwrap().take();
        match result {
            Some(result) if fate == Fate::Works => result,
            _ => Err(E::unavailable()),
        }
    }

    /// An error needs a reason: a connection that was cut, or a server that was killed.
    fn note_outage<T, E: Failure>(&self, result: &Result<T, E>) {
        if !result.as_ref().is_err_and(Failure::is_outage) {
            return;
        }
        self.world.count("calls that the server did not answer");
        self.world.ledger(|ledger| {
            ledger.fault(&self.who);
            Ok(())
        });
        if !self.server.is_disturbed() {
            self.world.fail("a call fails without a fault");
        }
    }

    async fn read<T: Send + 'static, E: Failure>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        self.call((Stage::Other, None), None, work, |_| End::Done, |_, _| ()).await
    }

    fn released(&self, owner: &str, ids: &[CaseId]) {
        self.world.event(&self.who, format_args!("has released {}", Ids(ids)));
        self.world.ledger(|ledger| {
            ledger.released(owner, ids);
            Ok(())
        });
    }

    fn claimed(&self, lease: &Lease, claim: &Result<Claim, case::Error>) {
        let Ok(claim) = claim else { return };
        let names: Vec<&str> = claim.cases.iter().map(|case| case.id.as_str()).collect();
        self.world.event(&self.who, format_args!("leases {}", names.join(" ")));
        // Calls wait for others of their time, and may be slow.
        let taken = self.world.ledger(|ledger| {
            let before = ledger.taken_over();
            ledger.claimed(&self.who, lease, &claim.cases, false)?;
            Ok(ledger.taken_over() > before)
        });
        if taken == Some(true) {
            self.world.count("leases taken over");
        }
    }

    fn refused(&self, changes: &[Change], kind: case::ErrorKind) {
        match kind {
            case::ErrorKind::Conflict => self.world.count("saves over another version"),
            case::ErrorKind::NumberTaken => self.world.count("numbers taken"),
            _ => {}
        }
        self.world.event(&self.who, format_args!("is refused: {kind:?}"));
        self.world.ledger(|ledger| ledger.refused(&self.who, changes, kind));
    }

    async fn take(
        &self,
        lease: &Lease,
        work: impl Future<Output = Result<Claim, case::Error>> + Send + 'static,
    ) -> Result<Claim, case::Error> {
        let of = lease.clone();
        let note = move |reach: &Self, claim: &_| reach.claimed(&of, claim);
        self.call((Stage::Claim, Some(lease.owner.clone())), None, work, |_| End::Done, note).await
    }
}

#[async_trait]
impl Store for Reach {
    fn cases(&self) -> &dyn CaseStore {
        self
    }

    fn audit(&self) -> &dyn AuditLog {
        self
    }

    fn alerts(&self) -> &dyn AlertSink {
        self
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        let (store, releases) = (self.store.clone(), commit.releases.clone());
        let changes: Vec<Change> = commit.saves.iter().map(|save| save.change.clone()).collect();
        let written = Written::by_commit(&self.who, &commit);
        let stage = if releases.is_some() { Stage::Release } else { Stage::Other };
        let owner = releases.as_ref().map(|(owner, _)| owner.clone());
        let end = |committed: &Committed| {
            if committed.is_done() { End::Done } else { End::Refused }
        };
        let note = move |reach: &Self, result: &Result<Committed, Error>| match result {
            Ok(Committed::Refused { kind, .. }) => reach.refused(&changes, *kind),
            Ok(_) => {
                if let Some((owner, ids)) = &releases {
                    reach.released(owner, ids);
                }
            }
            Err(_) => {}
        };
        let work = async move { store.commit(commit).await };
        self.call((stage, owner), Some(written), work, end, note).await
    }
}

#[async_trait]
impl CaseStore for Reach {
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, case::Error> {
        let (store, id) = (self.store.clone(), id.clone());
        self.read(async move { store.cases().get(&id).await }).await
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, case::Error> {
        let (store, after) = (self.store.clone(), after.cloned());
        self.read(async move { store.cases().page(after.as_ref(), limit).await }).await
    }

    async fn save_all(&self, changes: Vec<Change>) -> Result<(), case::Error> {
        let written = Written::by_save(&self.who, changes.iter().map(|change| &change.case.id));
        let store = self.store.clone();
        let work = async move { store.cases().save_all(changes).await };
        self.call((Stage::Other, None), Some(written), work, |()| End::Done, |_, _| ()).await
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, case::Error> {
        let store = self.store.clone();
        self.read(async move { store.cases().holders(number).await }).await
    }

    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, case::Error> {
        // Fewer than the caller wants, so that workers share the cases.
        let most = usize::try_from(self.world.draw(|random| random.between(1, 4))).unwrap();
        let (store, of) = (self.store.clone(), lease.clone());
        self.take(lease, async move { store.cases().claim_due(limit.min(most), &of).await }).await
    }

    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, case::Error> {
        let (store, id, of) = (self.store.clone(), id.clone(), lease.clone());
        self.take(lease, async move { store.cases().claim(&id, &of).await }).await
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, case::Error> {
        let (store, lease) = (self.store.clone(), lease.clone());
        let (of, owner) = (lease.clone(), lease.owner.clone());
        let note = move |reach: &Self, renewed: &Result<usize, case::Error>| {
            if renewed.is_ok() {
                reach.world.ledger(|ledger| {
                    ledger.renewed(&of);
                    Ok(())
                });
            }
        };
        let work = async move { store.cases().renew(&lease).await };
        self.call((Stage::Renew, Some(owner)), None, work, |_| End::Done, note).await
    }

    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), case::Error> {
        let (store, owner, ids) = (self.store.clone(), owner.to_owned(), ids.to_vec());
        let (by, of, releasing) = (owner.clone(), ids.clone(), owner.clone());
        let note = move |reach: &Self, released: &Result<(), case::Error>| {
            if released.is_ok() {
                reach.released(&by, &of);
            }
        };
        let work = async move { store.cases().release(&owner, &ids).await };
        self.call((Stage::Release, Some(releasing)), None, work, |()| End::Done, note).await
    }

    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), case::Error> {
        let store = self.store.clone();
        for Planned { id, version, due } in &planned {
            let at = due.at.timestamp_millis();
            self.world.event(&self.who, format_args!("plans {id}.{version} for {at}"));
        }
        self.read(async move { store.cases().set_due(planned).await }).await
    }

    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, case::Error> {
        let store = self.store.clone();
        self.read(async move { store.cases().counts(now).await }).await
    }

    async fn worklist(
        &self,
        filter: &ItemFilter,
        after: Option<&ItemPlace>,
        limit: usize,
    ) -> Result<Vec<WorkItem>, case::Error> {
        let (store, filter, after) = (self.store.clone(), filter.clone(), after.cloned());
        self.read(async move { store.cases().worklist(&filter, after.as_ref(), limit).await }).await
    }

    async fn item_counts(
        &self,
        assignee: &str,
        workers: Option<&[String]>,
    ) -> Result<ItemCounts, case::Error> {
        let (store, assignee) = (self.store.clone(), assignee.to_owned());
        let workers = workers.map(<[String]>::to_vec);
        self.read(async move { store.cases().item_counts(&assignee, workers.as_deref()).await })
            .await
    }

    async fn search(
        &self,
        filter: &CaseFilter,
        after: Option<&CaseId>,
        limit: usize,
    ) -> Result<Vec<Case>, case::Error> {
        let (store, filter, after) = (self.store.clone(), filter.clone(), after.cloned());
        self.read(async move { store.cases().search(&filter, after.as_ref(), limit).await }).await
    }

    async fn setting(&self, name: &str) -> Result<Option<Setting>, case::Error> {
        let (store, name) = (self.store.clone(), name.to_owned());
        self.read(async move { store.cases().setting(&name).await }).await
    }

    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), case::Error> {
        let (store, name) = (self.store.clone(), name.to_owned());
        self.read(async move { store.cases().save_setting(&name, setting).await }).await
    }

    async fn erase(&self, case: Case) -> Result<(), case::Error> {
        let written = Written::by_save(&self.who, [&case.id]);
        let store = self.store.clone();
        let work = async move { store.cases().erase(case).await };
        self.call((Stage::Other, None), Some(written), work, |()| End::Done, |_, _| ()).await
    }
}

#[async_trait]
impl AuditLog for Reach {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, audit::Error> {
        let (store, written) = (self.store.clone(), Written::by_append(&self.who, &entries));
        let work = async move { store.audit().append(entries).await };
        self.call((Stage::Other, None), Some(written), work, |_| End::Done, |_, _| ()).await
    }

    async fn page(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, audit::Error> {
        let (store, filter) = (self.store.clone(), filter.clone());
        self.read(async move { store.audit().page(&filter, after, limit).await }).await
    }

    async fn head(&self) -> Result<Anchor, audit::Error> {
        let store = self.store.clone();
        self.read(async move { store.audit().head().await }).await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, audit::Error> {
        let (store, anchors) = (self.store.clone(), anchors.to_vec());
        self.read(async move { store.audit().verify(&anchors).await }).await
    }

    async fn forget(&self, case: &CaseId) -> Result<(), audit::Error> {
        let (store, case) = (self.store.clone(), case.clone());
        self.read(async move { store.audit().forget(&case).await }).await
    }
}

#[async_trait]
impl AlertSink for Reach {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), alert::Error> {
        let (store, alerts) = (self.store.clone(), alerts.to_vec());
        let written = Some(Written::by_append(&self.who, &[]));
        let work = async move { store.alerts().deliver(&alerts).await };
        self.call((Stage::Other, None), written, work, |()| End::Done, |_, _| ()).await
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reach({})", self.who.name)
    }
}
