//! Notifications: another program has changed something that this one waits for.

use crate::postgres::database::Database;
use crate::postgres::error::Error;
use crate::postgres::work::Tx;
use crate::tenant::TenantName;
use std::future::poll_fn;
use std::time::Duration;
use tokio_postgres::AsyncMessage;

/// The channel of all notifications.
const CHANNEL: &str = "nhs_pds";

/// How long to wait before a lost connection is opened again.
const AGAIN: Duration = Duration::from_secs(2);

impl Database {
    /// Calls `on` for each notification: that cases of the tenant have become due, that its controls have changed, or
    /// its entry in the registry. `None` means that any of this may have happened, for any tenant: the connection was
    /// lost and is back. Runs until it is dropped. It has a connection of its own.
    ///
    /// Notifications make a program quick. They may be lost, so it must also look from time to time.
    pub async fn listen(&self, on: impl Fn(Option<&TenantName>) + Send + Sync) {
        loop {
            if let Err(error) = self.listen_once(&on).await {
                tracing::debug!(kind = %error.kind(), "notifications are not received");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Listens until the connection is lost.
    async fn listen_once(
        &self,
        on: &(impl Fn(Option<&TenantName>) + Send + Sync),
    ) -> Result<(), Error> {
        let tls = self.config.connector()?;
        let (client, mut connection) = self.config.server.connect(tls).await?;
        let listening = async {
            client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
            // What was sent before is missed.
            on(None);
            std::future::pending::<Result<(), Error>>().await
        };
        let receiving = async {
            loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(AsyncMessage::Notification(message))) => {
                        if message.channel() == CHANNEL {
                            on(message.payload().parse().ok().as_ref());
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Ok(()),
                }
            }
        };
        first(listening, receiving).await
    }
}

/// The output of the future that ends first.
async fn first<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    poll_fn(|context| match one.as_mut().poll(context) {
        std::task::Poll::Pending => other.as_mut().poll(context),
        ready => ready,
    })
    .await
}

impl Tx {
    /// Tells listeners, once this transaction is committed, that something of the tenant has changed.
    pub(crate) async fn notify(&self, tenant: &TenantName) -> Result<(), Error> {
        self.query("SELECT pg_notify($1, $2)", &[&CHANNEL, &tenant.as_str()]).await.map(drop)
    }
}
