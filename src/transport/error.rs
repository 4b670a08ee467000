use std::error::Error as StdError;

/// An exchange that brought no complete response.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// The same error, with its cause, which must not name a URL's path or query, or a body.
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

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What went wrong with an exchange, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The server says that the client certificate has expired. Fix the configuration: have the
    /// certificate renewed and give the new one.
    #[error("the server says that the client certificate has expired")]
    ClientCertificateExpired,
    /// The server does not accept the client certificate: it is of an authority that the server does
    /// not know, revoked, of the wrong kind, or of nobody whom the server admits. Fix the
    /// configuration: give the certificate that was issued for this service and this environment,
    /// with its intermediates, or have it admitted.
    #[error("the server does not accept the client certificate")]
    ClientCertificateRefused,
    /// The server demands a client certificate and was shown none, because none is configured or
    /// because the key is of a kind that the server cannot check. Fix the configuration: give the
    /// endpoint's certificate and key.
    #[error("the server demands a client certificate and was shown none")]
    ClientCertificateRequired,
    /// No connection was made, so nothing was sent: always safe to try again.
    #[error("could not connect")]
    Connect,
    /// Refused before anything was sent: the address would carry particulars unprotected, or is no
    /// HTTP address at all. Fix the configuration: give an `https` address.
    #[error("the address is not https")]
    Insecure,
    /// The connection broke before the response was complete. Try again what may be repeated.
    #[error("the connection was lost")]
    Interrupted,
    /// The server closed a connection that was kept open from an earlier exchange, and no response had
    /// begun: it gave the connection up just when it was used again. Try again what may be repeated.
    /// (A response that breaks off within its head looks the same from here.)
    #[error("the connection was reused, and closed before a byte of response")]
    KeptConnectionClosed,
    /// What answered does not speak HTTP/1. Report a defect at the service, after a look at whether
    /// the address and port are the service's.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// The proxy demands a user name and password, or takes others than those given; nothing was
    /// sent. Fix the configuration: put them into the proxy's address.
    #[error("the proxy demands a user name and password")]
    ProxyAuthentication,
    /// The server's certificate has expired, or is not valid yet. Fix the configuration: set this
    /// machine's clock if it is wrong; else have the service renew its certificate.
    #[error("the server's certificate has expired or is not valid yet")]
    ServerCertificateExpired,
    /// The server's certificate is of an authority that is not trusted. Fix the configuration: give
    /// the roots of the authority that the service's documents name. If those are configured,
    /// somebody else may be answering in the service's place: ask the service, and trust nothing new.
    #[error("the server's certificate is of an unknown authority")]
    ServerCertificateUnknown,
    /// The server's certificate is for another host, or the server knows of no host of this name.
    /// Fix the configuration: give the address with the name that the certificate has. If it is
    /// right, somebody else may be answering in the service's place.
    #[error("the server's certificate is for another host")]
    ServerName,
    /// No complete response in time. Try again what may be repeated.
    #[error("no answer in time")]
    Timeout,
    /// The TLS handshake failed for another reason: what answers does not speak TLS, or the two sides
    /// have no cipher in common. Fix the configuration: the source says which.
    #[error("the TLS handshake was refused")]
    Tls,
    /// The server offers no TLS version from 1.2 up. Fix the configuration: have the service, or the
    /// proxy before it, turn on TLS 1.2 or 1.3; older ones protect nothing.
    #[error("the server offers no TLS version from 1.2 up")]
    TlsVersion,
    /// The response is larger than the limit, or its head is. Report a defect at the service.
    #[error("the answer is larger than the limit")]
    TooLarge,
}

impl ErrorKind {
    /// Whether the configuration has to be put right, on either side: every other exchange will meet
    /// the same until then.
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

    /// Whether the same exchange may succeed later without anybody doing anything.
    ///
    /// Of these, only after [`Connect`](Self::Connect) is it certain that nothing was sent.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Connect | Self::Interrupted | Self::KeptConnectionClosed | Self::Timeout
        )
    }
}
