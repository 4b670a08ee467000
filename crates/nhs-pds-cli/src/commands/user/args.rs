//! The arguments of `nhs-pds user`.

use crate::database::Required;
use clap::Subcommand;
use nhs_pds::demographics::OdsCode;
use nhs_pds_admin::Role;
use std::path::PathBuf;

/// Adds, lists and disables the users of the screens (`nhs-pds serve`)
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused: the user exists or does not exist, the password is not accepted, or no administrator would be left, 2 it cannot be done, or the input is wrong"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Adds a user, who can sign in at once, and prints the address for an authenticator app
    ///
    /// Reads the password from standard input, and prints one line: `totp otpauth://…`. Paste the address into an
    /// authenticator app, or make a QR code of it. It contains the secret of the second factor and is printed once.
    Add(Add),
    /// Lists the users
    List {
        #[command(flatten)]
        place: Place,
        /// Print each user as a JSON object on one line.
        #[arg(long)]
        json: bool,
    },
    /// Disables a user: the sessions end at once
    Disable(One),
    /// Enables a user who was disabled
    Enable(One),
    /// Ends the sessions of a user, or of all users
    EndSessions {
        /// The user id; without it, give --all.
        #[arg(long, value_name = "USER", required_unless_present = "all")]
        name: Option<String>,
        /// End the sessions of all users.
        #[arg(long, conflicts_with = "name")]
        all: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Gives a user who has lost the password or the second factor a start code, which it prints
    ///
    /// The old password, the second factor and all sessions end. The code works once, and for a week. On the screens, two
    /// administrators do the same.
    Reset {
        #[command(flatten)]
        one: One,
        /// The user who authorised it: not the operator.
        #[arg(long, value_name = "USER")]
        authorised_by: String,
    },
}

/// The database, and the operator.
#[derive(clap::Args)]
pub(super) struct Place {
    #[command(flatten)]
    pub(super) database: Required,
    /// The operator's user id, for the audit trail; without this option, the user of this machine.
    #[arg(long = "as", value_name = "USER")]
    pub(super) user: Option<String>,
    /// The ODS code of the organisation.
    #[arg(long, value_name = "CODE", default_value = "RHM")]
    pub(super) ods_code: OdsCode,
    /// A file for the heads of the audit trail, for `audit verify --anchors`.
    #[arg(long, value_name = "FILE")]
    pub(super) anchors: Option<PathBuf>,
}

/// A user, and where.
#[derive(clap::Args)]
pub(super) struct One {
    /// The user id.
    #[arg(long, value_name = "USER")]
    pub(super) name: String,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(clap::Args)]
pub(super) struct Add {
    #[command(flatten)]
    pub(super) one: One,
    /// The role: `administrator`, `data-quality`, `front-line` or `auditor`.
    #[arg(long)]
    pub(super) role: Role,
    /// Read the password from standard input: one line, of 12 to 128 characters.
    #[arg(long, required = true)]
    pub(super) password_stdin: bool,
    /// The name that people know; without this option, the user id.
    #[arg(long, value_name = "NAME")]
    pub(super) full_name: Option<String>,
    /// A name or id of the user in allocations of cases. May be repeated. A front-line worker sees the cases that are
    /// allocated to it.
    #[arg(long, value_name = "ID")]
    pub(super) worker: Vec<String>,
}
