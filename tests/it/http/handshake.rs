//! Why a handshake fails: each cause has its own kind, and a configuration error says what to correct.

use crate::http::authority::Authority;
use crate::http::raw::{self, Then};
use crate::http::server::{HOST, Server, showing};
use crate::http::{AUTHORITY, assert_failed, request, transport, trusting};
use nhs_pds::transport::http::{ConfigErrorKind, HttpConfig, HttpTransport};
use nhs_pds::transport::{Error, ErrorKind, Response, Transport};
use rustls::version::{TLS12, TLS13};

/// Checks that the failure has this kind, and that every layer above reports a configuration error.
#[track_caller]
fn assert_misconfigured(result: Result<Response, Error>, kind: ErrorKind) {
    let error = assert_failed(result, kind);
    assert!(kind.is_configuration() && !kind.is_transient());
    #[cfg(feature = "smsp")]
    {
        use nhs_pds::{service, trace};
        let error = service::Error::from(error);
        assert_eq!(error.action(), trace::ErrorKind::Configuration);
        let error = trace::Error::from(error);
        assert_eq!(error.kind(), trace::ErrorKind::Configuration);
        assert!(!error.is_transient());
    }
    #[cfg(not(feature = "smsp"))]
    drop(error);
}

/// Checks the failure at this server, with each version of TLS.
async fn assert_refused(server: impl Fn() -> Server, transport: &HttpTransport, kind: ErrorKind) {
    for version in [&TLS13, &TLS12] {
        let server = Server { versions: vec![version], ..server() };
        assert_misconfigured(server.asked_by(transport).await, kind);
    }
}

#[tokio::test]
async fn a_client_certificate_that_is_demanded_and_missing() {
    assert_refused(Server::demanding, &transport(), ErrorKind::ClientCertificateRequired).await;
}

#[tokio::test]
async fn an_expired_client_certificate() {
    let expired = AUTHORITY.issue_valid("endpoint.example", (2020, 1, 1), (2021, 1, 1));
    let kind = ErrorKind::ClientCertificateExpired;
    assert_refused(Server::demanding, &showing(&expired), kind).await;
}

#[tokio::test]
async fn a_client_certificate_of_another_authority() {
    let stranger = Authority::new("Another authority").issue("endpoint.example");
    let kind = ErrorKind::ClientCertificateRefused;
    assert_refused(Server::demanding, &showing(&stranger), kind).await;
}

#[tokio::test]
async fn a_server_certificate_that_has_expired_or_is_not_valid_yet() {
    for (from, until) in [((2020, 1, 1), (2021, 1, 1)), ((2199, 1, 1), (2200, 1, 1))] {
        let server = || {
            let certificate = AUTHORITY.issue_valid(HOST, from, until);
            Server { certificate, ..Server::new() }
        };
        assert_refused(server, &transport(), ErrorKind::ServerCertificateExpired).await;
    }
}

#[tokio::test]
async fn a_server_certificate_for_another_host() {
    for name in ["smsp.example", "127.0.0.2", "127.0.0.1.example"] {
        let server = || Server { certificate: AUTHORITY.issue(name), ..Server::new() };
        assert_refused(server, &transport(), ErrorKind::ServerName).await;
    }
}

/// Includes an authority with the name of the trusted one and another key.
#[tokio::test]
async fn a_server_certificate_of_an_unknown_authority() {
    for authority in ["Another authority", "Test authority"] {
        let stranger = Authority::new(authority);
        let server = || Server { certificate: stranger.issue(HOST), ..Server::new() };
        assert_refused(server, &transport(), ErrorKind::ServerCertificateUnknown).await;
    }
}

#[tokio::test]
async fn the_platform_does_not_trust_a_private_authority() {
    match HttpTransport::new(&HttpConfig::new()) {
        Ok(transport) => {
            let kind = ErrorKind::ServerCertificateUnknown;
            assert_refused(Server::new, &transport, kind).await;
        }
        // The platform trusts no authority.
        Err(error) => assert_eq!(error.kind(), ConfigErrorKind::Roots),
    }
}

/// A `ServerHello` of TLS 1.1, TLS 1.0 and SSL 3.0 with a cipher that those have, and the alert
/// `protocol_version` from a server that is too old to answer at all.
#[tokio::test]
async fn a_server_that_offers_nothing_from_tls_1_2_up() {
    for bytes in [
        "\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02thirty-two bytes of randomness..\x00\x00\x2f\x00",
        "\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01thirty-two bytes of randomness..\x00\x00\x2f\x00",
        "\x16\x03\x00\x00\x2a\x02\x00\x00\x26\x03\x00thirty-two bytes of randomness..\x00\x00\x2f\x00",
        "\x15\x03\x02\x00\x02\x02\x46",
        "\x15\x03\x01\x00\x02\x02\x46",
    ] {
        let (address, _) = raw::answer(bytes, Then::Close);
        let result = transport().send(request(format_args!("https://{address}"))).await;
        assert_misconfigured(result, ErrorKind::TlsVersion);
    }
}

/// `unrecognized_name`, as from a server of several hosts.
#[tokio::test]
async fn a_server_that_knows_no_host_of_the_name() {
    let (address, _) = raw::answer("\x15\x03\x03\x00\x02\x02\x70", Then::Close);
    let result = transport().send(request(format_args!("https://{address}"))).await;
    assert_misconfigured(result, ErrorKind::ServerName);
}

/// `handshake_failure` in reply to the first message is about ciphers, not about a certificate.
#[tokio::test]
async fn a_server_without_a_common_cipher_suite() {
    let stranger = showing(&AUTHORITY.issue("endpoint.example"));
    for transport in [transport(), stranger] {
        let (address, _) = raw::answer("\x15\x03\x03\x00\x02\x02\x28", Then::Close);
        let result = transport.send(request(format_args!("https://{address}"))).await;
        assert_misconfigured(result, ErrorKind::Tls);
    }
}

#[tokio::test]
async fn a_server_without_tls() {
    let (address, _) = raw::answer("HTTP/1.1 400 Bad Request\r\n\r\n", Then::Close);
    let result = transport().send(request(format_args!("https://{address}"))).await;
    assert_misconfigured(result, ErrorKind::Tls);
}

/// An internal error of the server is temporary, so it is not a configuration error.
#[tokio::test]
async fn an_internal_error_alert_is_a_connection_failure() {
    // `internal_error`.
    let (address, _) = raw::answer("\x15\x03\x03\x00\x02\x02\x50", Then::Close);
    let result = transport().send(request(format_args!("https://{address}"))).await;
    assert_failed(result, ErrorKind::Connect);
}

/// The server requests an optional certificate, and the client shows none: no failure.
#[tokio::test]
async fn an_unrequested_client_certificate_is_not_required() {
    let transport = HttpTransport::new(&trusting()).unwrap();
    assert!(Server::new().asked_by(&transport).await.is_ok());
}
