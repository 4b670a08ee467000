//! The stores over PostgreSQL: their contracts, and what PostgreSQL must keep besides.

mod commits;
mod contract;
mod equal;
mod faults;
mod isolation;
mod upgrade;

use crate::support::postgres::{Database, Sql};
use nhs_pds::postgres::{self, Config, TenantDatabase};
use nhs_pds::process::store::Postgres;
use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};

/// A database with the tables, and a program that is connected to it.
struct Server {
    /// Dropped at the end of the test.
    database: Database,
    program: postgres::Database,
    tenants: AtomicU32,
}

impl Server {
    /// Nothing where there is no PostgreSQL.
    async fn new() -> Option<Self> {
        let database = Database::prepared()?;
        let program = postgres::Database::connect(&config(&database)).await.unwrap();
        Some(Self { database, program, tenants: AtomicU32::new(0) })
    }

    /// A tenant without cases.
    async fn tenant(&self) -> TenantDatabase {
        let name = format!("t{}", self.tenants.fetch_add(1, Ordering::Relaxed));
        let tenant = Tenant::new(name.parse().unwrap(), "RHM".parse().unwrap());
        PostgresTenants::new(self.program.clone()).add(&tenant).await.unwrap();
        self.program.tenant(&tenant.name).await.unwrap()
    }

    async fn store(&self) -> Postgres {
        Postgres::new(self.tenant().await)
    }

    /// As a superuser, who sees all rows.
    fn sql(&self, sql: &str) -> Sql {
        let connection = Sql::connect(&self.database.superuser().parse().unwrap());
        connection.execute(sql);
        connection
    }
}

fn config(database: &Database) -> Config {
    let owner: Config = database.owner().parse().unwrap();
    let config: Config = database.application().parse().unwrap();
    config.with_maintenance(owner).with_connections(NonZeroUsize::new(12).unwrap())
}
