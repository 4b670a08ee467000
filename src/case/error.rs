use crate::case::CaseId;
use std::error::Error as StdError;

/// A store that did not do what was asked. Nothing was changed, except for
/// [`Residue`](ErrorKind::Residue).
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    case: Option<CaseId>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self { kind, case: None, source: None }
    }

    /// The same error, with the case that it is about.
    #[must_use]
    pub fn with_case(mut self, case: CaseId) -> Self {
        self.case = Some(case);
        self
    }

    /// The same error, with its cause, which must not carry anything of a case's content.
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

    /// Whether one case is damaged, and not the store.
    pub(crate) fn is_about_a_damaged_case(&self) -> bool {
        self.kind == ErrorKind::Corrupt && self.case.is_some()
    }

    /// The case that the error is about, when it is about one. `Display` leaves it out.
    #[must_use]
    pub const fn case(&self) -> Option<&CaseId> {
        self.case.as_ref()
    }
}

/// What was read, or nothing if the case is stored and cannot be read: whatever does not depend on that
/// case goes on without it.
pub(crate) fn readable<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(error) if error.is_about_a_damaged_case() => Ok(None),
        read => read,
    }
}

/// What went wrong with a store, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The case was saved by somebody else since it was read, or is not new where a new one is
    /// needed. Read it again and decide again.
    #[error("the case has changed since it was read")]
    Conflict,
    /// What is stored is no case. If the error names a case, only that one is damaged: restore it from
    /// a copy, or erase it. If it names none, the store as a whole is: restore a copy.
    #[error("what is stored cannot be read as a case")]
    Corrupt,
    /// A case of this id is there already, or comes twice. Save the one that exists, or correct the
    /// ids.
    #[error("a case of this id exists already")]
    Exists,
    /// Another case holds the number that the case was to be the only one to hold. Ask who holds it,
    /// and find out whether it is the same person (MSCA-DQ-01).
    #[error("another case holds the number")]
    NumberTaken,
    /// There is no case of this id. Insert it, or drop it where it came from too.
    #[error("there is no case of this id")]
    NotFound,
    /// The store can only be read: the file, its directory or the medium is read-only. Open it where
    /// it can be written.
    #[error("the store is read-only")]
    ReadOnly,
    /// The case is erased, but copies of what it was may still be found in the store's files, because
    /// another connection is using them or there is no room to rewrite them. Close other programs or
    /// free room, and erase the case again; doing so twice does no harm.
    #[error(
        "the case is erased, but the store's files may still hold copies of what it was: close \
         other programs that use them, make sure that there is room for a second copy, and erase again"
    )]
    Residue,
    /// The store was written by a newer version of this crate. Use that version.
    #[error("the store belongs to a newer version")]
    Schema,
    /// The store cannot be reached, read or written: locked, full, no permission, no such place. Try
    /// again later, and have the store looked at when that does not help.
    #[error("the store is unavailable")]
    Unavailable,
}
