//! Checks an NHS Number without a service, then verifies with a service that it is the person's number.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, Freshness, LocalIdentity, Outcome, VerifyNumber};
use nhs_pds_simulator::{Caseload, Simulator};
use std::error::Error;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The check digit finds typing errors. It does not prove that the number was issued.
    for text in ["937 465 9298", "9374659299"] {
        match text.parse::<NhsNumber>() {
            Ok(number) => println!("{text}: {number} on screens, {} in messages", number.digits()),
            Err(error) => println!("{text}: {error}"),
        }
    }

    // Your program: an `HttpTransport` instead of the simulator.
    let simulator = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
    let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
    let client = Client::new(config, Arc::new(simulator));

    for born in ["1986-01-19", "1968-01-19"] {
        let question: VerifyNumber = VerifyNumber::new("937 465 9298".parse()?, born.parse()?)
            .with_family("Owen".parse()?)
            .with_given("Elizabeth".parse()?);
        let answer = client.verify_nhs_number(&Caller::System(us.clone()), &question).await?;
        let said = match &answer.outcome {
            Outcome::Found(found) if found.freshness == Freshness::Live => "verified",
            Outcome::Found(_) => "verified in the provider's copy: verify again later",
            Outcome::NotVerified => "not verified: the fields do not match the number's record",
            Outcome::Superseded { .. } => "superseded: the person has a new number",
            Outcome::Invalidated => "no longer valid, and no number replaces it",
            Outcome::None => "no record has this number",
            other => other.as_str(),
        };
        println!("born {born}: {said}");
    }
    Ok(())
}
