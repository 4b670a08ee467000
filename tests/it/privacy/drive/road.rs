//! Every fault of the connection: no server, no HTTP, no TLS, too large, too slow, redirected.

use super::{ask_everything, client, simulator};
use crate::http::raw::closed_port;
use crate::privacy::ears::Ears;
use crate::privacy::person::{FAMILY, NOTE, NUMBER};
use crate::privacy::samples::http::{authority, new_authority};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use nhs_pds::secret::Secret;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{Request, Transport};
use nhs_pds_simulator::Server;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

fn config() -> HttpConfig {
    HttpConfig::new()
        .with_root_certificates_pem(authority().pem())
        .with_connect_timeout(Duration::from_millis(500))
        .with_total_timeout(Duration::from_millis(500))
}

/// Serves each connection on a thread of its own, for as long as the process lasts.
fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || handle(stream));
        }
    });
    address
}

/// Head and body of the next request; `None` at the end.
fn read_request(stream: &mut impl Read) -> Option<(String, String)> {
    let (mut read, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            // Without a length there is no body.
            let length = headers(head)
                .get(CONTENT_LENGTH)
                .map_or(Ok(0), |length| length.to_str().unwrap().parse());
            if length.is_ok_and(|length: usize| body.len() >= length) {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
    }
}

fn headers(head: &str) -> HeaderMap {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// Responds to every request with these bytes, and then closes, or sends nothing more.
fn answering(bytes: String, hold: bool) -> SocketAddr {
    serve(move |mut stream| {
        if read_request(&mut stream).is_some() {
            let _gone = stream.write_all(bytes.as_bytes());
            if hold {
                let _end = stream.read(&mut [0; 9]);
            }
        }
    })
}

/// Responds with the person in every place of a response.
fn answers() -> Vec<(String, bool)> {
    let whole = |head: &str| format!("{head}\r\nContent-Length: 11\r\n\r\n{FAMILY}");
    let heads = [
        format!("HTTP/1.1 200 {FAMILY}\r\nContent-Type: {FAMILY}/{NUMBER}\r\nX-{FAMILY}: {NOTE}"),
        format!("HTTP/1.1 302 Found\r\nLocation: https://host.example/{FAMILY}?number={NUMBER}"),
        format!("HTTP/1.1 301 Moved\r\nLocation: /{FAMILY}"),
        format!("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"{FAMILY}\""),
        format!("HTTP/1.1 503 Busy\r\nRetry-After: {FAMILY}\r\nSet-Cookie: name={FAMILY}"),
        format!("HTTP/1.1 429 Busy\r\nRetry-After: 0\r\nContent-Encoding: {FAMILY}"),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/xml; charset={FAMILY}"
        ),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {FAMILY}"),
        format!("HTTP/1.1 200 OK\r\n{FAMILY} {NUMBER}"),
        format!("HTTP/1.1 {FAMILY} {NUMBER}"),
        format!("{FAMILY}/1.1 200 OK"),
    ];
    let mut answers: Vec<_> = heads.iter().map(|head| (whole(head), false)).collect();
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (bytes, hold) in [
        (String::new(), false),
        (format!("{FAMILY}\r\n\r\n"), false),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{FAMILY}"), false),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{FAMILY}"), true),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: {NUMBER}\r\n\r\n{FAMILY}"), false),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: 5990000014\r\n\r\n{FAMILY}"), false),
        (format!("{chunked}{FAMILY}\r\n{FAMILY}\r\n"), false),
        (
            format!("{chunked}b;{FAMILY}={NOTE}\r\n{FAMILY}\r\n0\r\nX-{FAMILY}: {FAMILY}\r\n\r\n"),
            false,
        ),
        (
            format!("HTTP/1.1 200 OK\r\nX-{}: {}\r\n\r\n", FAMILY.repeat(99), NOTE.repeat(9999)),
            false,
        ),
        (format!("HTTP/1.1 200 OK\r\nX-{FAMILY}"), true),
    ] {
        answers.push((bytes, hold));
    }
    answers
}

/// Addresses at which no server responds correctly, and the configuration to reach them.
pub(super) fn roads() -> Vec<(String, HttpConfig)> {
    let closed = closed_port();
    let mut roads: Vec<(String, HttpConfig)> = vec![
        (format!("http://{closed}/smsp"), config()),
        (format!("https://{closed}/smsp"), config()),
        ("https://no-such-host.invalid/smsp".into(), config()),
        ("http://192.0.2.1/smsp".into(), config()),
        ("ftp://host.example/smsp".into(), config()),
        (
            "https://host.example/".into(),
            config().with_proxy(format!("http://{closed}").parse().unwrap()),
        ),
    ];
    for (bytes, hold) in answers() {
        let address = answering(bytes.clone(), hold);
        let config =
            if hold { config().with_total_timeout(Duration::from_millis(20)) } else { config() };
        roads.push((format!("http://{address}/smsp"), config.clone()));
        if !hold {
            let proxy = format!("http://{address}").parse().unwrap();
            roads.push(("https://host.example/smsp".into(), config.with_proxy(proxy)));
        }
    }
    roads
}

