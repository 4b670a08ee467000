use crate::audit;
use crate::case::{self, CaseId};
use std::error::Error as StdError;

/// A run, or an action of a person, that ended early, because the store of cases or the audit trail failed.
///
/// After a run, what was saved before stays saved, and the next run goes on from there. After an action
/// nothing is changed, except in an erasure, which is completed by erasing the case again.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    case: Option<CaseId>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind, case: None, source: None }
    }

    pub(in crate::process) fn with_source(
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

    /// The case that the error is about, if it is about one. `Display` does not show it.
    #[must_use]
    pub const fn case(&self) -> Option<&CaseId> {
        self.case.as_ref()
    }

    /// Whether the next run may succeed without any change. A disk with faults is often mounted again
    /// read-only: once it is repaired, the next run goes on.
    pub(in crate::process) const fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::AuditReadOnly
                | ErrorKind::AuditUnavailable
                | ErrorKind::BatchFolder
                | ErrorKind::BatchFolderInUse
                | ErrorKind::StoreUnavailable
        )
    }
}

impl From<case::Error> for Error {
    fn from(error: case::Error) -> Self {
        let kind = match error.kind() {
            case::ErrorKind::Unavailable | case::ErrorKind::ReadOnly => ErrorKind::StoreUnavailable,
            case::ErrorKind::Residue => ErrorKind::Residue,
            case::ErrorKind::Corrupt if error.case().is_some() => ErrorKind::CaseUnreadable,
            _ => ErrorKind::StoreBroken,
        };
        Self { kind, case: error.case().cloned(), source: Some(error.into()) }
    }
}

impl From<audit::Error> for Error {
    fn from(error: audit::Error) -> Self {
        let kind = match error.kind() {
            audit::ErrorKind::Unavailable => ErrorKind::AuditUnavailable,
            audit::ErrorKind::ReadOnly => ErrorKind::AuditReadOnly,
            audit::ErrorKind::Residue => ErrorKind::Residue,
            audit::ErrorKind::Elsewhere => ErrorKind::AuditElsewhere,
            _ => ErrorKind::AuditBroken,
        };
        Self { kind, case: None, source: Some(error.into()) }
    }
}

/// What ended a run or an action, and so what to do about it.
#[non_exhaustive]
#[derive(
    Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The audit trail is damaged, or belongs to a newer version. Trying again does not help: have it
    /// verified.
    #[error("the audit trail cannot be used: have it verified")]
    AuditBroken,
    /// The audit trail is kept in another system, to which events are only sent. Look up or erase
    /// the person there. An erasure of a case is complete in the store of cases, and recorded.
    #[error("the audit trail is kept in another system: look up or erase the person there")]
    AuditElsewhere,
    /// The audit trail can only be read, so nothing is shown or done. Open it where it can be written.
    #[error(
        "the audit trail is read-only, so nothing is recorded, shown or done: open it where it can be \
         written"
    )]
    AuditReadOnly,
    /// The audit trail cannot be written or read. Nothing is done that cannot be recorded. Try again
    /// later.
    #[error("the audit trail is unavailable: try again later")]
    AuditUnavailable,
    /// A file of a batch cannot be read or written, such as on a full disk. Correct the cause, and try again.
    #[error("a file of a batch cannot be read or written: correct the cause, and try again")]
    BatchFolder,
    /// Another program works with the folder of the batches. Wait until it has ended.
    #[error("another program works with the folder of the batches: wait until it has ended")]
    BatchFolderInUse,
    /// The file is not a response to a batch; its error is the cause. Nothing was read from it.
    #[error("the file is not a response to a batch")]
    BatchResponse,
    /// There is no such batch, or its state does not allow the action.
    #[error("there is no such batch, or its state does not allow the action")]
    BatchState,
    /// A case that the action depends on is damaged and cannot be read; the other cases can. Restore it
    /// from a copy, or erase it.
    #[error("a stored case is damaged and cannot be read: restore it from a copy, or erase it")]
    CaseUnreadable,
    /// Another worker or user keeps changing the cases. Look at them again, and decide again.
    #[error("the cases have changed since they were read: look at them again, and decide again")]
    Conflict,
    /// The case is erased, but the files of the store or of the trail may still contain copies of it:
    /// another connection uses them, or there is no space to rewrite them. Close other programs or free
    /// space, and erase the case again; to erase it twice does no harm.
    #[error(
        "the case is erased, but its files may still contain copies of it: close other programs that \
         use them, make sure that there is space for a second copy, and erase the case again"
    )]
    Residue,
    /// The source of an import failed before its end; its error is the cause. What was imported before
    /// stays imported. Correct the cause, and import again.
    #[error("the local system's cases could not be read to their end: import them again")]
    SourceFailed,
    /// The store of cases has an entry that is not a case, belongs to a newer version, or breaks its
    /// contract. Trying again does not help: have the store checked.
    #[error("the store of cases cannot be used: have it checked")]
    StoreBroken,
    /// The store of cases cannot be read or written. Try again later.
    #[error("the store of cases is unavailable: try again later")]
    StoreUnavailable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_a_store_has_its_kind() {
        let id: CaseId = "RXX:1".parse().unwrap();
        for (store, kind, transient) in [
            (case::ErrorKind::Unavailable, ErrorKind::StoreUnavailable, true),
            (case::ErrorKind::ReadOnly, ErrorKind::StoreUnavailable, true),
            (case::ErrorKind::Residue, ErrorKind::Residue, false),
            (case::ErrorKind::Corrupt, ErrorKind::StoreBroken, false),
            (case::ErrorKind::Schema, ErrorKind::StoreBroken, false),
            (case::ErrorKind::Conflict, ErrorKind::StoreBroken, false),
        ] {
            let error = Error::from(case::Error::new(store));
            assert_eq!((error.kind(), error.is_transient()), (kind, transient), "{store:?}");
            assert_eq!(error.case(), None);
        }
        let damaged = case::Error::new(case::ErrorKind::Corrupt).with_case(id.clone());
        let error = Error::from(damaged);
        assert_eq!((error.kind(), error.case()), (ErrorKind::CaseUnreadable, Some(&id)));
        assert!(!error.is_transient() && !error.to_string().contains("RXX"));
    }

    #[test]
    fn each_failure_of_an_audit_trail_has_its_kind() {
        for (trail, kind, transient) in [
            (audit::ErrorKind::Unavailable, ErrorKind::AuditUnavailable, true),
            (audit::ErrorKind::ReadOnly, ErrorKind::AuditReadOnly, true),
            (audit::ErrorKind::Residue, ErrorKind::Residue, false),
            (audit::ErrorKind::Elsewhere, ErrorKind::AuditElsewhere, false),
            (audit::ErrorKind::Corrupt, ErrorKind::AuditBroken, false),
            (audit::ErrorKind::NoTrail, ErrorKind::AuditBroken, false),
            (audit::ErrorKind::Schema, ErrorKind::AuditBroken, false),
        ] {
            let error = Error::from(audit::Error::new(trail));
            assert_eq!((error.kind(), error.is_transient()), (kind, transient), "{trail:?}");
        }
    }
}
