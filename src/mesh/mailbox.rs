use crate::batch::{BatchTracer, Error, Inbox, Journal, Outgoing};
use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::mesh::calls::Calls;
use crate::mesh::collect;
use crate::mesh::config::Config;
use crate::mesh::submit;
use crate::transport::Transport;
#[cfg(feature = "http")]
use crate::transport::http::{ConfigError, HttpConfig, HttpTransport};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(feature = "http")]
use std::time::Duration;

/// The API asks for a handshake in each 24 hours. An hour less, because polls have intervals.
const HANDSHAKE: TimeDelta = TimeDelta::hours(23);

/// The largest chunk of the API, and some space.
#[cfg(feature = "http")]
const LARGEST_RESPONSE: usize = 110_000_000;

/// The time limit of a request in NHS England's own client.
#[cfg(feature = "http")]
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// A mailbox of MESH.
///
/// It uses the memory of one chunk ([`Config::with_chunk_bytes`]; of the sender's choice when it receives). It writes files
/// in parts: `<message>.part`, then `<message>.csv`. Beside a file that it sends in chunks it keeps `<file>.chunks`: the
/// size of the chunks, so that an interrupted file continues in the same ones after a change of the configuration.
/// It removes that file when the service has all chunks.
///
/// ```no_run
/// use nhs_pds::batch::{Arrival, BatchTracer, Error, Inbox};
/// use nhs_pds::mesh::{Config, Mailbox};
/// use nhs_pds::secret::Secret;
/// use nhs_pds::transport::http::HttpConfig;
///
/// /// Stores what has arrived.
/// struct Stored;
///
/// #[nhs_pds::async_trait]
/// impl Inbox for Stored {
///     async fn take(&mut self, arrival: Arrival) -> Result<(), Error> {
///         // Move the file, and record it. The mailbox then acknowledges it.
///         # drop(arrival);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (password, shared_key) = (Secret::new("..".to_owned()), Secret::new("..".to_owned()));
/// let endpoint = "https://msg.intspineservices.nhs.uk".parse()?;
/// let config = Config::new(endpoint, "X26ABC1".parse()?, password, shared_key, "X26ABC2".parse()?);
/// let http = HttpConfig::new()
///     .with_client_certificate_pem(std::fs::read("mesh.pem")?, Secret::new(std::fs::read("mesh.key")?))
///     .with_root_certificates_pem(std::fs::read("mesh-roots.pem")?);
/// let mailbox = Mailbox::over_http(config, http)?;
/// mailbox.collect("spool".as_ref(), &mut Stored).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Mailbox {
    calls: Calls,
    /// When the service last answered a handshake.
    greeted: Arc<Mutex<Option<DateTime<Utc>>>>,
}

impl Mailbox {
    /// Creates the mailbox of `config`, over `transport`.
    ///
    /// The transport must accept responses of 100 MB, and allow the time that they take. [`over_http`](Self::over_http)
    /// sets both.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, config: Config) -> Self {
        let calls = Calls {
            config: Arc::new(config),
            transport,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        };
        Self { calls, greeted: Arc::default() }
    }

    /// Creates the mailbox of `config` over HTTPS. Sends nothing.
    ///
    /// `http` has the client certificate and the roots of MESH, which the service's team gives. Its limits of size and
    /// time are replaced by those of MESH: 110 MB and ten minutes for each response.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind`](crate::transport::http::ConfigErrorKind) says which part of `http` to correct.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn over_http(config: Config, http: HttpConfig) -> Result<Self, ConfigError> {
        let http = http.with_max_response_bytes(LARGEST_RESPONSE).with_total_timeout(TIME_LIMIT);
        Ok(Self::new(Arc::new(HttpTransport::new(&http)?), config))
    }

    /// Sets the source of time.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.calls.clock = clock;
        self
    }

    /// Sets the source of identifiers, which nonces are made of.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.calls.ids = ids;
        self
    }

    /// Checks the connection, the certificates and the secrets, and changes nothing.
    ///
    /// [`submit`](BatchTracer::submit) and [`collect`](BatchTracer::collect) do this too: at first, and after 23 hours.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::batch::ErrorKind) says what to do.
    ///
    /// ```
    /// use nhs_pds::batch::ErrorKind;
    /// use nhs_pds::mesh::{Config, Mailbox};
    /// use nhs_pds::secret::{RawBody, Secret};
    /// use nhs_pds::transport::{Response, Scripted};
    /// use std::sync::Arc;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // In production `Mailbox::over_http`; here a service that refuses the password.
    /// let denied = Response::new(http::StatusCode::FORBIDDEN, RawBody::default());
    /// let (password, shared_key) = (Secret::new("..".to_owned()), Secret::new("..".to_owned()));
    /// let endpoint = "https://msg.intspineservices.nhs.uk".parse()?;
    /// let config = Config::new(endpoint, "X26ABC1".parse()?, password, shared_key, "X26ABC2".parse()?);
    /// let mailbox = Mailbox::new(Arc::new(Scripted::new([Ok(denied)])), config);
    /// assert_eq!(mailbox.handshake().await.unwrap_err().kind(), ErrorKind::Configuration);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn handshake(&self) -> Result<(), Error> {
        self.calls.handshake().await?;
        *self.greeted.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.calls.clock.now());
        Ok(())
    }

    async fn handshake_if_due(&self) -> Result<(), Error> {
        let greeted = *self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
        let age = greeted.map(|at| self.calls.clock.now() - at);
        // A negative age is of a clock that was set back.
        if age.is_some_and(|age| age >= TimeDelta::zero() && age < HANDSHAKE) {
            return Ok(());
        }
        self.handshake().await
    }
}

#[async_trait]
impl BatchTracer for Mailbox {
    async fn submit(&self, file: Outgoing<'_>, journal: &mut dyn Journal) -> Result<(), Error> {
        self.handshake_if_due().await?;
        submit::submit(&self.calls, file, journal).await
    }

    async fn collect(&self, folder: &Path, inbox: &mut dyn Inbox) -> Result<usize, Error> {
        self.handshake_if_due().await?;
        collect::collect(&self.calls, folder, inbox).await
    }
}
