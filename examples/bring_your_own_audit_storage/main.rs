//! Keeps the audit trail in tables of your own database, and checks it with the library's suite.
//!
//! `tables.rs` and `rows.rs` have the SQL. Above it, `Trail` chains, encrypts, verifies, filters and forgets.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "an example prints what it shows")]

mod rows;
mod tables;

use nhs_pds::async_trait;
use nhs_pds::audit::{
    Appended, AuditLog, AuditStorage, Basis, Batch, Error, ErrorKind, Filter, Owner, StoredRow,
    SubjectName, Trail, conformance,
};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};

/// Your database: a connection pool, and the work on a thread that may block.
#[derive(Debug)]
struct Database(Mutex<Connection>);

impl Database {
    fn new() -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(tables::SCHEMA)?;
        Ok(Self(Mutex::new(connection)))
    }

    fn with<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction().map_err(failed)?;
        let done = run(&transaction).and_then(|done| transaction.commit().map(|()| done));
        done.map_err(failed)
    }
}

/// A number that is taken is damage or tampering: nothing else violates these tables.
fn failed(error: rusqlite::Error) -> Error {
    let taken = error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation);
    Error::new(if taken { ErrorKind::Corrupt } else { ErrorKind::Unavailable }).with_source(error)
}

#[async_trait]
impl AuditStorage for Database {
    async fn basis(&self, owners: &[Owner]) -> Result<Basis, Error> {
        self.with(|sql| tables::basis(sql, owners))
    }

    async fn append(&self, batch: Batch) -> Result<Appended, Error> {
        self.with(|sql| tables::append(sql, &batch))
    }

    async fn rows(
        &self,
        filter: &Filter,
        from: i64,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Error> {
        self.with(|sql| rows::rows(sql, filter, from, limit))
    }

    async fn erased(&self, names: &[SubjectName]) -> Result<Vec<SubjectName>, Error> {
        self.with(|sql| rows::erased(sql, names))
    }

    /// Your database must also overwrite the deleted keys in its files and its log.
    async fn destroy(&self, names: &[SubjectName]) -> Result<(), Error> {
        self.with(|sql| tables::destroy(sql, names))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let new = async || Arc::new(Database::new().expect("it opens")) as Arc<dyn AuditStorage>;
    conformance::check_storage(new).await?;
    println!("the tables keep the contract of AuditStorage");
    let trail = Trail::new(Arc::new(Database::new()?));
    println!("{}", trail.verify(&[]).await?);
    Ok(())
}
