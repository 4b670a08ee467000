use crate::alert::{AlertSink, Error, ErrorKind};
use crate::case::{Alert, CaseId};
use crate::sqlite::{self, Database};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::fmt;
use std::path::Path;

/// Alerts in an SQLite file, each once, for a program that shows or forwards them.
///
/// The file may be that of the cases. What it holds is the alert as JSON, with the person's particulars
/// (MSCA-DQ-04). Calls need a Tokio runtime.
#[derive(Clone)]
pub struct SqliteAlerts(Database);

impl SqliteAlerts {
    /// Opens the file at `path`, makes it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file cannot be opened or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self(Database::open(path)?))
    }

    /// An empty inbox that is forgotten when its last clone is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when there is no memory for it.
    pub fn open_in_memory() -> Result<Self, Error> {
        Ok(Self(Database::open_in_memory()?))
    }

    /// At most `limit` alerts in the order in which they first came, after the first `skip`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file cannot be read, or holds what is no alert.
    pub async fn page(&self, skip: usize, limit: usize) -> Result<Vec<Alert>, Error> {
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.0
            .blocking(move |connection| {
                let mut query = connection
                    .prepare_cached("SELECT document FROM alert ORDER BY number LIMIT ?1 OFFSET ?2")
                    .map_err(failed)?;
                let rows = query
                    .query_map(params![count(limit), count(skip)], |row| row.get::<_, String>(0))
                    .map_err(failed)?;
                rows.map(|row| {
                    // A cause is left out, because it may quote content.
                    serde_json::from_str(&row.map_err(failed)?)
                        .map_err(|_| Error::new(ErrorKind::Unavailable))
                })
                .collect()
            })
            .await
    }

    /// Deletes the alerts about `case`, names it in no other, and sees to it that none of it is left in
    /// the file (MSCA-DQ-02: permanent erasure by court order). Of a case without alerts it changes
    /// nothing.
    ///
    /// Whoever erases a case calls this too: a review queue knows of an [`AlertSink`] only, which
    /// delivers. What a vendor's own sink has delivered is the vendor's to delete.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file cannot be read or written, holds what is no alert, or may
    /// still hold what was deleted, because somebody is reading it: call again.
    pub async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        let case = case.clone();
        self.0.blocking(move |connection| forget(connection, &case)).await
    }
}

fn forget(connection: &mut Connection, case: &CaseId) -> Result<(), Error> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut after = 0;
    // One at a time, so that memory stays bounded.
    while let Some((number, document)) = transaction
        .query_row(
            "SELECT number, document FROM alert WHERE number > ?1 ORDER BY number LIMIT 1",
            [after],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        )
        .optional()
        .map_err(failed)?
    {
        after = number;
        let mut alert: Alert =
            serde_json::from_str(&document).map_err(|_| Error::new(ErrorKind::Unavailable))?;
        if alert.case_id.as_ref() == Some(case) {
            transaction.execute("DELETE FROM alert WHERE number = ?1", [number]).map_err(failed)?;
        } else if alert.others.contains(case) {
            alert.others.retain(|other| other != case);
            let document =
                serde_json::to_string(&alert).map_err(|_| Error::new(ErrorKind::Unavailable))?;
            transaction
                .execute(
                    "UPDATE alert SET document = ?2 WHERE number = ?1",
                    params![number, document],
                )
                .map_err(failed)?;
        }
    }
    transaction.commit().map_err(failed)?;
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(failed)?;
    if busy == 0 { Ok(()) } else { Err(Error::new(ErrorKind::Unavailable)) }
}

#[async_trait]
impl AlertSink for SqliteAlerts {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        // A cause is left out, because it may quote content.
        let row = |alert: &Alert| {
            let document = serde_json::to_string(alert);
            let document = document.map_err(|_| Error::new(ErrorKind::Unavailable))?;
            Ok((alert.id.clone(), document))
        };
        let rows = alerts.iter().map(row).collect::<Result<Vec<_>, Error>>()?;
        self.0
            .blocking(move |connection| {
                let transaction = connection
                    .transaction_with_behavior(TransactionBehavior::Immediate)
                    .map_err(failed)?;
                for (id, document) in rows {
                    transaction
                        .prepare_cached(
                            "INSERT INTO alert (id, document) VALUES (?1, ?2)
                             ON CONFLICT (id) DO NOTHING",
                        )
                        .and_then(|mut insert| insert.execute(params![id, document]))
                        .map_err(failed)?;
                }
                transaction.commit().map_err(failed)
            })
            .await
    }
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        let same = Self::new(ErrorKind::Unavailable);
        match error.source {
            Some(source) => same.with_source(source),
            None => same,
        }
    }
}

fn failed(error: rusqlite::Error) -> Error {
    sqlite::Error::from(error).into()
}

impl fmt::Debug for SqliteAlerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteAlerts")
    }
}
