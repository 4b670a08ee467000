use std::error::Error as StdError;

/// A register that could not be filled, read or written, or keys that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(super) const fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(super) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What went wrong with a register or with keys, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// A person with this NHS Number is in the register already. Correct the data.
    #[error("the register has a person with this NHS Number already")]
    Duplicate,
    /// The first line lacks a column that every register has: `NHS_NUMBER`, `DATE_OF_BIRTH`,
    /// `FAMILY_NAME` or `GENDER`. Correct the file.
    #[error("the file lacks a column that every register has")]
    Header,
    /// The public keys of an application are no JSON Web Key Set of RSA keys with `kid`, `n` and `e`.
    /// Correct the text.
    #[error("the keys are no set of RSA keys with their ids")]
    Keys,
    /// The file could not be read; the cause says why. Correct the path or the file.
    #[error("the register could not be read")]
    Read,
    /// The file could not be written; the cause says why. Correct the path, or free some space.
    #[error("the register could not be written")]
    Write,
}
