//! Classifies a failed exchange.

use crate::transport::error::{Error, ErrorKind};
use crate::transport::http::client_auth::Shown;
use crate::transport::http::reuse::Answered;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};
use std::error::Error as StdError;
use std::{io, iter};

/// Returns the error for a failed exchange, without the address, which may name a person.
pub(super) fn classify(error: reqwest::Error, shown: Shown) -> Error {
    Error::new(kind(&error, shown)).with_source(error.without_url())
}

fn kind(error: &reqwest::Error, shown: Shown) -> ErrorKind {
    let connecting = error.is_connect();
    let refused = causes(error)
        .filter_map(|cause| cause.downcast_ref::<rustls::Error>())
        .find_map(|cause| refusal(cause, connecting, shown));
    let unreadable =
        causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).find_map(not_http);
    if error.is_builder() {
        ErrorKind::Insecure
    } else if let Some(kind) = refused {
        kind
    } else if connecting && causes(error).any(proxy_demands_password) {
        ErrorKind::ProxyAuthentication
    } else if connecting {
        ErrorKind::Connect
    } else if error.is_timeout() {
        ErrorKind::Timeout
    } else {
        unreadable.unwrap_or(ErrorKind::Interrupted)
    }
}

/// Whether the server closed a connection with an earlier response, instead of responding.
///
/// If TLS refused the client certificate, [`classify`] reports that instead.
pub(super) fn is_lost_on_reuse(error: &reqwest::Error, answered: &Answered) -> bool {
    let connection = causes(error)
        .filter_map(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>())
        .find_map(hyper_util::client::legacy::Error::connect_info);
    connection.is_some_and(|connection| answered.forget(connection)) && causes(error).any(is_close)
}

fn is_close(error: &(dyn StdError + 'static)) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
    };
    let closed = error
        .downcast_ref::<hyper::Error>()
        .is_some_and(|error| error.is_incomplete_message() || error.is_canceled());
    closed
        || error.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof
            )
        })
}

/// Returns the error and its causes, outermost first.
///
/// The `source()` of an I/O error is the source of the error it wraps, so it skips the wrapped
/// error.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

