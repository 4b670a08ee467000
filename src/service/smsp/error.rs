use crate::service::failure;
use crate::trace::{self, Exchange};
use crate::transport;
use http::StatusCode;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A call that brought no answer.
///
/// [`Error::kind`] says what happened, [`Error::action`] what to do about it. Neither the error nor
/// its sources carry anything about a person.
#[derive(Debug, thiserror::Error)]
#[error("{kind}{}", Detail(self))]
pub struct Error {
    kind: ErrorKind,
    action: trace::ErrorKind,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    exchange: Option<Box<Exchange>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(in crate::service::smsp) const fn new(kind: ErrorKind, action: trace::ErrorKind) -> Self {
        Self { kind, action, status: None, retry_after: None, exchange: None, source: None }
    }

    pub(in crate::service::smsp) const fn with_action(mut self, action: trace::ErrorKind) -> Self {
        self.action = action;
        self
    }

    pub(in crate::service::smsp) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    pub(in crate::service::smsp) const fn with_retry_after(
        mut self,
        wait: Option<Duration>,
    ) -> Self {
        self.retry_after = wait;
        self
    }

    pub(in crate::service::smsp) fn with_exchange(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(Box::new(exchange));
        self
    }

    pub(in crate::service::smsp) fn with_source(
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

    /// How long the service, or a proxy before it, asks to be left alone (`Retry-After`).
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The exchange: operation, message identifier, time, and the service's code if it gave one.
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
        if let Some(exchange) = &self.0.exchange {
            write!(f, " ({} {}", exchange.operation, exchange.message_id)?;
            if let Some(code) = &exchange.code {
                write!(f, ", {code}")?;
            }
            if let Some(status) = self.0.status {
                write!(f, ", HTTP {}", status.as_u16())?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// What happened instead of an answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The response's code stands for a failure. Do as [`Error::action`] says.
    #[error("the service answered with a failure code")]
    Code,
    /// HTTP 200, and a body that is not XML by its `Content-Type`, or compressed by its
    /// `Content-Encoding` though nobody asked for that, as from a proxy or a page that asks somebody
    /// to sign in. It was not read. Report a defect.
    #[error("the response is not XML by its own account")]
    ContentType,
    /// A SOAP fault. Do as [`Error::action`] says.
    #[error("the service answered with a SOAP fault")]
    Fault,
    /// The answer is to something else than was asked: another message, operation, NHS Number or
    /// local identifier. Never use it; report a defect.
    #[error("the answer is not to what was asked")]
    Mismatch,
    /// A message of this identifier has come before, in answer to something else. Never use it; report
    /// a defect. Or ask again later, if [`Error::action`] says so: a gateway in trouble may have one fault
    /// for everybody.
    #[error("the response has come before")]
    Replayed,
    /// An HTTP status other than 200 and no SOAP fault with it, as from a proxy. Do as
    /// [`Error::action`] says.
    #[error("the service answered with an HTTP status and no message")]
    Status,
    /// No complete response came. Do as [`Error::action`] says; the source is a
    /// [`transport::Error`](crate::transport::Error).
    #[error("the exchange with the service failed")]
    Transport,
    /// What came back is no response. Report a defect; the source is a
    /// [`DecodeError`](crate::service::smsp::DecodeError).
    #[error("the response could not be read")]
    Unreadable,
}

impl From<transport::Error> for Error {
    fn from(error: transport::Error) -> Self {
        Self::new(ErrorKind::Transport, failure::of_exchange(error.kind())).with_source(error)
    }
}

/// Bytes that are not a response.
///
/// Says what is wrong and where, by a path of names that these messages are known to have (`*` for
/// any other), so that it cannot repeat a person's particulars.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind} at {place}")]
pub struct DecodeError {
    kind: DecodeErrorKind,
    place: String,
}

impl DecodeError {
    pub(in crate::service::smsp) fn new(kind: DecodeErrorKind, path: &[&'static str]) -> Self {
        Self { kind, place: format!("/{}", path.join("/")) }
    }

    pub(in crate::service::smsp) fn at_attribute(
        kind: DecodeErrorKind,
        path: &[&'static str],
        name: &'static str,
    ) -> Self {
        Self { kind, place: format!("/{}/@{name}", path.join("/")) }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Where, such as `/Envelope/Body/DistributionEnvelope/payloads`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// Why bytes are not a response. All of these are to be reported as a defect at the provider, or on
/// the way from it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// A character that XML 1.0 does not allow.
    #[error("a character that XML does not allow")]
    Character,
    /// A document type declaration, through which a message could read files or exhaust memory.
    #[error("a document type declaration")]
    Dtd,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// The payload is encrypted, which nothing here can read.
    #[error("an encrypted payload")]
    Encrypted,
    /// A reference to an entity that XML does not predefine.
    #[error("an unknown entity")]
    Entity,
    /// An NHS Number that is none.
    #[error("an NHS Number that is none")]
    NhsNumber,
    /// A response without a code.
    #[error("no response code")]
    NoCode,
    /// A SOAP body that holds neither a Distribution Envelope nor a fault.
    #[error("no Distribution Envelope and no fault")]
    NoEnvelope,
    /// A Distribution Envelope without a payload.
    #[error("no payload")]
    NoPayload,
    /// Not a SOAP 1.1 envelope.
    #[error("no SOAP 1.1 envelope")]
    NotSoap,
    /// Not well-formed XML.
    #[error("not XML")]
    NotXml,
    /// A payload that is not packed as the manifest says: base64, or gzip within base64.
    #[error("a payload that is not packed as its manifest says")]
    Packing,
    /// A namespace prefix that is not declared.
    #[error("an undeclared prefix")]
    Prefix,
    /// More than one of what there may be one of.
    #[error("more than one of what there may be one of")]
    Repeated,
    /// More elements inside each other than [`Limits`](crate::service::smsp::Limits) allow.
    #[error("nested deeper than the limit")]
    TooDeep,
    /// More bytes than [`Limits`](crate::service::smsp::Limits) allow, packed or unpacked.
    #[error("larger than the limit")]
    TooLarge,
    /// Content after the end of the document.
    #[error("content after the end")]
    TrailingContent,
    /// A document that ends too early.
    #[error("cut off")]
    Truncated,
    /// More than one body, envelope or payload.
    #[error("more than one payload")]
    TwoPayloads,
    /// A payload that is not a response of these services.
    #[error("an unknown payload")]
    UnknownPayload,
    /// A value that the message type does not allow where it stands.
    #[error("a value that is not allowed")]
    Value,
}
