//! Finds a person's NHS Number, and compares the returned person with the person you look for.
//!
//! Only `Finding::Verified` has a number that a program may write without a person's decision.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::demographics::Gender;
use nhs_pds::ids::RandomIds;
use nhs_pds::matching::{Finding, find};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, FindPerson, LocalIdentity, MessageId};
use nhs_pds_simulator::{Caseload, Simulator};
use std::error::Error;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Your program: `HttpTransport::new(&HttpConfig::new().with_client_certificate_pem(..))?`.
    let simulator = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
    let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
    let client = Client::new(config, Arc::new(simulator));
    let caller = Caller::System(us);

    // A given name and a postcode tell a person from a twin and from a person with the same name.
    let owen = FindPerson::new("Owen".parse()?, Gender::Female, "1986-01-19".parse()?);
    let elizabeth = owen.clone().with_given("Elizabeth".parse()?);
    for (what, person) in [
        ("surname alone", owen),
        ("given name too", elizabeth.clone()),
        ("postcode too", elizabeth.with_postcode("LS17 0GZ".parse()?)),
        ("unknown", FindPerson::new("Nemo".parse()?, Gender::Male, "1980-01-01".parse()?)),
    ] {
        let said = match find(&client, &caller, &person, MessageId::fresh(&RandomIds)).await {
            Ok(compared) => match compared.finding {
                Finding::Verified(found) => format!("verified: {}", found.nhs_number),
                Finding::VerifiedInCopy(_) => "verified in the provider's copy: trace later".into(),
                Finding::DifferentPerson { differs, .. } => {
                    format!("a different person: {} differs", differs.as_str())
                }
                Finding::Unconfirmed(_) => "incomplete evidence: a person must decide".into(),
                Finding::None => "no match".into(),
                Finding::Ambiguous(_) => "several people match: a person must choose".into(),
                _ => "replaced, invalid or another person's number: write nothing".into(),
            },
            // Retry later, correct the data, correct the configuration, or report a defect.
            Err(error) => format!("no response: {}", error.kind()),
        };
        println!("{what:<16} {said}");
    }
    Ok(())
}