/// Whether a proxy answered `CONNECT` with 407. This error's type is not public, so the text is
/// compared. If the text changes, the kind becomes [`ErrorKind::Connect`].
fn proxy_demands_password(error: &(dyn StdError + 'static)) -> bool {
    error.to_string() == "tunnel error: proxy authorization required"
}

/// Returns the fault in the head of a response, if the error is one.
fn not_http(error: &hyper::Error) -> Option<ErrorKind> {
    if error.is_parse_too_large() {
        Some(ErrorKind::TooLarge)
    } else if error.is_parse() {
        Some(ErrorKind::NotHttp)
    } else {
        None
    }
}

/// Returns why one side refused the other, which a retry does not change.
///
/// While connecting, this is every TLS error except the server's internal errors. Later it can only
/// be about the client certificate. In TLS 1.3 the server checks it after the client has finished
/// its handshake, and perhaps sent its request.
fn refusal(error: &rustls::Error, connecting: bool, shown: Shown) -> Option<ErrorKind> {
    match error {
        rustls::Error::AlertReceived(alert) => refused_by_server(*alert, connecting, shown),
        _ if !connecting => None,
        rustls::Error::InvalidCertificate(error) => Some(refused_by_client(error)),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Some(ErrorKind::TlsVersion),
        _ => Some(ErrorKind::Tls),
    }
}

/// Maps the server's alert (RFC 8446 section 6.2, RFC 5246 section 7.2.2).
fn refused_by_server(alert: AlertDescription, connecting: bool, shown: Shown) -> Option<ErrorKind> {
    match (alert, shown) {
        (
            AlertDescription::CloseNotify
            | AlertDescription::InternalError
            | AlertDescription::UserCanceled,
            _,
        ) => None,
        (AlertDescription::CertificateRequired, _) => Some(ErrorKind::ClientCertificateRequired),
        // Servers use several alerts for a missing certificate.
        (
            AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::HandshakeFailure
            | AlertDescription::NoCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate,
            Shown::Nothing,
        ) => Some(ErrorKind::ClientCertificateRequired),
        (AlertDescription::CertificateExpired, _) => Some(ErrorKind::ClientCertificateExpired),
        (
            AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate,
            _,
        )
        | (AlertDescription::HandshakeFailure, Shown::Certificate) => {
            Some(ErrorKind::ClientCertificateRefused)
        }
        (
            AlertDescription::DecryptError
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity,
            _,
        ) => Some(ErrorKind::Tls),
        _ if !connecting => None,
        (AlertDescription::ProtocolVersion, _) => Some(ErrorKind::TlsVersion),
        (AlertDescription::UnrecognisedName, _) => Some(ErrorKind::ServerName),
        _ => Some(ErrorKind::Tls),
    }
}

/// Maps a fault in the server's certificate.
const fn refused_by_client(error: &CertificateError) -> ErrorKind {
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => ErrorKind::ServerCertificateExpired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ErrorKind::ServerName
        }
        // An authority with a trusted name and a different key is not the trusted one.
        CertificateError::BadSignature | CertificateError::UnknownIssuer => {
            ErrorKind::ServerCertificateUnknown
        }
        _ => ErrorKind::Tls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::InvalidMessage;

    #[test]
    fn wrapped_causes_are_found() {
        let inner = rustls::Error::AlertReceived(AlertDescription::UnknownCA);
        let error = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        let found = causes(&error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
        assert!(found.is_some_and(|cause| refusal(cause, false, Shown::NotAsked).is_some()));
    }

    #[test]
    fn other_errors_are_not_refusals() {
        let garbled = rustls::Error::General(String::from("garbled"));
        assert_eq!(refusal(&garbled, true, Shown::NotAsked), Some(ErrorKind::Tls));
        assert_eq!(refusal(&garbled, false, Shown::NotAsked), None);
        let noise = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        assert_eq!(refusal(&noise, true, Shown::Certificate), Some(ErrorKind::Tls));
    }

    #[test]
    fn what_each_alert_means() {
        use AlertDescription as Alert;
        let required = Some(ErrorKind::ClientCertificateRequired);
        let refused = Some(ErrorKind::ClientCertificateRefused);
        let expired = Some(ErrorKind::ClientCertificateExpired);
        let tls = Some(ErrorKind::Tls);
        // The alert; while connecting, when no certificate was requested, when none was sent, and
        // when one was sent; and after connecting, when one was sent.
        for (alert, expected) in [
            (Alert::CertificateRequired, [required, required, required, required]),
            (Alert::BadCertificate, [refused, required, refused, refused]),
            (Alert::CertificateUnknown, [refused, required, refused, refused]),
            (Alert::UnknownCA, [refused, required, refused, refused]),
            (Alert::AccessDenied, [refused, required, refused, refused]),
            (Alert::CertificateRevoked, [refused, refused, refused, refused]),
            (Alert::CertificateExpired, [expired, expired, expired, expired]),
            (Alert::HandshakeFailure, [tls, required, refused, refused]),
            (Alert::InsufficientSecurity, [tls, tls, tls, tls]),
            (Alert::DecryptError, [tls, tls, tls, tls]),
            (
                Alert::ProtocolVersion,
                [
                    Some(ErrorKind::TlsVersion),
                    Some(ErrorKind::TlsVersion),
                    Some(ErrorKind::TlsVersion),
                    None,
                ],
            ),
            (
                Alert::UnrecognisedName,
                [
                    Some(ErrorKind::ServerName),
                    Some(ErrorKind::ServerName),
                    Some(ErrorKind::ServerName),
                    None,
                ],
            ),
            (Alert::IllegalParameter, [tls, tls, tls, None]),
            (Alert::InternalError, [None, None, None, None]),
            (Alert::CloseNotify, [None, None, None, None]),
        ] {
            let error = rustls::Error::AlertReceived(alert);
            let found = [
                refusal(&error, true, Shown::NotAsked),
                refusal(&error, true, Shown::Nothing),
                refusal(&error, true, Shown::Certificate),
                refusal(&error, false, Shown::Certificate),
            ];
            assert_eq!(found, expected, "{alert:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_servers_certificate() {
        for (error, kind) in [
            (CertificateError::Expired, ErrorKind::ServerCertificateExpired),
            (CertificateError::NotValidYet, ErrorKind::ServerCertificateExpired),
            (CertificateError::NotValidForName, ErrorKind::ServerName),
            (CertificateError::UnknownIssuer, ErrorKind::ServerCertificateUnknown),
            (CertificateError::BadSignature, ErrorKind::ServerCertificateUnknown),
            (CertificateError::Revoked, ErrorKind::Tls),
        ] {
            let error = rustls::Error::InvalidCertificate(error);
            assert_eq!(refusal(&error, true, Shown::NotAsked), Some(kind), "{error}");
        }
    }
}
