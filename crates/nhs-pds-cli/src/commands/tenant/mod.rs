//! Adds, lists and changes the tenants of a PostgreSQL database.
//!
//! A change is on record in the tenant's audit trail before it is made. If it cannot be made, the record is withdrawn. A new
//! tenant is paused until its addition is on record.
//!
//! A tenant that is added paused has an empty trail, so that a trail from elsewhere can become its own
//! (`nhs-pds migrate`). While the trail is empty and the tenant is paused, nothing is recorded: no case is in it. The event
//! that resumes a tenant has all its settings.

mod args;
mod print;

use crate::console::{Failed, because, say, say_json, warn};
use crate::database::{Address, connect_to_all, explained};
use crate::device;
use crate::tenants::{Settings, check_is_alone, disagreements};
pub(crate) use args::Args;
use args::{Add, Change, Command, One, Rotate};
use nhs_pds::audit::{Actor, AuditLog, Entry, EventKind, Filter, PostgresLog};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::OdsCode;
use nhs_pds::postgres::Database;
use nhs_pds::process::tenants::{Listing, PostgresTenants, Tenant, TenantState, Tenants};
use nhs_pds::tenant::TenantName;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use print::{facts, line, object, page};
use serde_json::{Map, Value};

/// Whether all tenants that were looked at can be read.
pub(crate) async fn run(args: Args) -> Result<bool, Failed> {
    match args.command {
        Command::Add(add) => change_one(&add.one, Action::Add(&add)).await,
        Command::Change(change) => change_one(&change.one, Action::Change(&change)).await,
        Command::Pause(one) => change_one(&one, Action::State(TenantState::Paused)).await,
        Command::Resume(one) => change_one(&one, Action::State(TenantState::Active)).await,
        Command::RotateKey(rotate) => change_one(&rotate.one, Action::Rotate(&rotate)).await,
        Command::List { database, json } => list(database.address()?, json).await,
        Command::Show { tenant, database, json } => show(database.address()?, &tenant, json).await,
    }
}

/// What to do with a tenant.
enum Action<'a> {
    Add(&'a Add),
    Change(&'a Change),
    State(TenantState),
    Rotate(&'a Rotate),
}

impl Action<'_> {
    /// The word in the audit trail.
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Add(_) => "added",
            Self::Change(_) => "changed",
            Self::State(TenantState::Paused) => "paused",
            Self::State(_) => "resumed",
            Self::Rotate(_) => "key_rotated",
        }
    }

    /// The word for people.
    fn done(&self) -> String {
        self.as_str().replace("key_rotated", "has its new key")
    }

    /// The tenant afterwards. Reads keys and certificates unless the operator does not want that.
    async fn apply(&self, before: Option<&Tenant>, name: &TenantName) -> Result<Tenant, Failed> {
        match (self, before) {
            (Self::Add(add), _) => added(name, add).await,
            (Self::Change(change), Some(before)) => changed(before, change).await,
            (Self::State(state), Some(before)) => {
                if *state == TenantState::Active {
                    Settings::of(before)?.check()?;
                }
                Ok(with(before, |tenant| tenant.state = *state))
            }
            (Self::Rotate(rotate), Some(before)) => rotated(before, rotate).await,
            (_, None) => Err("there is no such tenant: add it with `nhs-pds tenant add`".into()),
        }
    }
}

fn with(tenant: &Tenant, change: impl FnOnce(&mut Tenant)) -> Tenant {
    let mut tenant = tenant.clone();
    change(&mut tenant);
    tenant
}

async fn added(name: &TenantName, add: &Add) -> Result<Tenant, Failed> {
    let code = add.settings.service.connection.ods_code.as_deref();
    let code = code.ok_or("give --ods-code with the code of the organisation")?;
    let mut tenant = Tenant::new(name.clone(), organisation(code)?);
    tenant.weight = add.weight;
    if add.paused {
        tenant.state = TenantState::Paused;
    }
    tenant.schedule = add.times.changed(&tenant.schedule, &[])?;
    let settings = add.settings.with_batches(&add.by_batch);
    settled(tenant, &settings, add.checked.unchecked).await
}

async fn changed(before: &Tenant, change: &Change) -> Result<Tenant, Failed> {
    let mut tenant = before.clone();
    if let Some(code) = &change.settings.service.connection.ods_code {
        tenant.organisation = organisation(code)?;
    }
    tenant.weight = change.weight.unwrap_or(tenant.weight);
    tenant.schedule = change.times.changed(&tenant.schedule, &change.without)?;
    let given = change.settings.with_batches(&change.by_batch);
    let settings = Settings::of(before)?.changed(&given, &change.without)?;
    settled(tenant, &settings, change.checked.unchecked).await
}

