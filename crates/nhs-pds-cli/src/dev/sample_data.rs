//! Writes the sample data of this directory: `data/register.csv`, the people whom the simulator
//! knows, and `data/caseload.csv`, the cases of a social care system. Or others, of any size:
//!
//! ```text
//! cargo run --example sample_data
//! cargo run --example sample_data -- --cases 100000 --out /tmp/load
//! ```
//!
//! Everybody in them is invented, and no number was ever issued. Exits 2 when a file cannot be written.

mod console;
mod private;

use clap::Parser;
use console::{about, end, say};
use nhs_pds_simulator::Caseload;
use private::PrivateFile;
use std::error::Error;
use std::fmt::Write;
use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;

/// The seed of the files that come with the crate.
const SEED: u64 = 2026;

/// Writes a caseload and the register of the people behind it.
#[derive(Parser)]
#[command(after_help = "Exit codes: 0 written, 2 a file cannot be written")]
struct Options {
    /// How many cases to write.
    #[arg(long, default_value_t = 240)]
    cases: usize,
    /// Where to write `register.csv` and `caseload.csv`.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data"))]
    out: PathBuf,
}

fn main() -> ExitCode {
    end("sample_data", run(&Options::parse()).map(|()| true))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let caseload = Caseload::from_seed(SEED, options.cases);
    for name in ["register.csv", "caseload.csv"] {
        let place = options.out.join(name);
        let file = PrivateFile::begin(&place).map_err(|error| about(&place, &error))?;
        let to = BufWriter::new(file.file());
        match name {
            "register.csv" => caseload.register().write_csv(to)?,
            _ => caseload.write_csv(to)?,
        }
        file.finish().map_err(|error| about(&place, &error))?;
    }
    let mut said = String::new();
    writeln!(said, "{} people, {} cases:", caseload.register().len(), caseload.cases().len())?;
    for (expected, count) in caseload.counts() {
        writeln!(said, "{count:7}  {expected}")?;
    }
    Ok(say(&said)?)
}
