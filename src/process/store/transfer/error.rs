use crate::audit;
use crate::case;
use crate::process;
use std::error::Error as StdError;
use std::fmt;

/// Why a move ended early. The source is as it was, and the target is empty or marked as incomplete.
///
/// ```
/// use nhs_pds::process::store::transfer::ErrorKind;
///
/// assert!(ErrorKind::NotEmpty.to_string().contains("has cases or a trail of its own"));
/// ```
#[derive(thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    damaged: Vec<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What ended a move, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// A worker has cases of the source or of the target. Stop the workers, and wait for a minute.
    #[error("a worker has cases of the store: stop the workers, wait for a minute, and move again")]
    Busy,
    /// The source was used during the move. Stop what uses it, and move again: the move goes on.
    #[error("the source was used during the move: stop the programs that use it, and move again")]
    Changed,
    /// The source has cases or alerts that cannot be read. [`Error::damaged`] names them. Restore each from a copy,
    /// or erase it.
    #[error("the source has damaged cases or alerts: restore them from a copy, or erase the cases")]
    Damaged,
    /// The source is itself the target of a move that is not complete. Complete that move first.
    #[error("the source is the target of a move that is not complete: complete that move first")]
    Incomplete,
    /// After the move, target and source are not equal. Move again: everything is written again. If that does not
    /// help, another program writes to the target.
    #[error(
        "the target is not equal to the source: move again, and let no other program use the target"
    )]
    Mismatch,
    /// The target has cases, alerts or events, and no move from this source has written them. Choose another target.
    #[error("the target has cases or a trail of its own: choose an empty target")]
    NotEmpty,
    /// The tenant of the source or of the target is active. Pause it.
    #[error("the tenant is active: pause it during the move")]
    NotPaused,
    /// The target was written from another source. Choose the other source or another target.
    #[error("the target was moved from another source: choose another target")]
    OtherSource,
    /// A later move to the same target has begun. Let it complete.
    #[error("another move to this target has begun: let it complete")]
    Superseded,
    /// The source's audit trail was changed. Have it investigated before the move.
    #[error("the source's audit trail is broken: keep a copy, and have it investigated")]
    TrailBroken,
    /// The source or the target cannot be read or written. Try again: the move goes on.
    #[error("the source or the target cannot be read or written: try again")]
    Unavailable,
    /// The move is complete, and the source was used after it. Find out who used it: the target does not have that
    /// work.
    #[error(
        "the move is complete, but the source was used after it: the target does not have that work"
    )]
    UsedSince,
}

impl Error {
    pub(super) const fn new(kind: ErrorKind) -> Self {
        Self { kind, damaged: Vec::new(), source: None }
    }

    pub(super) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(super) fn with_damaged(mut self, damaged: Vec<String>) -> Self {
        self.damaged = damaged;
        self
    }

    /// What ended the move.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The ids of damaged cases and alerts for an operator, at most 100. They identify people, so neither `Display`
    /// nor `Debug` shows them.
    #[must_use]
    pub fn damaged(&self) -> &[String] {
        &self.damaged
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, damaged, source } = self;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("damaged", &damaged.len())
            .field("source", source)
            .finish()
    }
}

impl From<case::Error> for Error {
    fn from(error: case::Error) -> Self {
        Self::new(ErrorKind::Unavailable).with_source(error)
    }
}

impl From<audit::Error> for Error {
    fn from(error: audit::Error) -> Self {
        Self::new(ErrorKind::Unavailable).with_source(error)
    }
}

impl From<process::error::Error> for Error {
    fn from(error: process::error::Error) -> Self {
        Self::new(ErrorKind::Unavailable).with_source(error)
    }
}

#[cfg(feature = "postgres")]
impl From<crate::postgres::Error> for Error {
    fn from(error: crate::postgres::Error) -> Self {
        Self::new(ErrorKind::Unavailable).with_source(error)
    }
}

#[cfg(feature = "sqlite")]
impl From<crate::store::sqlite::Error> for Error {
    fn from(error: crate::store::sqlite::Error) -> Self {
        case::Error::from(error).into()
    }
}
