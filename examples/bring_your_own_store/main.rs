//! Keeps cases in a table of your own, and checks it with the conformance suite of the library.
//!
//! Here the table is in memory. With a database, `rows.rs` and `leases.rs` are SQL.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

mod leases;
mod rows;

use chrono::{DateTime, Utc};
use nhs_pds::async_trait;
use nhs_pds::case::{Case, CaseId, CaseStore, Change, Claim, Error, Lease, conformance};
use nhs_pds::nhs_number::NhsNumber;
use rows::Rows;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Default)]
struct Table(Mutex<Rows>);

impl Table {
    /// Changes a copy of the rows, which replaces them if the change succeeds.
    fn transaction<T>(&self, run: impl FnOnce(&mut Rows) -> Result<T, Error>) -> Result<T, Error> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = rows.clone();
        let done = run(&mut changed)?;
        *rows = changed;
        Ok(done)
    }
}

#[async_trait]
impl CaseStore for Table {
    async fn insert_all(&self, cases: Vec<Case>) -> Result<(), Error> {
        self.transaction(|rows| cases.into_iter().try_for_each(|case| rows.insert(case)))
    }

    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        self.transaction(|rows| Ok(rows.get(id)))
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        self.transaction(|rows| Ok(rows.page(after, limit)))
    }

    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.transaction(|rows| rows.save(&changes))
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        self.transaction(|rows| Ok(rows.with_number(number)))
    }

    async fn claim(&self, ids: &[CaseId], lease: &Lease) -> Result<Claim, Error> {
        self.transaction(|rows| Ok(rows.claim(ids, lease)))
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        self.transaction(|rows| Ok(rows.renew(lease)))
    }

    async fn release(
        &self,
        owner: &str,
        ids: &[CaseId],
        traced_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        self.transaction(|rows| rows.release(owner, ids, traced_at))
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
