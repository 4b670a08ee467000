//! Prints the manual page, or writes one page for each command.

use crate::console::{about, write_out};
use crate::{cli, console};
use clap_mangen::Man;
use std::error::Error;
use std::path::PathBuf;

/// Prints the manual page of nhs-pds, in roff
///
/// Read it with `nhs-pds man | man -l -`. With --out, writes a page for nhs-pds and one for each command.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 printed or written, 2 it cannot be printed or written")]
pub(crate) struct Args {
    /// The folder for the pages nhs-pds.1, nhs-pds-trace.1 and so on; the folder must exist.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    match &args.out {
        None => {
            let mut page = Vec::new();
            Man::new(cli::command()).render(&mut page)?;
            write_out(&page)?;
        }
        Some(folder) => {
            clap_mangen::generate_to(cli::command(), folder).map_err(|e| about(folder, &e))?;
            console::say(&format!("written to {}\n", folder.display()))?;
        }
    }
    Ok(true)
}
