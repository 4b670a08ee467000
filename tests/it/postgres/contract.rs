//! The suites of every part, over tenants of one database.

use super::Server;
use nhs_pds::audit::{self, AuditLog, AuditStorage, PostgresLog, PostgresRows};
use nhs_pds::case::{self, CaseStore, PostgresStore};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::{self, Joined, Postgres, Store};
use nhs_pds::process::tenants::{self, PostgresTenants, Tenants};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn cases_keep_the_contract() {
    let Some(server) = Server::new().await else { return };
    let new = async || Arc::new(PostgresStore::new(server.tenant().await)) as Arc<dyn CaseStore>;
    case::conformance::check(new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_keeps_the_contract() {
    let Some(server) = Server::new().await else { return };
    let new = async || Arc::new(PostgresLog::new(server.tenant().await)) as Arc<dyn AuditLog>;
    audit::conformance::check(new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_storage_of_the_trail_keeps_the_contract() {
    let Some(server) = Server::new().await else { return };
    let new = async || Arc::new(PostgresRows::new(server.tenant().await)) as Arc<dyn AuditStorage>;
    audit::conformance::check_storage(new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_of_all_parts_keeps_the_contract() {
    let Some(server) = Server::new().await else { return };
    let new = async || Arc::new(server.store().await) as Arc<dyn Store>;
    store::conformance::check(new).await.unwrap();
    let with_sink =
        async |alerts| Arc::new(server.store().await.with_alerts(alerts)) as Arc<dyn Store>;
    store::conformance::check_deliveries(with_sink).await.unwrap();
    let with_inbox = async || {
        let alerts = Arc::new(MemoryAlerts::default());
        Arc::new(server.store().await.with_alerts(alerts)) as Arc<dyn Store>
    };
    store::conformance::check(with_inbox).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_keep_the_contract_joined() {
    let Some(server) = Server::new().await else { return };
    let new = async || {
        let parts: Postgres = server.store().await;
        let tenant = parts.database().clone();
        Arc::new(Joined::new(
            Arc::new(PostgresStore::new(tenant.clone())),
            Arc::new(PostgresLog::new(tenant)),
            Arc::new(parts.inbox().clone()),
        )) as Arc<dyn Store>
    };
    store::conformance::check(new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_of_tenants_keeps_the_contract() {
    let Some(server) = Server::new().await else { return };
    let new = async || {
        server.sql("TRUNCATE nhs_pds.tenant");
        Arc::new(PostgresTenants::new(server.program.clone())) as Arc<dyn Tenants>
    };
    tenants::conformance::check(new).await.unwrap();
}
