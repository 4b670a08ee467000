//! What the failure of a service means for the caller, as far as HTTP shows it. The rules are the same
//! for every service.

use crate::trace::ErrorKind;
use crate::transport;
use http::StatusCode;
use std::error::Error as StdError;
use std::iter;

/// What to do when no complete response was received.
pub(crate) const fn of_exchange(kind: transport::ErrorKind) -> ErrorKind {
    if kind.is_configuration() {
        ErrorKind::Configuration
    } else if kind.is_transient() {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Unreadable
    }
}

/// What an HTTP status means without a message of the service.
pub(crate) const fn of_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        408 | 425 | 429 => ErrorKind::Unavailable,
        // Too large, too long or unreadable: a fault of this request only.
        413 | 414 | 422 | 431 => ErrorKind::Rejected,
        501 | 505 => ErrorKind::Configuration,
        500..=599 => ErrorKind::Unavailable,
        // A redirect, a missing page, a refused method or credential: the address or the identity is
        // wrong, so every other request fails the same way.
        300..=399 | 401..=499 => ErrorKind::Configuration,
        _ => ErrorKind::Unreadable,
    }
}

/// Whether the cause of `error` is a kept connection that the server closed instead of responding.
pub(crate) fn is_lost_on_reuse(error: &(dyn StdError + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<transport::Error>())
        .any(|error| error.kind() == transport::ErrorKind::KeptConnectionClosed)
}
