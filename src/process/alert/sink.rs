use crate::case::Alert;
use crate::process::alert::Error;
use async_trait::async_trait;
use std::fmt::Debug;

/// Delivers alerts.
///
/// # Contract
///
/// * The alerts have been delivered when the call returns, and survive whatever the sink promises to.
///   Several at once are not one message: they only come together, so that a sink that keeps them in a
///   database need not wait for the disk once for each.
/// * An alert may come again, with the same [`id`](Alert::id); it is then one alert still. When a call with
///   several fails, some of them may have been delivered; each comes again by itself.
/// * Errors carry nothing of an alert, and `Debug` nothing at all.
#[async_trait]
pub trait AlertSink: Debug + Send + Sync {
    /// Delivers `alerts`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::process::alert::ErrorKind::Unavailable); it will be tried again in the next pass.
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error>;
}
