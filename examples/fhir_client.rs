//! Queries the PDS FHIR API with application-restricted access: a signed JWT, an access token, a search.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::fhir::auth::{ApplicationTokens, Jwks, SigningKey, TokenConfig};
use nhs_pds::fhir::{ApplicationRestricted, Client, Config, DateRange, Exact, Retrieval, Search};
use nhs_pds::secret::Secret;
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds::transport::Transport;
use nhs_pds_simulator::{Application, Caseload, Simulator};
use std::error::Error;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Your program: your own key. Register its public half first (`nhs-pds jwks`).
    let pem = Secret::new(include_bytes!("data/example-key.pem").to_vec());
    let key = SigningKey::from_pem("example-1".parse()?, &pem)?;
    let application = Application::new("an-api-key").with_jwks(&Jwks::of([&key])?.to_string())?;

    // Your program: an `HttpTransport`, `Config::of(Environment::Production)` and its token URL.
    let people = Caseload::from_seed(2026, 240).register().clone();
    let simulator = Simulator::new(people).with_application(application);
    let transport: Arc<dyn Transport> = Arc::new(simulator);
    let config = Config::new("https://pds.example/personal-demographics/FHIR/R4".parse()?);
    let token_url = "https://pds.example/oauth2/token".parse()?;
    let tokens = TokenConfig::new(token_url, "an-api-key".parse()?);
    let tokens = ApplicationTokens::new(tokens, key, Arc::clone(&transport));
    let client = Client::application_restricted(config, tokens, transport);
    let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "case-management")?);

    let born = DateRange::from_values(["1986-01-19"])?;
    let search: Search<Exact, ApplicationRestricted> = Search::exact("Owen".parse()?, born);
    let result = client.search(&caller, &search).await?;
    for found in result.answer.matches() {
        let restriction = found.patient.restriction;
        println!("search: {:?}, {restriction:?}", found.patient.nhs_number.map(|n| n.to_string()));
    }

    match client.retrieve(&caller, "937 465 9298".parse()?).await?.answer {
        Retrieval::Found(patient) => println!("retrieve: found, version {:?}", patient.version),
        Retrieval::Superseded(patient) => {
            println!("retrieve: replaced by {:?}", patient.nhs_number);
        }
        Retrieval::Invalidated => println!("retrieve: no longer valid"),
        _ => println!("retrieve: no record has this number"),
    }
    Ok(())
}
