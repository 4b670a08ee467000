//! Makes the process of a tenant trace by file too, as soon as its factory can say how.

use crate::process::scheduler::Process;
use crate::process::tenants::factory::StartError;
use crate::process::tenants::fleet::Fleet;
use crate::process::tenants::slot::pause;
use crate::process::tenants::tenant::Tenant;
use std::future::pending;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long the factory may take. A folder or a file may be on another machine.
const LONGEST: Duration = Duration::from_secs(30);

impl Fleet {
    /// Asks the factory how the tenant traces by file, and lets `process` do it. Returns why that does not work.
    pub(in crate::process) async fn add_batches(
        &self,
        tenant: &Tenant,
        process: &Process,
    ) -> Result<(), StartError> {
        let by_batch = timeout(LONGEST, self.factory.by_batch(tenant, &process.worker)).await;
        let by_batch = by_batch.unwrap_or_else(|_| {
            let seconds = LONGEST.as_secs();
            Err(StartError::unavailable(format!("it was not ready in {seconds} seconds")))
        });
        match by_batch {
            Ok(Some(by_batch)) => process.add_batches(by_batch),
            Ok(None) => process.set_batch_error(None),
            Err(error) => {
                process.set_batch_error(Some(error.to_string()));
                return Err(error);
            }
        }
        Ok(())
    }

    /// After the `first` attempt, tries again until it works. Then waits for ever.
    pub(in crate::process) async fn add_batches_later(
        &self,
        tenant: &Tenant,
        process: &Process,
        first: Result<(), StartError>,
    ) {
        let (mut result, mut failures, mut logged) = (first, 0_u32, None);
        while let Err(error) = result {
            let text = error.to_string();
            if logged.as_ref() != Some(&text) {
                let name = &tenant.name;
                tracing::error!(%name, error = text, "the process of a tenant traces singly only");
                logged = Some(text);
            }
            sleep(pause(error.is_unavailable(), failures, self.random())).await;
            failures = failures.saturating_add(1);
            result = self.add_batches(tenant, process).await;
        }
        if logged.is_some() {
            tracing::info!(name = %tenant.name, "the process of a tenant traces by file again");
        }
        pending::<()>().await;
    }
}
