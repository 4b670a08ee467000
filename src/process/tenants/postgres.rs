use crate::postgres::{self, Database, Tx};
use crate::process::tenants::directory::{Listing, Tenants};
use crate::process::tenants::error::{Error, ErrorKind};
use crate::process::tenants::tenant::Tenant;
use crate::tenant::{TenantName, Weight};
use async_trait::async_trait;
use std::fmt;
use tokio_postgres::Row;

/// The directory of tenants in a PostgreSQL database, in which their cases are too.
///
/// Adding a tenant also begins its audit trail. Each change notifies the programs that
/// [listen](crate::postgres::Database::listen).
///
/// ```no_run
/// use nhs_pds::postgres::Database;
/// use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let database = Database::connect(&"postgres://nhs_pds_app@db.example/nhs_pds".parse()?).await?;
/// let directory = PostgresTenants::new(database);
/// let leeds = directory.add(&Tenant::new("leeds".parse()?, "RHM".parse()?)).await?;
/// assert_eq!(leeds.version, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresTenants(Database);

impl PostgresTenants {
    /// The directory of `database`.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self(database)
    }
}

/// The columns of a tenant.
const SELECT: &str =
    "SELECT name, organisation, state, weight, schedule, settings, version FROM nhs_pds.tenant";

#[async_trait]
impl Tenants for PostgresTenants {
    async fn list(&self) -> Result<Listing, Error> {
        self.0
            .read_for(None, |tx| {
                Box::pin(async move {
                    let rows = tx.query(&format!("{SELECT} ORDER BY name"), &[]).await?;
                    let mut listing = Listing::default();
                    for row in &rows {
                        match read(row)? {
                            Ok(tenant) => listing.tenants.push(tenant),
                            Err(name) => listing.unreadable.extend(name),
                        }
                    }
                    Ok(listing)
                })
            })
            .await
    }

    async fn get(&self, name: &TenantName) -> Result<Option<Tenant>, Error> {
        let name = name.clone();
        self.0.read_for(None, move |tx| Box::pin(async move { get(tx, &name).await })).await
    }

    async fn add(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        let tenant = tenant.clone();
        self.0
            .write(move |tx| {
                let tenant = tenant.clone();
                Box::pin(async move { add(tx, tenant).await })
            })
            .await
    }

    async fn update(&self, tenant: &Tenant) -> Result<Tenant, Error> {
        let tenant = tenant.clone();
        self.0
            .write(move |tx| {
                let tenant = tenant.clone();
                Box::pin(async move { update(tx, tenant).await })
            })
            .await
    }
}

async fn get(tx: &Tx, name: &TenantName) -> Result<Option<Tenant>, Error> {
    let row = tx.first(&format!("{SELECT} WHERE name = $1"), &[&name.as_str()]).await?;
    let read = row.as_ref().map(read).transpose()?;
    read.transpose().map_err(|_| Error::new(ErrorKind::Corrupt))
}

async fn add(tx: &Tx, mut tenant: Tenant) -> Result<Tenant, Error> {
    tenant.version = 1;
    let values = Values::of(&tenant)?;
    let insert = "INSERT INTO nhs_pds.tenant (name, organisation, state, weight, schedule, settings, version)
        VALUES ($1, $2, $3, $4, $5, $6, 1) ON CONFLICT (name) DO NOTHING RETURNING tenant";
    let Values { name, organisation, state, weight, schedule, settings } = &values;
    let row = tx.first(insert, &[name, organisation, state, weight, schedule, settings]).await?;
    let Some(row) = row else { return Err(Error::new(ErrorKind::Exists)) };
    let key: i32 = row.try_get(0).map_err(postgres::Error::from)?;
    tx.name_tenant(key).await?;
    // The trail begins before its first event, with a hash of zeros.
    let begin =
        "INSERT INTO nhs_pds.audit_anchor (seq, hash) VALUES (0, $1) ON CONFLICT DO NOTHING";
    tx.execute(begin, &[&&[0_u8; 32][..]]).await?;
    tx.notify(&tenant.name).await?;
    Ok(tenant)
}

async fn update(tx: &Tx, mut tenant: Tenant) -> Result<Tenant, Error> {
    let values = Values::of(&tenant)?;
    let version = i64::try_from(tenant.version).unwrap_or(i64::MAX);
    let update =
        "UPDATE nhs_pds.tenant SET organisation = $2, state = $3, weight = $4, schedule = $5,
        settings = $6, version = version + 1 WHERE name = $1 AND version = $7";
    let Values { name, organisation, state, weight, schedule, settings } = &values;
    let changed = tx
        .execute(update, &[name, organisation, state, weight, schedule, settings, &version])
        .await?;
    if changed == 0 {
        return Err(Error::new(ErrorKind::Conflict));
    }
    tenant.version += 1;
    tx.notify(&tenant.name).await?;
    Ok(tenant)
}

/// A tenant as it is stored.
struct Values<'a> {
    name: &'a str,
    organisation: &'a str,
    state: &'static str,
    weight: i32,
    schedule: String,
    settings: &'a str,
}

impl<'a> Values<'a> {
    fn of(tenant: &'a Tenant) -> Result<Self, Error> {
        let schedule = serde_json::to_string(&tenant.schedule);
        Ok(Self {
            name: tenant.name.as_str(),
            organisation: tenant.organisation.as_str(),
            state: tenant.state.as_str(),
            weight: tenant.weight.get().into(),
            schedule: schedule.map_err(|_| Error::new(ErrorKind::Corrupt))?,
            settings: tenant.settings.as_str(),
        })
    }
}

/// The tenant in a row, or its name where the rest cannot be read.
fn read(row: &Row) -> Result<Result<Tenant, Option<TenantName>>, Error> {
    let text = |column| row.try_get::<_, String>(column).map_err(postgres::Error::from);
    let weight: i32 = row.try_get(3).map_err(postgres::Error::from)?;
    let version: i64 = row.try_get(6).map_err(postgres::Error::from)?;
    let name: Option<TenantName> = text(0)?.parse().ok();
    let (organisation, state, schedule, settings) = (text(1)?, text(2)?, text(4)?, text(5)?);
    let parsed = || {
        let mut tenant = Tenant::new(name.clone()?, organisation.parse().ok()?);
        tenant.state = state.parse().ok()?;
        tenant.weight = u8::try_from(weight).ok().and_then(|weight| Weight::new(weight).ok())?;
        tenant.schedule = serde_json::from_str(&schedule).ok()?;
        tenant.settings = settings.parse().ok()?;
        tenant.version = u64::try_from(version).ok()?;
        Some(tenant)
    };
    Ok(parsed().ok_or_else(|| name.clone()))
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let same = Self::new(match error.kind() {
            postgres::ErrorKind::Corrupt => ErrorKind::Corrupt,
            postgres::ErrorKind::Role
            | postgres::ErrorKind::Schema
            | postgres::ErrorKind::Tenant => ErrorKind::Schema,
            _ => ErrorKind::Unavailable,
        });
        match error.into_source() {
            Some(source) => same.with_source(source),
            None => same,
        }
    }
}

impl fmt::Debug for PostgresTenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresTenants")
    }
}
