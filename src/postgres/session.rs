//! Connections, and the begin and end of transactions.

use crate::postgres::config::Config;
use crate::postgres::error::{Error, ErrorKind};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use std::time::Duration;

/// How long a caller waits for a connection.
const WAIT: Duration = Duration::from_secs(10);

/// What one transaction is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// Reads from one snapshot. Works on a standby too.
    Read,
    /// Writes, and survives a crash of the server when it is acknowledged.
    Write,
    /// Writes. The last moments before a crash of the server may be undone, in order.
    WriteRelaxed,
    /// One statement, which is a transaction of its own: one round trip, and its locks last no longer.
    Alone,
}

/// The statement that names the tenant of a transaction.
pub(super) fn naming(tenant: i32) -> String {
    format!("SET LOCAL nhs_pds.tenant = '{tenant}'")
}

/// The connections of a program.
pub(super) fn pool(config: &Config) -> Result<Pool, Error> {
    // A connection comes back after a clean end of its transaction only (`Session`), so nothing needs to be
    // reset, and each reuse saves a round trip.
    let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config.server.clone(), config.connector()?, fast);
    Pool::builder(manager)
        .max_size(config.connections)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .recycle_timeout(Some(WAIT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| Error::configuration(error.to_string()))
}

/// A connection in a transaction. If the transaction does not end cleanly, the connection is closed, and the server
/// rolls back.
pub(super) struct Session {
    object: Option<Object>,
    purpose: Purpose,
}

impl Session {
    /// Begins a transaction, for the tenant of this number if there is one.
    pub(super) async fn begin(
        pool: &Pool,
        tenant: Option<i32>,
        purpose: Purpose,
    ) -> Result<Self, Error> {
        let object = pool.get().await?;
        let session = Self { object: Some(object), purpose };
        let mut begin = String::from(match purpose {
            Purpose::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Purpose::Write | Purpose::WriteRelaxed => "BEGIN",
            Purpose::Alone => return Ok(session),
        });
        // For this transaction only: another one on the same connection must not have this tenant.
        if let Some(tenant) = tenant {
            begin.push_str("; ");
            begin.push_str(&naming(tenant));
        }
        // A statement that waits for ever keeps its locks, and a program that vanished keeps its transaction.
        begin.push_str(
            "; SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '20s'; \
             SET LOCAL idle_in_transaction_session_timeout = '30s'",
        );
        if purpose == Purpose::WriteRelaxed {
            begin.push_str("; SET LOCAL synchronous_commit = off");
        }
        session.object()?.batch_execute(&begin).await?;
        Ok(session)
    }

    pub(super) fn object(&self) -> Result<&Object, Error> {
        self.object.as_ref().ok_or_else(|| Error::new(ErrorKind::Unavailable))
    }

    /// Commits. After an error, the changes may be stored or not.
    pub(super) async fn commit(self) -> Result<(), Error> {
        self.end("COMMIT").await
    }

    /// Rolls back. The error that led here says why. After a statement alone, closes the connection: it may still be
    /// at work.
    pub(super) async fn roll_back(self) {
        if self.purpose != Purpose::Alone {
            let _ = self.end("ROLLBACK").await;
        }
    }

    async fn end(mut self, how: &str) -> Result<(), Error> {
        if self.purpose != Purpose::Alone {
            self.object()?.batch_execute(how).await?;
        }
        // In order: back to the pool.
        drop(self.object.take());
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}
