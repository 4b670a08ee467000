//! Is this the person's NHS Number?
//!
//! ```sh
//! cargo run --all-features --example verify_number -- "943 476 5919" 1984-02-29 --family Smith
//! ```
//!
//! Asks the simulator, or the service of `--service`. Without arguments it verifies the number of the
//! first person in the simulator's register. Exits 0 when the number is verified, 1 when it is not (or when
//! rows of `--register` were refused), 2 when there was no answer or the question cannot be asked.

#[path = "../crates/nhs-pds-cli/src/console.rs"]
mod console;
#[path = "../crates/nhs-pds-cli/src/service.rs"]
mod service;

use clap::Parser;
use console::{end, say, warn};
use nhs_pds::trace::{Caller, Freshness, Outcome, VerifyNumber};
use service::{Service, parse};
use std::error::Error;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    about = "Verifies an NHS Number",
    after_help = "Exit codes: 0 verified, 1 not verified, or rows of --register were refused, 2 no answer, or the question cannot be asked"
)]
struct Cli {
    /// The number, bare, `3 3 4` or `3-3-4`.
    #[arg(default_value = "937 465 9298")]
    nhs_number: String,
    /// The person's date of birth, YYYYMMDD or YYYY-MM-DD.
    #[arg(default_value = "1986-01-19")]
    date_of_birth: String,
    /// The person's surname.
    #[arg(long)]
    family: Option<String>,
    /// The person's first given name.
    #[arg(long)]
    given: Option<String>,
    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    end("verify_number", verify(&Cli::parse()).await)
}

async fn verify(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let mut question: VerifyNumber = VerifyNumber::new(
        parse("NHS Number", &cli.nhs_number)?,
        parse("date of birth", &cli.date_of_birth)?,
    );
    if let Some(family) = &cli.family {
        question = question.with_family(parse("--family", family)?);
    }
    if let Some(given) = &cli.given {
        question = question.with_given(parse("--given", given)?);
    }
    let reached = cli.service.reach().await?;
    let caller = Caller::System(cli.service.us()?);
    let answer = reached.client.verify_nhs_number(&caller, &question).await?;
    let said = match &answer.outcome {
        Outcome::Found(found) if found.freshness == Freshness::Live => "verified",
        Outcome::Found(_) => "verified from the provider's copy: ask again later",
        Outcome::NotVerified => "not verified: the particulars do not match the number's record",
        Outcome::Superseded { by: Some(_), .. } => "superseded: the person has a new number",
        Outcome::Superseded { by: None, .. } => "superseded: ask for the new number",
        Outcome::Invalidated => "no longer valid, and nothing replaces it",
        Outcome::None => "nobody has this number",
        other => other.name(),
    };
    say(&format!("{said}\n"))?;
    warn(format!("asked {reached}"));
    Ok(matches!(answer.outcome, Outcome::Found(_)) && reached.knows_everybody())
}
