use std::error::Error as StdError;

/// An exchange without a complete response.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Sets the cause. It must not contain a URL's path or query, or a body.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    #[cfg(feature = "http")]
    pub(in crate::transport) const fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Returns what failed.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What failed in an exchange, and what to do.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The server reports that the client certificate has expired. Correct the configuration: renew
    /// the certificate and install the new one.
    #[error("the server reports that the client certificate has expired")]
    ClientCertificateExpired,
    /// The server does not accept the client certificate. Its authority is unknown to the server,
    /// it is revoked or of the wrong kind, or the server does not admit its holder. Correct the
    /// configuration: use the certificate issued for this service and environment, with its
    /// intermediates, or ask the service to admit it.
    #[error("the server does not accept the client certificate")]
    ClientCertificateRefused,
    /// The server requires a client certificate and received none. None is configured, or the
    /// server cannot check keys of this kind. Correct the configuration: set the endpoint's
    /// certificate and key.
    #[error("the server requires a client certificate and received none")]
    ClientCertificateRequired,
    /// No connection was made, so nothing was sent: a retry is always safe.
    #[error("could not connect")]
    Connect,
    /// Refused before anything was sent: the address would send personal data unprotected, or is
    /// not an HTTP address. Correct the configuration: use an `https` address.
    #[error("the address is not https")]
    Insecure,
    /// The connection broke before the response was complete. Retry if the request may be repeated.
    #[error("the connection was lost")]
    Interrupted,
    /// The server closed a connection kept open from an earlier exchange, before the response
    /// began. It closed the connection just as it was used again. Retry if the request may be
    /// repeated. (A response that breaks off within its head looks the same to the client.)
    #[error("the server closed a reused connection before any response")]
    KeptConnectionClosed,
    /// The response is not HTTP/1. Check the address and port; if they are correct, report a defect
    /// to the service.
    #[error("the response is not HTTP")]
    NotHttp,
    /// The proxy requires a user name and password, or rejects those given. Nothing was sent.
    /// Correct the configuration: put them into the proxy's address.
    #[error("the proxy requires a user name and password")]
    ProxyAuthentication,
    /// The server's certificate has expired, or is not valid yet. Set this machine's clock if it is
    /// wrong. If it is right, ask the service to renew its certificate.
    #[error("the server's certificate has expired or is not valid yet")]
    ServerCertificateExpired,
    /// The server's certificate is from an untrusted authority. Correct the configuration: set the
    /// roots of the authority that the service's documents name. If they are already set, another
    /// server may be posing as the service: ask the service, and do not trust a new authority.
    #[error("the server's certificate is from an unknown authority")]
    ServerCertificateUnknown,
    /// The server's certificate is for another host, or the server does not know this host name.
    /// Correct the configuration: use the name in the certificate. If the address is correct,
    /// another server may be posing as the service.
    #[error("the server's certificate is for another host")]
    ServerName,
    /// No complete response arrived in time. Retry if the request may be repeated.
    #[error("no response in time")]
    Timeout,
    /// The TLS handshake failed for another reason: the server does not speak TLS, or the two sides
    /// share no cipher. Correct the configuration: the source says which.
    #[error("the TLS handshake failed")]
    Tls,
    /// The server does not support TLS 1.2 or later. Ask the service, or the owner of its proxy, to
    /// enable TLS 1.2 or 1.3; older versions give no protection.
    #[error("the server does not support TLS 1.2 or later")]
    TlsVersion,
    /// The response or its head is larger than the limit. Report a defect to the service.
    #[error("the response is larger than the limit")]
    TooLarge,
}

impl ErrorKind {
    /// Whether the configuration of either side must be corrected. Until then every exchange fails
    /// in the same way.
    ///
    /// The request may have reached the server all the same. In TLS 1.3 a server may refuse the
    /// client certificate (`ClientCertificateExpired`, `ClientCertificateRefused`,
    /// `ClientCertificateRequired`, `Tls`) after it has received the request.
    #[must_use]
    pub const fn is_configuration(self) -> bool {
        match self {
            Self::ClientCertificateExpired
            | Self::ClientCertificateRefused
            | Self::ClientCertificateRequired
            | Self::Insecure
            | Self::ProxyAuthentication
            | Self::ServerCertificateExpired
            | Self::ServerCertificateUnknown
            | Self::ServerName
            | Self::Tls
            | Self::TlsVersion => true,
            Self::Connect
            | Self::Interrupted
            | Self::KeptConnectionClosed
            | Self::NotHttp
            | Self::Timeout
            | Self::TooLarge => false,
        }
    }

    /// Whether the same exchange may succeed later without any action by a person.
    ///
    /// Of these errors, only [`Connect`](Self::Connect) guarantees that nothing was sent.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Connect | Self::Interrupted | Self::KeptConnectionClosed | Self::Timeout
        )
    }
}