pub(super) async fn broken(ears: &Ears) -> String {
    let mut said = String::new();
    for (url, config) in roads() {
        let transport = Arc::new(HttpTransport::new(&config).unwrap());
        assert_eq!(ask_everything(ears, &client(&url, transport)).await, 0, "{url}");
        said += &ears.assert_silent(&url);
    }
    let server = Server::start(simulator()).await.unwrap();
    let transport = Arc::new(HttpTransport::new(&config().with_max_response_bytes(99)).unwrap());
    assert_eq!(ask_everything(ears, &client(&server.url(), transport)).await, 0);
    said + &ears.assert_silent("more than may be read") + &seen(ears).await
}

/// The parts of a request outside of its body, as a server receives them.
async fn seen(ears: &Ears) -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    let address = serve(move |mut stream| {
        while let Some((head, _)) = read_request(&mut stream) {
            sender.send(head).unwrap();
            let _gone = stream.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let transport = Arc::new(HttpTransport::new(&config()).unwrap());
    ask_everything(ears, &client(&format!("http://{address}/smsp"), transport)).await;
    let heads: Vec<String> = receiver.try_iter().collect();
    assert!(
        heads.len() > 12 && heads.iter().all(|head| head.starts_with("POST /smsp HTTP/1.1\r\n"))
    );
    heads.into_iter().for_each(|head| ears.text(head));
    ears.assert_silent("requests, without their bodies")
}

/// The simulator behind TLS, for clients with a certificate.
fn terminating(certificate: &str, key: &KeyPair) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority().der().clone()).unwrap();
    let clients = Arc::new(roots);
    let clients = WebPkiClientVerifier::builder_with_provider(clients, Arc::clone(&provider));
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain, key);
    let (config, simulator) = (Arc::new(config.unwrap()), simulator());
    serve(move |mut stream| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut stream);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        while let Some((head, body)) = read_request(&mut stream) {
            let url = "https://host.example/smsp/pds".parse().unwrap();
            let mut request = Request::post(url, body.into());
            for (name, value) in headers(&head) {
                request = request.with_header(name.unwrap(), value);
            }
            let response = runtime.block_on(simulator.send(request)).unwrap();
            let body = response.body().expose();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _gone = stream.write_all(&[head.as_bytes(), body].concat());
        }
    })
}

/// With TLS and mutual TLS, correct and broken; the first returns the person's record.
pub(super) async fn tls(ears: &Ears) -> String {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority()).unwrap().pem();
    // With the default time limits, so that each of its requests is answered.
    let known = HttpConfig::new()
        .with_root_certificates_pem(authority().pem())
        .with_client_certificate_pem(certificate.clone(), Secret::new(key.serialize_pem().into()));
    let whole = terminating(&certificate, &key);
    let transport = Arc::new(HttpTransport::new(&known).unwrap());
    let answers =
        ask_everything(ears, &client(&format!("https://{whole}/smsp/pds"), transport)).await;
    assert_eq!(answers, super::ALL_ANSWERS);
    let mut said = ears.assert_silent("mutual TLS");
    let stranger = config().with_root_certificates_pem(new_authority().pem());
    let alert = serve(|mut stream| {
        let _hello = stream.read(&mut [0; 4096]);
        let _gone = stream.write_all(&[21, 3, 3, 0, 2, 2, 40]);
    });
    let plain = serve(|mut stream| {
        let _hello = stream.read(&mut [0; 4096]);
        let _gone = stream.write_all(FAMILY.as_bytes());
    });
    for (name, url, config) in [
        ("no client certificate", format!("https://{whole}/smsp/pds"), config()),
        ("an unknown authority", format!("https://{whole}/smsp/pds"), stranger),
        ("another host", format!("https://localhost:{}/smsp/pds", whole.port()), known.clone()),
        ("an alert", format!("https://{alert}/smsp/pds"), known.clone()),
        ("no TLS", format!("https://{plain}/smsp/pds"), known),
    ] {
        let transport = Arc::new(HttpTransport::new(&config).unwrap());
        assert_eq!(ask_everything(ears, &client(&url, transport)).await, 0, "{name}");
        said += &ears.assert_silent(name);
    }
    said
}
