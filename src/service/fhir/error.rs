use std::fmt;

/// JSON that is not the expected resource.
///
/// Shows the kind of the fault and its place, and never the value there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind}{}", Place(*line, *column))]
pub struct DecodeError {
    kind: DecodeErrorKind,
    line: usize,
    column: usize,
}

/// The place in a document; the whole document if the line is 0.
struct Place(usize, usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(0, _) => Ok(()),
            Self(line, column) => write!(f, " at line {line}, column {column}"),
        }
    }
}

impl DecodeError {
    /// An error about the whole of a well-formed document.
    pub(in crate::service::fhir) const fn of(kind: DecodeErrorKind) -> Self {
        Self { kind, line: 0, column: 0 }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// The line, from 1, of the document as received; 0 for the document as a whole.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1; 0 for the document as a whole.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        use serde_json::error::Category;
        let kind = match error.classify() {
            Category::Eof => DecodeErrorKind::Truncated,
            Category::Data => DecodeErrorKind::Value,
            Category::Syntax | Category::Io => DecodeErrorKind::NotJson,
        };
        Self { kind, line: error.line(), column: error.column() }
    }
}

/// Why JSON is not the expected resource. Report each of these as a defect of the service, or of a proxy
/// in front of it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// A `Bundle` whose total is not the number of its entries, or that has neither a total nor entries.
    #[error("a total that is not the number of entries")]
    Count,
    /// A patient without an `id`, or with an `identifier` that is not the `id`.
    #[error("no identifier, or two different identifiers")]
    Identifier,
    /// Not JSON, or nested more than 128 deep.
    #[error("not JSON")]
    NotJson,
    /// A record with the label `REDACTED`. By its documentation the API never returns one. Use nothing
    /// in it.
    #[error("a record that is marked as redacted")]
    Redacted,
    /// A resource of another type than expected.
    #[error("a resource of another type")]
    ResourceType,
    /// More than 100,000 objects and lists.
    #[error("more objects and lists than the limit")]
    TooLarge,
    /// A document that ends too early.
    #[error("a document that ends too early")]
    Truncated,
    /// A value of the wrong type for its place, or a repeated key.
    #[error("a value that is not allowed")]
    Value,
}
