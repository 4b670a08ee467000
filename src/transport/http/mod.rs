//! HTTPS with mutual TLS, on reqwest and rustls.
//!
//! The Spine knows an endpoint by its client certificate, so that certificate and its key are what
//! an installation mainly configures; see [`HttpConfig`].
//!
//! Secure unless asked: TLS 1.2 or later; certificates always verified, with the host's name among
//! the subject alternative names; no plain HTTP except to the machine itself; no proxy from the
//! environment; no redirects, which would carry particulars to whoever is named in one; no
//! decompression, which turns a small answer into a large one; a limit on size and on time.
//!
//! Each call is one attempt. Connections are kept open between calls; a request that such a
//! connection had not begun to send when the server closed it goes out on a fresh one, since
//! nothing of it had left. A request that had begun is
//! [`ErrorKind::KeptConnectionClosed`], which [`Retry`](crate::resilience::Retry) repeats once without
//! a charge to its budget.
//!
//! Not supported: HTTP/2, from which single exchanges gain nothing; encrypted keys and PKCS#12, which
//! need a passphrase; revocation lists, where the platform does not look at them itself; SOCKS.

mod client_auth;
mod config;
mod error;
mod expiry;
mod fault;
mod reuse;
mod tls;

pub use config::HttpConfig;
pub use error::{ConfigError, ConfigErrorKind};
pub use expiry::{CertificateExpiry, ExpiryWarning};

use crate::secret::Secret;
use crate::transport::http::client_auth::Shown;
use crate::transport::http::config::Identity;
use crate::transport::http::expiry::Validity;
use crate::transport::http::reuse::Answered;
use crate::transport::{Error, ErrorKind, Request, Response, Transport};
use ::http::Method;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use reqwest::redirect::Policy;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use url::{Host, Url};

const USER_AGENT: &str = concat!("nhs-pds/", env!("CARGO_PKG_VERSION"));

/// Load balancers commonly close idle connections after a minute. Letting go sooner keeps requests
/// off connections that are about to be closed.
const IDLE: Duration = Duration::from_secs(30);

const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Sends requests over HTTPS, or over plain HTTP to the machine itself.
///
/// Clones share their connections, and the client certificate: renewed in one, it is renewed in all.
/// Needs a Tokio runtime with its I/O and time drivers on.
///
/// After TLS 1.3 refuses a client certificate, the server may reset the connection before its reason
/// is read; that is [`ErrorKind::Interrupted`] instead of
/// [`ErrorKind::ClientCertificateRefused`] or its like.
///
/// ```no_run
/// use nhs_pds::secret::Secret;
/// use nhs_pds::transport::http::{HttpConfig, HttpTransport};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = Secret::new(std::fs::read("endpoint.key")?);
/// let config = HttpConfig::new()
///     .with_client_certificate_pem(std::fs::read("endpoint.pem")?, key)
///     .with_root_certificates_pem(std::fs::read("nhs-roots.pem")?);
/// let transport = HttpTransport::new(&config)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpTransport {
    shared: Arc<Shared>,
}

struct Shared {
    /// All but the identity, which changes.
    config: HttpConfig,
    current: RwLock<Current>,
}

/// What is replaced when the certificate is renewed: its connections go with it.
#[derive(Clone)]
struct Current {
    client: reqwest::Client,
    answered: Answered,
    validity: Option<Validity>,
}

impl HttpTransport {
    /// A transport as configured. Reads the certificates now; connects when first used.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind`] says which part of the configuration to put right.
    pub fn new(config: &HttpConfig) -> Result<Self, ConfigError> {
        let current = Current::new(config, config.identity.as_ref())?;
        let config = HttpConfig { identity: None, ..config.clone() };
        Ok(Self { shared: Arc::new(Shared { config, current: RwLock::new(current) }) })
    }

