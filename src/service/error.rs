use crate::demographics::Field;
use crate::secret::RawBody;
use crate::service::failure;
use crate::trace::{self, Exchange};
use crate::transport;
use http::StatusCode;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

/// A call to a service that returned no answer.
///
/// [`Error::kind`] says what happened. [`Error::action`] says what to do about it. Every service of this
/// crate, and every source of access tokens, returns this one type. It is cheap to clone, so that all
/// callers who wait for one access token can receive the same error.
///
/// `Display`, `Debug` and the sources show codes, statuses and identifiers of messages, and nothing about a
/// person. [`Error::body`] keeps what the service sent, for a report to the provider.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    action: trace::ErrorKind,
    status: Option<StatusCode>,
    code: Option<Cow<'static, str>>,
    field: Option<Field>,
    retry_after: Option<Duration>,
    unexplained: bool,
    body: RawBody,
    exchange: Option<Box<Exchange>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, action: trace::ErrorKind) -> Self {
        Self {
            kind,
            action,
            status: None,
            code: None,
            field: None,
            retry_after: None,
            unexplained: false,
            body: RawBody::default(),
            exchange: None,
            source: None,
        }
    }

    /// The error of a source of access tokens whose user must sign in again: there is no session, or it
    /// has ended.
    #[must_use]
    pub fn sign_in() -> Self {
        Self::new(ErrorKind::SignIn, trace::ErrorKind::Configuration)
    }

    /// The error of a source of access tokens that has no token, for another reason than
    /// [`sign_in`](Self::sign_in). `action` says what to do:
    /// [`Unavailable`](trace::ErrorKind::Unavailable) if a later attempt may succeed.
    #[must_use]
    pub fn no_token(action: trace::ErrorKind) -> Self {
        Self::new(ErrorKind::Token, action)
    }

    /// The same error, with its cause, which must not carry a token or anything about a person.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The same error, with the time to wait before the next request (`Retry-After`).
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    #[allow(dead_code, reason = "not every service corrects the action afterwards")]
    pub(crate) const fn with_action(mut self, action: trace::ErrorKind) -> Self {
        self.action = action;
        self
    }

    /// The same error, with the response in which it was found.
    pub(crate) fn with_response(
        mut self,
        response: &transport::Response,
        retry_after: Option<Duration>,
    ) -> Self {
        self.status = Some(response.status());
        self.body = response.body().clone();
        self.retry_after = retry_after;
        self
    }

    /// The same error, with the service's code. `code` goes into logs, so it must be text that the codec
    /// has checked.
    #[allow(dead_code, reason = "not every service has a code beside that of the exchange")]
    pub(crate) fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    pub(crate) const fn with_field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    /// The same error, of a request that was refused without a code about the data: see
    /// [`trace::Error::is_unexplained`].
    pub(crate) const fn with_unexplained(mut self) -> Self {
        self.unexplained = true;
        self
    }

    pub(crate) fn with_exchange(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(Box::new(exchange));
        self
    }

    /// Returns the service's error in the chain that starts with `error`. Use it to see what happened
    /// behind a [`trace::Error`].
    ///
    /// ```
    /// use nhs_pds::service::{Error, ErrorKind};
    /// use nhs_pds::trace;
    ///
    /// // What a tracer returns when the session of a user has ended.
    /// let error = trace::Error::from(Error::sign_in());
    /// assert_eq!(error.kind(), trace::ErrorKind::Configuration);
    /// let found = Error::find_in(&error).map(Error::kind);
    /// assert_eq!(found, Some(ErrorKind::SignIn));
    /// ```
    #[must_use]
    pub fn find_in<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Self> {
        iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref())
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

    /// The HTTP status of the response, if there was one. With the kinds [`Token`](ErrorKind::Token) and
    /// [`TokenRefused`](ErrorKind::TokenRefused) it is the token endpoint's; if that gave no response, it
    /// is that of the response that refused the token before.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// The code that the service, or the token endpoint, gave; `unrecognised` or `other` instead of text
    /// that is not a code.
    ///
    /// The code types parse it: `smsp::ResponseCode`, `IssueCode` of the PDS API, and `TokenErrorCode` for
    /// [`TokenRefused`](ErrorKind::TokenRefused).
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let of_exchange = || self.exchange.as_ref().and_then(|exchange| exchange.code.as_deref());
        self.code.as_deref().or_else(of_exchange)
    }

    /// The demographic field to correct, if the service says which.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        self.field
    }

    /// The body of the response, which may name a person; empty without a response. It belongs to the
    /// same response as [`status`](Self::status).
    #[must_use]
    pub const fn body(&self) -> &RawBody {
        &self.body
    }

    /// How long the service, or a proxy in front of it, asks the caller to wait (`Retry-After`).
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The exchange: operation, message identifier, time, references, and the service's code.
    #[must_use]
    pub fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_deref()
    }

    /// Whether the same request may succeed later without any change.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.action, trace::ErrorKind::Unavailable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        let mut separator = " (";
        if let Some(exchange) = &self.exchange {
            write!(f, "{separator}{} {}", exchange.operation, exchange.message_id)?;
            separator = ", ";
        }
        if let Some(code) = self.code() {
            write!(f, "{separator}{code}")?;
            separator = ", ";
        }
        if let Some(status) = self.status {
            write!(f, "{separator}HTTP {}", status.as_u16())?;
            separator = ", ";
        }
        f.write_str(if separator == ", " { ")" } else { "" })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl From<transport::Error> for Error {
    fn from(error: transport::Error) -> Self {
        Self::new(ErrorKind::Transport, failure::of_exchange(error.kind())).with_source(error)
    }
}

