use std::error::Error as StdError;
use std::time::Duration;

/// A file that was not sent, or a mailbox that was not read.
///
/// The kind says what to do. Neither the error nor its sources contain personal data.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    code: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What to do after an [`Error`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The service did not answer, or asks to wait. Nothing is lost: try again later.
    #[error("the batch service did not answer: try again later")]
    Unavailable,
    /// The service refuses this client: its mailbox, password, certificate, clock or workflow. Every other call would
    /// get the same answer. Correct the configuration.
    #[error("the batch service refused the client: correct the configuration")]
    Configuration,
    /// The service refuses this one file. It has not taken it, and would refuse it again.
    #[error("the batch service refused the file")]
    Refused,
    /// Whether the service has taken the file is not known, and cannot be found out. Do not send it again: a person
    /// must ask the service.
    #[error(
        "whether the batch service has taken the file is not known: ask the service before it is sent again"
    )]
    Undetermined,
    /// The response of the service cannot be understood.
    #[error("the response of the batch service cannot be read")]
    Unreadable,
    /// A file cannot be read or written on this machine, such as on a full disk. Correct the cause, and try again.
    #[error("a file of a batch cannot be read or written on this machine")]
    Storage,
}

impl Error {
    /// Creates an error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self { kind, code: None, retry_after: None, source: None }
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the code of the service, such as `12` (MESH: unregistered recipient).
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets the wait that the service asks for.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Returns what to do.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the code of the service, if it sent one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns how long to wait before the next call, if the service says so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the same call may succeed later without any action by a person.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }
}

impl ErrorKind {
    /// Returns a stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Configuration => "configuration",
            Self::Refused => "refused",
            Self::Undetermined => "undetermined",
            Self::Unreadable => "unreadable",
            Self::Storage => "storage",
        }
    }
}
