//! The worker of the tenants of a PostgreSQL database: of all of them, or of the one of `--tenant`.
//!
//! Each tenant has its own settings, client and circuit breaker. Tenants share the connections to the database, and
//! those with one rate limit share it with each other and with workers on other machines.

use super::args::Args;
use super::caseload::{spare_inputs, take_in, take_out};
use super::once::{Pass, once};
use super::patience::Patience;
use super::scheduled::report_fleet;
use super::{ended_well, say_what_is_wrong, seen};
use crate::console::{Failed, about, because, warn};
use crate::database::{Address, Opened, connect_to_all, opened};
use crate::port::{Phase, Port};
use crate::stop::Stop;
use crate::tenants::{Factory, Limits, Parts, Settings, View, is_active};
use nhs_pds::audit::Actor;
use nhs_pds::postgres::Database;
use nhs_pds::process::Worker;
use nhs_pds::process::tenants::{
    ErrorKind, Fleet, PostgresTenants, Tenant, Tenants, WorkerFactory,
};
use nhs_pds::tenant::TenantName;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often a process reads its controls. The database notifies the worker of each change.
const CONTROLS: Duration = Duration::from_secs(30);

/// Whether all is well with all tenants, or with the only one.
pub(super) async fn run(
    cli: &Args,
    address: &Address,
    only: Option<&TenantName>,
) -> Result<bool, Failed> {
    let given = cli.given(only)?;
    spare_inputs(cli, None)?;
    let stop = Stop::on_signals("worker")?;
    let port = Port::open(&cli.listen, &stop)?;
    let database = connect_to_all(address).await?;
    port.opened(Arc::new(database.clone()));
    let limits = Arc::new(Limits::default());
    let directory = PostgresTenants::new(database.clone());
    let view = View::new(directory, Arc::clone(&limits), given);
    let factory = Arc::new(Factory::new(database.clone(), limits, cli.lease));
    let one = match only {
        Some(name) => Some(One::open(cli, &view, &database, address, name).await?),
        None => None,
    };
    let mut is_well = true;
    if let (Some(one), Some(file)) = (&one, &cli.import) {
        port.set(Phase::Starting("importing a caseload"));
        is_well &= take_in(file, &*one.opened.store, &one.actor, &stop).await?;
    }
    if !cli.only_exports() && !stop.is_asked() {
        let all = All { cli, view, factory: Arc::clone(&factory), stop: &stop, port: &port };
        is_well &= match &one {
            Some(one) if cli.once => all.one_pass(one).await?,
            None if cli.once => all.one_pass_each().await?,
            _ => all.on_schedule(database, only).await,
        };
    }
    if let (Some(One { opened: Opened { store, trail, .. }, actor, .. }), Some(file)) =
        (&one, &cli.export)
    {
        let taken_out = take_out(file, store.cases(), &*trail.log, actor).await;
        taken_out.map_err(|error| about(file, &*error))?;
    }
    for (name, kept) in factory.kept() {
        let who = if only.is_some() { "worker".to_owned() } else { format!("worker: {name}") };
        is_well &= kept.reached.has_all_people();
        match say_what_is_wrong(kept.store.cases(), &kept.trail, &who, &stop).await {
            Ok(is_sound) => is_well &= is_sound,
            Err(error) => {
                warn(format!("{who}: {}", because(&*error)));
                is_well = false;
            }
        }
    }
    Ok(is_well)
}

/// The tenant of `--tenant`.
struct One {
    tenant: Tenant,
    opened: Opened,
    actor: Actor,
}

impl One {
    async fn open(
        cli: &Args,
        view: &View,
        database: &Database,
        address: &Address,
        name: &TenantName,
    ) -> Result<Self, Failed> {
        let place = format!("{address}, tenant {name}");
        let found =
            view.get(name).await.map_err(|error| format!("{place}: {}", because(&error)))?;
        let tenant = found.ok_or_else(|| {
            format!(
                "{place}: there is no such tenant in the database: add it with `nhs-pds tenant add {name} --db {address} \
                 --ods-code CODE --service URL`"
            )
        })?;
        let code = &cli.settings.service.connection.ods_code;
        if code.as_ref().is_some_and(|code| code != tenant.organisation.as_str()) {
            let own = &tenant.organisation;
            return Err(
                format!("--ods-code: the organisation of {name} is {own}: leave it out").into()
            );
        }
        let settings = Settings::of(&tenant).map_err(|error| format!("{place}: {error}"))?;
        let part = database.tenant(name).await;
        let part = part.map_err(|error| format!("{place}: {}", because(&error)))?;
        let us = settings.service.us()?;
        let actor = Parts { settings: &settings, us, lease: cli.lease }.actor();
        Ok(Self { opened: opened(part, settings.anchors.as_deref()), tenant, actor })
    }
}

