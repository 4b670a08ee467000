use crate::case::{Alert, CaseId};
use crate::postgres::{self, TenantDatabase, Tx};
use crate::process::alert::error::{Error, ErrorKind};
use crate::process::alert::sink::AlertSink;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

/// How many alerts are read in one step.
const STRIDE: i64 = 200;

/// The alerts of one tenant in PostgreSQL, each once, for a program that shows or forwards them.
///
/// The table contains each alert as JSON, with the person's demographic fields (MSCA-DQ-04).
#[derive(Clone)]
pub struct PostgresAlerts(TenantDatabase);

impl PostgresAlerts {
    /// The inbox of the tenant of `database`.
    #[must_use]
    pub const fn new(database: TenantDatabase) -> Self {
        Self(database)
    }

    /// At most `limit` alerts in the order in which they first arrived, after the first `skip`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the table cannot be read. A damaged alert is left out;
    /// [`unreadable`](Self::unreadable) lists it.
    pub async fn page(&self, skip: usize, limit: usize) -> Result<Vec<Alert>, Error> {
        let (mut alerts, mut after, mut left) = (Vec::new(), 0, skip);
        while alerts.len() < limit {
            let rows = self.after(after).await?;
            let Some(last) = rows.last() else { break };
            after = last.number;
            for alert in rows.into_iter().filter_map(|row| row.alert) {
                if left > 0 {
                    left -= 1;
                } else if alerts.len() < limit {
                    alerts.push(alert);
                }
            }
        }
        Ok(alerts)
    }

    /// The ids of the alerts that cannot be read because they are damaged, in the order in which they arrived.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the table cannot be read.
    pub async fn unreadable(&self) -> Result<Vec<String>, Error> {
        let (mut ids, mut after) = (Vec::new(), 0);
        loop {
            let rows = self.after(after).await?;
            let Some(last) = rows.last() else { return Ok(ids) };
            after = last.number;
            ids.extend(rows.into_iter().filter(|row| row.alert.is_none()).map(|row| row.id));
        }
    }

    /// Deletes the alerts about `case`, removes its id from all other alerts, and makes sure that no copy of it stays
    /// in the files (MSCA-DQ-02: permanent erasure by court order). If the case has no alerts, nothing changes. An
    /// alert that cannot be read is deleted if its id or its text contains the case's id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the table cannot be read or written, [`ErrorKind::Residue`] when its files may
    /// still contain deleted data: call again.
    pub async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        let mut after = 0;
        // A page at a time, so that memory stays bounded.
        loop {
            let rows = self.after(after).await?;
            let Some(last) = rows.last() else { break };
            after = last.number;
            let changes = rows.into_iter().filter_map(|row| row.without(case)).collect::<Vec<_>>();
            if !changes.is_empty() {
                self.change(changes).await?;
            }
        }
        Ok(self.0.rewrite(&["alert"]).await?)
    }

    /// The next rows after the number `after`.
    async fn after(&self, after: i64) -> Result<Vec<Stored>, Error> {
        self.0
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT number, id, document FROM nhs_pds.alert WHERE number > $1
                               ORDER BY number LIMIT $2";
                    let rows = tx.query(sql, &[&after, &STRIDE]).await?;
                    rows.iter().map(Stored::read).collect()
                })
            })
            .await
    }

    async fn change(&self, changes: Vec<(i64, Option<String>)>) -> Result<(), Error> {
        let changes: Arc<[(i64, Option<String>)]> = changes.into();
        self.0
            .write(move |tx| {
                let changes = Arc::clone(&changes);
                Box::pin(async move {
                    for (number, document) in &*changes {
                        match document {
                            None => {
                                let sql = "DELETE FROM nhs_pds.alert WHERE number = $1";
                                tx.execute(sql, &[number]).await?;
                            }
                            Some(document) => {
                                let sql =
                                    "UPDATE nhs_pds.alert SET document = $2 WHERE number = $1";
                                tx.execute(sql, &[number, document]).await?;
                            }
                        }
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// A row; without an alert if it is damaged.
struct Stored {
    number: i64,
    id: String,
    document: String,
    alert: Option<Alert>,
}

impl Stored {
    fn read(row: &tokio_postgres::Row) -> Result<Self, Error> {
        let failed = |error| Error::from(postgres::Error::from(error));
        let document: String = row.try_get(2).map_err(failed)?;
        // The cause is dropped, because it may quote content.
        let alert = serde_json::from_str(&document).ok();
        Ok(Self {
            number: row.try_get(0).map_err(failed)?,
            id: row.try_get(1).map_err(failed)?,
            document,
            alert,
        })
    }

    /// The row's number and its document without `case`; without a document if it is about the case. `None` where
    /// nothing changes.
    fn without(self, case: &CaseId) -> Option<(i64, Option<String>)> {
        let Some(mut alert) = self.alert else {
            // In its JSON form with quotes, so that one id is not found within another.
            let quoted = serde_json::to_string(case).unwrap_or_default();
            let mentions =
                self.document.contains(&quoted) || self.id.starts_with(&format!("{case}/"));
            return mentions.then_some((self.number, None));
        };
        if alert.case_id.as_ref() == Some(case) {
            return Some((self.number, None));
        }
        if !alert.others.contains(case) {
            return None;
        }
        alert.others.retain(|other| other != case);
        // Without a document, the row is deleted: it must not keep the id.
        Some((self.number, serde_json::to_string(&alert).ok()))
    }
}

#[async_trait]
impl AlertSink for PostgresAlerts {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        let alerts: Arc<[Alert]> = alerts.into();
        self.0
            .write(move |tx| {
                let alerts = Arc::clone(&alerts);
                Box::pin(async move { deliver_in(tx, &alerts).await })
            })
            .await
    }
}

/// Delivers `alerts` inside a transaction of the caller.
pub(in crate::process) async fn deliver_in(tx: &Tx, alerts: &[Alert]) -> Result<(), Error> {
    if alerts.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = alerts.iter().map(|alert| alert.id.as_str()).collect();
    // The cause is dropped, because it may quote content.
    let documents: Result<Vec<String>, _> = alerts.iter().map(serde_json::to_string).collect();
    let documents = documents.map_err(|_| Error::new(ErrorKind::Unavailable))?;
    // Until the commit no other transaction adds an alert of the tenant. So alerts appear in the order of their numbers: a
    // reader that has seen some skips as many, and must not miss one that appears before them.
    let alone = "SELECT pg_advisory_xact_lock(hashtext('nhs_pds.alert'), nhs_pds.current_tenant())";
    tx.query(alone, &[]).await?;
    let sql =
        "INSERT INTO nhs_pds.alert (id, document) SELECT * FROM unnest($1::text[], $2::text[])
               ON CONFLICT (tenant, id) DO NOTHING";
    tx.execute(sql, &[&ids, &documents]).await?;
    Ok(())
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let same = Self::new(match error.kind() {
            postgres::ErrorKind::Residue => ErrorKind::Residue,
            _ => ErrorKind::Unavailable,
        });
        match error.into_source() {
            Some(source) => same.with_source(source),
            None => same,
        }
    }
}

impl fmt::Debug for PostgresAlerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresAlerts({})", self.0.name())
    }
}
