use crate::demographics::DateError;
use crate::nhs_number::ParseError;
use crate::text::ValueError;
use std::error::Error as StdError;
use std::fmt;

/// Why a file was not read or not written at all.
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

    /// The kind of the error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// The kind of a file error, which says what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The first line lacks a column, or has a column twice; the cause names it. Correct the file.
    #[error("the first line does not have the columns of a caseload")]
    Header,
    /// The file is a workbook, a web page or another file that is not CSV; the cause names it. Save
    /// the sheet as "CSV UTF-8", and read that file.
    #[error("the file is not CSV text; save the sheet as \"CSV UTF-8\"")]
    NotCsv,
    /// The file was changed while it was read. Read it again.
    #[error("the file was changed while it was read; read it again")]
    Changed,
    /// Reading or writing failed. Try again, and have the disk or the connection checked.
    #[error("the file could not be read or written")]
    Io,
}

/// A row that was rejected, and why. Contains no value of the row.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefusedRow {
    /// The line of the file on which the row begins; the first line, with the column names, is 1.
    pub line: u64,
    /// The line on which the row ends. It is later when a quoted value contains line breaks, or
    /// when a quotation mark is not closed and the following lines become part of the value.
    pub last_line: u64,
    /// The column with the fault, if it is a single column.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub reason: Fault,
}

impl fmt::Display for RefusedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        place(f, self.line, self.last_line, self.column)?;
        write!(f, ": {}", self.reason)
    }
}

/// A row that was read without its NHS Number, because the number is damaged. Contains no value of
/// the row.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlaggedRow {
    /// The line of the file on which the row begins; the first line, with the column names, is 1.
    pub line: u64,
    /// The line on which the row ends.
    pub last_line: u64,
    /// The column that was read as blank.
    pub column: &'static str,
    /// What is wrong with its value.
    pub reason: Fault,
}

impl fmt::Display for FlaggedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        place(f, self.line, self.last_line, Some(self.column))?;
        write!(f, ": {}; the row was read without it", self.reason)
    }
}

fn place(
    f: &mut fmt::Formatter<'_>,
    line: u64,
    last_line: u64,
    column: Option<&str>,
) -> fmt::Result {
    if last_line > line {
        write!(f, "lines {line} to {last_line}")?;
    } else {
        write!(f, "line {line}")?;
    }
    column.map_or(Ok(()), |column| write!(f, ", {column}"))
}

/// What is wrong with a row. Correct the row in the local system, and read it again.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A required value is blank: a case id, a record type, the worker of an allocation that has
    /// dates, the number that has a source. Complete the row.
    #[error("blank where a value is required")]
    Blank,
    /// A control character, such as a line break, where none is allowed. Correct the row.
    #[error("contains a control character")]
    Control,
    /// The value differs from the first row of the same case. Correct both rows. If the value is
    /// about who the person is, the case is not traced until then.
    #[error("differs from the first row of the same case")]
    Contradiction,
    /// The value is not a date, or not a full date where one is required. Correct the row.
    #[error(transparent)]
    Date(#[from] DateError),
    /// Bytes that are neither UTF-8 nor UTF-16, often from a file in Windows-1252 ("ANSI").
    /// Guessing the encoding could change accented letters, so nothing is guessed: save the file as
    /// "CSV UTF-8".
    #[error("not UTF-8; save the file as \"CSV UTF-8\"")]
    Encoding,
    /// More or fewer values than the first line has names: often a comma that is not quoted.
    /// Correct the row.
    #[error("the number of values differs from the number of column names")]
    FieldCount,
    /// The value is not a gender. Correct the row.
    #[error(transparent)]
    Gender(ValueError),
    /// The value is not an NHS Number: its digits are damaged. The row is read without it
    /// ([`FlaggedRow`]). Correct the number in the local system, from the person's documents, or
    /// remove it.
    #[error(transparent)]
    NhsNumber(#[from] ParseError),
    /// A case id is longer than a store can index. Correct the row.
    #[error("longer than {} bytes", crate::case::id::CaseId::LONGEST)]
    Long,
    /// A quotation mark is not closed, so the end of the row is not certain. Correct the row.
    #[error("a quotation mark is not closed")]
    Quote,
}
