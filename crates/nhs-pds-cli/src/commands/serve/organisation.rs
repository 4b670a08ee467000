//! The organisations whose screens are served: that of a file, one tenant, or all tenants.

use super::args::Args;
use crate::commands::batch::folder_of;
use crate::console::{Failed, because, read};
use crate::database::{Address, Opened, connect_to_all};
use crate::service::Reached;
use crate::tenants::{Factory, Limits, Parts, Settings, View};
use chrono::TimeDelta;
use nhs_pds::batch;
use nhs_pds::demographics::OdsCode;
use nhs_pds::process::Worker;
use nhs_pds::process::batch::Batches;
use nhs_pds::process::store::Store;
use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
use nhs_pds::resilience::Gateway;
use nhs_pds::tenant::TenantName;
use nhs_pds_admin::Screens;
use nhs_pds_admin::accounts::Accounts;
use std::sync::Arc;

/// One organisation.
pub(super) struct Organisation {
    /// Where its screens are: empty, or `/TENANT`.
    pub(super) path: String,
    code: OdsCode,
    store: Arc<dyn Store>,
    gateway: Option<Gateway>,
    pub(super) worker: Option<Worker>,
    /// A simulator serves until this is dropped.
    pub(super) reached: Option<Arc<Reached>>,
    theme: Option<String>,
    /// Tracing by file, where there is a folder for it.
    batches: Option<Batches>,
}

/// The organisations of the command line.
pub(super) async fn all(cli: &Args) -> Result<Vec<Organisation>, Failed> {
    let theme = match &cli.theme {
        Some(path) => Some(
            String::from_utf8(read(path)?).map_err(|_| "--theme: the style sheet is not UTF-8")?,
        ),
        None => None,
    };
    let mut all = match cli.database.tenants() {
        Some((address, only)) => of_tenants(cli, address, only).await?,
        None => vec![of_a_file(cli).await?],
    };
    for organisation in &mut all {
        organisation.theme.clone_from(&theme);
    }
    Ok(all)
}

async fn of_a_file(cli: &Args) -> Result<Organisation, Failed> {
    let settings = &cli.settings;
    let database = cli.database.database()?;
    let folder = folder_of(cli.batch_folder.as_ref(), &database)?;
    let Opened { store, .. } = database.open(settings.anchors.as_deref()).await?;
    let us = settings.service.us()?;
    let code = us.organisation().clone();
    let mut organisation = Organisation {
        path: String::new(),
        code,
        store: Arc::clone(&store),
        gateway: None,
        worker: None,
        reached: None,
        theme: None,
        batches: None,
    };
    // Without a service, not the simulator: its people are invented.
    let parts = Parts { settings, us, lease: cli.lease };
    let batches = if settings.service.is_named() || settings.service.has_register() {
        let reached = settings.service.reach().await?;
        let gateway = Gateway::new(Arc::clone(&reached.client))
            .with_rate_limit(settings.rate_limit(&reached));
        let gateway = parts.gateway(gateway);
        let worker = parts.worker(gateway.clone(), store)?;
        let batches = Batches::beside(&worker, folder);
        organisation.worker = Some(worker);
        organisation.gateway = Some(gateway);
        organisation.reached = Some(Arc::new(reached));
        batches
    } else {
        Batches::new(store, parts.decisions()?, folder)
    };
    organisation.batches = Some(batches);
    Ok(organisation)
}

async fn of_tenants(
    cli: &Args,
    address: &Address,
    only: Option<&TenantName>,
) -> Result<Vec<Organisation>, Failed> {
    if only.is_none() && cli.is_worker {
        return Err("--with-worker: over all tenants, run `nhs-pds worker` beside `nhs-pds serve`, or give --tenant".into());
    }
    let given = crate::tenants::Given {
        only: only.cloned(),
        settings: cli.settings.clone(),
        times: cli.times.clone(),
    };
    if only.is_none() && !given.settings.set()?.is_empty() {
        return Err("without --tenant, each tenant has its own settings: set them with `nhs-pds tenant change`".into());
    }
    let database = connect_to_all(address).await?;
    let limits = Arc::new(Limits::default());
    let view = View::new(PostgresTenants::new(database.clone()), Arc::clone(&limits), given);
    let factory = Factory::new(database, limits, cli.lease);
    let place = |error: &dyn std::fmt::Display| format!("{address}: {error}");
    let listing = view.list().await.map_err(|error| place(&because(&error)))?;
    let tenants: Vec<Tenant> = listing
        .tenants
        .into_iter()
        .filter(|tenant| only.is_none_or(|only| tenant.name == *only))
        .collect();
    if tenants.is_empty() {
        return Err(match only {
            Some(name) => {
                place(&format!("there is no tenant {name}: add it with `nhs-pds tenant add`"))
                    .into()
            }
            None => place(&"there are no tenants: add one with `nhs-pds tenant add`").into(),
        });
    }
    let mut all = Vec::new();
    for tenant in &tenants {
        let about =
            |error: &dyn std::fmt::Display| format!("{address}, tenant {}: {error}", tenant.name);
        let path = if only.is_some() { String::new() } else { format!("/{}", tenant.name) };
        let settings = Settings::of(tenant).map_err(|error| about(&error))?;
        let opened = factory.open(tenant, &settings).await.map_err(|error| about(&error))?;
        let batches = cli.batch_folder.as_ref().map(|folder| {
            let name = only.is_none().then(|| tenant.name.as_str());
            Batches::beside(&opened.worker, name.map_or(folder.clone(), |name| folder.join(name)))
        });
        all.push(Organisation {
            path,
            code: tenant.organisation.clone(),
            store: opened.store,
            gateway: Some(opened.gateway),
            worker: Some(opened.worker),
            reached: Some(opened.reached),
            theme: None,
            batches,
        });
    }
    Ok(all)
}

impl Organisation {
    /// Its screens.
    pub(super) fn screens(&self, cli: &Args) -> Screens {
        let days = i64::from(cli.password_days);
        let idle = TimeDelta::from_std(cli.idle).unwrap_or(TimeDelta::MAX);
        let mut accounts = Accounts::new(Arc::clone(&self.store), self.code.clone())
            .with_password_age((days > 0).then(|| TimeDelta::days(days)))
            .with_session_ends(idle, TimeDelta::hours(12));
        if cli.behind_proxy {
            accounts = accounts.behind_proxy();
        }
        let is_simulated = self.reached.as_ref().is_some_and(|reached| reached.is_simulator());
        let title =
            if is_simulated { format!("{} (simulated PDS)", cli.title) } else { cli.title.clone() };
        let mut screens =
            Screens::with_accounts(Arc::clone(&self.store), self.code.clone(), accounts)
                .mounted_at(&self.path)
                .with_service_name(title);
        if !cli.is_behind_tls() {
            screens = screens.without_tls();
        }
        if let Some(theme) = &self.theme {
            screens = screens.with_theme(theme.clone());
        }
        if let Some(gateway) = &self.gateway {
            screens = screens.with_search(gateway.foreground());
        }
        if let Some(worker) = &self.worker {
            screens = screens.with_refresh(worker.clone());
        }
        if let Some(batches) = &self.batches {
            // A file of this size can be uploaded over the internet too.
            screens =
                screens.with_batches(batches.clone().with_limits(batch::file::Limits::INTERNET));
        }
        screens
    }
}
