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

mod console;
mod mutual_tls;
mod private;

use clap::Parser;
use console::{about, end, say};
use nhs_pds::simulator::{Caseload, Fault, Server, Simulator, When};
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
    let simulator = Simulator::new(caseload.register().clone());
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
