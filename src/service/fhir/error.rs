use std::fmt;

/// JSON that is not the resource it should be.
///
/// Says of what kind and where, and never what stands there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind}{}", Place(*line, *column))]
pub struct DecodeError {
    kind: DecodeErrorKind,
    line: usize,
    column: usize,
}

/// Where in a document, unless the whole of it is meant.
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
    /// A document that is well-formed, and another than was asked for.
    pub(in crate::service::fhir) const fn of(kind: DecodeErrorKind) -> Self {
        Self { kind, line: 0, column: 0 }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// The line, from 1, of the document as it came; 0 when the document as a whole is meant.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1; 0 when the document as a whole is meant.
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

/// Why JSON is not the resource it should be. All of these are to be reported as a defect at the service,
/// or on the way from it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// A `Bundle` whose total is not the number of its entries, or that has neither.
    #[error("a total that is not the number of entries")]
    Count,
    /// A patient without an `id`, or with another `identifier`.
    #[error("no identifier, or two that differ")]
    Identifier,
    /// Not JSON, or nested more than 128 deep.
    #[error("not JSON")]
    NotJson,
    /// A record labelled `REDACTED`, which the API is documented never to return. Nothing in it may be used.
    #[error("a record that is marked as redacted")]
    Redacted,
    /// Another resource than was asked for.
    #[error("another resource")]
    ResourceType,
    /// More than 100,000 objects and lists.
    #[error("too large")]
    TooLarge,
    /// A document that ends too early.
    #[error("cut off")]
    Truncated,
    /// A value of another type than the resource has in this place, or a key that comes twice.
    #[error("a value that is not allowed")]
    Value,
}
