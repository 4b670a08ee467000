//! `process::batch`, and cases that wait for a row.

use super::{person_case, us};
use crate::privacy::person::{CASE, FAMILY};
use crate::privacy::walk::Shown;
use async_trait::async_trait;
use nhs_pds::audit::MemoryLog;
use nhs_pds::batch::{self, BatchTracer, Inbox, Journal, Outgoing};
use nhs_pds::case::{CaseStore, MemoryStore, Submission};
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::batch::{
    Batch, BatchPolicy, BatchState, Batches, ByBatch, Collected, Ending, Imported, LeftOut,
    RowReport, Sent,
};
use nhs_pds::process::store::{Joined, Store};
use nhs_pds::process::{Process, Schedule, Settings, Worker};
use nhs_pds::trace::{Caller, ScriptedTracer};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn show(shown: &mut Shown) {
    let cases = Arc::new(MemoryStore::new());
    cases.insert_all(vec![person_case(CASE)]).await.unwrap();
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    let store: Arc<dyn Store> = Arc::new(Joined::new(Arc::clone(&cases) as _, audit, alerts));
    let folder = tempfile::tempdir().unwrap();
    let now = "2026-11-30T09:00:00Z".parse().unwrap();
    let settings = Settings::new(Caller::System(us())).with_clock(Arc::new(FixedClock::at(now)));
    let batches = Batches::new(Arc::clone(&store), settings, folder.path().join("batches"));
    shown.value(&batches);
    shown.value(&BatchPolicy::everything());
    let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    shown.value(&built[0]);
    shown.value(&LeftOut::LongName);
    shown.value(&built[0].state);
    let out = folder.path().join("out.csv");
    batches.export(&built[0].id, &out).await.unwrap();
    let case = cases.get(&CASE.parse().unwrap()).await.unwrap().unwrap();
    let row: Submission = case.asking.submitted.unwrap();
    shown.value(&row);
    // A response with the person in every column.
    let request = fs::read_to_string(&out).unwrap();
    let mut response =
        request.replace("UNIQUE REFERENCE,NHS_NO", "UNIQUE REFERENCE,REQ_NHS_NUMBER");
    response = response.replacen('\n', ",ERROR/SUCCESS_CODE,MATCHED_NHS_NO\n", 1);
    response = response.trim_end().to_owned() + ",98,0000000000\n";
    fs::write(&out, response).unwrap();
    let mut rows: Vec<RowReport> = Vec::new();
    let imported = batches.import(&out, &mut |row| rows.push(row.clone())).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows[0].message = Some("20261130091500000001".to_owned());
    shown.value(&rows[0]);
    shown.value(&imported);
    // Rows and files from which nothing is settled.
    let cut = fs::read_to_string(&out).unwrap().replace(",98,0000000000", "");
    fs::write(&out, cut).unwrap();
    shown.value(&batches.import(&out, &mut |_| ()).await.unwrap());
    fs::write(&out, format!("MPTREQ_20261130101500,SPINE_MPT_RESPONSE,7,00\n{FAMILY}\n")).unwrap();
    let faulty = batches.import(&out, &mut |_| ()).await.unwrap();
    assert!(faulty.fault.is_some());
    shown.value(&faulty);
    let ended = ended(&batches, &cases).await;
    shown.value(&ended);
    shown.value(&ended.state);
    shown.value(&BatchState::Releasing(Ending::Lost));
    shown.value(&BatchPolicy::first_load().with_more_than(7));
    show_exchange(shown, ended, faulty, out);
    let tracer = Arc::new(ScriptedTracer::new([]));
    let settings = Settings::new(Caller::System(us()));
    let worker = Worker::new(tracer, store, settings);
    let schedule = Schedule::every(Duration::from_secs(600)).unwrap();
    let by_batch = Process::new(worker, schedule);
    shown.value(&ByBatch::new(batches.clone(), Arc::new(Closed), BatchPolicy::everything()));
    shown.value(&by_batch.with_batches(batches, Arc::new(Closed), BatchPolicy::everything()));
}

/// What was sent and received.
fn show_exchange(shown: &mut Shown, ended: Batch, mut faulty: Imported, out: PathBuf) {
    let failed = || Some(batch::Error::new(batch::ErrorKind::Refused).with_code("12"));
    let mut sent = Sent::default();
    (sent.sent, sent.held, sent.refused) =
        (vec![ended.clone()], vec![ended.clone()], vec![ended.clone()]);
    (sent.not_sent, sent.elsewhere) = (vec![ended.clone()], vec![ended]);
    sent.failed = failed();
    shown.value(&sent);
    let mut collected = Collected::default();
    faulty.rows = 1;
    collected.imported = vec![faulty];
    (collected.refused, collected.failed) = (vec![out], failed());
    shown.value(&collected);
}

/// A batch whose file a service has refused, with the identifier of a message and a code.
async fn ended(batches: &Batches, cases: &MemoryStore) -> Batch {
    cases.insert_all(vec![person_case("RXX:2")]).await.unwrap();
    let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    assert_eq!(built.len(), 1);
    let sent = batches.send(&Closed).await.unwrap();
    sent.refused[0].clone()
}

/// A service that accepts the beginning of a file, and then refuses the file.
#[derive(Debug)]
struct Closed;

#[async_trait]
impl BatchTracer for Closed {
    async fn submit(&self, _: Outgoing<'_>, journal: &mut dyn Journal) -> Result<(), batch::Error> {
        journal.accepted("M-1").await?;
        Err(batch::Error::new(batch::ErrorKind::Refused).with_code("12"))
    }

    async fn collect(&self, _: &Path, _: &mut dyn Inbox) -> Result<usize, batch::Error> {
        Ok(0)
    }
}
