use crate::secret::RawBody;
use crate::service::failure;
use crate::service::fhir::auth::refusal::Refusal;
use crate::service::fhir::auth::{KeyError, RefusedPart, TokenErrorCode, exchange};
use crate::trace;
use crate::transport;
use http::StatusCode;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// There is no access token, so nothing was asked.
///
/// [`TokenError::kind`] says what happened, [`TokenError::action`] what to do about it. Cheap to clone,
/// because everybody who waited for the token is told. Neither the error nor its sources carry a key, a
/// token, an assertion or what the endpoint wrote.
#[derive(Clone, Debug)]
pub struct TokenError {
    kind: TokenErrorKind,
    action: trace::ErrorKind,
    status: Option<StatusCode>,
    refusal: Option<Refusal>,
    retry_after: Option<Duration>,
    body: RawBody,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TokenError {
    /// An error of `kind`, about which `action` is to be done.
    #[must_use]
    pub fn new(kind: TokenErrorKind, action: trace::ErrorKind) -> Self {
        Self {
            kind,
            action,
            status: None,
            refusal: None,
            retry_after: None,
            body: RawBody::default(),
            source: None,
        }
    }

    /// The user has to sign in again: there is no session, or it has ended.
    #[must_use]
    pub fn sign_in() -> Self {
        Self::new(TokenErrorKind::SignIn, trace::ErrorKind::Configuration)
    }

    /// Whatever gives tokens does not work at the moment.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(TokenErrorKind::Source, trace::ErrorKind::Unavailable)
    }

    /// The same error, with its cause, which must not carry a token or anything about a person.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The same error, with the time for which the endpoint asks to be left alone (`Retry-After`).
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same error, with the response in which it came up.
    #[must_use]
    pub fn with_response(mut self, status: StatusCode, body: RawBody) -> Self {
        self.status = Some(status);
        self.refusal = Refusal::read(body.expose());
        self.body = body;
        self
    }

    /// The same error, of the endpoint's own if it said why.
    pub(in crate::service::fhir::auth) const fn named_by_refusal(mut self) -> Self {
        if self.refusal.is_some() {
            self.kind = TokenErrorKind::Refused;
        }
        self
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> TokenErrorKind {
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

    /// The endpoint's code, when it gave one.
    #[must_use]
    pub fn code(&self) -> Option<TokenErrorCode> {
        self.refusal.map(|refusal| refusal.code)
    }

    /// What the endpoint finds fault with, when its message tells.
    #[must_use]
    pub fn refused_part(&self) -> Option<RefusedPart> {
        self.refusal.and_then(|refusal| refusal.part)
    }

    /// How long the endpoint, or a proxy before it, asks to be left alone (`Retry-After`).
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The response's body, JSON or not; empty when none came.
    #[must_use]
    pub const fn body(&self) -> &RawBody {
        &self.body
    }

    /// Whether there may be a token later without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.action, trace::ErrorKind::Unavailable)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        let Some(status) = self.status else { return Ok(()) };
        write!(f, " (HTTP {}", status.as_u16())?;
        if let Some(code) = self.code() {
            write!(f, ", {code}")?;
        }
        if let Some(part) = self.refused_part() {
            write!(f, ", because of {part}")?;
        }
        f.write_str(")")
    }
}

impl StdError for TokenError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl From<transport::Error> for TokenError {
    fn from(error: transport::Error) -> Self {
        let action = exchange::of_all(failure::of_exchange(error.kind()));
        Self::new(TokenErrorKind::Transport, action).with_source(error)
    }
}

impl From<KeyError> for TokenError {
    fn from(error: KeyError) -> Self {
        Self::new(TokenErrorKind::Key, trace::ErrorKind::Configuration).with_source(error)
    }
}

impl From<TokenError> for trace::Error {
    fn from(error: TokenError) -> Self {
        let traced = Self::new(error.action);
        let traced = match error.retry_after {
            Some(wait) => traced.with_retry_after(wait),
            None => traced,
        };
        traced.with_source(error)
    }
}

/// Why there is no access token.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum TokenErrorKind {
    /// The key does not sign. Fix the configuration; the source is a [`KeyError`].
    #[error("the private key does not sign")]
    Key,
    /// The token endpoint refused, with a code of its own. Do as [`TokenError::action`] says;
    /// [`TokenError::code`] and [`TokenError::refused_part`] say what to look at.
    #[error("the token endpoint refused the request")]
    Refused,
    /// The user has to sign in again, and nobody else has to do anything. Show them the way to the
    /// sign-in.
    #[error("the user has to sign in again")]
    SignIn,
    /// A source of tokens outside this crate gave none. Do as [`TokenError::action`] says.
    #[error("the source of tokens gave none")]
    Source,
    /// An HTTP status other than 200 and no message of the endpoint with it, as from a proxy. Do as
    /// [`TokenError::action`] says.
    #[error("the token endpoint answered with an HTTP status and no message")]
    Status,
    /// No complete response came. Do as [`TokenError::action`] says; the source is a
    /// [`transport::Error`](crate::transport::Error).
    #[error("the exchange with the token endpoint failed")]
    Transport,
    /// HTTP 200, and no bearer token in the body, as from a sign-in page on the way. Fix the
    /// configuration, the network's perhaps: see whether the address is the token endpoint's, and who
    /// answers there. If it is the endpoint, report a defect.
    #[error("the token endpoint's response could not be read")]
    Unreadable,
}
