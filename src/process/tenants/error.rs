use std::error::Error as StdError;

/// Why a directory of tenants could not be read or changed. Nothing was changed.
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

    /// Returns this error with its cause. The cause must not contain settings of a tenant.
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

/// The kind of an error of a directory, which says what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Another operator has changed the tenant since it was read, or there is no such tenant. Read it
    /// again, and decide again.
    #[error("the tenant has changed since it was read, or does not exist: read it again")]
    Conflict,
    /// The stored tenant cannot be read. Store it again.
    #[error("the stored tenant cannot be read: correct its row")]
    Corrupt,
    /// A tenant with this name already exists. Choose another name, or update the tenant.
    #[error("a tenant with this name already exists")]
    Exists,
    /// The directory was made by another version of this crate. Use that version, or migrate.
    #[error("the directory of tenants belongs to another version")]
    Schema,
    /// The directory cannot be read or written. Try again later.
    #[error("the directory of tenants is unavailable: try again later")]
    Unavailable,
}
