//! Tells from a failed exchange what to do about it.

use crate::transport::{Error, ErrorKind};
use rustls::AlertDescription;
use std::error::Error as StdError;
use std::{io, iter};

/// The error for a failed exchange, without the address, which may name a person.
pub(super) fn classify(error: reqwest::Error) -> Error {
    Error::new(kind(&error)).with_source(error.without_url())
}

fn kind(error: &reqwest::Error) -> ErrorKind {
    let connecting = error.is_connect();
    let refused = causes(error)
        .filter_map(|cause| cause.downcast_ref::<rustls::Error>())
        .any(|cause| is_refusal(cause, connecting));
    if error.is_builder() {
        ErrorKind::Insecure
    } else if refused {
        ErrorKind::Tls
    } else if connecting {
        ErrorKind::Connect
    } else if error.is_timeout() {
        ErrorKind::Timeout
    } else {
        ErrorKind::Interrupted
    }
}

/// The error and what caused it, outermost first.
///
/// An I/O error's `source()` is that of the error it wraps, and so passes over the wrapped one.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

/// Whether one side would not have the other, which trying again does not change.
///
/// While connecting, that is every TLS error except the other side's own trouble. Later it can only
/// be the client certificate: in TLS 1.3 the server judges it after the client has finished its
/// handshake and perhaps sent its request.
fn is_refusal(error: &rustls::Error, connecting: bool) -> bool {
    match error {
        rustls::Error::AlertReceived(alert) if connecting => !matches!(
            alert,
            AlertDescription::CloseNotify
                | AlertDescription::InternalError
                | AlertDescription::UserCanceled
        ),
        rustls::Error::AlertReceived(alert) => matches!(
            alert,
            AlertDescription::AccessDenied
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRequired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::DecryptError
                | AlertDescription::HandshakeFailure
                | AlertDescription::InsufficientSecurity
                | AlertDescription::UnknownCA
                | AlertDescription::UnsupportedCertificate
        ),
        _ => connecting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_causes_are_found() {
        let inner = rustls::Error::AlertReceived(AlertDescription::UnknownCA);
        let error = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        let found = causes(&error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
        assert!(found.is_some_and(|cause| is_refusal(cause, false)));
    }

    #[test]
    fn only_refusals_are_refusals() {
        let alert = rustls::Error::AlertReceived;
        let garbled = || rustls::Error::General(String::from("garbled"));
        let cases = [
            (alert(AlertDescription::CertificateRequired), true, true),
            (alert(AlertDescription::CertificateRequired), false, true),
            (alert(AlertDescription::ProtocolVersion), true, true),
            (alert(AlertDescription::InternalError), true, false),
            (alert(AlertDescription::InternalError), false, false),
            (garbled(), true, true),
            (garbled(), false, false),
        ];
        for (error, connecting, refusal) in cases {
            assert_eq!(is_refusal(&error, connecting), refusal, "{error} ({connecting})");
        }
    }
}
