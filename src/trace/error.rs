use crate::demographics::Particular;
use crate::trace::Exchange;
use chrono::{DateTime, Utc};
use std::error::Error as StdError;
use std::time::Duration;

/// A question that was not answered.
///
/// The kind says what to do. Neither the error nor its sources carry anything about a person.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    exchange: Option<Box<Exchange>>,
    particular: Option<Particular>,
    retry_after: Option<Duration>,
    held_back_until: Option<DateTime<Utc>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            exchange: None,
            particular: None,
            retry_after: None,
            held_back_until: None,
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
    pub const fn with_particular(mut self, particular: Particular) -> Self {
        self.particular = Some(particular);
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
    pub const fn with_held_back_until(mut self, until: DateTime<Utc>) -> Self {
        self.held_back_until = Some(until);
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
    pub const fn particular(&self) -> Option<Particular> {
        self.particular
    }

    /// For how long from now the service asks to be left alone, when it says so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// When the question may be asked again. Given only when nothing was sent, because asking is
    /// suspended after too many failures; see [`Circuit`](crate::circuit::Circuit).
    #[must_use]
    pub const fn held_back_until(&self) -> Option<DateTime<Utc>> {
        self.held_back_until
    }

    /// Whether the same question may be answered later without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }
}

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
}
