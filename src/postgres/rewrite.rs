//! Erasure: makes sure that the files of some tables contain only what is in their rows.

use crate::postgres::database::TenantDatabase;
use crate::postgres::error::{Error, ErrorKind};
use std::time::Duration;

/// How long to wait for transactions that may still see the deleted rows, and for the tables.
const PATIENCE: Duration = Duration::from_secs(20);

impl TenantDatabase {
    /// Rewrites `tables` of the schema, so that their files contain only what is in their rows. PostgreSQL otherwise keeps
    /// a deleted or changed row until its page is used again. Locks each table while it is rewritten.
    ///
    /// The write-ahead log, standbys and backups are the deployment's.
    pub(crate) async fn rewrite(&self, tables: &'static [&'static str]) -> Result<(), Error> {
        let residue = |error: Error| match error.kind() {
            ErrorKind::Residue => error,
            _ => Error::new(ErrorKind::Residue).with_source(error),
        };
        let Some(owner) = &self.database().config.maintenance else {
            return Err(Error::new(ErrorKind::Residue)
                .with_source("the connection of the owner is not configured"));
        };
        let work = async {
            let (client, connection) = owner.server.connect(owner.connector()?).await?;
            let serving = async {
                // Ends when the client is dropped.
                let _ = connection.await;
            };
            let _serving = Serving(tokio::spawn(serving));
            // A snapshot that is older than the change keeps the old rows, even from a rewrite.
            client.batch_execute("SET statement_timeout = 0; SET lock_timeout = '20s'").await?;
            wait_for_old_snapshots(&client).await?;
            for table in tables {
                client.batch_execute(&format!("VACUUM (FULL) nhs_pds.{table}")).await?;
            }
            // The old files are deleted at the next checkpoint.
            client.batch_execute("CHECKPOINT").await.or_else(|error| match error.code() {
                // Not a member of pg_checkpoint: the server makes one within minutes.
                Some(code) if *code == tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE => {
                    Ok(())
                }
                _ => Err(error),
            })?;
            Ok::<(), Error>(())
        };
        work.await.map_err(residue)
    }
}

struct Serving(tokio::task::JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits until no transaction of the database is older than now.
async fn wait_for_old_snapshots(client: &tokio_postgres::Client) -> Result<(), Error> {
    let now: String =
        client.query_one("SELECT pg_current_xact_id()::text", &[]).await?.try_get(0)?;
    let now: u64 = now.parse().map_err(|_| Error::new(ErrorKind::Corrupt))?;
    let oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
        (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_xmin IS NOT NULL AND age(backend_xmin) > age($1::text::xid))";
    let mut waited = Duration::ZERO;
    loop {
        let row = client.query_one(oldest, &[&(now % (1 << 32)).to_string()]).await?;
        let (running, snapshots): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        if running.parse::<u64>().is_ok_and(|running| running > now) && snapshots == 0 {
            return Ok(());
        }
        if waited >= PATIENCE {
            return Err(Error::new(ErrorKind::Residue)
                .with_source("a transaction that began before the erasure is still open"));
        }
        let pause = Duration::from_millis(200);
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}
