//! A database in PostgreSQL.

use super::address::Address;
use super::password;
use super::{Inbox, Opened};
use crate::console::{Failed, because, warn};
use crate::port::Probe;
use crate::trail::Trail;
use async_trait::async_trait;
use nhs_pds::audit::{AuditLog, PostgresLog};
use nhs_pds::case::PostgresStore;
use nhs_pds::postgres::{self, Config, TenantDatabase};
use nhs_pds::process::store::transfer::Place;
use nhs_pds::process::store::{Joined, Postgres, Store};
use nhs_pds::tenant::TenantName;
use std::path::Path;
use std::sync::Arc;

/// Opens the part of a tenant. `owner` is how the owner of the tables connects, for erasures.
pub(super) async fn open(
    address: &Address,
    tenant: &TenantName,
    anchors: Option<&Path>,
    owner: Option<&Address>,
) -> Result<Opened, Failed> {
    Ok(opened(connect(address, tenant, owner).await?, anchors))
}

/// The part of a tenant, which is open.
pub(crate) fn opened(database: TenantDatabase, anchors: Option<&Path>) -> Opened {
    let probe = Arc::new(database.database().clone());
    let store = Postgres::new(database.clone());
    let inbox = Inbox::Postgres(store.inbox().clone());
    let trail = Trail::new(Arc::new(PostgresLog::new(database.clone())), anchors);
    // Where the trail has anchors outside the database, each append to it has its own.
    let store: Arc<dyn Store> = if anchors.is_none() {
        Arc::new(store)
    } else {
        let alerts = Arc::new(store.inbox().clone());
        let (cases, log) = (Arc::new(PostgresStore::new(database)), Arc::clone(&trail.log));
        Arc::new(Joined::new(cases, log, alerts))
    };
    Opened { store, trail, inbox, probe }
}

/// Everything of a tenant.
pub(super) async fn place(address: &Address, tenant: &TenantName) -> Result<Place, Failed> {
    Ok(Postgres::new(connect(address, tenant, None).await?).into())
}

/// The trail of a tenant.
pub(super) async fn trail(
    address: &Address,
    tenant: &TenantName,
) -> Result<Arc<dyn AuditLog>, Failed> {
    Ok(Arc::new(PostgresLog::new(connect(address, tenant, None).await?)))
}

/// The cases of a tenant.
pub(super) async fn cases(
    address: &Address,
    tenant: &TenantName,
) -> Result<Arc<PostgresStore>, Failed> {
    Ok(Arc::new(PostgresStore::new(connect(address, tenant, None).await?)))
}

async fn connect(
    address: &Address,
    tenant: &TenantName,
    owner: Option<&Address>,
) -> Result<TenantDatabase, Failed> {
    let mut config = config(address)?;
    if let Some(owner) = owner {
        config = config.with_maintenance(self::config(owner)?);
    }
    let failed =
        |error: postgres::Error| format!("{address}, tenant {tenant}: {}", explained(&error));
    let database = postgres::Database::connect(&config).await.map_err(failed)?;
    Ok(database.tenant(tenant).await.map_err(failed)?)
}

/// Connects to the database of all tenants.
pub(crate) async fn connect_to_all(address: &Address) -> Result<postgres::Database, Failed> {
    let connected = postgres::Database::connect(&config(address)?).await;
    Ok(connected.map_err(|error| format!("{address}: {}", explained(&error)))?)
}

/// What the codes of PostgreSQL mean that an operator meets first.
const CODES: [(&str, &str); 6] = [
    ("28000", "the server does not let this user in: check its file pg_hba.conf, and the user"),
    ("28P01", "the server refuses the password: check PGPASSWORD, or the file of PGPASSFILE"),
    ("3D000", "the server has no database of this name: check the address"),
    ("42501", "the role has no right to do this"),
    ("53300", "raise its max_connections, or stop other programs"),
    ("57P03", "the server is starting or stopping"),
];

/// An error with its causes, and in words what PostgreSQL's code means.
pub(crate) fn explained(error: &postgres::Error) -> String {
    let said = because(error);
    // The number of the system's error says nothing to an operator.
    let said = said.split(" (os error").next().unwrap_or_default().to_owned();
    if said.ends_with("password missing") {
        return format!(
            "{said}: set PGPASSWORD, or write a line for this host, port, database and user to the file of PGPASSFILE"
        );
    }
    let code = said.rsplit_once("PostgreSQL answered ").map(|(_, code)| code);
    let known = CODES.iter().find(|(known, _)| code == Some(known));
    known.map_or(said.clone(), |(_, meaning)| format!("{said}: {meaning}"))
}

/// How to connect, with the password that is not in the address. Warns where other users can read the one that is.
pub(crate) fn config(address: &Address) -> Result<Config, Failed> {
    let config: Config = address
        .expose()
        .parse()
        .map_err(|error: postgres::Error| format!("{address}: {}", because(&error)))?;
    if !address.has_password() {
        let password = password::find(&address.server, |name| std::env::var_os(name))?;
        return Ok(
            password.map_or_else(|| config.clone(), |found| config.clone().with_password(&found))
        );
    }
    if std::env::args_os().any(|argument| is_in(address.expose(), &argument.to_string_lossy())) {
        warn(format!(
            "{address}: every user of this machine can read a password on the command line: set PGPASSWORD, \
             or write it to a file and name the file in PGPASSFILE"
        ));
    }
    Ok(config)
}

/// Whether an argument is this value, or an option with it.
fn is_in(value: &str, argument: &str) -> bool {
    argument.strip_suffix(value).is_some_and(|before| before.is_empty() || before.ends_with('='))
}

/// Asks whether the schema fits, and the role sees no more than it must.
#[async_trait]
impl Probe for postgres::Database {
    async fn ask(&self) -> Result<(), String> {
        self.check().await.map_err(|error| because(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_on_the_command_line_is_found_in_any_form() {
        let value = "postgres://w:s@db/b";
        for (argument, found) in [
            (value, true),
            ("--db=postgres://w:s@db/b", true),
            ("postgres://w:s@db/b2", false),
            ("xpostgres://w:s@db/b", false),
        ] {
            assert_eq!(is_in(value, argument), found, "{argument}");
        }
    }
}
