use crate::http::authority::Issued;
use crate::http::raw::{self, Then};
use crate::http::server::{Server, showing};
use crate::http::{AUTHORITY, assert_failed, request, transport, trusting};
use nhs_pds::secret::Secret;
use nhs_pds::transport::http::HttpTransport;
use nhs_pds::transport::{ErrorKind, Transport};
use pem::Pem;
use rcgen::KeyPair;
use rustls::version::{TLS12, TLS13};
use std::time::Duration;

/// Made with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048` for these tests, since
/// ring makes no RSA keys. Protects nothing.
const RSA_KEY: &str = include_str!("rsa.pem");

#[tokio::test]
async fn both_sides_show_their_certificates() {
    for version in [&TLS13, &TLS12] {
        let (origin, shown) = Server { versions: vec![version], ..Server::demanding() }.start();
        let client = showing(&AUTHORITY.issue("endpoint.example"));
        let response = client.send(request(origin)).await.unwrap();
        assert_eq!(response.body().expose(), "pong");
        assert_eq!(shown.recv().unwrap(), 1);
    }
}

#[tokio::test]
async fn keys_are_read_in_every_form() {
    let elliptic = AUTHORITY.issue("endpoint.example");
    let rsa = AUTHORITY.issue_for("endpoint.example", &KeyPair::from_pem(RSA_KEY).unwrap());
    // PKCS#8 wraps the older forms, behind a header that has one length for each kind of key.
    let unwrapped = |issued: &Issued, header: usize, label: &str| {
        let pkcs8 = pem::parse(&issued.key).unwrap();
        pem::encode(&Pem::new(label, pkcs8.contents().get(header..).unwrap()))
    };
    let sec1 = unwrapped(&elliptic, 29, "EC PRIVATE KEY");
    let pkcs1 = unwrapped(&rsa, 26, "RSA PRIVATE KEY");
    for (issued, key) in
        [(&elliptic, &elliptic.key), (&elliptic, &sec1), (&rsa, &rsa.key), (&rsa, &pkcs1)]
    {
        let certificate = issued.certificate.clone();
        let client = showing(&Issued { certificate, key: key.clone() });
        let response = Server::demanding().asked_by(&client).await.unwrap();
        assert_eq!(response.body().expose(), "pong");
    }
}

#[tokio::test]
async fn a_body_without_length_ends_with_the_session() {
    let answer = "HTTP/1.1 200 OK\r\n\r\n<family>SMITH";
    let whole = Server { answer, ..Server::new() }.asked_by(&transport()).await.unwrap();
    assert_eq!(whole.body().expose(), "<family>SMITH");
    // An attacker on the path can end the connection, but not the session.
    let cut = Server { answer, orderly: false, ..Server::new() };
    assert_failed(cut.asked_by(&transport()).await, ErrorKind::Interrupted);
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_error() {
    let (address, _) = raw::answer("HTTP/1.1 400 Bad Request\r\n\r\n", Then::Close);
    let result = transport().send(request(format_args!("https://{address}"))).await;
    assert_failed(result, ErrorKind::Tls);
}

#[tokio::test]
async fn an_interrupted_handshake_is_a_connection_failure() {
    let (address, _) = raw::answer("", Then::Close);
    let result = transport().send(request(format_args!("https://{address}"))).await;
    assert_failed(result, ErrorKind::Connect);
}

#[tokio::test]
async fn a_slow_handshake_is_a_connection_failure() {
    let (address, _) = raw::answer("", Then::Hold);
    let config = trusting().with_connect_timeout(Duration::from_millis(100));
    let impatient = HttpTransport::new(&config).unwrap();
    let result = impatient.send(request(format_args!("https://{address}"))).await;
    assert_failed(result, ErrorKind::Connect);
}

#[tokio::test]
async fn no_provider_is_installed_for_the_process() {
    Server::new().asked_by(&transport()).await.unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn a_transport_shows_none_of_its_secrets() {
    let issued = AUTHORITY.issue("endpoint.example");
    let shown = format!("{:?}", showing(&issued));
    for line in issued.key.lines().chain(issued.certificate.lines()) {
        assert!(!shown.contains(line), "{shown}");
    }
    let key = Secret::new(issued.key.clone().into_bytes());
    let config = trusting().with_client_certificate_pem(&*issued.certificate, key);
    assert!(!format!("{config:?}").contains("BEGIN"));
}
