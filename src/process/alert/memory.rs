use crate::case::Alert;
use crate::process::alert::error::Error;
use crate::process::alert::sink::AlertSink;
use async_trait::async_trait;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Alerts in memory, each once, in the order in which they first arrived. For tests, and for
/// programs that show alerts themselves.
///
/// ```
/// use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
/// use nhs_pds::case::{Alert, AlertKind};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let alerts = MemoryAlerts::default();
/// let alert = Alert::new("1", AlertKind::Configuration, "2026-11-23T09:30:00Z".parse()?);
/// alerts.deliver(&[alert.clone(), alert.clone()]).await?;
/// alerts.deliver(&[alert]).await?;
/// assert_eq!(alerts.delivered().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct MemoryAlerts(Mutex<Vec<Alert>>);

impl MemoryAlerts {
    /// The alerts that were delivered.
    #[must_use]
    pub fn delivered(&self) -> Vec<Alert> {
        self.alerts().clone()
    }

    fn alerts(&self) -> MutexGuard<'_, Vec<Alert>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryAlerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryAlerts({} alerts)", self.alerts().len())
    }
}

#[async_trait]
impl AlertSink for MemoryAlerts {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        let mut delivered = self.alerts();
        for alert in alerts {
            if !delivered.iter().any(|known| known.id == alert.id) {
                delivered.push(alert.clone());
            }
        }
        Ok(())
    }
}
