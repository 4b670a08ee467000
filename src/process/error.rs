use crate::audit;
use crate::case;
use std::error::Error as StdError;

/// A run that came to an early end. What was saved before it stays saved; the next run goes on.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl From<case::Error> for Error {
    fn from(error: case::Error) -> Self {
        let kind = match error.kind() {
            // A disk with faults is often mounted again read-only: once it is mended, the work goes on.
            case::ErrorKind::Unavailable | case::ErrorKind::ReadOnly => ErrorKind::StoreUnavailable,
            _ => ErrorKind::StoreBroken,
        };
        Self { kind, source: Some(error.into()) }
    }
}

impl From<audit::Error> for Error {
    fn from(error: audit::Error) -> Self {
        let kind = match error.kind() {
            audit::ErrorKind::Unavailable | audit::ErrorKind::ReadOnly => {
                ErrorKind::AuditUnavailable
            }
            _ => ErrorKind::AuditBroken,
        };
        Self { kind, source: Some(error.into()) }
    }
}

/// What ended a run, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The audit trail cannot be written, so nothing was done that would not be on record. Run again
    /// later.
    #[error("the audit trail is unavailable")]
    AuditUnavailable,
    /// The audit trail is damaged, or belongs to a newer version. Running again will not help: have it
    /// verified.
    #[error("the audit trail cannot be used")]
    AuditBroken,
    /// The store of cases cannot be read or written. Run again later.
    #[error("the store of cases is unavailable")]
    StoreUnavailable,
    /// The store of cases holds what is no case, belongs to a newer version, or does not keep to its
    /// contract. Running again will not help: have the store looked at.
    #[error("the store of cases cannot be used")]
    StoreBroken,
}
