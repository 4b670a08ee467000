use std::error::Error as StdError;

/// Why an alert was not delivered.
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

    /// Returns this error with its cause. The cause must not contain anything of the alert.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind of the error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// The kind of an alert error, which says what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The alerts are deleted, but copies of them may still be in the file, because another
    /// connection uses it or there is not enough space to rewrite it. Close other programs or free
    /// space, and forget the case again. Repeating the call is safe.
    #[error(
        "the alerts are deleted, but the file may still contain copies of them: close other programs \
         that use it, make sure that there is space for a second copy, and erase again"
    )]
    Residue,
    /// The alert could not be delivered. Deliver it again later.
    #[error("the alert could not be delivered")]
    Unavailable,
}
