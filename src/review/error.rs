use crate::audit;
use crate::case;
use std::error::Error as StdError;

/// An action that could not be carried out.
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

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl From<case::Error> for Error {
    fn from(error: case::Error) -> Self {
        let kind = match error.kind() {
            case::ErrorKind::Unavailable => ErrorKind::StoreUnavailable,
            _ => ErrorKind::StoreBroken,
        };
        Self { kind, source: Some(error.into()) }
    }
}

impl From<audit::Error> for Error {
    fn from(error: audit::Error) -> Self {
        let kind = match error.kind() {
            audit::ErrorKind::Unavailable => ErrorKind::AuditUnavailable,
            _ => ErrorKind::AuditBroken,
        };
        Self { kind, source: Some(error.into()) }
    }
}

/// What went wrong, and so what to do about it. Nothing was done, unless a case was being erased: an
/// erasure that ended early is completed by erasing the case again.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The audit trail cannot be written or read, so nothing is done that would not be on record. Try
    /// again later.
    #[error("the audit trail is unavailable")]
    AuditUnavailable,
    /// The audit trail is damaged, or belongs to a newer version. Have it verified.
    #[error("the audit trail cannot be used")]
    AuditBroken,
    /// Somebody else keeps changing the cases. Look at them again, and decide again.
    #[error("the cases have changed in the meantime")]
    Conflict,
    /// The store of cases cannot be read or written. Try again later.
    #[error("the store of cases is unavailable")]
    StoreUnavailable,
    /// The store of cases holds what is no case, belongs to a newer version, or does not keep to its
    /// contract. Have the store looked at.
    #[error("the store of cases cannot be used")]
    StoreBroken,
}
