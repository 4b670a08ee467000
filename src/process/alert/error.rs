use std::error::Error as StdError;

/// An alert that was not delivered.
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

    /// The same error, with its cause, which must not carry anything of the alert.
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

/// What went wrong with an alert, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The alerts are deleted, but copies of them may still be found in the file, because another
    /// connection is using it or there is no room to rewrite it. Close other programs or free room, and
    /// forget the case again; doing so twice does no harm.
    #[error(
        "the alerts are deleted, but the file may still hold copies of them: close other programs \
         that use it, make sure that there is room for a second copy, and erase again"
    )]
    Residue,
    /// It could not be delivered. Deliver it again later.
    #[error("the alert could not be delivered")]
    Unavailable,
}
