//! Tests your own code against a simulated PDS: chosen people, chosen codes, and faults.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::demographics::Gender;
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, FindPerson, LocalIdentity};
use nhs_pds_simulator::{Fault, Person, Register, Simulator, When};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Numbers from 999 000 0000 on are never issued.
    let mut people = Register::default();
    let born = "1984-02-29".parse()?;
    people.insert(Person::new("999 000 0077".parse()?, "Smith", Gender::Female, born))?;
    let mut retired = Person::new("999 000 0085".parse()?, "Jones", Gender::Male, born);
    retired.answer = Some("DEMOG-0022".to_owned());
    people.insert(retired)?;

    let simulator = Simulator::new(people);
    let us = LocalIdentity::new("RHM".parse()?, "test")?;
    let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
    let client = Client::new(config, Arc::new(simulator.clone()));
    let caller = Caller::System(us);
    let smith = FindPerson::new("Smith".parse()?, Gender::Female, "1984-02-29".parse()?);
    let jones = FindPerson::new("Jones".parse()?, Gender::Male, "1984-02-29".parse()?);

    for (what, person) in [("Smith", &smith), ("Jones", &jones)] {
        let answer = client.get_nhs_number(&caller, person).await?;
        println!("{what}: {}", answer.outcome.as_str());
    }
    for fault in [Fault::Cut, Fault::Garbage, Fault::code("SMSP-0004")] {
        simulator.add_fault(When::Next(1), fault.clone());
        match client.get_nhs_number(&caller, &smith).await {
            Ok(answer) => println!("{fault}: {}", answer.outcome.as_str()),
            Err(error) => println!("{fault}: {}, retry: {}", error, error.is_transient()),
        }
    }
    simulator.add_fault(When::Next(1), Fault::Delay(Duration::from_millis(50)));
    let answer = client.get_nhs_number(&caller, &smith).await?;
    println!("late: {}", answer.outcome.as_str());
    println!("the simulator received {} requests", simulator.request_count());
    Ok(())
}
