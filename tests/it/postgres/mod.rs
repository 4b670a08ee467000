//! The stores over PostgreSQL: their contracts, and what PostgreSQL must keep besides.

mod contract;

use crate::support::postgres::{Database, Sql};
use nhs_pds::postgres::{self, Config, TenantDatabase};
use nhs_pds::process::store::Postgres;
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
        add_tenant(&self.database, &name);
        self.program.tenant(&name.parse().unwrap()).await.unwrap()
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

fn add_tenant(database: &Database, name: &str) {
    let sql = format!(
        "BEGIN;
         INSERT INTO nhs_pds.tenant (name, organisation, state, weight, schedule, settings, version)
         VALUES ('{name}', 'RHM', 'active', 1, '{{}}', '{{}}', 1);
         INSERT INTO nhs_pds.audit_anchor (tenant, seq, hash)
         SELECT tenant, 0, decode(repeat('00', 32), 'hex') FROM nhs_pds.tenant WHERE name = '{name}';
         COMMIT"
    );
    Sql::connect(&database.superuser().parse().unwrap()).execute(&sql);
}
