use crate::demographics::Field;
use crate::text::terminal::is_hidden;
use crate::trace::answer::Exchange;
use chrono::{DateTime, Utc};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::error::Error as StdError;
use std::iter;
use std::time::Duration;

/// A question that was not answered.
///
/// The kind says what to do. Neither the error nor its sources contain personal data.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    exchange: Option<Box<Exchange>>,
    field: Option<Field>,
    retry_after: Option<Duration>,
    suspended_until: Option<DateTime<Utc>>,
    suspended_alone: bool,
    unexplained: bool,
    lost_on_reuse: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            exchange: None,
            field: None,
            retry_after: None,
            suspended_until: None,
            suspended_alone: false,
            unexplained: false,
            lost_on_reuse: false,
            source: None,
        }
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the exchange that failed.
    #[must_use]
    pub fn with_exchange(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(Box::new(exchange));
        self
    }

    /// Sets the demographic field that the service rejected.
    #[must_use]
    pub const fn with_field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    /// Sets the wait that the service asks for (`Retry-After`).
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Marks a question that was not sent, because queries are suspended until `until`.
    #[must_use]
    pub const fn with_suspended_until(mut self, until: DateTime<Utc>) -> Self {
        self.suspended_until = Some(until);
        self
    }

    /// Marks a suspended question about a case that failed before, while questions about other cases
    /// are sent: see [`is_suspended_alone`](Self::is_suspended_alone).
    #[must_use]
    pub const fn with_suspended_alone(mut self) -> Self {
        self.suspended_alone = true;
        self
    }

    /// Marks a message that was rejected without a code about the data: see
    /// [`is_unexplained`](Self::is_unexplained).
    #[must_use]
    pub const fn with_unexplained(mut self) -> Self {
        self.unexplained = true;
        self
    }

    /// Marks a message whose connection was lost: see [`is_lost_on_reuse`](Self::is_lost_on_reuse).
    #[must_use]
    pub const fn with_lost_on_reuse(mut self) -> Self {
        self.lost_on_reuse = true;
        self
    }

    /// Returns why there was no answer.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the exchange, if a message was built. Without an exchange, nothing was sent.
    #[must_use]
    pub fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_deref()
    }

    /// Returns the demographic field to correct, if the service names it.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        self.field
    }

    /// Returns how long to wait from now before the next query, if the service says so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns when the question may be sent again. Set only when nothing was sent, because queries
    /// are suspended after too many failures; see [`CircuitBreaker`](crate::resilience::CircuitBreaker).
    #[must_use]
    pub const fn suspended_until(&self) -> Option<DateTime<Utc>> {
        self.suspended_until
    }

    /// Whether a [suspended](Self::suspended_until) question waits because its own case failed before.
    /// Questions about other cases are sent, to find out whether the service works.
    #[must_use]
    pub const fn is_suspended_alone(&self) -> bool {
        self.suspended_alone
    }

    /// Whether the same question may succeed later without any action by a person.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }

    /// Whether a [`Rejected`](ErrorKind::Rejected) question got a fault or a status, not a code
    /// about the data. The cause may be the message's envelope, a gateway, or the data, so the
    /// rejection applies for a limited time only.
    #[must_use]
    pub const fn is_unexplained(&self) -> bool {
        self.unexplained
    }

    /// Whether the server closed a reused connection instead of responding. Clients that keep
    /// connections open must expect this. It does not mean that the service is failing.
    #[must_use]
    pub const fn is_lost_on_reuse(&self) -> bool {
        self.lost_on_reuse
    }

    /// The texts of all causes, outermost first, such as `could not connect: … : Connection refused`.
    /// `None` when the error has no source.
    ///
    /// For logs, status pages and terminals. Contains no personal data, and at most 500 characters.
    /// A space replaces each character that [`terminal::printable`](crate::text::terminal::printable)
    /// escapes.
    ///
    /// ```
    /// use nhs_pds::trace::{Error, ErrorKind};
    ///
    /// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// let error = Error::new(ErrorKind::Unavailable).with_source(refused);
    /// assert_eq!(error.cause().as_deref(), Some("connection refused"));
    /// ```
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        causes(self)
    }
}

