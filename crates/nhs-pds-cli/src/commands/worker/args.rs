//! The arguments of `nhs-pds worker`.

use crate::commands::batch::folder_of;
use crate::console::Failed;
use crate::database::{Database, Required};
use crate::device;
use crate::port::Listen;
use crate::tenants::{ByBatch, Given, RATE_OPTIONS, Settings, Times, duration};
use nhs_pds::mesh::Mailbox;
use nhs_pds::process::batch::BatchPolicy;
use nhs_pds::tenant::TenantName;
use std::path::PathBuf;
use std::time::Duration;

/// The folder, the mailbox, and which cases.
type Mailed = (PathBuf, Mailbox, BatchPolicy);

/// Finds and verifies the NHS Numbers of a store of cases, on a schedule
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 rows were refused, a stored case is damaged, the service refused the configuration or did not answer, the last run failed, a tenant could not run, files were not exchanged, or a second signal ended the worker at once, 2 the worker could not run"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) database: Required,
    /// A caseload to import first.
    #[arg(long, value_name = "CSV")]
    pub(super) import: Option<PathBuf>,
    /// Run once, until no case is due.
    #[arg(long, conflicts_with_all = ["interval", "batch"])]
    pub(super) once: bool,
    /// How long `--once` tries again while the database cannot be read or written.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(super) patience: Duration,
    /// The file for the decisions, one row for each case.
    #[arg(long, value_name = "CSV")]
    pub(super) export: Option<PathBuf>,
    /// The time after which another worker may take the cases of a worker that stopped without releasing them.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub(super) lease: Duration,
    /// The name of this worker in the status that it writes to the database. Each worker on a database needs a name
    /// of its own, and keeps it after a restart. [default: worker; for PostgreSQL, this machine and the port of
    /// --listen]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    pub(super) listen: Listen,
    #[command(flatten)]
    pub(super) times: Times,
    #[command(flatten)]
    pub(super) settings: Settings,
    #[command(flatten)]
    by_batch: ByBatch,
}

impl Args {
    /// Whether the command only writes the decisions that are there.
    pub(super) const fn only_exports(&self) -> bool {
        self.export.is_some() && self.times.interval.is_none() && !self.once
    }

    /// What the worker on a file traces by file; `None` for nothing.
    pub(super) fn mailed(&self, database: &Database) -> Result<Option<Mailed>, Failed> {
        self.by_batch.check()?;
        let Some(policy) = self.by_batch.policy() else { return Ok(None) };
        let folder = folder_of(self.by_batch.folder.as_ref(), database)?;
        let mailbox = self.by_batch.mesh.mailbox(self.settings.service.labels())?;
        Ok(Some((folder, mailbox, policy)))
    }

    /// The name of the only process on a file.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("worker")
    }

    /// The name of a worker beside others.
    pub(super) fn name_among_others(&self) -> String {
        let port = self.listen.port().map(|port| format!("-{port}")).unwrap_or_default();
        self.name.clone().unwrap_or_else(|| format!("{}{port}", device::name()))
    }

    /// The options in place of those of the tenant `only`, or of all tenants.
    pub(super) fn given(&self, only: Option<&TenantName>) -> Result<Given, Failed> {
        let (settings, times) = (self.settings.with_batches(&self.by_batch), self.times.clone());
        if only.is_none() {
            let set = settings.set()?;
            let of_all = |name: &str| RATE_OPTIONS.contains(&name);
            let of_one = set.keys().filter(|name| !of_all(name)).cloned();
            let more = [
                ("import", self.import.is_some()),
                ("export", self.export.is_some()),
                ("ods-code", settings.service.connection.ods_code.is_some()),
            ];
            let more = more.into_iter().filter_map(|(name, is_set)| is_set.then_some(name));
            let more = more.chain(times.given()).map(str::to_owned);
            let names: Vec<String> = of_one.chain(more).map(|name| format!("--{name}")).collect();
            if !names.is_empty() {
                return Err(format!(
                    "{}: without --tenant the worker takes these options from each tenant: set them with `nhs-pds \
                     tenant change`, or give --tenant",
                    names.join(", ")
                )
                .into());
            }
        }
        Ok(Given { only: only.cloned(), settings, times })
    }
}
