use crate::http::authority::{Authority, Issued};
use crate::http::raw::{self, Then};
use crate::http::{AUTHORITY, BODY, assert_failed, request, transport, trusting};
use nhs_pds::secret::Secret;
use nhs_pds::transport::http::{ConfigErrorKind, HttpConfig, HttpTransport};
use nhs_pds::transport::{Error, ErrorKind, Response, Transport};
use pem::Pem;
use rcgen::KeyPair;
use rustls::crypto::ring;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use std::io::{Read, Write};
use std::sync::{Arc, mpsc};
use std::time::Duration;

const HOST: &str = "127.0.0.1";
const PONG: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

/// Made with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048` for these tests, since
/// ring makes no RSA keys. Protects nothing.
const RSA_KEY: &str = include_str!("rsa.pem");

/// A TLS server for one connection.
struct Server {
    certificate: Issued,
    /// Whose client certificates it demands; nobody's if it takes all comers.
    clients: Option<&'static Authority>,
    versions: Vec<&'static SupportedProtocolVersion>,
    answer: &'static str,
    /// Whether it ends the TLS session before it ends the connection.
    orderly: bool,
}

impl Server {
    fn new() -> Self {
        Self {
            certificate: AUTHORITY.issue(HOST),
            clients: None,
            versions: vec![&TLS13, &TLS12],
            answer: PONG,
            orderly: true,
        }
    }

    fn demanding() -> Self {
        Self { clients: Some(&AUTHORITY), ..Self::new() }
    }

    fn config(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.clients.map(|clients| {
            let roots = Arc::new(clients.roots());
            WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .unwrap()
        });
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_client_cert_verifier(verifier.unwrap_or_else(|| Arc::new(NoClientAuth)));
        self.certificate.serving(builder)
    }

    /// Its origin, and how many certificates the client showed once it has answered.
    fn start(self) -> (String, mpsc::Receiver<usize>) {
        let (sender, receiver) = mpsc::channel();
        let mut connection = ServerConnection::new(Arc::new(self.config())).unwrap();
        let address = raw::serve(move |mut tcp| {
            let mut stream = rustls::Stream::new(&mut connection, &mut tcp);
            let mut seen = Vec::new();
            let mut piece = [0; 4096];
            while !seen.ends_with(BODY.as_bytes()) {
                // The client has gone, or the handshake failed and it has been told.
                let Ok(count @ 1..) = stream.read(&mut piece) else { return raw::drain(&mut tcp) };
                seen.extend(piece.iter().take(count));
            }
            stream.write_all(self.answer.as_bytes()).unwrap();
            let shown = stream.conn.peer_certificates().unwrap_or_default().len();
            if self.orderly {
                stream.conn.send_close_notify();
            }
            stream.flush().unwrap();
            let _ = sender.send(shown);
            tcp.shutdown(std::net::Shutdown::Write).unwrap();
            raw::drain(&mut tcp);
        });
        (format!("https://{address}"), receiver)
    }

    async fn asked_by(self, transport: &HttpTransport) -> Result<Response, Error> {
        transport.send(request(self.start().0)).await
    }
}

fn showing(certificate: &Issued) -> HttpTransport {
    let config =
        trusting().with_client_certificate_pem(&*certificate.certificate, certificate.secret_key());
    HttpTransport::new(&config).unwrap()
}

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
async fn an_unknown_authority_is_refused() {
    let stranger = Authority::new("Somebody else").issue(HOST);
    let server = Server { certificate: stranger, ..Server::new() };
    assert_failed(server.asked_by(&transport()).await, ErrorKind::Tls);
}

#[tokio::test]
async fn the_platform_does_not_trust_a_private_authority() {
    match HttpTransport::new(&HttpConfig::new()) {
        Ok(transport) => {
            assert_failed(Server::new().asked_by(&transport).await, ErrorKind::Tls);
        }
        // The platform trusts nobody.
        Err(error) => assert_eq!(error.kind(), ConfigErrorKind::Roots),
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let server = Server { certificate: AUTHORITY.issue("smsp.example"), ..Server::new() };
    assert_failed(server.asked_by(&transport()).await, ErrorKind::Tls);
}

#[tokio::test]
async fn a_missing_client_certificate_is_a_tls_error() {
    for version in [&TLS13, &TLS12] {
        let server = Server { versions: vec![version], ..Server::demanding() };
        assert_failed(server.asked_by(&transport()).await, ErrorKind::Tls);
    }
}

#[tokio::test]
async fn a_client_certificate_of_another_authority_is_a_tls_error() {
    let client = showing(&Authority::new("Somebody else").issue("endpoint.example"));
    for version in [&TLS13, &TLS12] {
        let server = Server { versions: vec![version], ..Server::demanding() };
        assert_failed(server.asked_by(&client).await, ErrorKind::Tls);
    }
}

#[tokio::test]
async fn a_body_without_length_ends_with_the_session() {
    let answer = "HTTP/1.1 200 OK\r\n\r\n<family>SMITH";
    let whole = Server { answer, ..Server::new() }.asked_by(&transport()).await.unwrap();
    assert_eq!(whole.body().expose(), "<family>SMITH");
    // Somebody on the path can end the connection, but not the session.
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
async fn a_handshake_that_breaks_off_is_no_connection() {
    let (address, _) = raw::answer("", Then::Close);
    let result = transport().send(request(format_args!("https://{address}"))).await;
    assert_failed(result, ErrorKind::Connect);
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_no_connection() {
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
