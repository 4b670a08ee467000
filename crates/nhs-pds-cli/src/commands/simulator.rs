//! A PDS to test against, in a process of its own.
//!
//! ```sh
//! cargo run --all-features --example simulator -- --cases 240
//! ```
//!
//! Prints the address of the Spine Mini Service in one line and that of the PDS FHIR API in the next (for
//! `PDS_FHIR_BASE`), and serves until it is stopped. The people are those of
//! a caseload of the seed and the number of cases (the shipped one, unless told otherwise); `--caseload`
//! writes that caseload too. With `--mutual-tls`, both are served over HTTPS to a client that shows the
//! certificate in that folder, as a provider demands it. Every answer depends on who is asked about, and never on when.
//! `--help` lists the switches.

mod console;
mod mutual_tls;
mod private;
mod records;

use clap::Parser;
use console::{about, end, say};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds_simulator::{Caseload, Fault, Register, Server, Simulator, When};
use private::PrivateFile;
use std::error::Error;
use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use url::Url;

#[derive(Parser)]
#[command(
    about = "Serves a simulated PDS until it is stopped",
    after_help = "Exit codes: 0 stopped, 2 it cannot listen or write"
)]
struct Cli {
    /// The seed of the people.
    #[arg(long, default_value_t = 2026)]
    seed: u64,
    /// The number of cases whose people are known.
    #[arg(long, default_value_t = 240)]
    cases: usize,
    /// Where the cases go, as CSV.
    #[arg(long, value_name = "FILE")]
    caseload: Option<PathBuf>,
    /// How long every answer takes, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    delay: u64,
    /// Serves over mutual TLS, and writes client.pem, client.key and spine-roots.pem to this folder.
    #[arg(long, value_name = "FOLDER")]
    mutual_tls: Option<PathBuf>,
    /// Give every person all that the FHIR API can return: other names and addresses, related people,
    /// preferences.
    #[arg(long)]
    full_records: bool,
    /// Answer about this person by this code, of either service. May be repeated.
    #[arg(long = "answer", value_name = "NUMBER=CODE", value_parser = answer)]
    answers: Vec<(NhsNumber, String)>,
    /// SMSP: refuse a request without the header SOAPAction, or with one that is not in quotes.
    #[arg(long)]
    strict_soap_action: bool,
    /// SMSP: answer SMSP-0001 to wildcards and partial dates of birth.
    #[arg(long)]
    no_advanced_trace: bool,
    /// SMSP: send DEMOG-0017 without the data of the number that replaces the other.
    #[arg(long)]
    no_superseding_payload: bool,
    /// FHIR: write the blank lines of an address as null, beside `_line`.
    #[arg(long)]
    empty_address_lines: bool,
    /// FHIR: the base address that fullUrl and references name [default: the address that was called]
    #[arg(long, value_name = "URL")]
    fhir_base: Option<Url>,
}

fn answer(text: &str) -> Result<(NhsNumber, String), String> {
    let (number, code) = text.split_once('=').ok_or("not NUMBER=CODE")?;
    let number = number.parse().map_err(|error| format!("{error}"))?;
    Ok((number, code.to_owned()))
}

#[tokio::main]
async fn main() -> ExitCode {
    end("simulator", run(&Cli::parse()).await.map(|()| true))
}

async fn run(cli: &Cli) -> Result<(), Box<dyn Error>> {
    let caseload = Caseload::from_seed(cli.seed, cli.cases);
    if let Some(path) = &cli.caseload {
        let file = PrivateFile::begin(path).map_err(|error| about(path, &error))?;
        caseload.write_csv(BufWriter::new(file.file()))?;
        file.finish().map_err(|error| about(path, &error))?;
    }
    let mut simulator = Simulator::new(people(cli, caseload.register())?)
        .with_strict_soap_action(cli.strict_soap_action)
        .with_advanced_trace(!cli.no_advanced_trace)
        .with_superseding_payload(!cli.no_superseding_payload)
        .with_empty_address_lines(cli.empty_address_lines);
    if let Some(base) = &cli.fhir_base {
        simulator = simulator.with_fhir_base(base);
    }
    drop(caseload);
    if cli.delay > 0 {
        simulator.add_fault(When::Always, Fault::Delay(Duration::from_millis(cli.delay)));
    }
    let server = Server::start(simulator).await?;
    let mut addresses = [server.url(), server.fhir_url()];
    if let Some(folder) = &cli.mutual_tls {
        let plain: Url = server.url().parse()?;
        let plain = plain.socket_addrs(|| None)?.into_iter().next().ok_or("no address")?;
        let secure = mutual_tls::in_front_of(plain, folder).await?;
        let (plain, secure) = (format!("http://{plain}/"), format!("https://{secure}/"));
        addresses = addresses.map(|address| address.replace(&plain, &secure));
    }
    // The second address is for whoever reads on, so the first line stays what it was.
    let [smsp, fhir] = addresses;
    say(&format!("{smsp}\n{fhir}\n"))?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// The people, with what the command line says of them.
fn people(cli: &Cli, register: &Register) -> Result<Register, Box<dyn Error>> {
    let register = if cli.full_records { records::filled(register)? } else { register.clone() };
    let mut all = Register::default();
    for person in &register {
        let mut person = person.clone();
        let chosen = cli.answers.iter().find(|(number, _)| *number == person.nhs_number);
        if let Some((_, code)) = chosen {
            person.answer = Some(code.clone());
        }
        all.insert(person)?;
    }
    Ok(all)
}
