use crate::file::RowError;
use std::error::Error as StdError;

/// A register that could not be filled, read or written, keys that could not be read, or a request by file that could
/// not be answered.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct Error {
    kind: ErrorKind,
    row: Option<RowError>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(super) const fn new(kind: ErrorKind) -> Self {
        Self { kind, row: None, source: None }
    }

    pub(super) const fn of_row(row: RowError) -> Self {
        Self { kind: ErrorKind::Row, row: Some(row), source: None }
    }

    fn text(&self) -> String {
        self.row.map_or_else(|| self.kind.to_string(), |row| row.to_string())
    }

    pub(super) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The row of a history that cannot be used, for [`ErrorKind::Row`].
    #[must_use]
    pub const fn row(&self) -> Option<RowError> {
        self.row
    }

    /// The kind of error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// The kind of an error with a register, with keys or with a request by file, and what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The first line of a request by file has no column `UNIQUE REFERENCE`, or has a column twice, and is not that of
    /// an MPT request. Correct the file.
    #[error("the request has no column UNIQUE REFERENCE, or has a column twice")]
    BatchHeader,
    /// A request by file could not be read. The source of the error says why. Correct the path or the file.
    #[error("the request could not be read")]
    BatchRead,
    /// A response by file could not be written. The source of the error says why. Correct the path, or free some
    /// space.
    #[error("the response could not be written")]
    BatchWrite,
    /// The register already has a person with this NHS Number. Correct the data.
    #[error("the register already has a person with this NHS Number")]
    Duplicate,
    /// The first line has no column `NHS_NUMBER`, `DATE_OF_BIRTH`, `FAMILY_NAME` or `GENDER`. Correct the
    /// file.
    #[error("a required column is missing: NHS_NUMBER, DATE_OF_BIRTH, FAMILY_NAME or GENDER")]
    Header,
    /// The first line of a history lacks a column. Correct the file.
    #[error("a required column is missing: NHS_NUMBER, WHAT, FAMILY, GIVEN, POSTCODE, VALUE or TO")]
    HistoryHeader,
    /// The public keys of an application are not a JSON Web Key Set of RSA keys with `kid`, `n` and `e`.
    /// Correct the text.
    #[error("the keys are not a JSON Web Key Set of RSA keys with kid, n and e")]
    Keys,
    /// The file could not be read. The source of the error says why. Correct the path or the file.
    #[error("the register could not be read")]
    Read,
    /// A row of a history cannot be used. [`Error::row`] says which, and why. Correct the row.
    #[error("a row of the history cannot be used")]
    Row,
    /// The file could not be written. The source of the error says why. Correct the path, or free some
    /// space.
    #[error("the register could not be written")]
    Write,
}
