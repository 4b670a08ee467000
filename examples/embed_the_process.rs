//! Runs the worker inside your program, over cases in an SQLite file, until the program shuts down.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::audit::SqliteLog;
use nhs_pds::case::{Allocation, Case, CaseStore, RecordType, SqliteStore};
use nhs_pds::process::alert::SqliteAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Process, Schedule, Settings, Worker};
use nhs_pds::resilience::{Gateway, Retry, RetryPolicy};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds_simulator::{Caseload, Simulator};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("cases.sqlite");
    let store = Arc::new(SqliteStore::open(&file)?);
    store.insert_all(vec![owen()?]).await?;

    // Your program: an `HttpTransport` instead of the simulator.
    let simulator = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    let us = LocalIdentity::new("RHM".parse()?, "get-nhs-number")?;
    let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
    let client = Client::new(config, Arc::new(simulator));

    // One gateway for each service. Screens use `gate.foreground()` and have priority.
    let gate = Gateway::new(Arc::new(client));
    let audit = Arc::new(SqliteLog::open(&file)?);
    let alerts = Arc::new(SqliteAlerts::open(&file)?);
    let joined = Joined::new(Arc::clone(&store) as _, audit, alerts);
    let settings = Settings::new(Caller::System(us))
        .with_retry(Retry::new(RetryPolicy::default()))
        .with_foreground(gate.foreground());
    let worker = Worker::new(gate.background(), Arc::new(joined), settings);
    let process = Process::new(worker, Schedule::every(Duration::from_secs(30 * 60))?);

    // Your program: a signal instead of two seconds. The worker ends its open questions first.
    let shutdown = tokio::time::sleep(Duration::from_secs(2));
    process
        .run_until(shutdown, &mut |case| println!("{}: {:?}", case.case_id, case.result))
        .await?;
    println!("the process is {}", process.status().state.as_str());
    let case = store.get(&"RHM:00001".parse()?).await?.ok_or("the case is gone")?;
    let number = case.nhs_number.ok_or("no number was found")?;
    println!("{} has {} ({})", case.id, number.number, number.status.as_str());
    Ok(())
}

/// A case with the fields that an unattended trace needs.
fn owen() -> Result<Case, Box<dyn Error>> {
    let mut case = Case::new("RHM:00001".parse()?, RecordType::AdultCase);
    case.surname = Some("Owen".to_owned());
    case.forename = Some("Elizabeth".to_owned());
    case.gender = Some("female".parse()?);
    case.date_of_birth = Some("1986-01-19".parse()?);
    case.postcode = Some("LS17 0GZ".to_owned());
    case.allocations.push(Allocation::new("worker 7"));
    Ok(case)
}
