//! HTTPS with mutual TLS, on reqwest and rustls.
//!
//! The Spine identifies an endpoint by its client certificate. That certificate and its key are the
//! main settings of an installation; see [`HttpConfig`].
//!
//! Secure defaults: TLS 1.2 or later. Certificates are always verified, with the host's name among
//! the subject alternative names. No plain HTTP, except to this machine. No proxy from the
//! environment. No redirects, because they could send personal data to another server. No
//! decompression, which can turn a small response into a large one. Limits on size and time.
//!
//! Each call is one attempt. Connections stay open between calls. If the server closes one before
//! any part of a request was sent, the request is sent on a new connection. If a part was sent, the
//! error is [`ErrorKind::KeptConnectionClosed`], which [`Retry`](crate::resilience::Retry) retries once
//! without a charge to its budget.
//!
//! Not supported: HTTP/2, which does not help single exchanges; encrypted keys and PKCS#12, which
//! need a passphrase; revocation lists, unless the platform checks them; SOCKS.

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
use crate::tenant::Labels;
use crate::transport::Transport;
use crate::transport::error::{Error, ErrorKind};
use crate::transport::http::client_auth::Shown;
use crate::transport::http::config::Identity;
use crate::transport::http::expiry::Validity;
use crate::transport::http::reuse::Answered;
use crate::transport::message::{Request, Response};
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

/// Load balancers commonly close idle connections after a minute. A shorter limit avoids sending
/// requests on connections that are about to close.
const IDLE: Duration = Duration::from_secs(30);

const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Sends requests over HTTPS, or over plain HTTP to this machine.
///
/// Clones share connections and the client certificate: a renewal in one clone applies to all.
/// Needs a Tokio runtime with I/O and time drivers enabled.
///
/// In TLS 1.3, a server that refuses a client certificate may reset the connection before the
/// client reads the reason. The error is then [`ErrorKind::Interrupted`], not
/// [`ErrorKind::ClientCertificateRefused`] or a similar kind.
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
    labels: Labels,
}

struct Shared {
    /// Everything except the identity, which changes.
    config: HttpConfig,
    current: RwLock<Current>,
}

/// The part that a certificate renewal replaces, including the connections.
#[derive(Clone)]
struct Current {
    client: reqwest::Client,
    answered: Answered,
    validity: Option<Validity>,
}

impl HttpTransport {
    /// Creates a transport from the configuration. Reads the certificates now; connects when first
    /// used.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind`] says which part of the configuration to correct.
    pub fn new(config: &HttpConfig) -> Result<Self, ConfigError> {
        let current = Current::new(config, config.identity.as_ref())?;
        let config = HttpConfig { identity: None, ..config.clone() };
        let shared = Arc::new(Shared { config, current: RwLock::new(current) });
        Ok(Self { shared, labels: Labels::default() })
    }

    /// Sets the labels of the metric of the client certificate's expiry. Without labels, the certificates of two
    /// tenants in one process are one series.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Uses this certificate from the next request on, in every clone, without a restart.
    ///
    /// `chain` and `key` are as in [`HttpConfig::with_client_certificate_pem`]. Requests in
    /// progress continue unchanged. Later requests never use a connection, or resume a TLS session,
    /// that the earlier certificate opened. The rest of the configuration stays. If the platform's
    /// roots are used, they are read again.
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
    /// certificate is not valid at `now`. The current certificate then stays in use.
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

    /// Returns when the client certificate in use expires, if there is one.
    ///
    /// This is the earliest expiry of the certificate and its issuers: when an issuer's certificate
    /// has expired, a server that needs it also refuses the endpoint's certificate.
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
            expiry::measure(validity.expiry().time(), &self.labels);
        }
        let (method, url, headers, body) = request.into_parts();
        // An empty body is still a body, and some servers refuse a `GET` that has one.
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

    /// Reads the response in chunks, so that the size limit applies before memory is used up.
    async fn read(&self, mut response: reqwest::Response) -> Result<Response, Failure> {
        let limit = self.shared.config.max_response_bytes;
        let fits = |length| usize::try_from(length).is_ok_and(|length| length <= limit);
        if !response.content_length().is_none_or(fits) {
            return Err(Failure::TooLarge);
        }
        // Most responses are one chunk, which is not copied.
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

/// Why there is no response, before it is classified.
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
        // Disables by name what reqwest features enable by default: another crate in the same build
        // may have enabled a feature.
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

    fn certificate_expires(&self) -> Option<DateTime<Utc>> {
        self.client_certificate_expiry().map(CertificateExpiry::time)
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
    // Loopback is allowed without TLS because it stays on this machine, so it must not use the
    // proxy.
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
    fn only_loopback_addresses_are_this_machine() {
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
