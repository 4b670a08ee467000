//! `postgres`, and the stores over it: over a server with the person's data.

use super::cases::{alert, full_case};
use super::{audit, person_case};
use crate::privacy::person::{CASE, FAMILY};
use crate::privacy::walk::Shown;
use crate::support::postgres::Database as TestDatabase;
use nhs_pds::audit::{AuditLog, PostgresLog, PostgresRows};
use nhs_pds::case::{CaseStore, PostgresStore};
use nhs_pds::postgres::{Config, Database};
use nhs_pds::process::alert::{AlertSink, PostgresAlerts};
use nhs_pds::process::store::{Postgres, Store};
use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
use nhs_pds::resilience::PostgresSharedRate;

/// Whether there is a PostgreSQL server to show the stores over.
pub(super) async fn show(shown: &mut Shown) -> bool {
    let Some(server) = TestDatabase::prepared() else { return false };
    let config: Config = server.application().parse().unwrap();
    shown.value(&config);
    let database = Database::connect(&config).await.unwrap();
    shown.value(&database);
    let directory = PostgresTenants::new(database.clone());
    let tenant = Tenant::new("leeds".parse().unwrap(), "RHM".parse().unwrap());
    directory.add(&tenant).await.unwrap();
    shown.value(&directory);
    let tenant = database.tenant(&tenant.name).await.unwrap();
    shown.value(&tenant);
    let store = PostgresStore::new(tenant.clone());
    store.insert_all(vec![person_case(CASE)]).await.unwrap();
    shown.value(&store);
    shown.error(&store.insert_all(vec![person_case(CASE)]).await.unwrap_err());
    let missing = database.tenant(&"york".parse().unwrap()).await.unwrap_err();
    shown.error(&missing);
    let address = format!("postgres://{FAMILY}:{FAMILY}@localhost/x?{FAMILY}={FAMILY}");
    shown.error(&address.parse::<Config>().unwrap_err());
    let alerts = PostgresAlerts::new(tenant.clone());
    alerts.deliver(&[alert(&full_case())]).await.unwrap();
    shown.value(&alerts);
    let log = PostgresLog::new(tenant.clone());
    log.append(vec![audit::entry()]).await.unwrap();
    shown.value(&log);
    shown.value(&PostgresRows::new(tenant.clone()));
    shown.value(&PostgresSharedRate::new(&database, "pds-api".parse().unwrap()).unwrap());
    let whole = Postgres::new(tenant);
    assert!(whole.cases().get(&CASE.parse().unwrap()).await.unwrap().is_some());
    shown.value(&whole);
    true
}
