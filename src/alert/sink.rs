use crate::alert::Error;
use crate::case::Alert;
use async_trait::async_trait;
use std::fmt::Debug;

/// Delivers alerts.
///
/// # Contract
///
/// * An alert has been delivered when the call returns, and survives whatever the sink promises to.
/// * An alert may come again, with the same [`id`](Alert::id); it is then one alert still.
/// * Errors carry nothing of an alert, and `Debug` nothing at all.
#[async_trait]
pub trait AlertSink: Debug + Send + Sync {
    /// Delivers `alert`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::alert::ErrorKind::Unavailable); it will be tried again in the next pass.
    async fn deliver(&self, alert: &Alert) -> Result<(), Error>;
}
