//! The schema of the file, and its migrations.

use crate::store::error::{Error, ErrorKind};
use rusqlite::{Connection, TransactionBehavior};

/// The migrations, each from one schema version to the next; `user_version` counts those done.
pub(crate) const MIGRATIONS: [&str; 10] = [
    include_str!("../../migrations/sqlite/0001_cases.sql"),
    include_str!("../../migrations/sqlite/0002_local_data.sql"),
    include_str!("../../migrations/sqlite/0003_audit.sql"),
    include_str!("../../migrations/sqlite/0004_get_nhs_number.sql"),
    include_str!("../../migrations/sqlite/0005_audit_nonce.sql"),
    include_str!("../../migrations/sqlite/0006_person_of_the_number.sql"),
    include_str!("../../migrations/sqlite/0007_due.sql"),
    include_str!("../../migrations/sqlite/0008_worklist.sql"),
    include_str!("../../migrations/sqlite/0009_oldest_first.sql"),
    include_str!("../../migrations/sqlite/0010_batch.sql"),
];

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    if schema(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    // Another process may migrate the same file: check again once no other process can write.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(schema(&transaction)?) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    Ok(transaction.commit()?)
}

/// The number of migrations done.
pub(crate) fn schema(connection: &Connection) -> Result<usize, Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(Error { kind: ErrorKind::Schema, source: None }),
    }
}
