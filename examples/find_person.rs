//! Who is this person?
//!
//! ```sh
//! cargo run --all-features --example find_person -- Smith 2 1984-02-29 --given Ann
//! cargo run --all-features --example find_person -- 'Sm*' 2 1984 --attended
//! ```
//!
//! Asks the simulator, or the service of `--service`, for the person's details and prints what a
//! person at a screen needs to confirm the match (MSCA-PDS-03). With `--attended`, names and postcode
//! may hold wildcards and the date of birth may be partial (MSCA-PDS-07). Exits 0 when one person was
//! found, 1 when not, 2 when there was no answer or the question cannot be asked.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "that is what it is for")]

mod service;

use clap::Parser;
use nhs_pds::trace::{Attended, Caller, FindPerson, Mode, Outcome, Unattended, User};
use service::{Service, because, read};
use std::error::Error;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Finds a person and prints their details")]
struct Cli {
    /// Surname.
    #[arg(default_value = "Owen")]
    family: String,
    /// 1 male, 2 female, 9 not specified, 0 not known.
    #[arg(default_value = "2")]
    gender: String,
    /// Date of birth, YYYYMMDD or YYYY-MM-DD; attended also without day, or day and month.
    #[arg(default_value = "1986-01-19")]
    date_of_birth: String,
    /// First given name.
    #[arg(long)]
    given: Option<String>,
    /// Postcode of the usual address.
    #[arg(long)]
    postcode: Option<String>,
    /// A person will confirm the match.
    #[arg(long)]
    attended: bool,
    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    match find(&Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("find_person: {}", because(&*error));
            ExitCode::from(2)
        }
    }
}

async fn find(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let us = cli.service.us()?;
    // The question first: what the types refuse needs no service.
    let (outcome, reached) = if cli.attended {
        let question = question::<Attended>(cli)?;
        let reached = cli.service.reach().await?;
        let user = User::Local(us);
        (reached.client.get_patient_details_by_search(&user, &question).await?.outcome, reached)
    } else {
        let question = question::<Unattended>(cli)?;
        let reached = cli.service.reach().await?;
        let caller = Caller::System(us);
        (reached.client.get_patient_details_by_search(&caller, &question).await?.outcome, reached)
    };
    eprintln!("asked {reached}");
    match &outcome {
        Outcome::Found(found) => {
            println!("{}", found.nhs_number);
            println!("{}", serde_json::to_string_pretty(&found.person)?);
        }
        Outcome::None => println!("nobody matches"),
        Outcome::Ambiguous(_) => println!("several people match: add a given name or a postcode"),
        Outcome::Superseded { .. } => println!("the record found has been superseded"),
        Outcome::Invalidated => println!("the record found is no longer valid"),
        other => println!("{}", other.name()),
    }
    Ok(matches!(outcome, Outcome::Found(_)))
}

fn question<M: Mode>(cli: &Cli) -> Result<FindPerson<M>, Box<dyn Error>> {
    let mut question = FindPerson::in_mode(
        read("surname", &cli.family)?,
        read("gender", &cli.gender)?,
        read("date of birth", &cli.date_of_birth)?,
    );
    if let Some(given) = &cli.given {
        question = question.with_given(read("--given", given)?);
    }
    if let Some(postcode) = &cli.postcode {
        question = question.with_postcode(read("--postcode", postcode)?);
    }
    Ok(question)
}
