#[cfg(feature = "batch")]
use crate::process::batch::step::ByBatch;
use crate::process::run::worker::Worker;
use crate::process::tenants::tenant::Tenant;
use async_trait::async_trait;
use std::fmt::Debug;

/// Makes the worker of a tenant: reads its secrets, opens its store, builds its client and its gateway.
///
/// # Contract
///
/// - The worker is for this tenant alone: its store, its identity, its client. Workers may share a pool of
///   connections, and the rate limit of a provider.
/// - A call may be dropped at any point.
/// - A call that fails leaves nothing open.
#[async_trait]
pub trait WorkerFactory: Debug + Send + Sync {
    /// Makes a worker for `tenant`, as its settings are now. The fleet calls it at each start of the tenant's
    /// process, and makes a [`Process`](crate::process::Process) of the worker by the tenant's schedule.
    ///
    /// # Errors
    ///
    /// [`StartError`], which says what an operator must do.
    async fn worker(&self, tenant: &Tenant) -> Result<Worker, StartError>;

    /// Says how the tenant's process also traces by file; `None`, which is the default, for single traces only.
    ///
    /// The fleet calls it after [`worker`](Self::worker), with the worker that this has made, and waits 30 seconds at
    /// most. An error does not stop the process: it traces singly, its
    /// [`Status::batch_error`](crate::process::Status::batch_error) has the error, and the fleet calls again, as often as
    /// [`StartError`] says. Read the secrets of the mailbox here, so that a corrected file is read again. Send nothing:
    /// what a mailbox answers is found out by the process.
    ///
    /// Give each tenant a folder and a mailbox of its own. What arrives for one tenant in the mailbox of another is not
    /// settled.
    ///
    /// # Errors
    ///
    /// [`StartError`], which says what an operator must do.
    ///
    /// ```
    /// # #[cfg(all(feature = "http", feature = "mesh"))]
    /// # mod example {
    /// use async_trait::async_trait;
    /// use nhs_pds::mesh::{Config, Mailbox};
    /// use nhs_pds::process::Worker;
    /// use nhs_pds::process::batch::{BatchPolicy, Batches, ByBatch};
    /// use nhs_pds::process::tenants::{StartError, Tenant, WorkerFactory};
    /// use nhs_pds::transport::http::HttpConfig;
    /// use std::path::Path;
    /// use std::sync::Arc;
    ///
    /// # fn config(_: &Tenant) -> Result<Config, StartError> { unimplemented!() }
    /// #[derive(Debug)]
    /// struct OverMesh;
    ///
    /// #[async_trait]
    /// impl WorkerFactory for OverMesh {
    ///     async fn worker(&self, tenant: &Tenant) -> Result<Worker, StartError> {
    ///         # let _ = tenant;
    ///         unimplemented!("as in the example of `Fleet`")
    ///     }
    ///
    ///     async fn by_batch(
    ///         &self,
    ///         tenant: &Tenant,
    ///         worker: &Worker,
    ///     ) -> Result<Option<ByBatch>, StartError> {
    ///         let folder = Path::new("/var/lib/nhs-pds").join(tenant.name.as_str());
    ///         let mailbox = Mailbox::over_http(config(tenant)?, HttpConfig::new())
    ///             .map_err(|error| StartError::broken(error.to_string()))?;
    ///         let batches = Batches::beside(worker, folder);
    ///         Ok(Some(ByBatch::new(batches, Arc::new(mailbox), BatchPolicy::first_load())))
    ///     }
    /// }
    /// # }
    /// ```
    #[cfg(feature = "batch")]
    #[cfg_attr(docsrs, doc(cfg(feature = "batch")))]
    async fn by_batch(
        &self,
        tenant: &Tenant,
        worker: &Worker,
    ) -> Result<Option<ByBatch>, StartError> {
        let _ = (tenant, worker);
        Ok(None)
    }
}

/// Why the process of a tenant could not start.
///
/// The text is for operators. It is logged and shown. It must contain no secrets and no personal data.
///
/// ```
/// use nhs_pds::process::tenants::StartError;
///
/// let error = StartError::broken("/etc/nhs-pds/leeds.pem: no certificate: write one in PEM");
/// assert!(!error.is_unavailable());
/// assert!(StartError::unavailable("the database does not answer").is_unavailable());
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text}")]
pub struct StartError {
    text: String,
    is_unavailable: bool,
}

impl StartError {
    /// The tenant's configuration does not work. The fleet tries again after 5 seconds, then after 10, 20,
    /// 40 and each 60 seconds; at once when the directory has another version of the tenant.
    #[must_use]
    pub fn broken(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_unavailable: false }
    }

    /// Another system does not answer, such as the database. The fleet tries again after one second, then
    /// after two, four and each eight seconds.
    #[must_use]
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_unavailable: true }
    }

    /// Whether another system did not answer.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        self.is_unavailable
    }
}
