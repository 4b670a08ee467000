//! TLS servers on rustls.

use crate::http::authority::{Authority, Issued};
use crate::http::raw;
use crate::http::{AUTHORITY, BODY, request, trusting};
use nhs_pds::transport::http::HttpTransport;
use nhs_pds::transport::{Error, Response, Transport};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;

pub(crate) const HOST: &str = "127.0.0.1";
pub(crate) const PONG: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

/// A TLS server for one connection.
pub(crate) struct Server {
    pub(crate) certificate: Issued,
    /// The authority of the client certificates that it demands; `None` if it accepts every client.
    pub(crate) clients: Option<&'static Authority>,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    pub(crate) answer: &'static str,
    /// Whether it ends the TLS session before it ends the connection.
    pub(crate) orderly: bool,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            certificate: AUTHORITY.issue(HOST),
            clients: None,
            versions: vec![&TLS13, &TLS12],
            answer: PONG,
            orderly: true,
        }
    }

    pub(crate) fn demanding() -> Self {
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

    /// Returns its origin, and the number of certificates that the client showed, once it has responded.
    pub(crate) fn start(self) -> (String, mpsc::Receiver<usize>) {
        let (sender, receiver) = mpsc::channel();
        let mut connection = ServerConnection::new(Arc::new(self.config())).unwrap();
        let address = raw::serve(move |mut tcp| {
            let mut stream = rustls::Stream::new(&mut connection, &mut tcp);
            let mut seen = Vec::new();
            let mut piece = [0; 4096];
            while !seen.ends_with(BODY.as_bytes()) {
                // The client closed, or the handshake failed and the client got the alert.
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

    pub(crate) async fn asked_by(self, transport: &HttpTransport) -> Result<Response, Error> {
        transport.send(request(self.start().0)).await
    }

    /// Returns its origin, and the certificate of each request, over any number of connections.
    pub(crate) fn start_for_many(
        self,
    ) -> (String, mpsc::Receiver<Option<CertificateDer<'static>>>) {
        let (sender, receiver) = mpsc::channel();
        let config = Arc::new(self.config());
        let listener = TcpListener::bind((HOST, 0)).unwrap();
        let origin = format!("https://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let sender = sender.clone();
                thread::spawn(move || answer_all(connection, stream.unwrap(), &sender));
            }
        });
        (origin, receiver)
    }
}

/// Responds to every request of one connection.
fn answer_all(
    mut connection: ServerConnection,
    mut tcp: TcpStream,
    sender: &mpsc::Sender<Option<CertificateDer<'static>>>,
) {
    let mut stream = rustls::Stream::new(&mut connection, &mut tcp);
    loop {
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        while !seen.ends_with(BODY.as_bytes()) {
            let Ok(count @ 1..) = stream.read(&mut piece) else { return };
            seen.extend(piece.iter().take(count));
        }
        let shown = stream.conn.peer_certificates().and_then(|chain| chain.first());
        let _ = sender.send(shown.map(|certificate| certificate.clone().into_owned()));
        if stream.write_all(PONG.as_bytes()).is_err() {
            return;
        }
    }
}

pub(crate) fn showing(certificate: &Issued) -> HttpTransport {
    let config =
        trusting().with_client_certificate_pem(&*certificate.certificate, certificate.secret_key());
    HttpTransport::new(&config).unwrap()
}
