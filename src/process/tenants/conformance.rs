//! Tests a directory of tenants against the contract of [`Tenants`].
//!
//! ```
//! use nhs_pds::process::tenants::{MemoryTenants, Tenants, conformance};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! conformance::check(async || Arc::new(MemoryTenants::new()) as Arc<dyn Tenants>).await
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::process::schedule::Schedule;
use crate::process::tenants::directory::Tenants;
use crate::process::tenants::error::{Error, ErrorKind};
use crate::process::tenants::tenant::{Tenant, TenantSettings, TenantState};
use crate::tenant::Weight;
use chrono::NaiveTime;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

/// How many operators change a tenant at once.
const RIVALS: usize = 8;

/// Checks a directory that `new_directory` creates. It must return a new directory without tenants at every
/// call.
///
/// Needs a Tokio runtime. A runtime with several threads makes concurrent calls more likely to conflict.
///
/// # Errors
///
/// [`Breach`], which names the clause of the contract that the directory breaks.
pub async fn check(new_directory: impl AsyncFn() -> Arc<dyn Tenants>) -> Result<(), Breach> {
    stores(&*new_directory().await).await?;
    lists(&*new_directory().await).await?;
    adds_once(&*new_directory().await).await?;
    updates(&*new_directory().await).await?;
    one_of_many_wins(new_directory().await).await
}

/// A clause of the contract that a directory breaks. Report a defect of the directory.
#[derive(Debug, thiserror::Error)]
#[error("a directory of tenants breaks its contract: {clause}")]
pub struct Breach {
    clause: &'static str,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Breach {
    /// The clause that was broken.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        self.clause
    }
}

impl From<Error> for Breach {
    fn from(error: Error) -> Self {
        Self { clause: "calls succeed when nothing is wrong", source: Some(error.into()) }
    }
}

fn hold(condition: bool, clause: &'static str) -> Result<(), Breach> {
    if condition { Ok(()) } else { Err(Breach { clause, source: None }) }
}

/// Parts of the suite's own that are valid.
fn valid<T, E: Into<Box<dyn StdError + Send + Sync>>>(part: Result<T, E>) -> Result<T, Breach> {
    let clause = "the suite's parts are valid";
    part.map_err(|error| Breach { clause, source: Some(error.into()) })
}

fn tenant(name: &str) -> Result<Tenant, Breach> {
    Ok(Tenant::new(valid(name.parse())?, valid("RHM".parse())?))
}

/// Every field differs from its default.
fn full(name: &str) -> Result<Tenant, Breach> {
    let night = |time: &str| time.parse::<NaiveTime>();
    let schedule = valid(Schedule::every(Duration::from_millis(90_500)))?;
    let schedule = valid(schedule.with_jitter(Duration::from_millis(1_500)))?;
    let mut tenant = tenant(name)?;
    tenant.organisation = valid("A1B2C3D4E5".parse())?;
    tenant.state = TenantState::Paused;
    tenant.weight = valid(Weight::new(Weight::GREATEST))?;
    tenant.schedule =
        schedule.with_quiet_hours(valid(night("22:00:01"))?, valid(night("06:30:59"))?);
    let text = "{ \"z\": [1, 2.50, null],\n\t\"a\": {\"name\": \"\u{17b}\u{1f3e5}'\\\"\"}}";
    tenant.settings = valid(text.parse())?;
    Ok(tenant)
}

/// The same content. A database may write JSON in its own way.
fn is_same(stored: &Tenant, given: &Tenant, version: u64) -> bool {
    let json =
        |tenant: &Tenant| serde_json::from_str::<serde_json::Value>(tenant.settings.as_str());
    let is_equal =
        matches!((json(stored), json(given)), (Ok(stored), Ok(given)) if stored == given);
    let given = Tenant { version, settings: stored.settings.clone(), ..given.clone() };
    is_equal && *stored == given
}

async fn stores(directory: &dyn Tenants) -> Result<(), Breach> {
    let clause = "a tenant is stored as it was given, with version 1";
    for given in [tenant("plain")?, full("full")?] {
        hold(is_same(&directory.add(&given).await?, &given, 1), clause)?;
        let stored = directory.get(&given.name).await?;
        hold(stored.is_some_and(|stored| is_same(&stored, &given, 1)), clause)?;
    }
    let mut longest = tenant("longest")?;
    let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(TenantSettings::LONGEST - 8));
    longest.settings = valid(text.parse())?;
    hold(is_same(&directory.add(&longest).await?, &longest, 1), clause)?;
    let unknown = directory.get(&tenant("unknown")?.name).await?;
    hold(unknown.is_none(), "there is no tenant that was not added")
}

