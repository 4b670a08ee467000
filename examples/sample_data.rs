//! Writes the sample data of this directory: `data/register.csv`, the people whom the simulator
//! knows, and `data/caseload.csv`, the cases of a social care system. Or others, of any size:
//!
//! ```text
//! cargo run --features simulator --example sample_data
//! cargo run --features simulator --example sample_data -- --cases 100000 --out /tmp/load
//! ```
//!
//! Everybody in them is invented, and no number was ever issued.
#![expect(clippy::print_stdout, reason = "a command")]

use clap::Parser;
use nhs_pds::simulator::Caseload;
use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;

/// The seed of the files that come with the crate.
const SEED: u64 = 2026;

/// Writes a caseload and the register of the people behind it.
#[derive(Parser)]
struct Options {
    /// How many cases to write.
    #[arg(long, default_value_t = 240)]
    cases: usize,
    /// Where to write `register.csv` and `caseload.csv`.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data"))]
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let caseload = Caseload::from_seed(SEED, options.cases);
    fs::create_dir_all(&options.out)?;
    let file = |name: &str| File::create(options.out.join(name)).map(BufWriter::new);
    caseload.register().write_csv(file("register.csv")?)?;
    caseload.write_csv(file("caseload.csv")?)?;

    println!("{} people, {} cases:", caseload.register().len(), caseload.cases().len());
    for (expected, count) in caseload.counts() {
        println!("{count:7}  {expected}");
    }
    Ok(())
}
