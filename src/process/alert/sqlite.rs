use crate::case::{Alert, CaseId};
use crate::process::alert::error::{Error, ErrorKind};
use crate::process::alert::sink::AlertSink;
use crate::store::sqlite::{self, Database, Durability};
use async_trait::async_trait;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::fmt;
use std::path::Path;

/// Alerts in an SQLite file, each once, for a program that shows or forwards them.
///
/// The file may be the file of the cases. It contains each alert as JSON, with the person's
/// demographic fields (MSCA-DQ-04). Calls need a Tokio runtime.
#[derive(Clone)]
pub struct SqliteAlerts(Database);

impl SqliteAlerts {
    /// Opens the file at `path`, creates it if it does not exist, and migrates its schema.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file cannot be opened or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self(Database::open(path)?))
    }

    /// An empty inbox in memory, which ends with its last clone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when there is not enough memory.
    pub fn open_in_memory() -> Result<Self, Error> {
        Ok(Self(Database::open_in_memory()?))
    }

    /// The inbox of an open file.
    pub(in crate::process) const fn over(database: Database) -> Self {
        Self(database)
    }

    /// At most `limit` alerts in the order in which they first arrived, after the first `skip`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file cannot be read. A damaged alert is left out;
    /// [`unreadable`](Self::unreadable) lists it.
    pub async fn page(&self, skip: usize, limit: usize) -> Result<Vec<Alert>, Error> {
        self.0
            .read(move |connection| {
                let mut query = connection
                    .prepare_cached("SELECT id, document FROM alert ORDER BY number")
                    .map_err(failed)?;
                let rows = query.query_map([], |row| Ok(stored(row).1)).map_err(failed)?;
                rows.filter_map(|row| row.map_err(failed).transpose())
                    .skip(skip)
                    .take(limit)
                    .collect()
            })
            .await
    }

    /// The ids of the alerts that cannot be read because they are damaged, in the order in which
    /// they arrived.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file cannot be read.
    pub async fn unreadable(&self) -> Result<Vec<String>, Error> {
        self.0
            .read(|connection| {
                let mut query = connection
                    .prepare_cached("SELECT id, document FROM alert ORDER BY number")
                    .map_err(failed)?;
                let rows = query.query_map([], |row| Ok(stored(row))).map_err(failed)?;
                rows.filter_map(|row| match row.map_err(failed) {
                    Ok((id, None)) => Some(Ok(id)),
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                })
                .collect()
            })
            .await
    }

    /// Deletes the alerts about `case`, removes its id from all other alerts, and makes sure that
    /// no copy of it stays in the file (MSCA-DQ-02: permanent erasure by court order). If the case
    /// has no alerts, nothing changes. An alert that cannot be read is deleted if its id or its
    /// text contains the case's id.
    ///
    /// A program that erases a case must also call this: a review queue knows only an
    /// [`AlertSink`], which only delivers. The vendor must delete what the vendor's own sink has
    /// delivered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file cannot be read or written, [`ErrorKind::Residue`]
    /// when it may still contain deleted data: call again.
    pub async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        let case = case.clone();
        self.0.blocking(move |connection| forget(connection, &case)).await
    }
}

/// The id and the alert in the first two columns; no alert if the row is damaged. The cause is
/// dropped, because it may quote content.
fn stored(row: &Row<'_>) -> (String, Option<Alert>) {
    let text = |column| match row.get_ref(column) {
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    };
    let (id, document) = (text(0), text(1));
    (id, serde_json::from_str(&document).ok())
}

fn forget(connection: &mut Connection, case: &CaseId) -> Result<(), Error> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut after = 0;
    // In its JSON form with quotes, so that one id is not found within another.
    let quoted = serde_json::to_string(case).map_err(|_| Error::new(ErrorKind::Unavailable))?;
    // One at a time, so that memory stays bounded.
    while let Some((number, (id, alert), mentions)) = transaction
        .query_row(
            "SELECT id, document, number,
                instr(CAST(document AS BLOB), CAST(?2 AS BLOB)) > 0 AS mentions
             FROM alert WHERE number > ?1 ORDER BY number LIMIT 1",
            params![after, quoted],
            |row| Ok((row.get::<_, i64>(2)?, stored(row), row.get::<_, bool>(3)?)),
        )
        .optional()
        .map_err(failed)?
    {
        after = number;
        let is_about = match &alert {
            Some(alert) => alert.case_id.as_ref() == Some(case),
            None => mentions || id.starts_with(&format!("{case}/")),
        };
        if is_about {
            transaction.execute("DELETE FROM alert WHERE number = ?1", [number]).map_err(failed)?;
        } else if let Some(mut alert) = alert.filter(|alert| alert.others.contains(case)) {
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
    Ok(sqlite::scrub(connection)?)
}

#[async_trait]
impl AlertSink for SqliteAlerts {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        let alerts = alerts.to_vec();
        self.0.write(Durability::Durable, move |file| deliver_in(file, &alerts)).await
    }
}

/// Delivers `alerts` inside a transaction of the caller.
pub(in crate::process) fn deliver_in(
    transaction: &Connection,
    alerts: &[Alert],
) -> Result<(), Error> {
    let mut insert = transaction
        .prepare_cached(
            "INSERT INTO alert (id, document) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
        )
        .map_err(failed)?;
    for alert in alerts {
        // The cause is dropped, because it may quote content.
        let document =
            serde_json::to_string(alert).map_err(|_| Error::new(ErrorKind::Unavailable))?;
        insert.execute(params![alert.id, document]).map_err(failed)?;
    }
    Ok(())
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        let same = Self::new(match error.kind {
            sqlite::ErrorKind::Residue => ErrorKind::Residue,
            _ => ErrorKind::Unavailable,
        });
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
