use crate::case::Alert;
use crate::process::alert::error::Error;
use async_trait::async_trait;
use std::fmt::Debug;

/// Delivers alerts.
///
/// # Contract
///
/// * The alerts have been delivered when the call returns, and are as durable as the sink promises.
///   Several alerts in one call are not one message. They are passed together so that a sink with a
///   database need not wait for the disk once for each.
/// * An alert may be passed again, with the same [`id`](Alert::id); it is still one alert. When a
///   call with several alerts fails, some of them may have been delivered; each is then passed
///   again in its own call.
/// * Errors contain nothing of an alert, and `Debug` shows nothing of it.
#[async_trait]
pub trait AlertSink: Debug + Send + Sync {
    /// Delivers `alerts`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::process::alert::ErrorKind::Unavailable); the next pass tries again.
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error>;
}
