//! What can be wrong with the SQLite file.

use rusqlite::ErrorCode;

/// Why an operation on the file failed.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What is wrong with the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorKind {
    /// Damaged, or not an SQLite file.
    Corrupt,
    /// The file or its directory is read-only.
    ReadOnly,
    /// The change is stored, but the previous content may still be in the file.
    Residue,
    /// Written by a newer version of this crate.
    Schema,
    /// Locked, full, no permission, no such path; or no runtime to work on.
    Unavailable,
}

impl Error {
    pub(super) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unavailable, source: Some(source.into()) }
    }

    /// The work ended without a result: it panicked, or its runtime has ended.
    pub(super) const fn lost() -> Self {
        Self { kind: ErrorKind::Unavailable, source: None }
    }

    /// The same error once more, for another caller.
    pub(super) fn again(&self) -> Self {
        let source = self.source.as_ref().map(|source| source.to_string().into());
        Self { kind: self.kind, source }
    }

    pub(super) fn is_cannot_open(&self) -> bool {
        let source = self.source.as_ref().and_then(|error| error.downcast_ref::<rusqlite::Error>());
        source.and_then(rusqlite::Error::sqlite_error_code) == Some(ErrorCode::CannotOpen)
    }
}

/// Statements bind every value, so the text of an SQLite error contains table names at most.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let damaged = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ) || matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..)
        );
        let read_only = error.sqlite_error_code() == Some(ErrorCode::ReadOnly);
        let kind = match (damaged, read_only) {
            (true, _) => ErrorKind::Corrupt,
            (_, true) => ErrorKind::ReadOnly,
            _ => ErrorKind::Unavailable,
        };
        Self { kind, source: Some(error.into()) }
    }
}
