//! A client certificate that is renewed while the program runs, and its expiry.

use crate::http::authority::{Authority, Issued};
use crate::http::server::{Server, showing};
use crate::http::{AUTHORITY, assert_failed, request, transport};
use chrono::{DateTime, Utc};
use nhs_pds::secret::Secret;
use nhs_pds::transport::http::{CertificateExpiry, ConfigError, ConfigErrorKind, HttpTransport};
use nhs_pds::transport::{ErrorKind, Transport};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};

const NOW: &str = "2026-11-23T09:30:00Z";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn renew(transport: &HttpTransport, issued: &Issued) -> Result<(), ConfigError> {
    transport.renew_client_certificate_pem(&*issued.certificate, issued.secret_key(), time(NOW))
}

fn der(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_from_the_next_request_on() {
    for version in [&TLS13, &TLS12] {
        let (old, new) = (AUTHORITY.issue("old.example"), AUTHORITY.issue("new.example"));
        let server = Server { versions: vec![version], ..Server::demanding() };
        let (origin, shown) = server.start_for_many();
        let transport = showing(&old);
        let clone = transport.clone();
        // The second request uses the connection of the first, or resumes its session.
        for _ in 0..3 {
            transport.send(request(&origin)).await.unwrap();
            assert_eq!(shown.recv().unwrap(), Some(der(&old)));
        }
        renew(&clone, &new).unwrap();
        for transport in [&transport, &clone, &transport] {
            transport.send(request(&origin)).await.unwrap();
            assert_eq!(shown.recv().unwrap(), Some(der(&new)));
        }
    }
}

#[tokio::test]
async fn requests_under_way_finish_as_they_began() {
    let (old, new) = (AUTHORITY.issue("old.example"), AUTHORITY.issue("new.example"));
    let (origin, shown) = Server::demanding().start_for_many();
    let transport = showing(&old);
    let under_way: Vec<_> = (0..8)
        .map(|_| {
            let (transport, request) = (transport.clone(), request(&origin));
            tokio::spawn(async move { transport.send(request).await })
        })
        .collect();
    // Each task has run until it waits for the server.
    tokio::task::yield_now().await;
    renew(&transport, &new).unwrap();
    for task in under_way {
        task.await.unwrap().unwrap();
        assert_eq!(shown.recv().unwrap(), Some(der(&old)));
    }
    transport.send(request(&origin)).await.unwrap();
    assert_eq!(shown.recv().unwrap(), Some(der(&new)));
}

#[tokio::test]
async fn a_transport_without_a_certificate_can_be_given_one() {
    let transport = transport();
    assert_eq!(transport.client_certificate_expiry(), None);
    let refused = Server::demanding().asked_by(&transport).await;
    assert_failed(refused, ErrorKind::ClientCertificateRequired);
    renew(&transport, &AUTHORITY.issue("endpoint.example")).unwrap();
    assert!(Server::demanding().asked_by(&transport).await.is_ok());
}

#[tokio::test]
async fn an_expired_certificate_is_replaced_without_a_restart() {
    let expired = AUTHORITY.issue_valid("endpoint.example", (2020, 1, 1), (2021, 1, 1));
    let transport = showing(&expired);
    let refused = Server::demanding().asked_by(&transport).await;
    assert_failed(refused, ErrorKind::ClientCertificateExpired);
    renew(&transport, &AUTHORITY.issue("endpoint.example")).unwrap();
    assert!(Server::demanding().asked_by(&transport).await.is_ok());
}

#[tokio::test]
async fn a_bad_certificate_is_refused_and_the_old_one_stays() {
    let old = AUTHORITY.issue_valid("old.example", (2026, 1, 1), (2099, 1, 1));
    let (origin, shown) = Server::demanding().start_for_many();
    let transport = showing(&old);
    transport.send(request(&origin)).await.unwrap();
    assert_eq!(shown.recv().unwrap(), Some(der(&old)));

    let other = AUTHORITY.issue("other.example");
    let with = |certificate: &str, key: &str| Issued {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
    };
    let expired = AUTHORITY.issue_valid("new.example", (2020, 1, 1), (2026, 11, 23));
    let early = AUTHORITY.issue_valid("new.example", (2026, 11, 24), (2030, 1, 1));
    for (bad, kind) in [
        (with("", &other.key), ConfigErrorKind::Certificate),
        // A file that is only half written.
        (with(&other.certificate[..200], &other.key), ConfigErrorKind::Certificate),
        (with(&other.certificate, ""), ConfigErrorKind::Key),
        (with(&other.certificate, &old.key), ConfigErrorKind::KeyMismatch),
        (expired, ConfigErrorKind::CertificateExpired),
        (early, ConfigErrorKind::CertificateExpired),
    ] {
        assert_eq!(renew(&transport, &bad).unwrap_err().kind(), kind);
        transport.send(request(&origin)).await.unwrap();
        assert_eq!(shown.recv().unwrap(), Some(der(&old)));
    }
    let expiry = CertificateExpiry::at(time("2099-01-01T00:00:00Z"));
    assert_eq!(transport.client_certificate_expiry(), Some(expiry));
}

#[test]
fn the_first_expiry_of_a_chain_is_reported() {
    let intermediate = AUTHORITY.intermediate("Below", (2028, 5, 1));
    for (until, expected) in [
        ((2027, 3, 31), "2027-03-31T00:00:00Z"),
        ((2029, 3, 31), "2028-05-01T00:00:00Z"),
        // Beyond 2049 the time is written in another form.
        ((2051, 3, 31), "2028-05-01T00:00:00Z"),
    ] {
        let mut issued = intermediate.issue_valid("endpoint.example", (2026, 1, 1), until);
        issued.certificate.push_str(&intermediate.pem());
        let transport = showing(&issued);
        let expiry = transport.client_certificate_expiry().unwrap();
        assert_eq!(expiry.time(), time(expected));
        assert_eq!(transport.clone().client_certificate_expiry(), Some(expiry));
    }
    let long = showing(&AUTHORITY.issue_valid("endpoint.example", (1999, 1, 1), (2051, 3, 31)));
    let expiry = long.client_certificate_expiry().unwrap();
    assert_eq!(expiry.time(), time("2051-03-31T00:00:00Z"));
}

#[test]
fn the_expiry_is_measured_with_each_request() {
    let board = crate::telemetry::Board::default();
    let renewed = AUTHORITY.issue_valid("endpoint.example", (2026, 1, 1), (2028, 3, 31));
    let transport =
        showing(&AUTHORITY.issue_valid("endpoint.example", (2026, 1, 1), (2027, 3, 31)));
    let labels = nhs_pds::tenant::Labels::default().with_tenant("leeds".parse().unwrap());
    let transport = transport.with_labels(labels);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let measured = || {
        metrics::with_local_recorder(&board, || {
            // No program listens there.
            let sent = runtime.block_on(transport.send(request("https://127.0.0.1:1")));
            assert_eq!(sent.unwrap_err().kind(), ErrorKind::Connect);
        });
        board.value("client_certificate_expiry_timestamp_seconds tenant=leeds")
    };
    let expected = |text: &str| Some(time(text).timestamp() as f64);
    assert_eq!(measured(), expected("2027-03-31T00:00:00Z"));
    renew(&transport, &renewed).unwrap();
    assert_eq!(measured(), expected("2028-03-31T00:00:00Z"));
}

/// The steps of a vendor: files are replaced, and one call loads them.
#[tokio::test]
async fn new_files_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("endpoint.pem"), folder.path().join("endpoint.key"));
    let install = |issued: &Issued| {
        std::fs::write(&chain, &issued.certificate).unwrap();
        std::fs::write(&key, &issued.key).unwrap();
    };
    let reload = |transport: &HttpTransport| {
        let key = Secret::new(std::fs::read(&key).unwrap());
        transport.renew_client_certificate_pem(std::fs::read(&chain).unwrap(), key, time(NOW))
    };
    let (old, new) = (AUTHORITY.issue("old.example"), AUTHORITY.issue("new.example"));
    let transport = showing(&old);
    install(&old);
    reload(&transport).unwrap();
    install(&new);
    reload(&transport).unwrap();
    let (origin, shown) = Server::demanding().start_for_many();
    transport.send(request(&origin)).await.unwrap();
    assert_eq!(shown.recv().unwrap(), Some(der(&new)));
}

#[tokio::test]
async fn the_trusted_authorities_stay() {
    let transport = transport();
    renew(&transport, &AUTHORITY.issue("endpoint.example")).unwrap();
    let stranger = Authority::new("Another authority").issue(crate::http::server::HOST);
    let server = Server { certificate: stranger, ..Server::new() };
    assert_failed(server.asked_by(&transport).await, ErrorKind::ServerCertificateUnknown);
}
