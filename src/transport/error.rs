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
    /// No connection was made, so nothing was sent: always safe to try again.
    #[error("could not connect")]
    Connect,
    /// Refused before anything was sent: the address would carry particulars unprotected, or is no
    /// HTTP address at all. Fix the configuration.
    #[error("the address is not https")]
    Insecure,
    /// The connection broke before the response was complete. Try again what may be repeated.
    #[error("the connection was lost")]
    Interrupted,
    /// No complete response in time. Try again what may be repeated.
    #[error("no answer in time")]
    Timeout,
    /// Certificates or keys were refused, by either side. Fix the configuration.
    #[error("the TLS handshake was refused")]
    Tls,
    /// The response is larger than the limit. Report a defect at the service.
    #[error("the answer is larger than the limit")]
    TooLarge,
}