async fn rotated(before: &Tenant, rotate: &Rotate) -> Result<Tenant, Failed> {
    let settings = Settings::of(before)?;
    if rotate.key.is_some() && settings.service.api().client_id().is_none() {
        return Err("the tenant has no API key, so it needs no private key of one: see `nhs-pds tenant change`".into());
    }
    let is_of_mesh =
        [&rotate.mesh_password, &rotate.mesh_shared_key, &rotate.mesh_client_certificate];
    if is_of_mesh.iter().any(|reference| reference.is_some()) && !settings.by_batch.mesh.is_set() {
        return Err("the tenant has no MESH mailbox: see `nhs-pds tenant change`".into());
    }
    let references = [
        ("mesh-password", &rotate.mesh_password),
        ("mesh-shared-key", &rotate.mesh_shared_key),
        ("mesh-client-certificate", &rotate.mesh_client_certificate),
        ("mesh-client-key", &rotate.mesh_client_key),
        ("key", &rotate.key),
        ("client-certificate", &rotate.client_certificate),
        ("client-key", &rotate.client_key),
    ];
    let references = references.into_iter().filter_map(|(name, reference)| {
        reference.clone().map(|reference| (name, String::from(reference)))
    });
    let id = rotate.key_id.clone().map(|id| ("key-id", id));
    let given = references.chain(id).map(|(name, text)| (name.to_owned(), Value::String(text)));
    let given = Settings::from_map(given.collect::<Map<_, _>>())?;
    settled(before.clone(), &settings.changed(&given, &[])?, rotate.checked.unchecked).await
}

fn organisation(code: &str) -> Result<OdsCode, Failed> {
    code.parse().map_err(|error| format!("--ods-code: {error}").into())
}

/// The tenant with these settings, which a worker can use.
async fn settled(
    mut tenant: Tenant,
    settings: &Settings,
    is_unchecked: bool,
) -> Result<Tenant, Failed> {
    let waits = tenant.state == TenantState::Paused && !settings.service.is_named();
    if !waits {
        settings.check()?;
    }
    tenant.settings = settings.stored()?;
    // As the worker reads it.
    let settings = Settings::of(&tenant)?;
    if !is_unchecked && !waits {
        settings.try_out().await?;
    }
    if !waits && settings.service.address().is_none() {
        let name = &tenant.name;
        warn(format!(
            "tenant: {name} queries the simulator, which knows invented people only: only for tests"
        ));
    }
    Ok(tenant)
}

/// Does an action, and records it.
async fn change_one(one: &One, action: Action<'_>) -> Result<bool, Failed> {
    let (address, name) = (one.database.address()?, &one.tenant);
    let database = connect_to_all(address).await?;
    let directory = PostgresTenants::new(database.clone());
    let about = |why: String| format!("{name}: {why}");
    let before = directory.get(name).await.map_err(|error| about(because(&error)))?;
    if matches!(action, Action::Add(_)) && before.is_some() {
        return Err(about(
            "there is a tenant of this name already: see `nhs-pds tenant change`".to_owned(),
        )
        .into());
    }
    let after = action.apply(before.as_ref(), name).await;
    let after = after.map_err(|error| about(because(&*error)))?;
    if matches!(action, Action::Add(_) | Action::Change(_) | Action::State(TenantState::Active)) {
        let all = directory.list().await.map_err(|error| about(because(&error)))?.tenants;
        let settings = Settings::of(&after)?;
        check_is_alone(&after, &settings, &all).map_err(|error| about(because(&*error)))?;
    }
    if before.as_ref() == Some(&after) && !matches!(action, Action::Rotate(_)) {
        warn(format!("tenant: {name}: nothing is to be changed"));
        return Ok(true);
    }
    let entry = entry(one, &action, before.as_ref(), &after)?;
    match before {
        None => add(&directory, &database, after, entry).await.map_err(about)?,
        Some(_) => update(&directory, &database, &after, entry).await.map_err(about)?,
    }
    say(&format!("{name}: {}\n", action.done()))?;
    if let Ok(Listing { tenants, .. }) = directory.list().await {
        warn_of_disagreements(&tenants);
    }
    Ok(true)
}

/// Adds the tenant. It is paused until its addition is on record.
async fn add(
    directory: &PostgresTenants,
    database: &Database,
    tenant: Tenant,
    entry: Entry,
) -> Result<(), String> {
    let paused = with(&tenant, |tenant| tenant.state = TenantState::Paused);
    let mut stored = directory.add(&paused).await.map_err(|error| because(&error))?;
    if tenant.state == TenantState::Paused {
        return Ok(());
    }
    let recorded = async {
        append(database, &stored.name, entry).await?;
        stored.state = tenant.state;
        directory.update(&stored).await.map_err(|error| because(&error))
    };
    recorded.await.map(drop).map_err(|why| {
        format!("it was added, and is paused: {why}: try `nhs-pds tenant resume {}`", tenant.name)
    })
}

