//! The arguments of `nhs-pds tenant`.

use crate::database::OfAll;
use crate::reference::{self, Reference};
use crate::tenants::{ByBatch, Settings, Times, is_name};
use clap::Subcommand;
use nhs_pds::tenant::{TenantName, Weight};

/// Adds, lists and changes the tenants of a PostgreSQL database
///
/// A tenant is one organisation, with its own cases, audit trail, service, keys and schedule. Workers obey a change within
/// seconds. The audit trail of the tenant records it.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 done, or nothing was to be changed, 1 done, but the stored settings of a tenant cannot be read, 2 it cannot be done, or the arguments are wrong"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Adds a tenant. Workers begin with it within seconds, unless it is paused
    Add(Box<Add>),
    /// Lists the tenants
    List {
        #[command(flatten)]
        database: OfAll,
        /// Print each tenant as a JSON object on one line.
        #[arg(long)]
        json: bool,
    },
    /// Shows a tenant
    Show {
        /// The name of the tenant.
        tenant: TenantName,
        #[command(flatten)]
        database: OfAll,
        /// Print the tenant as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Changes the settings of a tenant that the options name, and no others
    Change(Box<Change>),
    /// Pauses a tenant: workers settle the answers to its open questions, and send no more
    Pause(One),
    /// Resumes a tenant that was paused
    Resume(One),
    /// Gives a tenant another key, client certificate or password of its mailbox, after reading it
    ///
    /// Give the same reference when the file itself has a new content: workers read it again.
    RotateKey(Box<Rotate>),
}

/// The tenant, the database and the operator.
#[derive(clap::Args)]
pub(super) struct One {
    /// The name of the tenant, such as `leeds`: a lower-case letter, then lower-case letters, digits and hyphens.
    pub(super) tenant: TenantName,
    #[command(flatten)]
    pub(super) database: OfAll,
    /// The operator's user id, for the audit trail; without this option, the user of this machine.
    #[arg(long = "as", value_name = "USER")]
    pub(super) user: Option<String>,
    /// The user who authorised the action, if it is another person.
    #[arg(long, value_name = "USER")]
    pub(super) authorised_by: Option<String>,
}

/// How to check settings.
#[derive(clap::Args)]
pub(super) struct Checked {
    /// Do not read the files and variables of keys and certificates, because only the workers can read them.
    #[arg(long)]
    pub(super) unchecked: bool,
}

#[derive(clap::Args)]
pub(super) struct Add {
    #[command(flatten)]
    pub(super) one: One,
    /// Its share in the rate limit, beside those of other tenants: 1 to 100.
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub(super) weight: Weight,
    /// Add it paused, to move cases to it first, or to choose its service later.
    #[arg(long)]
    pub(super) paused: bool,
    #[command(flatten)]
    pub(super) times: Times,
    #[command(flatten)]
    pub(super) settings: Settings,
    #[command(flatten)]
    pub(super) by_batch: ByBatch,
    #[command(flatten)]
    pub(super) checked: Checked,
}

#[derive(clap::Args)]
pub(super) struct Change {
    #[command(flatten)]
    pub(super) one: One,
    /// Its share in the rate limit, beside those of other tenants: 1 to 100.
    #[arg(long, value_name = "NUMBER")]
    pub(super) weight: Option<Weight>,
    /// Remove the setting of this option, such as `quiet`. May be repeated.
    #[arg(long, value_name = "OPTION", value_parser = removable)]
    pub(super) without: Vec<String>,
    #[command(flatten)]
    pub(super) times: Times,
    #[command(flatten)]
    pub(super) settings: Settings,
    #[command(flatten)]
    pub(super) by_batch: ByBatch,
    #[command(flatten)]
    pub(super) checked: Checked,
}

#[derive(clap::Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    pub(super) one: One,
    /// The name (kid) of the registered public key.
    #[arg(long, value_name = "ID", requires = "key")]
    pub(super) key_id: Option<String>,
    /// The private key, as PEM: a file, or `env:NAME` for an environment variable.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "key_id")]
    pub(super) key: Option<Reference>,
    /// The client certificate chain, as PEM: a file, or `env:NAME`.
    #[arg(
        long, value_name = "FILE", value_parser = reference::parser(), requires = "client_key",
        required_unless_present_any = ["key", "mesh_password", "mesh_shared_key", "mesh_client_certificate"]
    )]
    pub(super) client_certificate: Option<Reference>,
    /// The private key of the client certificate, as PEM: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "client_certificate")]
    pub(super) client_key: Option<Reference>,
    /// The password of the MESH mailbox: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser())]
    pub(super) mesh_password: Option<Reference>,
    /// The shared key of the MESH environment: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser())]
    pub(super) mesh_shared_key: Option<Reference>,
    /// The client certificate chain of the MESH mailbox, as PEM: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "mesh_client_key")]
    pub(super) mesh_client_certificate: Option<Reference>,
    /// The private key of that certificate, as PEM: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "mesh_client_certificate")]
    pub(super) mesh_client_key: Option<Reference>,
    #[command(flatten)]
    pub(super) checked: Checked,
}

/// Reads the name of a setting that can be removed.
fn removable(name: &str) -> Result<String, &'static str> {
    let name = name.strip_prefix("--").unwrap_or(name);
    if is_name(name) || name == "quiet" || name == "jitter" {
        Ok(name.to_owned())
    } else {
        Err("write the name of an option, such as quiet or anchors")
    }
}
