use crate::case::id::CaseId;
use std::error::Error as StdError;

/// Why an operation on a store failed. Nothing was changed, except for
/// [`Residue`](ErrorKind::Residue).
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    case: Option<CaseId>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self { kind, case: None, source: None }
    }

    /// Returns this error with the case that it is about.
    #[must_use]
    pub fn with_case(mut self, case: CaseId) -> Self {
        self.case = Some(case);
        self
    }

    /// Returns this error with its cause. The cause must not contain anything of a case's content.
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

    /// Whether a single case is damaged, and not the store.
    pub(crate) fn is_about_a_damaged_case(&self) -> bool {
        self.kind == ErrorKind::Corrupt && self.case.is_some()
    }

    /// The case that the error is about, if any. `Display` does not show it.
    #[must_use]
    pub const fn case(&self) -> Option<&CaseId> {
        self.case.as_ref()
    }
}

/// The result of a read, or `None` if the stored case is damaged. Work that does not depend on that
/// case continues without it.
pub(crate) fn readable<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(error) if error.is_about_a_damaged_case() => Ok(None),
        read => read,
    }
}

/// The kind of a store error, which says what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// Another worker or user has saved the case since it was read, or it is not new where a new
    /// case is required. Read it again and decide again.
    #[error("the case has changed since it was read")]
    Conflict,
    /// The stored data are not a valid case. If the error names a case, only that case is damaged:
    /// restore it from a copy, or erase it. If it names no case, the whole store is damaged:
    /// restore a copy.
    #[error("the stored data cannot be read as a case")]
    Corrupt,
    /// A case with this id already exists, or the id occurs twice. Save the existing case, or
    /// correct the ids.
    #[error("a case with this id already exists")]
    Exists,
    /// Another case has the number that only this case was to have. Ask the store for its holders,
    /// and find out whether it is the same person (MSCA-DQ-01).
    #[error("another case has the number")]
    NumberTaken,
    /// There is no case with this id. Insert it, or remove it at its source too.
    #[error("there is no case with this id")]
    NotFound,
    /// The store can only be read: the file, its directory or the medium is read-only. Open it
    /// where it can be written.
    #[error("the store is read-only")]
    ReadOnly,
    /// The case is erased, but copies of its data may still be in the store's files, because
    /// another connection uses them or there is not enough space to rewrite them. Close other
    /// programs or free space, and erase the case again. Repeating the call is safe.
    #[error(
        "the case is erased, but the store's files may still contain copies of its data: close \
         other programs that use them, make sure that there is space for a second copy, and erase again"
    )]
    Residue,
    /// The store was written by a newer version of this crate. Use that version.
    #[error("the store belongs to a newer version")]
    Schema,
    /// The store cannot be reached, read or written: locked, full, no permission, no such path. Try
    /// again later, and have the store checked if the error continues.
    #[error("the store is unavailable")]
    Unavailable,
}
