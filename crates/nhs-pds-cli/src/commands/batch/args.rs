//! The arguments of `nhs-pds batch`.

use crate::console::Failed;
use crate::database::{Database, Required};
use crate::mesh::Mesh;
use crate::tenants::{Rules, duration};
use chrono::TimeDelta;
use clap::{Subcommand, ValueEnum};
use nhs_pds::batch::file::Limits;
use nhs_pds::demographics::OdsCode;
use nhs_pds::process::batch::BatchPolicy;
use std::ffi::OsString;
use std::path::PathBuf;

/// Traces cases by file: PDS MESH, by hand or by a MESH mailbox
///
/// NHS England says that PDS MESH is not intended for software integration, and has no test environment for it.
/// docs/batch.md says which service is for whom.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 done, or nothing was to be done, 1 a person must look (at refused rows, at a file with a fault, at a batch whose fate is not known, or at a service that failed), or the batch does not allow the action, 2 it cannot be done, or the input is wrong"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Writes the due cases into a file, for a user who uploads it
    ///
    /// The cases then wait for the response, and are not traced otherwise. A large file is split: the further files have
    /// -2, -3 and so on before the ending.
    Export(Box<Export>),
    /// Reads responses, and settles the cases that wait for their rows
    ///
    /// An import may be repeated: what was settled before is not settled again.
    Import(Box<Import>),
    /// Writes the due cases into files, and sends all files that are ready through a MESH mailbox
    ///
    /// For six hours after the service refused a file, or did not deliver it, none is written: the next one would mark its
    /// cases and be refused too. The worker traces the cases singly meanwhile.
    ///
    /// For a tenant of PostgreSQL, the options of the mailbox are those of the tenant's settings, unless they are given.
    Send(Box<Send>),
    /// Receives the responses from a MESH mailbox, and settles the cases that wait for their rows
    ///
    /// For a tenant of PostgreSQL, the options of the mailbox are those of the tenant's settings, unless they are given.
    Collect(Box<Collect>),
    /// Lists the batches, and names the responses that could not be used whole
    Status(Status),
    /// Returns the waiting cases of a batch to the worker, because no response will come
    Release(Box<Action>),
    /// Marks a batch as sent whose fate was not known, because the service has it
    ConfirmSent(Box<Action>),
}

/// The options of each action that changes a batch.
#[derive(clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub(super) database: Required,
    /// The folder for the files of batches. It has personal data, and only its owner has access. [default: the path of the
    /// SQLite file with `-batches` after it; for PostgreSQL, the folder of the tenant]
    #[arg(long, value_name = "FOLDER")]
    pub(super) folder: Option<PathBuf>,
    /// Keep the files of batches that have ended. By default they are deleted, because they have personal data.
    #[arg(long)]
    pub(super) keep_files: bool,
    /// Your user id, for the audit trail; without this option, the user of this machine.
    #[arg(long = "as", value_name = "USER")]
    pub(super) user: Option<String>,
    /// Your name, for the audit trail; without this option, the user id.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Your role.
    #[arg(long, default_value = "operator")]
    pub(super) role: String,
    /// Your organisation's ODS code. [default: RHM; for PostgreSQL, that of the tenant]
    #[arg(long, value_name = "CODE")]
    pub(super) ods_code: Option<OdsCode>,
    /// A file for the heads of the audit trail, for `audit verify --anchors`.
    #[arg(long, value_name = "FILE")]
    pub(super) anchors: Option<PathBuf>,
    #[command(flatten)]
    pub(super) rules: Rules,
    /// The service of the worker, which asks further questions one by one about cases that a response does not settle.
    /// With `none`, what a response says is final. [default: none; for PostgreSQL, the service of the tenant]
    #[arg(long, value_name = "SERVICE")]
    pub(super) then: Option<Then>,
}

/// The service that answers further questions.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Then {
    /// A Spine Mini Service.
    Smsp,
    /// The PDS FHIR API.
    Fhir,
    /// No service.
    None,
}

/// Which cases are traced by file, and how large the files are.
#[derive(clap::Args)]
pub(super) struct Building {
    /// Only cases that were never traced, or only numbers that are verified again. May be repeated. [default: every due
    /// case]
    #[arg(long, value_name = "WHICH")]
    only: Vec<Only>,
    /// The most rows of a file. [default: 500000]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=500_000))]
    max_rows: Option<u64>,
    /// The most bytes of a file. [default: 100000000]
    #[arg(
        long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(100_000..=100_000_000),
        conflicts_with = "internet"
    )]
    max_bytes: Option<u64>,
    /// Write files of 50 MB at most, which MESH takes over the internet.
    #[arg(long)]
    internet: bool,
    /// How long after its file was written a batch counts as lost, such as `7d` or `36h`. Its cases are then traced as any
    /// other.
    #[arg(long, value_name = "TIME", value_parser = lost_after, default_value = "7d")]
    pub(super) lost_after: TimeDelta,
}

/// Cases that are traced by file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Only {
    /// Cases that were never traced.
    FirstLoad,
    /// Numbers that are verified again.
    Reverification,
}

