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
//! found, 1 when not (or when rows of `--register` were refused), 2 when there was no answer or the question
//! cannot be asked.

#[path = "../crates/nhs-pds-cli/src/console.rs"]
mod console;
#[path = "../crates/nhs-pds-cli/src/service.rs"]
mod service;

use clap::Parser;
use console::{end, say, say_json, warn};
use nhs_pds::trace::{Attended, Caller, FindPerson, Mode, Outcome, Unattended, User};
use service::{Service, parse};
use std::error::Error;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    about = "Finds a person and prints their details",
    after_help = "Exit codes: 0 one person was found, 1 not, or rows of --register were refused, 2 no answer, or the question cannot be asked"
)]
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
    end("find_person", find(&Cli::parse()).await)
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
    warn(format!("asked {reached}"));
    let said = match &outcome {
        Outcome::Found(found) => {
            say(&format!("{}\n", found.nhs_number))?;
            say_json(&serde_json::to_string_pretty(&found.person)?)?;
            return Ok(reached.knows_everybody());
        }
        Outcome::None => "nobody matches",
        Outcome::Ambiguous(_) => "several people match: add a given name or a postcode",
        Outcome::Superseded { .. } => "the record found has been superseded",
        Outcome::Invalidated => "the record found is no longer valid",
        other => other.name(),
    };
    say(&format!("{said}\n"))?;
    Ok(false)
}

fn question<M: Mode>(cli: &Cli) -> Result<FindPerson<M>, Box<dyn Error>> {
    let mut question = FindPerson::in_mode(
        parse("surname", &cli.family)?,
        parse("gender", &cli.gender)?,
        parse("date of birth", &cli.date_of_birth)?,
    );
    if let Some(given) = &cli.given {
        question = question.with_given(parse("--given", given)?);
    }
    if let Some(postcode) = &cli.postcode {
        question = question.with_postcode(parse("--postcode", postcode)?);
    }
    Ok(question)
}
