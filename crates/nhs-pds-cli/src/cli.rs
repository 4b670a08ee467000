//! The command line.

use crate::{commands, dev};
use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Each command takes its options from the command line, from the environment, and from a configuration
file, in this order. The environment variable of an option is NHS_PDS_ and its name in capital letters:
NHS_PDS_DB for --db. The file is TOML: one table for each command, with the names of its options.
docs/commands.md describes every command.

Exit codes: 0 the command did all its work, 1 a person must look at the result, 2 the command could not
run. `nhs-pds COMMAND --help` says what 0, 1 and 2 mean for the command.";

/// Finds, verifies and keeps NHS Numbers.
#[derive(Parser)]
#[command(name = "nhs-pds", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The configuration file. [env: NHS_PDS_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    #[allow(dead_code, reason = "read by `config::apply`, before the command line is parsed")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Trace(Box<commands::trace::Args>),
    Worker(Box<commands::worker::Args>),
    Batch(commands::batch::Args),
    Serve(Box<commands::serve::Args>),
    Tenant(commands::tenant::Args),
    Database(commands::database::Args),
    Review(Box<commands::review::Args>),
    User(commands::user::Args),
    Audit(commands::audit::Args),
    Report(commands::report::Args),
    Check(commands::check::Args),
    Migrate(commands::migrate::Args),
    Letter(commands::letter::Args),
    Wire(commands::wire::Args),
    Fhir(commands::fhir::Args),
    Jwks(commands::jwks::Args),
    Simulator(commands::simulator::Args),
    Compare(Box<commands::compare::Args>),
    MatchQuality(commands::match_quality::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
    /// Tools for developers of nhs-pds.
    #[command(subcommand, hide = true)]
    Dev(dev::Tool),
}

/// The whole command line, as clap describes it.
pub(crate) fn command() -> clap::Command {
    Cli::command().mut_subcommands(with_exit_codes)
}

/// The command, with its exit codes in the help of its subcommands too.
fn with_exit_codes(command: clap::Command) -> clap::Command {
    let Some(help) = command.get_after_help().cloned() else { return command };
    command.mut_subcommands(|inner| with_exit_codes(inner.after_help(help.clone())))
}
