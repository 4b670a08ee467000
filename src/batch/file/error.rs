use crate::batch::file::code::RecordCode;
use crate::batch::reference::Reference;
use std::error::Error as StdError;
use std::fmt;

/// Why a file was not read or written, or not to its end.
///
/// The kind says what to do. Neither the error nor its sources contain text of a row.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct FileError {
    kind: FileErrorKind,
    code: Option<RecordCode>,
    request: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl FileError {
    pub(super) const fn new(kind: FileErrorKind) -> Self {
        Self { kind, code: None, request: None, source: None }
    }

    pub(super) fn because(
        kind: FileErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, code: None, request: None, source: Some(source.into()) }
    }

    pub(super) const fn refused(code: RecordCode, request: Option<String>) -> Self {
        Self { kind: FileErrorKind::Refused, code: Some(code), request, source: None }
    }

    /// Returns what to do.
    #[must_use]
    pub const fn kind(&self) -> FileErrorKind {
        self.kind
    }

    /// Returns the code for the whole file, if the service sent one: see [`FileErrorKind::Refused`].
    #[must_use]
    pub const fn code(&self) -> Option<RecordCode> {
        self.code
    }

    /// Returns the name of the request that was refused, such as `MPTREQ_20261130101500`, if the file has it.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }
}

/// What to do after a [`FileError`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum FileErrorKind {
    /// Reading or writing failed. Try again, and have the disk or the connection checked.
    #[error("the batch file could not be read or written")]
    Io,
    /// The file is a workbook, is compressed, or is not in UTF-8; the cause says which. Get the file again as the service
    /// sent it.
    #[error("the batch file is not CSV text in UTF-8: get it again as the service sent it")]
    NotText,
    /// The file is empty, or its first lines belong to no known kind of response. Choose another file.
    #[error("the file is not a response of PDS MESH, the Master Patient Trace or the DBS")]
    Unknown,
    /// The first line lacks a column that is needed, or names one twice; the cause names it. Get the file again.
    #[error("the first line of the batch file does not have the columns of a response")]
    Columns,
    /// The file is of another workflow, such as a request. Choose the response.
    #[error("the batch file is of another workflow: choose the response")]
    Workflow,
    /// The service refuses the whole request, with a [code](FileError::code). No person of it was traced.
    #[error("the service refused the whole request file")]
    Refused,
    /// The number of rows is not the number that the first line states: rows are missing, or were added. The rows that were
    /// read are valid.
    #[error("the batch file does not have the number of rows that its first line states")]
    Count,
}

impl FileErrorKind {
    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::NotText => "not_text",
            Self::Unknown => "unknown",
            Self::Columns => "columns",
            Self::Workflow => "workflow",
            Self::Refused => "refused",
            Self::Count => "count",
        }
    }
}

/// A row that cannot be read, and why. Contains no text of the row, except a reference that is a UUID.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowError {
    /// The line of the file on which the row begins; the first line is 1.
    pub line: u64,
    /// What is wrong.
    pub kind: RowErrorKind,
    /// The reference of the row, if it can be read and is a UUID. Any other text may be out of place, and so be part of a
    /// name.
    pub reference: Option<Reference>,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

impl StdError for RowError {}

/// What is wrong with a row. Trace its person again.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, thiserror::Error)]
pub enum RowErrorKind {
    /// The row has fewer values than columns. It was cut off.
    #[error("the row has fewer values than columns: it was cut off")]
    Short,
    /// The row has more values than columns, such as by a comma in a value without quotation marks.
    #[error("the row has more values than columns")]
    Long,
    /// A quotation mark is not closed, is followed by further text of the value, or is in a value without quotation marks.
    #[error("a quotation mark is not closed, or is within a value")]
    Quote,
    /// The row has more than 65,536 bytes.
    #[error("the row is longer than 65,536 bytes")]
    Size,
    /// A value that is needed is not UTF-8.
    #[error("the row is not UTF-8")]
    Encoding,
    /// The row contains a zero byte.
    #[error("the row contains a zero byte")]
    Zero,
    /// The reference is blank, or has other characters than a [`Reference`].
    #[error("the reference of the row cannot be read")]
    Reference,
    /// The code or the number is not where the layout of a file without column names has it.
    #[error("the code and the number of the row are not where this kind of file has them")]
    Layout,
}

impl RowErrorKind {
    /// Returns a stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
            Self::Quote => "quote",
            Self::Size => "size",
            Self::Encoding => "encoding",
            Self::Zero => "zero",
            Self::Reference => "reference",
            Self::Layout => "layout",
        }
    }
}
