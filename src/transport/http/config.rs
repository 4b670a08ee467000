use crate::secret::Secret;
use std::fmt;
use std::time::Duration;
use url::Url;

/// How an [`HttpTransport`](crate::transport::http::HttpTransport) connects, which servers it
/// trusts, and its time limits.
///
/// ```
/// use nhs_pds::transport::http::HttpConfig;
/// use std::time::Duration;
///
/// let config = HttpConfig::new().with_total_timeout(Duration::from_secs(20));
/// ```
#[derive(Clone)]
pub struct HttpConfig {
    pub(super) identity: Option<Identity>,
    pub(super) roots: Option<Vec<u8>>,
    pub(super) connect_timeout: Duration,
    pub(super) total_timeout: Duration,
    pub(super) max_response_bytes: usize,
    pub(super) proxy: Option<Url>,
    pub(super) plain_http: bool,
}

/// The client's identity: a certificate with its issuers, and its key, both as PEM.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) chain: Vec<u8>,
    pub(super) key: Secret<Vec<u8>>,
}

impl HttpConfig {
    /// The defaults: no client certificate, the platform's roots, no proxy, 10 s to connect, 60 s
    /// in total, and at most 5 MiB of response.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            identity: None,
            roots: None,
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(60),
            max_response_bytes: 5 * 1024 * 1024,
            proxy: None,
            plain_http: false,
        }
    }

    /// Sends this certificate to servers that request one (mutual TLS).
    ///
    /// `chain` contains PEM certificates: the endpoint's own first, then its intermediates. `key`
    /// is its private key as PEM: PKCS#8 (`BEGIN PRIVATE KEY`), PKCS#1 (`BEGIN RSA PRIVATE KEY`) or
    /// SEC1 (`BEGIN EC PRIVATE KEY`), not encrypted. Text around the PEM sections is ignored, so
    /// you can pass one file that contains both twice.
    ///
    /// ```
    /// use nhs_pds::secret::Secret;
    /// use nhs_pds::transport::http::HttpConfig;
    ///
    /// fn config() -> std::io::Result<HttpConfig> {
    ///     let chain = std::fs::read("endpoint.pem")?;
    ///     let key = Secret::new(std::fs::read("endpoint.key")?);
    ///     Ok(HttpConfig::new().with_client_certificate_pem(chain, key))
    /// }
    /// ```
    #[must_use]
    pub fn with_client_certificate_pem(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: Secret<Vec<u8>>,
    ) -> Self {
        self.identity = Some(Identity { chain: chain.into(), key });
        self
    }

    /// Trusts only servers certified by these authorities, given as PEM.
    ///
    /// Use this for the Spine, whose certificates come from NHS authorities. Any other certificate
    /// then shows a false server. Without this, the platform decides: its own verifier on Windows
    /// and Apple systems. On other systems it is the system's certificate files, or those named by
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    #[must_use]
    pub fn with_root_certificates_pem(mut self, roots: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(roots.into());
        self
    }

    /// Sets the time limit to resolve the name, connect and complete the handshake. Default: 10 s.
    ///
    /// Nothing was sent by then, so the error is [`Connect`](crate::transport::ErrorKind::Connect).
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the time limit for the whole exchange, from connecting to the last byte. Default: 60 s.
    ///
    /// The request may have arrived by then, so the error is
    /// [`Timeout`](crate::transport::ErrorKind::Timeout).
    #[must_use]
    pub const fn with_total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// Sets the largest response body accepted. Default: 5 MiB.
    #[must_use]
    pub const fn with_max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Uses the HTTP proxy at this `http` or `https` address, which may contain a user name and
    /// password for the proxy.
    ///
    /// The proxy sees the host and port of the service, but not the content: the TLS session is
    /// with the service. Loopback addresses bypass the proxy. `HTTPS_PROXY` and similar environment
    /// variables are always ignored, so that patient data go only where this configuration says.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Url) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Allows `http` addresses that are not loopback. Anyone on the network path can then read and
    /// change patient data.
    ///
    /// For a test bed on a separate network. Loopback (`127.0.0.0/8`, `::1`, `localhost`) is always
    /// allowed.
    #[must_use]
    pub const fn danger_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The proxy's address may contain a password; its origin does not.
        let proxy = self.proxy.as_ref().map(|url| url.origin().ascii_serialization());
        f.debug_struct("HttpConfig")
            .field("client_certificate", &self.identity.is_some())
            .field("private_roots", &self.roots.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("total_timeout", &self.total_timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("proxy", &proxy)
            .field("plain_http", &self.plain_http)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_contains_no_secret() {
        let config = HttpConfig::new()
            .with_client_certificate_pem("the chain", Secret::new(b"the key".to_vec()))
            .with_proxy("http://alice:hunter2@proxy.example:3128/".parse().unwrap());
        let shown = format!("{config:?}");
        for secret in ["the key", "116, 104", "alice", "hunter2"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("proxy.example:3128"), "{shown}");
    }
}
