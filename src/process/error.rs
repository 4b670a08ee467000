use crate::audit;
use crate::case;
use std::error::Error as StdError;

/// A run that ended early. Saved changes stay saved; the next run continues.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Returns what failed.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl From<case::Error> for Error {
    fn from(error: case::Error) -> Self {
        let kind = match error.kind() {
            // A disk with faults is often mounted read-only. After a repair, runs continue.
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

/// What ended a run, and what to do.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The audit trail cannot be written. No action is done without a record. Run again later.
    #[error("the audit trail is unavailable")]
    AuditUnavailable,
    /// The audit trail is damaged, or belongs to a newer version. Another run does not help: verify
    /// the trail.
    #[error("the audit trail cannot be used")]
    AuditBroken,
    /// The store of cases cannot be read or written. Run again later.
    #[error("the store of cases is unavailable")]
    StoreUnavailable,
    /// The store of cases contains invalid data, belongs to a newer version, or breaks its
    /// contract. Another run does not help: have the store examined.
    #[error("the store of cases cannot be used")]
    StoreBroken,
}