/// Writes `kind` as its word, `field`, `retry_after_seconds`, `suspended_until`, `cause` and `exchange`. What is
/// not known is `null`. Contains no personal data.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exchange = self.exchange();
        let mut error = serializer.serialize_struct("Error", 6)?;
        error.serialize_field("kind", &self.kind)?;
        error.serialize_field("field", &self.field)?;
        error
            .serialize_field("retry_after_seconds", &self.retry_after.map(|wait| wait.as_secs()))?;
        error.serialize_field("suspended_until", &self.suspended_until)?;
        error.serialize_field("cause", &self.cause())?;
        error.serialize_field("exchange", &exchange)?;
        error.end()
    }
}

/// Returns the texts of all causes of `error`, outermost first, as in [`Error::cause`].
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> Option<String> {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    let text = texts.join(": ");
    let shown = |c: char| if is_hidden(c) { ' ' } else { c };
    (!text.is_empty()).then(|| text.chars().take(LONGEST_CAUSE).map(shown).collect())
}

/// The longest [`Error::cause`], in characters. Some causes quote what a server sent, such as the
/// names in its certificate.
const LONGEST_CAUSE: usize = 500;

/// Why there was no answer, and what to do.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Certificates, addresses, roles or identities are wrong (SMSP-0005, access denied, TLS).
    /// Every other question will fail in the same way: stop, and correct the configuration.
    #[error("the service refused this system's configuration")]
    Configuration,
    /// The service rejected the data of the question (SMSP-0001, DEMOG-0042). Correct the data; the
    /// same question will fail again.
    #[error("the service rejected the question")]
    Rejected,
    /// The service, or the connection to it, failed (SMSP-0004, SMSP-9999, time-outs). Nothing is
    /// known about the person: try again later.
    #[error("the service is unavailable")]
    Unavailable,
    /// The response is not an answer to the question (SMSP-0002, unknown codes, damaged messages).
    /// Report a defect. A retry may help, but limit the number of retries.
    #[error("the response could not be understood")]
    Unreadable,
}

impl ErrorKind {
    /// Returns a stable word for reports and metrics: `configuration`, `rejected`, `unavailable` or
    /// `unreadable`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
        }
    }

    /// The outcome that metrics give a request which ended with this kind.
    #[cfg(feature = "resilience")]
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Configuration => "error_configuration",
            Self::Rejected => "error_rejected",
            Self::Unavailable => "error_unavailable",
            Self::Unreadable => "error_unreadable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Chain(&'static str, Option<Box<Self>>);

    impl fmt::Display for Chain {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Chain {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn the_whole_chain_is_shown_without_control_characters() {
        let inner = Chain("refused\u{1b}[31m\n", None);
        let error = Error::new(ErrorKind::Unavailable)
            .with_source(Chain("could not connect", Some(Box::new(inner))));
        assert_eq!(error.cause().unwrap(), "could not connect: refused [31m ");
        let hidden =
            Chain("for \u{202e}gro.elpmaxe\u{2066}, \u{200b}\u{feff}\u{9b}\u{2028}é", None);
        let error = Error::new(ErrorKind::Unavailable).with_source(hidden);
        assert_eq!(error.cause().unwrap(), "for  gro.elpmaxe ,     é");
        assert_eq!(Error::new(ErrorKind::Unavailable).cause(), None);
        let long = Error::new(ErrorKind::Unavailable).with_source("é".repeat(2_000));
        assert_eq!(long.cause().unwrap().chars().count(), LONGEST_CAUSE);
    }

    #[test]
    fn an_error_as_json() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = Error::new(ErrorKind::Unavailable)
            .with_source(refused)
            .with_retry_after(Duration::from_secs(30))
            .with_suspended_until(DateTime::UNIX_EPOCH);
        let expected = serde_json::json!({
            "kind": "unavailable",
            "field": null,
            "retry_after_seconds": 30,
            "suspended_until": "1970-01-01T00:00:00Z",
            "cause": "connection refused",
            "exchange": null,
        });
        assert_eq!(serde_json::to_value(&error).unwrap(), expected);
    }
}
