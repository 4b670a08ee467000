use std::error::Error as StdError;

/// Why an operation on an audit trail failed. Nothing was appended.
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

    /// Returns this error with its cause. The cause must not contain anything of an event's
    /// content.
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

/// The kind of an audit-trail error, which says what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// A stored row is not a valid event, or is not where it should be: damage or tampering. Verify
    /// the trail, keep an unchanged copy of it, and have it investigated.
    #[error("what is stored cannot be read as an audit trail")]
    Corrupt,
    /// The trail is kept in another system, to which events are only sent
    /// ([`SinkLog`](crate::audit::SinkLog)). Read it, verify it, or erase the person in that
    /// system.
    #[error("the audit trail is kept in another system: read, verify or erase it there")]
    Elsewhere,
    /// There is no audit trail: the file is empty, belongs to another program, or is incomplete.
    #[error("no audit trail here: the file is empty, incomplete or belongs to another program")]
    NoTrail,
    /// No event records that the case was erased. First append a `case_erased` event about it, so
    /// that the trail explains the destroyed key.
    #[error("no event records that the case was erased")]
    NotErased,
    /// The trail can only be read: the file, its directory or the medium is read-only. An action
    /// that must be recorded does not take place. Open the file where it can be written;
    /// verification does not need that.
    #[error("the audit trail is read-only, so nothing can be recorded")]
    ReadOnly,
    /// The key is destroyed, but copies of it may still be in the log's files, because another
    /// connection uses them or there is not enough space to rewrite them. Close other programs or
    /// free space, and forget the case again. Repeating the call is safe.
    #[error(
        "the key is destroyed, but the trail's files may still contain copies of it: close other \
         programs that use them, make sure that there is space for a second copy, and erase again"
    )]
    Residue,
    /// The trail was written by a newer version of this crate. Use that version.
    #[error("the audit trail belongs to a newer version")]
    Schema,
    /// The trail cannot be reached, read or written: locked, full, no permission, no such path. Do
    /// not perform the action that was to be audited. Try again later, and have the trail checked
    /// if the error continues.
    #[error("the audit trail is unavailable")]
    Unavailable,
    /// Data read from the trail could not be written to their destination. Free space there, and
    /// repeat the call.
    #[error("an extract of the audit trail could not be written")]
    Write,
}
