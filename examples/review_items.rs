//! Shows the items that the worker left for reviewers, and resolves one of them.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::{Allocation, Case, MemoryStore, RecordType};
use nhs_pds::matching::Comparison;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::review::{ItemFilter, ItemId, Resolution, ReviewQueue};
use nhs_pds::process::store::{Joined, Store};
use nhs_pds::process::{Settings, Worker};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, LocalIdentity, User};
use nhs_pds_simulator::{Caseload, Simulator};
use std::error::Error;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cases = Arc::new(MemoryStore::new());
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    let store = Arc::new(Joined::new(cases, audit, alerts));
    // Without a postcode the evidence is incomplete, so the worker does not write the number.
    let mut case = Case::new("RHM:00001".parse()?, RecordType::AdultCase);
    case.surname = Some("Owen".to_owned());
    case.forename = Some("Elizabeth".to_owned());
    case.gender = Some("female".parse()?);
    case.date_of_birth = Some("1986-01-19".parse()?);
    case.allocations.push(Allocation::new("worker 7"));
    store.cases().insert_all(vec![case]).await?;

    let simulator = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    let us = LocalIdentity::new("RHM".parse()?, "get-nhs-number")?;
    let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
    let client = Arc::new(Client::new(config, Arc::new(simulator)));
    let settings = Settings::new(Caller::System(us));
    let worker = Worker::new(client, Arc::clone(&store) as _, settings);
    worker.run_once(&mut |_| ()).await?;

    let queue = ReviewQueue::new(Arc::clone(&store) as _);
    let jo = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
    let jo = Actor::new(&Caller::User(jo), "Jo Doe").with_role("reviewer", "RHM".parse()?);
    for item in queue.list(&ItemFilter::default(), None, 100, &jo).await? {
        println!("{} item {}: {}", item.id.case, item.id.item, item.reason);
    }
    let id = ItemId::new("RHM:00001".parse()?, 1);
    let shown = queue.show(&id, &jo).await?.ok_or("there is no such item")?;
    for field in shown.comparison.iter().flat_map(Comparison::fields) {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (here, pds) = (or_dash(&field.local), or_dash(&field.pds));
        println!("  {:<14} {here:<12} {pds:<36} {}", field.field.as_str(), field.weight);
    }
    // The reviewer has asked the person, and accepts the number.
    let number = shown.offered.ok_or("no number is offered")?;
    let outcome = queue.resolve(&id, &Resolution::AcceptNumber(number), &jo).await?;
    let case = store.cases().get(&id.case).await?.ok_or("the case is gone")?;
    println!("{outcome:?}: {:?}", case.nhs_number.map(|recorded| recorded.number.to_string()));
    Ok(())
}
