//! Keeps cases in a table of your own, and checks it with the conformance suite of the library.
//!
//! Here the table is in memory. With a database, the other files are SQL.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

mod due;
mod leases;
mod rows;
mod table;

use chrono::{DateTime, Utc};
use nhs_pds::async_trait;
use nhs_pds::case::{
    Case, CaseId, CaseStore, Change, Claim, Counts, Error, Lease, Planned, Setting, conformance,
};
use nhs_pds::nhs_number::NhsNumber;
use std::sync::Arc;
use table::Table;

#[async_trait]
impl CaseStore for Table {
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        self.transaction(|rows| Ok(rows.get(id)))
    }
    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        self.transaction(|rows| Ok(rows.page(after, limit)))
    }
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.transaction(|rows| rows.save(changes))
    }
    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        self.transaction(|rows| Ok(rows.with_number(number)))
    }
    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, Error> {
        self.transaction(|rows| Ok(rows.claim_due(limit, lease)))
    }
    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, Error> {
        self.transaction(|rows| Ok(rows.claim(id, lease)))
    }
    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        self.transaction(|rows| Ok(rows.renew(lease)))
    }
    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        self.transaction(|rows| {
            rows.release(owner, ids);
            Ok(())
        })
    }
    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), Error> {
        self.transaction(|rows| {
            rows.plan(&planned);
            Ok(())
        })
    }
    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, Error> {
        self.transaction(|rows| Ok(rows.counts(now)))
    }
    async fn setting(&self, name: &str) -> Result<Option<Setting>, Error> {
        self.transaction(|rows| Ok(rows.settings.get(name).cloned()))
    }
    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), Error> {
        self.transaction(|rows| rows.set(name, setting))
    }
    /// A database must also overwrite the old values in its files.
    async fn erase(&self, case: Case) -> Result<(), Error> {
        self.save_all(vec![Change::new(case)]).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    conformance::check(async || Arc::new(Table::default()) as Arc<dyn CaseStore>).await?;
    println!("the table keeps the contract of CaseStore");
    Ok(())
}
