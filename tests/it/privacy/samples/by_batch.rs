//! `process::batch`, and cases that wait for a row.

use super::{NOW, person_case, us};
use crate::privacy::person::CASE;
use crate::privacy::walk::Shown;
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::{CaseStore, MemoryStore, Submission};
use nhs_pds::clock::FixedClock;
use nhs_pds::process::Settings;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::batch::{BatchPolicy, Batches, Collected, RowReport, Sent};
use nhs_pds::process::store::Joined;
use nhs_pds::trace::Caller;
use std::fs;
use std::sync::Arc;

pub(super) async fn show(shown: &mut Shown) {
    let cases = Arc::new(MemoryStore::new());
    cases.insert_all(vec![person_case(CASE)]).await.unwrap();
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    let store = Arc::new(Joined::new(Arc::clone(&cases) as _, audit, alerts));
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(Caller::System(us())).with_clock(Arc::new(FixedClock::at(NOW)));
    let batches = Batches::new(store, settings, folder.path().join("batches"));
    shown.value(&batches);
    shown.value(&BatchPolicy::everything());
    let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    shown.value(&built[0]);
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
    shown.value(&rows[0]);
    shown.value(&imported);
    shown.value(&Sent::default());
    shown.value(&Collected::default());
}
