//! The worker, its process, and reviewers' actions, over stores in memory and in files.

use super::{Chosen, NOW, client, gate, retry, simulator};
use crate::privacy::drive::faults::faults;
use crate::privacy::drive::files::Files;
use crate::privacy::ears::Ears;
use crate::privacy::person::{CASE, FAMILY, NOTE, NUMBER, OTHER_CASE};
use crate::privacy::samples::{person_case, traced_case, us};
use nhs_pds::audit::{Actor, AuditLog, MemoryLog};
use nhs_pds::case::{
    Case, CaseId, CaseStore, MemoryStore, NumberSource, RecordType, RecordedNumber, ReviewState,
    advisories,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::correspondence::printable;
use nhs_pds::ids::CountingIds;
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::review::{Corrections, ItemFilter, ItemId, Resolution, ReviewQueue};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Process, RefreshEvent, Schedule, Settings, Worker, import};
use nhs_pds::report::report;
use nhs_pds::trace::Caller;
use nhs_pds_simulator::{Fault, When};
use std::sync::Arc;
use std::time::Duration;

/// The store, the trail and the alerts.
pub(super) struct Kept {
    pub(super) store: Arc<dyn CaseStore>,
    pub(super) audit: Arc<dyn AuditLog>,
    pub(super) alerts: Arc<dyn AlertSink>,
}

impl Kept {
    fn in_memory() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            audit: Arc::new(MemoryLog::new()),
            alerts: Arc::new(MemoryAlerts::default()),
        }
    }
}

pub(super) async fn done(ears: &Ears) -> String {
    let mut said = String::new();
    for fault in [None].into_iter().chain(faults().into_iter().map(Some)) {
        let (kept, fault) = (Kept::in_memory(), fault.as_ref());
        let queue = work(ears, &kept, fault).await;
        review(ears, &queue).await;
        read(ears, &kept).await;
        said += &ears.assert_silent(&format!("work with {fault:?}"));
    }
    // Enough to fill each column.
    for fault in
        [None, Some("DEMOG-0017"), Some("DEMOG-0022"), Some("SMSP-0001"), Some("SMSP-0004")]
    {
        let files = Files::new();
        let queue = work(ears, files.kept(), fault.map(Fault::code).as_ref()).await;
        files.assert_silent(fault.is_none());
        review(ears, &queue).await;
        read(ears, files.kept()).await;
        said += &ears.assert_silent(&format!("work on files with {fault:?}"));
        files.assert_silent(false);
    }
    said
}

fn jo() -> Actor {
    Actor::new(&Caller::System(us()), "Jo Doe")
}

/// A person to find, a number to verify, and a case whose record type is free text.
fn caseload() -> Vec<Case> {
    let mut numbered = person_case(OTHER_CASE);
    numbered.nhs_number =
        Some(RecordedNumber::new(NUMBER, NumberSource::Imported(Some(NOTE.into()))));
    let mut odd = traced_case("CASE-9");
    odd.record_type = RecordType::Other(FAMILY.into());
    vec![person_case(CASE), numbered, odd]
}

fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

/// From the import of a caseload to the end of the process, and the review queue.
async fn work(ears: &Ears, kept: &Kept, fault: Option<&Fault>) -> ReviewQueue {
    let Kept { store, audit, alerts } = kept;
    let (store, audit, alerts) = (Arc::clone(store), Arc::clone(audit), Arc::clone(alerts));
    let clock = Arc::new(FixedClock::at(NOW));
    let joined = Arc::new(Joined::new(store, audit, alerts));
    ears.result(&import(&*joined, &jo(), &*clock, caseload()).await);
    let simulator = simulator();
    if let Some(fault) = fault {
        simulator.add_fault(When::Always, fault.clone());
    }
    let gate = gate(&client("https://host.example/smsp", Arc::new(Chosen(simulator))));
    let queue = ReviewQueue::new(Arc::clone(&joined) as _);
    let queue = queue.with_clock(Arc::<FixedClock>::clone(&clock));
    let worker = Worker::new(
        gate.background(),
        joined,
        Settings::new(Caller::System(us()))
            .with_foreground(gate.foreground())
            .with_retry(retry())
            .with_ids(Arc::new(CountingIds::default()))
            .with_clock(clock),
    );
    ears.result(&worker.run_once(&mut |report| ears.value(report)).await);
    for case in [CASE, OTHER_CASE, "CASE-9", "CASE-10"] {
        ears.result(&worker.refresh(&id(case), RefreshEvent::OnRequest).await);
    }
    process(ears, &worker).await;
    ears.value(&(worker, &queue));
    queue
}

async fn process(ears: &Ears, worker: &Worker) {
    let every = Duration::from_secs(60);
    let process = Process::new(worker.clone(), Schedule::every(every).unwrap());
    ears.result(&process.pause(&jo()).await);
    ears.result(&process.resume(&jo()).await);
    ears.result(&process.run_now(&jo()).await);
    let until_run = async {
        while process.status().last.is_none() {
            tokio::task::yield_now().await;
        }
    };
    let observe = &mut |report: &_| ears.value(&(report, process.status()));
    ears.result(&process.run_until(until_run, observe).await);
    ears.value(&(&process, process.status()));
}

async fn review(ears: &Ears, queue: &ReviewQueue) {
    let listed = queue.list(&ItemFilter::default(), None, 99, &jo()).await.unwrap();
    ears.value(&listed);
    let mut corrections = Corrections::default();
    corrections.surname = Some(FAMILY.into());
    let resolutions = [
        Resolution::AcceptNumber(NUMBER),
        Resolution::RejectNumber(NUMBER),
        Resolution::NoneOfThese,
        Resolution::CorrectAndAskAgain(corrections),
        Resolution::Merge { absorbed: id(OTHER_CASE) },
        Resolution::NotOnPds,
        Resolution::Acknowledge,
        Resolution::Dismiss,
    ];
    let ids = listed.into_iter().map(|listed| listed.id);
    for item in ids.chain([ItemId::new(id(CASE), 99), ItemId::new(id("CASE-10"), 1)]) {
        ears.result(&queue.show(&item, &jo()).await);
        ears.result(&queue.assign(&item, Some("j.doe"), &jo()).await);
        ears.result(&queue.note(&item, NOTE, &jo()).await);
        ears.result(&queue.transition(&item, ReviewState::WithGp, &jo()).await);
        for resolution in &resolutions {
            ears.result(&queue.resolve(&item, resolution, &jo()).await);
        }
    }
    ears.result(&queue.undo_merge(&id(CASE), &id(OTHER_CASE), &jo()).await);
    for case in [CASE, "CASE-10"] {
        ears.result(&queue.delete(&id(case), &jo()).await);
        ears.result(&queue.undelete(&id(case), &jo()).await);
        ears.result(&queue.erase(&id("CASE-9"), "court order 7", &jo()).await);
    }
}

async fn read(ears: &Ears, kept: &Kept) {
    for case in kept.store.page(None, 99).await.unwrap() {
        ears.value(&(&case, advisories(&case)));
        match printable(&case, &advisories(&case)) {
            Ok(printable) => ears.value(&printable),
            Err(refusal) => ears.text(refusal.to_string()),
        }
    }
    ears.result(&report(&*kept.store, NOW).await);
    ears.result(&kept.audit.verify(&[]).await);
    ears.result(&kept.audit.page(&Default::default(), 0, 999).await);
}
