//! Maps failures of HTTP exchanges to error kinds, in the same way for every service.

use crate::trace::ErrorKind;
use crate::transport;
use http::StatusCode;
use std::error::Error as StdError;
use std::iter;

/// Maps an exchange without a complete response.
pub(crate) const fn of_exchange(kind: transport::ErrorKind) -> ErrorKind {
    if kind.is_configuration() {
        ErrorKind::Configuration
    } else if kind.is_transient() {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Unreadable
    }
}

/// Maps an HTTP status, when the response contains no code of the service.
pub(crate) const fn of_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        408 | 425 | 429 => ErrorKind::Unavailable,
        // Too large, too long or unreadable: applies to this question, not to every question.
        413 | 414 | 422 | 431 => ErrorKind::Rejected,
        501 | 505 => ErrorKind::Configuration,
        500..=599 => ErrorKind::Unavailable,
        // A redirect, a missing page, a refused method or credential: the address or the identity
        // is wrong, and every other question will fail in the same way.
        300..=399 | 401..=499 => ErrorKind::Configuration,
        _ => ErrorKind::Unreadable,
    }
}

/// Whether the cause of `error` is a reused connection that the server closed instead of
/// responding.
pub(crate) fn is_lost_on_reuse(error: &(dyn StdError + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<transport::Error>())
        .any(|error| error.kind() == transport::ErrorKind::KeptConnectionClosed)
}
