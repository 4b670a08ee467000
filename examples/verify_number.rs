//! Is this the person's NHS Number?
//!
//! ```sh
//! cargo run --all-features --example verify_number -- "943 476 5919" 1984-02-29 --family Smith
//! ```
//!
//! Asks the simulator, or the service of `--service`. Without arguments it verifies the number of the
//! first person in the simulator's register. Exits 0 when the number is verified, 1 when it is not, 2
//! when there was no answer or the question cannot be asked.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "that is what it is for")]

mod service;

use clap::Parser;
use nhs_pds::trace::{Caller, Freshness, Outcome, VerifyNumber};
use service::{Service, because, read};
use std::error::Error;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Verifies an NHS Number")]
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
    match verify(&Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("verify_number: {}", because(&*error));
            ExitCode::from(2)
        }
    }
}

async fn verify(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let mut question: VerifyNumber = VerifyNumber::new(
        read("NHS Number", &cli.nhs_number)?,
        read("date of birth", &cli.date_of_birth)?,
    );
    if let Some(family) = &cli.family {
        question = question.with_family(read("--family", family)?);
    }
    if let Some(given) = &cli.given {
        question = question.with_given(read("--given", given)?);
    }
    let reached = cli.service.reach().await?;
    let caller = Caller::System(cli.service.us()?);
    let answer = reached.client.verify_nhs_number(&caller, &question).await?;
    println!(
        "{}",
        match &answer.outcome {
            Outcome::Found(found) if found.freshness == Freshness::Live => "verified",
            Outcome::Found(_) => "verified from the provider's copy: ask again later",
            Outcome::NotVerified =>
                "not verified: the particulars do not match the number's record",
            Outcome::Superseded { by: Some(_), .. } => "superseded: the person has a new number",
            Outcome::Superseded { by: None, .. } => "superseded: ask for the new number",
            Outcome::Invalidated => "no longer valid, and nothing replaces it",
            Outcome::None => "nobody has this number",
            other => other.name(),
        }
    );
    eprintln!("asked {reached}");
    Ok(matches!(answer.outcome, Outcome::Found(_)))
}
