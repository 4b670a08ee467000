use crate::demographics::{DateError, GenderError};
use crate::nhs_number::ParseError;
use std::error::Error as StdError;
use std::fmt;

/// A file that was not read, or not written, at all.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What went wrong with a file, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The first line lacks a column, or has one twice; the cause names it. Correct the file.
    #[error("the first line is not that of a caseload")]
    Header,
    /// Reading or writing failed. Try again, and have the disk or the connection looked at.
    #[error("the file could not be read or written")]
    Io,
}

/// A row that was not taken in, and why. Holds nothing of what the row held.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefusedRow {
    /// The line of the file on which the row begins; the first line, with the names, is 1.
    pub line: u64,
    /// The line on which the row ends: a later one when a quoted value holds line breaks, or when a
    /// quotation mark is never closed and so takes in what follows.
    pub last_line: u64,
    /// The column at fault, when it is one.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub reason: Fault,
}

impl fmt::Display for RefusedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.last_line > self.line {
            write!(f, "lines {} to {}", self.line, self.last_line)?;
        } else {
            write!(f, "line {}", self.line)?;
        }
        if let Some(column) = self.column {
            write!(f, ", {column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// What is wrong with a row. Correct the row, in the local system, and read it again.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Nothing stands where something is needed: a case id, a record type, the worker of an allocation
    /// that has dates, the number that has a source. Complete the row.
    #[error("blank where a value is needed")]
    Blank,
    /// A control character, such as a line break, where none can stand. Correct the row.
    #[error("holds a control character")]
    Control,
    /// Other than in the first row of the same case. Say in both rows what is right; where it is about
    /// who the person is, the case is not traced until then.
    #[error("differs from the first row of the same case")]
    Contradiction,
    /// No date, or a date that has to be full and is not. Correct the row.
    #[error(transparent)]
    Date(#[from] DateError),
    /// Bytes that are not UTF-8. Write the file as UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// More or fewer values than the first line has names: often a comma that is not quoted. Correct
    /// the row.
    #[error("not as many values as the first line has names")]
    FieldCount,
    /// No gender. Correct the row.
    #[error(transparent)]
    Gender(#[from] GenderError),
    /// No NHS Number. Correct the row, from the person's papers or by leaving the number out.
    #[error(transparent)]
    NhsNumber(#[from] ParseError),
    /// A quotation mark that is not closed, so that where the row ends is a guess. Correct the row.
    #[error("a quotation mark is not closed")]
    Quote,
}