async fn lists(directory: &dyn Tenants) -> Result<(), Breach> {
    let none = directory.list().await?;
    hold(none.tenants.is_empty() && none.unreadable.is_empty(), "a new directory has no tenants")?;
    // In another order than that of the names, and with names that a language would sort otherwise.
    let names = ["b", "a-b", "ab", "a", "b2", "a1", "b-"];
    for name in names {
        directory.add(&full(name)?).await?;
    }
    let listing = directory.list().await?;
    let listed: Vec<&str> = listing.tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    let mut sorted = names;
    sorted.sort_unstable();
    hold(
        listed == sorted,
        "all tenants are listed once, paused ones too, in the order of their names",
    )?;
    let mut as_stored = true;
    for tenant in &listing.tenants {
        as_stored &= is_same(tenant, &full(tenant.name.as_str())?, 1);
    }
    hold(as_stored && listing.unreadable.is_empty(), "tenants are listed as they are stored")
}

async fn adds_once(directory: &dyn Tenants) -> Result<(), Breach> {
    let clause = "a name is added once";
    let first = directory.add(&tenant("leeds")?).await?;
    for version in [0, 1, 2] {
        let again = directory.add(&Tenant { version, ..full("leeds")? }).await;
        hold(again.is_err_and(|error| error.kind() == ErrorKind::Exists), clause)?;
    }
    let stored = directory.get(&first.name).await?;
    hold(
        stored.is_some_and(|stored| is_same(&stored, &first, 1)),
        "a refused addition changes nothing",
    )
}

async fn updates(directory: &dyn Tenants) -> Result<(), Breach> {
    let bystander = directory.add(&tenant("york")?).await?;
    let first = directory.add(&tenant("leeds")?).await?;
    let changed = Tenant { version: first.version, ..full("leeds")? };
    let second = directory.update(&changed).await?;
    hold(
        is_same(&second, &changed, 2),
        "an update is stored as it was given, with the next version",
    )?;
    let clause = "an update applies to the version that was read";
    for version in [0, 1, 3] {
        let late = directory.update(&Tenant { version, ..tenant("leeds")? }).await;
        hold(late.is_err_and(|error| error.kind() == ErrorKind::Conflict), clause)?;
    }
    let stored = directory.get(&first.name).await?;
    hold(
        stored.is_some_and(|stored| is_same(&stored, &changed, 2)),
        "a refused update changes nothing",
    )?;
    for version in [0, 1] {
        let absent = directory.update(&Tenant { version, ..tenant("unknown")? }).await;
        let clause = "a tenant that was not added is not updated";
        hold(absent.is_err_and(|error| error.kind() == ErrorKind::Conflict), clause)?;
    }
    let other = directory.get(&bystander.name).await?;
    let clause = "an update changes one tenant";
    hold(other.is_some_and(|other| is_same(&other, &bystander, 1)), clause)?;
    hold(directory.list().await?.tenants.len() == 2, clause)
}

async fn one_of_many_wins(directory: Arc<dyn Tenants>) -> Result<(), Breach> {
    let first = directory.add(&tenant("leeds")?).await?;
    let mut rivals = tokio::task::JoinSet::new();
    for rival in 1..=RIVALS {
        let directory = Arc::clone(&directory);
        let weight = valid(Weight::new(u8::try_from(rival).unwrap_or(1)))?;
        let change = Tenant { weight, ..first.clone() };
        rivals.spawn(async move { directory.update(&change).await });
    }
    let (mut stored, mut refused) = (Vec::new(), 0);
    while let Some(ended) = rivals.join_next().await {
        match valid(ended)? {
            Ok(tenant) => stored.push(tenant),
            Err(error) if error.kind() == ErrorKind::Conflict => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let clause = "of several updates of one version, one is stored";
    hold(stored.len() == 1 && refused == RIVALS - 1, clause)?;
    let last = directory.get(&first.name).await?;
    hold(last.as_ref() == stored.first(), clause)
}
