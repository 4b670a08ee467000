use std::error::Error as StdError;

/// A configuration from which no transport can be made. Nothing was sent.
///
/// The cause never quotes what it was given: a key whose line breaks were lost would otherwise be
/// printed whole.
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

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

/// What is wrong with a configuration, and so what to put right.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ConfigErrorKind {
    /// The client certificate is not PEM or not X.509. Give the certificate that was issued for the
    /// endpoint, followed by the intermediate certificates, each between `BEGIN CERTIFICATE` and
    /// `END CERTIFICATE` lines.
    #[error("the client certificate cannot be read")]
    Certificate,
    /// The certificate that was to be taken over, or one of its issuers, has expired or is not valid
    /// yet. Give the renewed one; take issuers out that it does not need.
    #[error("the client certificate is not valid at this time")]
    CertificateExpired,
    /// The system's TLS or network layer could not be set up. Report a defect, with the cause.
    #[error("the client cannot be set up")]
    Client,
    /// The private key is protected by a passphrase, which cannot be asked for here. Decrypt it
    /// (`openssl pkey -in encrypted.pem -out key.pem`) and let the file's permissions or the secret
    /// store protect it.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// The private key is not PEM, or of a kind that is not supported. Give an RSA key of at least
    /// 2048 bits or an ECDSA key (P-256, P-384), as PKCS#8, PKCS#1 or SEC1.
    #[error("the private key cannot be read")]
    Key,
    /// The private key is not that of the first certificate. Give the key from which the
    /// certificate was requested, and put the endpoint's own certificate before its issuers'.
    #[error("the private key does not belong to the client certificate")]
    KeyMismatch,
    /// The proxy's address is not one of an HTTP proxy. Give `http://host:port` or
    /// `https://host:port`.
    #[error("the proxy cannot be used")]
    Proxy,
    /// The root certificates are not PEM or not X.509, or the system has none. Give those of the
    /// authority that issued the service's certificate, or install the system's.
    #[error("the root certificates cannot be read")]
    Roots,
}
