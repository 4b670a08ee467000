use crate::demographics::Field;
use crate::secret::RawBody;
use crate::service::failure;
use crate::service::fhir::IssueCode;
use crate::service::fhir::auth::TokenError;
use crate::trace::{self, Exchange};
use crate::transport;
use http::StatusCode;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A call that brought no answer.
///
/// [`Error::kind`] says what happened, [`Error::action`] what to do about it. Neither the error nor
/// its sources show anything about a person; what was returned can still be had, for whoever has to
/// report a defect.
#[derive(Debug, thiserror::Error)]
#[error("{kind}{}", Detail(self))]
pub struct Error {
    kind: ErrorKind,
    action: trace::ErrorKind,
    status: Option<StatusCode>,
    code: Option<IssueCode>,
    field: Option<Field>,
    retry_after: Option<Duration>,
    body: RawBody,
    exchange: Option<Box<Exchange>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(in crate::service::fhir) fn new(kind: ErrorKind, action: trace::ErrorKind) -> Self {
        Self {
            kind,
            action,
            status: None,
            code: None,
            field: None,
            retry_after: None,
            body: RawBody::default(),
            exchange: None,
            source: None,
        }
    }

    pub(in crate::service::fhir) fn with_response(
        mut self,
        response: &transport::Response,
        retry_after: Option<Duration>,
    ) -> Self {
        self.status = Some(response.status());
        self.body = response.body().clone();
        self.retry_after = retry_after;
        self
    }

    pub(in crate::service::fhir) fn with_code(mut self, code: IssueCode) -> Self {
        self.code = Some(code);
        self
    }

    pub(in crate::service::fhir) const fn with_field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    pub(in crate::service::fhir) fn with_exchange(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(Box::new(exchange));
        self
    }

    pub(in crate::service::fhir) fn with_source(
        mut self,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do about it.
    #[must_use]
    pub const fn action(&self) -> trace::ErrorKind {
        self.action
    }

    /// The HTTP status, when a response came at all.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// The response's code: the first that is known, or else the first that is there.
    #[must_use]
    pub const fn code(&self) -> Option<&IssueCode> {
        self.code.as_ref()
    }

    /// The particular that has to be corrected, when it is known which.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        self.field
    }

    /// The response's body, JSON or not, which may name a person; empty when none came.
    #[must_use]
    pub const fn body(&self) -> &RawBody {
        &self.body
    }

    /// How long the service, or a proxy before it, asks to be left alone (`Retry-After`).
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The exchange: operation, message identifier, time, references, and the service's code if it gave
    /// one.
    #[must_use]
    pub fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_deref()
    }

    /// Whether the same question may be answered later without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.action, trace::ErrorKind::Unavailable)
    }
}

/// The parts of an error that are codes and numbers.
struct Detail<'a>(&'a Error);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(exchange) = &self.0.exchange else { return Ok(()) };
        write!(f, " ({} {}", exchange.operation, exchange.message_id)?;
        if let Some(code) = &self.0.code {
            write!(f, ", {}", code.loggable())?;
        }
        if let Some(status) = self.0.status {
            write!(f, ", HTTP {}", status.as_u16())?;
        }
        f.write_str(")")
    }
}

/// What happened instead of an answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// A search for one mode of access was given to a client of the other. Nothing was sent. Fix the
    /// configuration: make the client, or the search, for the mode that the token has.
    #[error("the search is for another mode of access")]
    Access,
    /// The API takes no such question: a name of more than 35 characters. Nothing was sent. Correct the
    /// data.
    #[error("the API takes no such question")]
    Criterion,
    /// The response is an `OperationOutcome` whose code stands for a failure. Do as [`Error::action`]
    /// says.
    #[error("the service answered with a failure code")]
    Issue,
    /// The answer is to something else than was asked: it repeats another `X-Request-ID`. Never use
    /// it; report a defect.
    #[error("the answer is not to what was asked")]
    Mismatch,
    /// The one person who matches has an identifier that is no NHS Number, so there is none to be
    /// told. Report a defect.
    #[error("the person found has no valid NHS Number")]
    NotANumber,
    /// Healthcare-worker access without a user who asks. Nothing was sent. Fix the configuration: let
    /// processes that run by themselves use application-restricted access.
    #[error("healthcare-worker access needs a user")]
    NoUser,
    /// An HTTP status that brought no `OperationOutcome`, as from a proxy. Do as [`Error::action`] says.
    #[error("the service answered with an HTTP status and no outcome")]
    Status,
    /// There is no access token, or none in place of one that was refused, so that nothing was answered.
    /// Do as [`Error::action`] says; the source is a [`TokenError`]. Status and body are the token
    /// endpoint's, if it answered; else those of the refusal, if there was one.
    #[error("there is no access token")]
    Token,
    /// No complete response came. Do as [`Error::action`] says; the source is a
    /// [`transport::Error`](crate::transport::Error).
    #[error("the exchange with the service failed")]
    Transport,
    /// What came back is no resource that was asked for. Report a defect; the source may be a
    /// [`DecodeError`](crate::service::fhir::DecodeError).
    #[error("the response could not be read")]
    Unreadable,
}

impl From<transport::Error> for Error {
    fn from(error: transport::Error) -> Self {
        Self::new(ErrorKind::Transport, failure::of_exchange(error.kind())).with_source(error)
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        let mut same = Self::new(ErrorKind::Token, error.action());
        same.status = error.status();
        same.retry_after = error.retry_after();
        same.body = error.body().clone();
        same.with_source(error)
    }
}

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
