use crate::audit;
use crate::case::{self, CaseId};
use std::error::Error as StdError;

/// An action that failed.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    case: Option<CaseId>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(super) const fn new(kind: ErrorKind) -> Self {
        Self { kind, case: None, source: None }
    }

    /// Returns what failed.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the case that the error is about, if any. `Display` omits it.
    #[must_use]
    pub const fn case(&self) -> Option<&CaseId> {
        self.case.as_ref()
    }
}

impl From<case::Error> for Error {
    fn from(error: case::Error) -> Self {
        let kind = match error.kind() {
            case::ErrorKind::Unavailable | case::ErrorKind::ReadOnly => ErrorKind::StoreUnavailable,
            case::ErrorKind::Residue => ErrorKind::Residue,
            case::ErrorKind::Corrupt if error.case().is_some() => ErrorKind::Unreadable,
            _ => ErrorKind::StoreBroken,
        };
        Self { kind, case: error.case().cloned(), source: Some(error.into()) }
    }
}

impl From<audit::Error> for Error {
    fn from(error: audit::Error) -> Self {
        let kind = match error.kind() {
            audit::ErrorKind::Unavailable => ErrorKind::AuditUnavailable,
            audit::ErrorKind::ReadOnly => ErrorKind::ReadOnly,
            audit::ErrorKind::Residue => ErrorKind::Residue,
            _ => ErrorKind::AuditBroken,
        };
        Self { kind, case: None, source: Some(error.into()) }
    }
}

/// What failed, and what to do. Nothing was changed, except by an erasure: to complete an
/// interrupted erasure, erase the case again.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The audit trail cannot be written or read. No action is done without a record. Try again
    /// later.
    #[error("the audit trail is unavailable")]
    AuditUnavailable,
    /// The audit trail is damaged, or belongs to a newer version. Verify it.
    #[error("the audit trail cannot be used")]
    AuditBroken,
    /// Other programs keep changing the cases. Review the cases and decide again.
    #[error("the cases have changed in the meantime")]
    Conflict,
    /// The audit trail is read-only, so nothing is shown or done. Open it with write access.
    #[error(
        "the audit trail is read-only, so nothing is recorded, shown or done: open it with write access"
    )]
    ReadOnly,
    /// The case is erased, but the files of the store or trail may still contain copies of it.
    /// Another connection uses them, or there is no room to rewrite them. Close other programs or
    /// free disk space, and erase the case again; this does no harm.
    #[error(
        "the case is erased, but its files may still contain copies of it: close other programs \
         that use them, make sure that there is disk space for a second copy, and erase the case again"
    )]
    Residue,
    /// A case that the action depends on is damaged and cannot be read. Other cases are not
    /// affected. Restore it from a copy, or erase it.
    #[error("a stored case is damaged and cannot be read: restore it from a copy, or erase it")]
    Unreadable,
    /// The store of cases cannot be read or written. Try again later.
    #[error("the store of cases is unavailable")]
    StoreUnavailable,
    /// The store of cases contains invalid data, belongs to a newer version, or breaks its
    /// contract. Have the store examined.
    #[error("the store of cases cannot be used")]
    StoreBroken,
}
