//! Prints a script that completes commands and options in a shell.

use crate::{cli, console};
use clap_complete::Shell;
use std::error::Error;

/// Prints a script that completes commands and options in a shell
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 printed, 2 it cannot be printed")]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "nhs-pds", &mut script);
    console::write_out(&script)?;
    Ok(true)
}
