use crate::secret::Secret;
use std::fmt;
use std::time::Duration;
use url::Url;

/// How an [`HttpTransport`](crate::transport::http::HttpTransport) connects, whom it trusts, and
/// when it gives up.
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

/// Who the client says it is: a certificate with its issuers, and its key, both as PEM.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) chain: Vec<u8>,
    pub(super) key: Secret<Vec<u8>>,
}

impl HttpConfig {
    /// No client certificate, the platform's roots, no proxy; 10 s to connect, 60 s in all, and at
    /// most 5 MiB of response.
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

    /// Shows this certificate to servers that ask for one (mutual TLS).
    ///
    /// `chain` holds PEM certificates: the endpoint's own first, then its intermediates. `key` is
    /// its private key as PEM: PKCS#8 (`BEGIN PRIVATE KEY`), PKCS#1 (`BEGIN RSA PRIVATE KEY`) or
    /// SEC1 (`BEGIN EC PRIVATE KEY`), not encrypted. Text around the PEM sections is passed over,
    /// so one file with both may be given twice.
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

    /// Trusts servers certified by these authorities, given as PEM, and no others.
    ///
    /// Right for the Spine, whose certificates come from NHS authorities: any other certificate is
    /// then an impostor's, whoever issued it. Without this, the platform decides: its own verifier
    /// on Windows and Apple systems; elsewhere the certificate files of the system, or those that
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    #[must_use]
    pub fn with_root_certificates_pem(mut self, roots: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(roots.into());
        self
    }

    /// Time to resolve the name, connect and shake hands: 10 s unless said otherwise.
    ///
    /// When it is up, nothing was sent, so the error is
    /// [`Connect`](crate::transport::ErrorKind::Connect).
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Time for the whole exchange, from connecting to the last byte: 60 s unless said otherwise.
    ///
    /// When it is up, the request may have arrived, so the error is
    /// [`Timeout`](crate::transport::ErrorKind::Timeout).
    #[must_use]
    pub const fn with_total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// Largest body accepted in a response: 5 MiB unless said otherwise.
    #[must_use]
    pub const fn with_max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Goes through the HTTP proxy at this `http` or `https` address, which may hold a user name and
    /// password for it.
    ///
    /// The proxy learns the host and port of the service, but not what is said: the TLS session is
    /// with the service. Loopback addresses are not sent to it. `HTTPS_PROXY` and its like in the
    /// environment are ignored, proxy or none: patient data go where this configuration says.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Url) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Allows `http` addresses that are not loopback. Whoever is on the path can then read and
    /// change what is said about patients.
    ///
    /// For a test bed whose network is separate. Loopback (`127.0.0.0/8`, `::1`, `localhost`) needs
    /// no permission.
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
        // The proxy's address may hold a password; its origin does not.
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
    fn debug_tells_no_secret() {
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