/// The tenants that are to run.
struct All<'a> {
    cli: &'a Args,
    view: View,
    factory: Arc<Factory>,
    stop: &'a Stop,
    port: &'a Port,
}

impl All<'_> {
    /// Runs one tenant until none of its cases is due.
    async fn one_pass(&self, one: &One) -> Result<bool, Failed> {
        let name = &one.tenant.name;
        if !is_active(&one.tenant) {
            return Err(format!(
                "{name} is paused: it runs again after `nhs-pds tenant resume {name}`"
            )
            .into());
        }
        let pass = Pass::of_one();
        self.port.works(seen::once(&pass, Some(name.clone())));
        let worker = made(&self.factory, &one.tenant, self.cli.patience, self.stop).await;
        let Some(worker) = worker.map_err(|error| format!("{name}: {error}"))? else {
            return Ok(true);
        };
        once(&worker, self.cli.patience, self.stop, &pass).await
    }

    /// Runs each active tenant until none of its cases is due.
    async fn one_pass_each(&self) -> Result<bool, Failed> {
        let listing = self.view.list().await.map_err(|error| because(&error))?;
        let mut is_well = listing.unreadable.is_empty();
        for name in &listing.unreadable {
            warn(format!("worker: {name}: {}", ErrorKind::Corrupt));
        }
        let (mut passes, mut looks) = (JoinSet::new(), Vec::new());
        for tenant in listing.tenants.into_iter().filter(is_active) {
            let pass = Pass::of_many(&tenant.name);
            looks.push(seen::once(&pass, Some(tenant.name.clone())));
            let (factory, stop) = (Arc::clone(&self.factory), self.stop.clone());
            let patience = self.cli.patience;
            passes.spawn(async move {
                let ran = match made(&factory, &tenant, patience, &stop).await {
                    Ok(Some(worker)) => once(&worker, patience, &stop, &pass)
                        .await
                        .map_err(|error| because(&*error)),
                    Ok(None) => Ok(true),
                    Err(why) => Err(why),
                };
                ran.unwrap_or_else(|why| {
                    warn(format!("{}: {why}", pass.who));
                    false
                })
            });
        }
        self.port.works(move || looks.iter().flat_map(|look| look()).collect());
        while let Some(ran) = passes.join_next().await {
            is_well &= ran.unwrap_or(false);
        }
        Ok(is_well)
    }

    /// Runs the tenants until the worker is asked to stop.
    async fn on_schedule(self, database: Database, only: Option<&TenantName>) -> bool {
        let Self { cli, view, factory, stop, port } = self;
        let maker: Arc<dyn WorkerFactory> = Arc::<Factory>::clone(&factory);
        let mut fleet = Fleet::new(Arc::new(view), maker)
            .with_name(cli.name_among_others())
            .with_controls_interval(CONTROLS);
        if let Some(name) = only {
            fleet = fleet.with_only(name.clone());
        }
        port.works(seen::fleet(fleet.clone()));
        let notified = fleet.clone();
        let listening = tokio::spawn(async move {
            database.listen(|tenant| notified.notify(tenant)).await;
        });
        let reporting = tokio::spawn(report_fleet(fleet.clone(), factory));
        fleet.run_until(stop.wait()).await;
        listening.abort();
        reporting.abort();
        warn("worker: stopped");
        fleet.status().tenants.iter().all(|tenant| {
            tenant.last_error.is_none() && tenant.process.as_ref().is_none_or(ended_well)
        })
    }
}

/// Makes the worker of a tenant. While the database is away, tries again for `patience`. `None` when the command is asked
/// to stop.
async fn made(
    factory: &Factory,
    tenant: &Tenant,
    patience: Duration,
    stop: &Stop,
) -> Result<Option<Worker>, String> {
    let mut patience = Patience::new(patience);
    loop {
        let error = match factory.worker(tenant).await {
            Ok(worker) => return Ok(Some(worker)),
            Err(error) => error,
        };
        let pause = if error.is_unavailable() { patience.failed(Instant::now()) } else { None };
        let Some(pause) = pause else { return Err(error.to_string()) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.wait() => return Ok(None),
        }
    }
}