#[derive(clap::Args)]
pub(super) struct Export {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) building: Building,
    /// The file to upload. It must not exist.
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
}

#[derive(clap::Args)]
pub(super) struct Import {
    #[command(flatten)]
    pub(super) common: Common,
    /// The responses, as the service sent them. They stay where they are.
    #[arg(long, value_name = "RESPONSE", required = true, num_args = 1..)]
    pub(super) file: Vec<PathBuf>,
    /// A file for the rows from which nothing was settled, as CSV with the columns file, line, reference, code, cause and
    /// text. It has nothing of a person.
    #[arg(long, value_name = "FILE")]
    pub(super) refused: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct Send {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) building: Building,
    /// Send what is ready, and write no further files.
    #[arg(long)]
    pub(super) no_build: bool,
    /// Write files although the service refused one, or did not deliver it, in the last six hours: its cause is corrected.
    #[arg(long, conflicts_with = "no_build")]
    pub(super) despite_refusal: bool,
    #[command(flatten)]
    pub(super) mesh: Mesh,
}

#[derive(clap::Args)]
pub(super) struct Collect {
    #[command(flatten)]
    pub(super) common: Common,
    /// A file for the rows from which nothing was settled, as CSV with the columns file, line, reference, code, cause and
    /// text. It has nothing of a person.
    #[arg(long, value_name = "FILE")]
    pub(super) refused: Option<PathBuf>,
    #[command(flatten)]
    pub(super) mesh: Mesh,
}

#[derive(clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    pub(super) database: Required,
    /// The folder for the files of batches, which may have responses that a person must look at. [default: the path of the
    /// SQLite file with `-batches` after it; for PostgreSQL, the folder of the tenant, if it has one]
    #[arg(long, value_name = "FOLDER")]
    pub(super) folder: Option<PathBuf>,
    /// Also list the last batches that have ended.
    #[arg(long)]
    pub(super) all: bool,
    /// Print each batch as a JSON object on one line.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(clap::Args)]
pub(super) struct Action {
    #[command(flatten)]
    pub(super) common: Common,
    /// The id of the batch, as `batch status` prints it.
    pub(super) id: String,
}

impl Building {
    pub(super) fn limits(&self) -> Limits {
        let mut limits = if self.internet { Limits::INTERNET } else { Limits::NETWORK };
        if let Some(rows) = self.max_rows {
            limits = limits.with_rows(rows);
        }
        if let Some(bytes) = self.max_bytes {
            limits = limits.with_bytes(bytes);
        }
        limits
    }

    /// Which cases are traced by file, however few they are.
    pub(super) fn policy(&self) -> BatchPolicy {
        let has = |only| self.only.contains(&only);
        let policy = match (has(Only::FirstLoad), has(Only::Reverification)) {
            (true, true) => BatchPolicy::first_load().with_reverification(),
            (true, false) => BatchPolicy::first_load(),
            (false, true) => BatchPolicy::reverification(),
            (false, false) => BatchPolicy::everything(),
        };
        policy.with_at_least(1)
    }
}

/// The folder of the batches of a database.
pub(crate) fn folder_of(given: Option<&PathBuf>, database: &Database) -> Result<PathBuf, Failed> {
    match (given, database.file()) {
        (Some(folder), _) => Ok(folder.clone()),
        (None, Some(file)) => {
            let mut folder = OsString::from(file);
            folder.push("-batches");
            Ok(folder.into())
        }
        (None, None) => Err(format!(
            "{database}: give --folder with a folder of this machine for the files of the tenant's batches, or set it with \
             `nhs-pds tenant change`"
        )
        .into()),
    }
}

/// Reads a time after which a batch counts as lost.
fn lost_after(text: &str) -> Result<TimeDelta, String> {
    let time = match text.strip_suffix('d') {
        Some(days) => {
            let days = days.parse().map_err(|_| "a time is a number and a unit, such as 7d")?;
            TimeDelta::try_days(days)
        }
        None => TimeDelta::from_std(duration(text)?).ok(),
    };
    let (shortest, longest) = (TimeDelta::hours(1), TimeDelta::days(365));
    time.filter(|time| (shortest..=longest).contains(time))
        .ok_or_else(|| "a time is from 1h to 365d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_batch_counts_as_lost_after_an_hour_or_later() {
        for (text, hours) in [("7d", 168), ("36h", 36), ("60m", 1), ("365d", 8_760)] {
            assert_eq!(lost_after(text), Ok(TimeDelta::hours(hours)), "{text}");
        }
        for text in ["", "d", "0d", "-1d", "59m", "366d", "9223372036854775807d", "7", "7w"] {
            assert!(lost_after(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_folder_is_beside_a_file_and_must_be_named_for_a_tenant() {
        let file = Database::File("a/b.sqlite".into());
        assert_eq!(folder_of(None, &file).unwrap(), Path::new("a/b.sqlite-batches"));
        let other = PathBuf::from("c");
        assert_eq!(folder_of(Some(&other), &file).unwrap(), Path::new("c"));
    }
}
