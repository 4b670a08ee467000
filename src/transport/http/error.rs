use std::error::Error as StdError;

/// A configuration that cannot be used. Nothing was sent.
///
/// The cause never quotes the input: a key that lost its line breaks would otherwise be printed
/// whole.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct ConfigError {
    kind: ConfigErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ConfigError {
    pub(super) fn new(
        kind: ConfigErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    pub(super) const fn without_source(kind: ConfigErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

/// What is wrong with a configuration, and how to correct it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ConfigErrorKind {
    /// The client certificate is not PEM or not X.509. Use the endpoint's own certificate, followed
    /// by the intermediate certificates, each between `BEGIN CERTIFICATE` and `END CERTIFICATE`
    /// lines.
    #[error("the client certificate cannot be read")]
    Certificate,
    /// The new certificate, or one of its issuers, has expired or is not valid yet. Use the renewed
    /// one; remove issuers that it does not need.
    #[error("the client certificate is not valid at this time")]
    CertificateExpired,
    /// The system's TLS or network layer could not be set up. Report a defect, with the cause.
    #[error("the client cannot be set up")]
    Client,
    /// A passphrase protects the private key, and this library cannot ask for it. Decrypt the key
    /// (`openssl pkey -in encrypted.pem -out key.pem`), and protect it by file permissions or a
    /// secret store.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// The private key is not PEM, or its kind is not supported. Use an RSA key of at least 2048
    /// bits or an ECDSA key (P-256, P-384), as PKCS#8, PKCS#1 or SEC1.
    #[error("the private key cannot be read")]
    Key,
    /// The private key does not match the first certificate. Use the key from which the certificate
    /// was requested, and put the endpoint's own certificate before its issuers'.
    #[error("the private key does not belong to the client certificate")]
    KeyMismatch,
    /// The address is not that of an HTTP proxy. Use `http://host:port` or `https://host:port`.
    #[error("the proxy address cannot be used")]
    Proxy,
    /// The root certificates are not PEM or not X.509, or the system has none. Use the roots of the
    /// authority that issued the service's certificate, or install the system's.
    #[error("the root certificates cannot be read")]
    Roots,
}
