use crate::demographics::Field;
use crate::text::terminal::is_hidden;
use crate::trace::Exchange;
use chrono::{DateTime, Utc};
use std::error::Error as StdError;
use std::iter;
use std::time::Duration;

/// A question that was not answered.
///
/// The kind says what to do. Neither the error nor its sources carry anything about a person.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    exchange: Option<Box<Exchange>>,
    field: Option<Field>,
    retry_after: Option<Duration>,
    suspended_until: Option<DateTime<Utc>>,
    unexplained: bool,
    lost_on_reuse: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            exchange: None,
            field: None,
            retry_after: None,
            suspended_until: None,
            unexplained: false,
            lost_on_reuse: false,
            source: None,
        }
    }

    /// The same error, with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, with the exchange in which it came up.
    #[must_use]
    pub fn with_exchange(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(Box::new(exchange));
        self
    }

    /// The same error, with the particular that the service found fault with.
    #[must_use]
    pub const fn with_field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    /// The same error, with the time for which the service asks to be left alone (`Retry-After`).
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same error, of a question that was not sent because asking is suspended until then.
    #[must_use]
    pub const fn with_suspended_until(mut self, until: DateTime<Utc>) -> Self {
        self.suspended_until = Some(until);
        self
    }

    /// The same error, of a message that was refused by no code about the data: see
    /// [`is_unexplained`](Self::is_unexplained).
    #[must_use]
    pub const fn with_unexplained(mut self) -> Self {
        self.unexplained = true;
        self
    }

    /// The same error, of a message whose connection was lost: see
    /// [`is_lost_on_reuse`](Self::is_lost_on_reuse).
    #[must_use]
    pub const fn with_lost_on_reuse(mut self) -> Self {
        self.lost_on_reuse = true;
        self
    }

    /// Why there was no answer.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The exchange, when a message was made at all; a question that was refused without one was not sent.
    #[must_use]
    pub fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_deref()
    }

    /// The particular that has to be corrected, when the service says which.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        self.field
    }

    /// For how long from now the service asks to be left alone, when it says so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// When the question may be asked again. Given only when nothing was sent, because asking is
    /// suspended after too many failures; see [`Circuit`](crate::resilience::CircuitBreaker).
    #[must_use]
    pub const fn suspended_until(&self) -> Option<DateTime<Utc>> {
        self.suspended_until
    }

    /// Whether the same question may be answered later without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }

    /// Whether a question was [`Rejected`](ErrorKind::Rejected) by a fault or a status, not by a code that
    /// blames the data. The cause may be the message's envelope, a gateway, or the data; so the rejection
    /// holds for a limited time only.
    #[must_use]
    pub const fn is_unexplained(&self) -> bool {
        self.unexplained
    }

    /// Whether the server closed a kept connection in place of a response. This happens to clients that
    /// keep connections open, and does not show that the service is in trouble.
    #[must_use]
    pub const fn is_lost_on_reuse(&self) -> bool {
        self.lost_on_reuse
    }

    /// The texts of all causes, outermost first, such as `could not connect: … : Connection refused`.
    /// `None` when the error has no source.
    ///
    /// For logs, status pages and terminals. It holds nothing about a person, and at most 500 characters.
    /// A space replaces each character that [`terminal::printable`](crate::text::terminal::printable) escapes.
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

/// The texts of all that caused `error`, outermost first, as [`Error::cause`] has them.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> Option<String> {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    let text = texts.join(": ");
    let shown = |c: char| if is_hidden(c) { ' ' } else { c };
    (!text.is_empty()).then(|| text.chars().take(LONGEST_CAUSE).map(shown).collect())
}

/// The most characters of [`Error::cause`]: some causes quote what a server sent, such as its certificate's
/// names.
const LONGEST_CAUSE: usize = 500;

/// Why there was no answer, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// Certificates, addresses, roles or identities are wrong (SMSP-0005, access denied, TLS). Every
    /// other question will fail the same way: stop asking, and have the configuration fixed.
    #[error("the service refused our configuration")]
    Configuration,
    /// The service refused the question's data (SMSP-0001, DEMOG-0042). Correct the data; asking
    /// again unchanged will not help.
    #[error("the service rejected the question")]
    Rejected,
    /// The service, or the way to it, did not work (SMSP-0004, SMSP-9999, time-outs). Nothing is
    /// known about the person: ask again later.
    #[error("the service is unavailable")]
    Unavailable,
    /// What came back is no answer to the question (SMSP-0002, unknown codes, damaged messages).
    /// Report a defect; asking again may help, but not for ever.
    #[error("the answer could not be understood")]
    Unreadable,
}

impl ErrorKind {
    /// A stable word for reports and metrics: `configuration`, `rejected`, `unavailable` or
    /// `unreadable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
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
}
