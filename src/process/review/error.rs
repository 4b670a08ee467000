use crate::audit;
use crate::case::{self, CaseId};
use std::error::Error as StdError;

/// An action that could not be carried out.
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

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The case that the error is about, when it is about one. `Display` leaves it out.
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
    /// The audit trail can only be read, so nothing is shown or done. Open it where it can be written.
    #[error(
        "the audit trail is read-only, so nothing is put on record and nothing is shown or done"
    )]
    ReadOnly,
    /// The case is erased, but the files of the store or of the trail may still hold copies of what it
    /// was: another connection is using them, or there is no room to rewrite them. Close other programs
    /// or free room, and erase the case again; doing so twice does no harm.
    #[error(
        "the case is erased, but its files may still hold copies of what it was: close other programs \
         that use them, make sure that there is room for a second copy, and erase the case again"
    )]
    Residue,
    /// A case that the action depends on is damaged and cannot be read; the others can. Restore it from
    /// a copy, or erase it.
    #[error("a stored case is damaged and cannot be read: restore it from a copy, or erase it")]
    Unreadable,
    /// The store of cases cannot be read or written. Try again later.
    #[error("the store of cases is unavailable")]
    StoreUnavailable,
    /// The store of cases holds what is no case, belongs to a newer version, or does not keep to its
    /// contract. Have the store looked at.
    #[error("the store of cases cannot be used")]
    StoreBroken,
}