impl From<Error> for trace::Error {
    fn from(error: Error) -> Self {
        let mut traced = Self::new(error.action);
        if let Some(field) = error.field {
            traced = traced.with_field(field);
        }
        if let Some(wait) = error.retry_after {
            traced = traced.with_retry_after(wait);
        }
        if failure::is_lost_on_reuse(&error) {
            traced = traced.with_lost_on_reuse();
        }
        if error.unexplained {
            traced = traced.with_unexplained();
        }
        match error.exchange().cloned() {
            Some(exchange) => traced.with_exchange(exchange).with_source(error),
            None => traced.with_source(error),
        }
    }
}

/// What happened instead of an answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The search is for another access mode than the client's. Nothing was sent. Fix the configuration:
    /// build the client, or the search, for the access mode of the token.
    #[error("the search is for another access mode: build it for the access mode of the token")]
    AccessMode,
    /// The service has no search of this [breadth](trace::Breadth). Nothing was sent. Fix the configuration:
    /// use a strategy that [`Tracer::permits`](trace::Tracer::permits) allows.
    #[error("the service has no search of this breadth: use a strategy for this service")]
    Breadth,
    /// The service returned a code that means a failure. Do as [`Error::action`] says;
    /// [`Error::code`] has the code.
    #[error("the service returned a failure code")]
    Code,
    /// HTTP 200, and a body that is not XML by its `Content-Type`, or is compressed by its
    /// `Content-Encoding` although the request did not accept that. The body was not read. A proxy or a
    /// sign-in page on the network may have sent it. Report a defect.
    #[error("the response is not plain XML according to its headers: report a defect")]
    ContentType,
    /// The service does not accept a search criterion, such as a name of more than 35 characters. Nothing
    /// was sent. Correct the data.
    #[error("the service does not accept a search criterion: correct the data")]
    Criterion,
    /// A SOAP fault. Do as [`Error::action`] says.
    #[error("the service returned a SOAP fault")]
    Fault,
    /// The one person who matches has an identifier that is not a valid NHS Number. Report a defect.
    #[error("the person found has no valid NHS Number: report a defect")]
    InvalidNumber,
    /// The response answers another request: it repeats another message identifier, operation, NHS
    /// Number or local identifier. Never use it; report a defect.
    #[error("the response answers another request: report a defect")]
    Mismatch,
    /// Healthcare-worker access without a user. Nothing was sent. Fix the configuration: processes
    /// without a user must use application-restricted access.
    #[error(
        "healthcare-worker access needs a user: use application-restricted access for processes"
    )]
    NoUser,
    /// A message with this identifier was received before, in response to another request. Never use it.
    /// Report a defect, or retry later if [`Error::action`] says so: a failing gateway may return one
    /// fault to every caller.
    #[error("the response was received before")]
    Replayed,
    /// The user must sign in again; no other person has to act. Show the user the way to the sign-in.
    #[error("the user must sign in again")]
    SignIn,
    /// An HTTP status without a message of the service, as from a proxy. Do as [`Error::action`] says.
    #[error("the service returned an HTTP status and no message of its own")]
    Status,
    /// There is no access token, so the service gave no answer. Do as [`Error::action`] says. The source
    /// says why: the key does not sign, the exchange with the token endpoint failed, or its response has
    /// no token. If a page other than the token endpoint answers, check the endpoint's address.
    #[error("there is no access token")]
    Token,
    /// The token endpoint refused to issue a token, with a code of its own. Do as [`Error::action`] says;
    /// [`Error::code`] has the code, and `RefusedPart` says what to check first.
    #[error("the token endpoint refused to issue a token")]
    TokenRefused,
    /// No complete response was received. Do as [`Error::action`] says; the source is a
    /// [`transport::Error`](crate::transport::Error).
    #[error("no complete response from the service")]
    Transport,
    /// The response cannot be read as an answer. Report a defect; the source may be the `DecodeError` of
    /// the service's codec.
    #[error("the response cannot be read: report a defect")]
    Unreadable,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange() -> Exchange {
        Exchange::new("PDS", "GET", "id-1", chrono::DateTime::UNIX_EPOCH)
    }

    #[test]
    fn display_shows_kind_exchange_code_and_status() {
        let error = Error::new(ErrorKind::Code, trace::ErrorKind::Rejected);
        assert_eq!(error.to_string(), "the service returned a failure code");
        let response = transport::Response::new(StatusCode::BAD_REQUEST, "SMITH".into());
        let error = error.with_response(&response, None);
        assert_eq!(error.to_string(), "the service returned a failure code (HTTP 400)");
        let error = error.with_exchange(exchange().with_code("SMSP-0001"));
        assert_eq!(
            error.to_string(),
            "the service returned a failure code (GET id-1, SMSP-0001, HTTP 400)"
        );
        // The code of the error goes before that of the exchange.
        let error = error.with_code("invalid_client");
        assert_eq!(error.code(), Some("invalid_client"));
        assert!(!format!("{error} {error:?}").contains("SMITH"));
        assert_eq!(error.body().expose(), "SMITH");
    }

    #[test]
    fn the_trace_error_takes_what_decides_what_to_do() {
        let lost = transport::Error::new(transport::ErrorKind::KeptConnectionClosed);
        let error = Error::from(lost)
            .with_retry_after(Duration::from_secs(7))
            .with_field(Field::NhsNumber)
            .with_unexplained()
            .with_exchange(exchange());
        let traced = trace::Error::from(error.clone());
        assert_eq!(traced.kind(), trace::ErrorKind::Unavailable);
        assert_eq!(traced.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(traced.field(), Some(Field::NhsNumber));
        assert!(traced.is_lost_on_reuse() && traced.is_unexplained());
        assert_eq!(traced.exchange(), Some(&exchange()));
        assert_eq!(Error::find_in(&traced).map(Error::kind), Some(ErrorKind::Transport));

        let traced = trace::Error::from(Error::sign_in());
        assert!(!traced.is_lost_on_reuse() && !traced.is_unexplained());
        assert_eq!((traced.retry_after(), traced.exchange()), (None, None));
        assert!(Error::find_in(&trace::Error::new(trace::ErrorKind::Rejected)).is_none());
    }
}
