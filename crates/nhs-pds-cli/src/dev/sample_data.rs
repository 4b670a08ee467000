//! Writes sample data: `register.csv`, the people of the simulator, and `caseload.csv`, the cases of a social
//! care system. The defaults write the files of `examples/data`.
//!
//! All people in the files are invented, and their numbers were never issued.

use crate::console::{about, say};
use crate::private::PrivateFile;
use crate::simulated::{self, Caseload};
use std::error::Error;
use std::fmt::Write;
use std::io::BufWriter;
use std::path::PathBuf;

/// Writes a caseload and the register of its people
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 written, 2 a file cannot be written")]
pub(crate) struct Args {
    /// The number of cases.
    #[arg(long, default_value_t = simulated::SAMPLE.1, value_parser = simulated::cases)]
    cases: usize,
    /// The folder for `register.csv` and `caseload.csv`.
    #[arg(long, default_value = "examples/data")]
    out: PathBuf,
}

pub(crate) fn run(options: &Args) -> Result<bool, Box<dyn Error>> {
    let caseload = Caseload::from_seed(simulated::SAMPLE.0, options.cases);
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
    say(&said)?;
    Ok(true)
}
