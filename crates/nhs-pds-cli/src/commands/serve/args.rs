//! The arguments of `nhs-pds serve`.

use crate::database::Required;
use crate::tenants::{Settings, Times, duration};
use clap::ArgAction;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Serves the screens for administrators, data-quality staff, front-line workers and auditors
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 it was stopped, 1 rows of the register were refused, the worker failed, or a second signal ended it at once, 2 it could not serve"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) database: Required,
    /// The address at which browsers reach the screens. Port 0 is a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,
    /// Accept an address for `--listen` that other machines can reach without encryption, such as that of a container
    /// behind a proxy.
    #[arg(long)]
    pub(super) listen_anywhere: bool,
    /// The certificate chain of this server, as PEM: serve over TLS.
    #[arg(long, value_name = "FILE", requires = "certificate_key")]
    pub(super) certificate: Option<PathBuf>,
    /// The private key of --certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(super) certificate_key: Option<PathBuf>,
    /// A proxy in front of this server has TLS and sets `X-Forwarded-For`. Without a proxy, users could write any address
    /// into the audit trail.
    #[arg(long, conflicts_with = "certificate")]
    pub(super) behind_proxy: bool,
    /// The name in the header of each page.
    #[arg(long, value_name = "TEXT", default_value = "NHS Numbers")]
    pub(super) title: String,
    /// A style sheet with your own colours and fonts.
    #[arg(long, value_name = "CSS")]
    pub(super) theme: Option<PathBuf>,
    /// The folder for the files of batches, which users write, download and answer. It has personal data, and only its
    /// owner has access. Over all tenants, each has a folder of its name in it. [default: the path of the SQLite file with
    /// `-batches` after it; for PostgreSQL, there is no page of batches]
    #[arg(long, value_name = "FOLDER")]
    pub(super) batch_folder: Option<PathBuf>,
    /// The days after which a password must be changed (HAV-12); 0 for never.
    #[arg(long, value_name = "DAYS", default_value = "90")]
    pub(super) password_days: u16,
    /// A session ends after this time without a request.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "15m")]
    pub(super) idle: Duration,
    /// Also find numbers on a schedule, as `nhs-pds worker` does.
    #[arg(long = "with-worker", action = ArgAction::SetTrue)]
    pub(super) is_worker: bool,
    /// The name of the worker in the status that it writes to the database. [default: serve]
    #[arg(long, requires = "is_worker")]
    name: Option<String>,
    /// The time after which another worker may take the cases of a worker that stopped without releasing them.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub(super) lease: Duration,
    #[command(flatten)]
    pub(super) times: Times,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Args {
    /// The name of the worker.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("serve")
    }

    /// Whether browsers reach the screens by TLS.
    pub(super) const fn is_behind_tls(&self) -> bool {
        self.certificate.is_some() || self.behind_proxy
    }
}