    /// Shows this certificate from the next request on, in every clone, without a restart.
    ///
    /// `chain` and `key` are as in [`HttpConfig::with_client_certificate_pem`]. Requests under way
    /// finish as they began; no request that begins after this goes over a connection, or resumes
    /// a TLS session, that the earlier certificate opened. The rest of the configuration stays, but
    /// the platform's roots are read again where it decides whom to trust.
    ///
    /// ```no_run
    /// use nhs_pds::clock::{Clock, SystemClock};
    /// use nhs_pds::secret::Secret;
    /// use nhs_pds::transport::http::HttpTransport;
    ///
    /// /// Called when the files have been replaced.
    /// fn renew(transport: &HttpTransport) -> Result<(), Box<dyn std::error::Error>> {
    ///     let key = Secret::new(std::fs::read("endpoint.key")?);
    ///     let chain = std::fs::read("endpoint.pem")?;
    ///     transport.renew_client_certificate_pem(chain, key, SystemClock.now())?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`HttpTransport::new`], and [`ConfigErrorKind::CertificateExpired`] when the new
    /// certificate is not valid at `now`. The one in use then stays in use.
    pub fn renew_client_certificate_pem(
        &self,
        chain: impl Into<Vec<u8>>,
        key: Secret<Vec<u8>>,
        now: DateTime<Utc>,
    ) -> Result<(), ConfigError> {
        let identity = Identity { chain: chain.into(), key };
        let renewed = Current::new(&self.shared.config, Some(&identity))?;
        if !renewed.validity.is_none_or(|validity| validity.holds_at(now)) {
            return Err(ConfigError::without_source(ConfigErrorKind::CertificateExpired));
        }
        *self.shared.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    /// When the client certificate in use expires, if there is one.
    ///
    /// That is the earliest expiry of all certificates given with it: once an issuer's has expired,
    /// a server that needs it refuses the endpoint's own too.
    #[must_use]
    pub fn client_certificate_expiry(&self) -> Option<CertificateExpiry> {
        self.current().validity.map(Validity::expiry)
    }

    fn current(&self) -> Current {
        self.shared.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn protects(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => true,
            "http" => self.shared.config.plain_http || is_loopback(url),
            _ => false,
        }
    }

    async fn exchange(&self, request: Request) -> Result<Response, Failure> {
        let current = self.current();
        if let Some(validity) = current.validity {
            expiry::measure(validity.expiry().time());
        }
        let (method, url, headers, body) = request.into_parts();
        // A body of no length is a body, and some servers refuse a `GET` that has one.
        let body = (!body.is_empty() || method != Method::GET).then(|| body.expose().clone());
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = body.map(Into::into);
        let response = match current.client.execute(request).await {
            Ok(response) => response,
            Err(error) if fault::is_lost_on_reuse(&error, &current.answered) => {
                return Err(Failure::KeptConnectionClosed(error));
            }
            Err(error) => return Err(error.into()),
        };
        current.answered.remember(&response);
        self.read(response).await
    }

    /// Reads the response piece by piece, so that its size is known before memory is used up.
    async fn read(&self, mut response: reqwest::Response) -> Result<Response, Failure> {
        let limit = self.shared.config.max_response_bytes;
        let fits = |length| usize::try_from(length).is_ok_and(|length| length <= limit);
        if !response.content_length().is_none_or(fits) {
            return Err(Failure::TooLarge);
        }
        // Most responses come in one piece, which then is not copied.
        let (mut first, mut joined) = (Bytes::new(), BytesMut::new());
        while let Some(chunk) = response.chunk().await? {
            let length = first.len().max(joined.len());
            if chunk.len() > limit.saturating_sub(length) {
                return Err(Failure::TooLarge);
            }
            if length == 0 {
                first = chunk;
                continue;
            }
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&chunk);
        }
        let body = if joined.is_empty() { first } else { joined.freeze() };
        let headers = std::mem::take(response.headers_mut());
        Ok(Response::new(response.status(), body.into()).with_headers(headers))
    }
}

/// Why there is no response, before anybody has asked what follows from it.
enum Failure {
    Exchange(reqwest::Error),
    KeptConnectionClosed(reqwest::Error),
    TooLarge,
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Exchange(error)
    }
}

impl Failure {
    fn into_error(self, shown: Shown) -> Error {
        match self {
            Self::Exchange(error) => fault::classify(error, shown),
            Self::KeptConnectionClosed(error) => {
                let lost = fault::classify(error, shown);
                if lost.kind() == ErrorKind::Interrupted {
                    lost.with_kind(ErrorKind::KeptConnectionClosed)
                } else {
                    lost
                }
            }
            Self::TooLarge => Error::new(ErrorKind::TooLarge),
        }
    }
}

impl Current {
    fn new(config: &HttpConfig, identity: Option<&Identity>) -> Result<Self, ConfigError> {
        let (tls, validity) = tls::client_config(identity, config.roots.as_deref())?;
        // What a feature of reqwest would turn on by itself is turned off by name: another crate in
        // the same build may have asked for the feature.
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_proxy()
            .no_brotli()
            .no_deflate()
            .no_gzip()
            .no_zstd()
            .connect_timeout(config.connect_timeout)
            .timeout(config.total_timeout)
            .pool_idle_timeout(IDLE)
            .user_agent(USER_AGENT);
        if let Some(url) = &config.proxy {
            builder = builder.proxy(proxy(url)?);
        }
        let client = builder
            .build()
            .map_err(|error| ConfigError::new(ConfigErrorKind::Client, error.without_url()))?;
        let answered = Answered::new(config.total_timeout.saturating_add(IDLE));
        Ok(Self { client, answered, validity })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        if !self.protects(request.url()) {
            return Err(Error::new(ErrorKind::Insecure));
        }
        let (result, shown) = client_auth::watched(self.exchange(request)).await;
        result.map_err(|failure| failure.into_error(shown))
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("max_response_bytes", &self.shared.config.max_response_bytes)
            .field("plain_http", &self.shared.config.plain_http)
            .field("client_certificate_expiry", &self.client_certificate_expiry())
            .finish_non_exhaustive()
    }
}

fn proxy(url: &Url) -> Result<reqwest::Proxy, ConfigError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ConfigError::without_source(ConfigErrorKind::Proxy));
    }
    let proxy = reqwest::Proxy::all(url.clone())
        .map_err(|error| ConfigError::new(ConfigErrorKind::Proxy, error.without_url()))?;
    // Loopback may be spoken to without TLS because it stays on the machine; so it has to stay.
    Ok(proxy.no_proxy(reqwest::NoProxy::from_string(LOOPBACK)))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_the_machine_itself_and_nothing_that_looks_like_it() {
        let is_loopback = |url: &str| is_loopback(&url.parse().unwrap());
        for url in
            ["http://127.0.0.1/", "http://127.9.9.9:80/", "http://[::1]/", "http://LOCALHOST/"]
        {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://128.0.0.1/",
            "http://[::2]/",
            "http://0.0.0.0/",
            "http://127.0.0.1@pds.example/",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
