use std::error::Error as StdError;

/// An audit trail that did not do what was asked. Nothing was appended.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// The same error, with its cause, which must not carry anything of an event's content.
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
}

/// What went wrong with an audit trail, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// What is stored is no event, or not where it should be. Verify the trail, keep a copy of it
    /// as it is, and have it looked at: this is damage or tampering.
    #[error("what is stored cannot be read as an audit trail")]
    Corrupt,
    /// There is no audit trail: the file is empty, belongs to another program, or is incomplete.
    #[error("no audit trail here: the file is empty, incomplete or of another program")]
    NoTrail,
    /// No event says that the case was erased. Append a `case_erased` event about it first, so that
    /// the destroyed key is explained.
    #[error("no event says that the case was erased")]
    NotErased,
    /// The trail can only be read: the file, its directory or the medium is read-only. What has to be on
    /// record is not done. Open the file where it can be written; to verify it, it need not be.
    #[error("the audit trail is read-only, so nothing can be put on record")]
    ReadOnly,
    /// The key is destroyed, but copies of it may still be found in the log's files, because another
    /// connection is using them or there is no room to rewrite them. Close other programs or free
    /// room, and forget the case again; doing so twice does no harm.
    #[error(
        "the key is destroyed, but the trail's files may still hold copies of it: close other \
         programs that use them, make sure that there is room for a second copy, and erase again"
    )]
    Residue,
    /// The trail was written by a newer version of this crate. Use that version.
    #[error("the audit trail belongs to a newer version")]
    Schema,
    /// The trail cannot be reached, read or written: locked, full, no permission, no such place. Do
    /// not do what was to be audited; try again later, and have the trail looked at when that does
    /// not help.
    #[error("the audit trail is unavailable")]
    Unavailable,
    /// What was read from the trail could not be written where it was to go. Free the place, and
    /// ask again.
    #[error("an extract of the audit trail could not be written")]
    Write,
}