/// Records the change, and makes it.
async fn update(
    directory: &PostgresTenants,
    database: &Database,
    tenant: &Tenant,
    entry: Entry,
) -> Result<(), String> {
    let part = database.tenant(&tenant.name).await.map_err(|error| explained(&error))?;
    let first = PostgresLog::new(part).page(&Filter::default(), 0, 1).await;
    let is_empty = first.map_err(|error| because(&error))?.is_empty();
    if is_empty && tenant.state == TenantState::Paused {
        return directory.update(tenant).await.map(drop).map_err(|error| because(&error));
    }
    append(database, &tenant.name, entry.clone()).await?;
    let updated = directory.update(tenant).await;
    if let Err(error) = updated {
        let withdrawn = entry.with_detail("outcome", "not_saved");
        let recorded = append(database, &tenant.name, withdrawn).await;
        let more = recorded.err().map(|why| format!("; the audit trail does not say so: {why}"));
        return Err(format!("{}{}", because(&error), more.unwrap_or_default()));
    }
    Ok(())
}

async fn append(database: &Database, name: &TenantName, entry: Entry) -> Result<(), String> {
    let part = database.tenant(name).await.map_err(|error| explained(&error))?;
    let appended = PostgresLog::new(part).append(vec![entry]).await;
    appended.map(drop).map_err(|error| because(&error))
}

/// Who changes what, for the audit trail. Secrets are references in it.
fn entry(
    one: &One,
    action: &Action<'_>,
    before: Option<&Tenant>,
    after: &Tenant,
) -> Result<Entry, Failed> {
    let user = one.user.clone().or_else(|| std::env::var("USER").ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| "operator".to_owned());
    let identity = |id: &str| LocalIdentity::new(after.organisation.clone(), id);
    let caller = |id: &str| identity(id).map(|identity| Caller::User(User::Local(identity)));
    let own = caller(&user).map_err(|error| format!("--as: {error}"))?;
    let mut actor = Actor::new(&own, user)
        .with_role("operator", after.organisation.clone())
        .on_device(device::name());
    if let Some(authority) = &one.authorised_by {
        let authority = caller(authority).map_err(|error| format!("--authorised-by: {error}"))?;
        actor = actor.authorised_by(authority.to_string());
    }
    let entry = Entry::new(EventKind::ConfigurationChanged, SystemClock.now(), &actor)
        .with_detail("tenant", action.as_str());
    let facts = |tenant: &Tenant| facts(tenant, Settings::of(tenant).ok().as_ref());
    let is_resumed = matches!(action, Action::State(TenantState::Active));
    let old = before.filter(|_| !is_resumed).map_or(Ok(Vec::new()), facts)?;
    let new = facts(after)?;
    let set = new.iter().filter(|fact| !old.contains(fact)).cloned();
    let removed = old.iter().filter(|(name, _)| !new.iter().any(|(kept, _)| kept == name));
    let removed = removed.map(|(name, _)| (name.clone(), "-".to_owned()));
    let details = set.chain(removed);
    Ok(details.fold(entry, |entry, (name, value)| entry.with_detail(name, value)))
}

async fn list(address: &Address, is_json: bool) -> Result<bool, Failed> {
    let directory = PostgresTenants::new(connect_to_all(address).await?);
    let Listing { tenants, unreadable, .. } =
        directory.list().await.map_err(|error| format!("{address}: {}", because(&error)))?;
    let mut is_readable = unreadable.is_empty();
    for tenant in &tenants {
        let settings = Settings::of(tenant);
        is_readable &= settings.is_ok();
        if let Err(error) = &settings {
            warn(format!("tenant: {}: {error}", tenant.name));
        }
        let settings = settings.as_ref().ok();
        if is_json {
            say_json(&object(tenant, settings)?.to_string())?;
        } else {
            say(&line(tenant, settings))?;
        }
    }
    for name in &unreadable {
        warn(format!("tenant: {name}: its row cannot be read: correct it"));
    }
    warn_of_disagreements(&tenants);
    Ok(is_readable)
}

async fn show(address: &Address, name: &TenantName, is_json: bool) -> Result<bool, Failed> {
    let directory = PostgresTenants::new(connect_to_all(address).await?);
    let found =
        directory.get(name).await.map_err(|error| format!("{name}: {}", because(&error)))?;
    let tenant = found.ok_or_else(|| format!("{name}: there is no such tenant"))?;
    let settings = Settings::of(&tenant);
    if let Err(error) = &settings {
        warn(format!("tenant: {name}: {error}"));
    }
    let known = settings.as_ref().ok();
    if is_json {
        say_json(&format!("{:#}", object(&tenant, known)?))?;
    } else {
        say(&page(&tenant, known)?)?;
    }
    Ok(settings.is_ok())
}

fn warn_of_disagreements(tenants: &[Tenant]) {
    let read = |tenant: &Tenant| Some((tenant.clone(), Settings::of(tenant).ok()?));
    let read: Vec<_> = tenants.iter().filter_map(read).collect();
    for disagreement in disagreements(&read) {
        warn(format!("tenant: {disagreement}"));
    }
}
